/**
 * C24: SIGKILL at every step of a release of all shapes. What was committed is inserted whole, and never computed again:
 * with noise on, a second computation would be another. And a released number never changes (INV-15).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DAY, HOUR } from '@tacit/contracts'
import { readManifest } from '@tacit/disclosure'
import t, { type Test } from 'tap'
import type { KillPoint, ReleaseProcess } from './testing/release-process-options.js'
import { type TestProcess, TestStores, testServer } from './testing/stores.js'
import { DAY_START, EPOCH } from './testing/traffic.js'
import { noisedUse, USE } from './testing/use.js'

t.setTimeout(240_000)
t.jobs = 4
const PROCESS = fileURLToPath(new URL('./testing/release-process.js', import.meta.url))
const server = await testServer(t)
const dir = t.testdir()
const CLOSE = DAY_START + DAY + HOUR
const DEATH = DAY_START + 3 * DAY
const STATISTICS = ['pages', 'features', 'speed', 'invoice', 'payroll']

/** `full`: only in the full run: it differs little from its neighbours */
const POINTS: readonly (KillPoint & { readonly committed: boolean; readonly full?: true })[] = [
  { when: 'before', call: 'warehouse.clean', committed: false, full: true },
  { when: 'after', call: 'warehouse.clean', committed: false },
  { when: 'during', call: 'rows.trees', committed: false, full: true },
  { when: 'after', call: 'rows.trees', committed: false },
  { when: 'after', call: 'rows.funnel', committed: false, full: true },
  { when: 'after', call: 'rows.drop', committed: false, full: true },
  { when: 'before', call: 'state.commitWindow', committed: false },
  { when: 'after', call: 'state.commitWindow', committed: true },
  { when: 'before', call: 'evidence.record', committed: true, full: true },
  { when: 'after', call: 'evidence.record', committed: true },
  { when: 'before', call: 'warehouse.insertCells', committed: true, full: true },
  { when: 'during', call: 'warehouse.insertCells', committed: true },
  { when: 'after', call: 'warehouse.insertCells', committed: true },
  // The first says that it is on record, the second that it is released.
  { when: 'before', call: 'state.putWindow', nth: 2, committed: true },
  { when: 'after', call: 'state.putWindow', nth: 2, committed: true, full: true },
]

/** Everything that the cells of a day say, as the answers to the queries of its statistics. */
async function answers({ warehouse }: TestProcess): Promise<string> {
  const found = await Promise.all(
    STATISTICS.flatMap((statistic) =>
      ['hour', 'day'].flatMap((window) =>
        [1, 2].map((depth) => warehouse.queryCells({ statistic, window, depth })),
      ),
    ),
  )
  return JSON.stringify(found)
}

function committed({ state }: TestProcess) {
  return state.window('day', EPOCH).manifests.map((id) => state.manifest(id))
}

/** Staged rows of a day that has closed, of which nothing is computed yet. */
async function prepared(stores: TestStores): Promise<void> {
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open((doors) => ({
    ...doors,
    warehouse: { ...doors.warehouse, clean: () => Promise.reject(new Error('not yet')) },
  }))
  await running.collector.send(DAY_START + 23 * HOUR, USE)
  await running.collector.watermark(CLOSE)
  await running.advance(CLOSE).catch((error: Error) => {
    if (error.message !== 'not yet') throw error
  })
  await running.close()
}

async function killed(t: Test, options: ReleaseProcess): Promise<void> {
  const child = spawn(process.execPath, [PROCESS, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  t.equal(signal, 'SIGKILL', `it is killed ${output}`)
}

/** One day whose release is killed at a point, and brought to its end. */
async function play(
  t: Test,
  at: number,
  { committed: isCommitted, ...point }: KillPoint & { readonly committed: boolean },
): Promise<void> {
  const name = `killed_${String(at)}`
  const stores = new TestStores(join(dir, name), server, name, noisedUse())
  await prepared(stores)
  await killed(t, {
    dir: join(dir, name),
    server: { address: server.address },
    database: name,
    now: CLOSE,
    point,
  })
  const next = await stores.open()
  const before = committed(next)
  t.equal(
    before.length,
    isCommitted ? 6 : 0,
    'manifests that were committed: five statistics, one of them by the hour too',
  )
  t.equal(next.state.budget.rows('erp').length, isCommitted ? 1 : 0, 'and charged with them')
  await next.advance(CLOSE)
  const after = committed(next)
  if (isCommitted) t.same(after, before, 'they are never computed again')
  t.equal(after.length, 6)
  t.equal(next.state.budget.rows('erp').length, 1, 'charged once')
  t.match(next.state.window('day', EPOCH), { status: 'released', reconciled: true })
  t.same(stores.alarms, [])
  const told = await answers(next)
  const cells = after.flatMap((one) => (one === undefined ? [] : readManifest(one.text, one.hash).cells))
  t.equal((JSON.parse(told) as unknown[][]).flat().length, cells.length, 'inserted whole, each cell once')
  t.ok(cells.length >= 5, `${String(cells.length)} cells`)
  const numbers = (
    list: readonly { users: number | null; events: number | null; dims: readonly string[] }[],
  ) => list.map(({ dims, events, users }) => JSON.stringify([dims, users, events])).sort()
  t.same(
    numbers((JSON.parse(told) as Parameters<typeof numbers>[0][]).flat()),
    numbers(cells),
    'as they were committed',
  )
  await next.close()
  const last = await stores.open()
  t.equal(await answers(last), told, 'INV-15: the same bytes after a restart')
  await last.advance(DEATH)
  t.equal(await last.warehouse.stagedRows('day', EPOCH), 0)
  t.equal(await answers(last), told, 'INV-15: and when its rows are gone')
  await last.close()
}

for (const [at, { full, ...point }] of POINTS.entries()) {
  if (full === true && process.env['TACIT_TEST_FULL'] !== '1') continue
  const nth = point.nth === undefined ? '' : ` no. ${String(point.nth)}`
  void t.test(`C24: killed ${point.when} ${point.call}${nth}`, { buffered: true }, (t) => play(t, at, point))
}
