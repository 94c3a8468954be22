/**
 * SIGKILL during `tacit import`, then the same import again. What was released stays as it is, and, because beacons
 * carry ids, every cell is in the end what one undisturbed import gives.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startVerb } from '../support/crash/instance.js'
import { createSetting, seededChance, testSeed } from '../support/crash/setting.js'
import { readStores, rootsByLabel, type StoredCell } from '../support/crash/stores.js'

const DAY = 86_400_000
const DAYS = 3
const BEACONS_A_DAY = 1_500
const PEOPLE = 60
const KILLS = process.env['TACIT_TEST_FULL'] === '1' ? 20 : 2
const ATTEMPTS = 8

// The runner has a limit for the file.
t.setTimeout(0)

/** NDJSON of beacons over whole days that lie in the past. @returns events */
function writeBeacons(file: string): number {
  const chance = seededChance(7)
  const start = Math.floor(Date.now() / DAY) * DAY - 10 * DAY
  let events = 0
  const lines = Array.from({ length: DAYS * BEACONS_A_DAY }, (_, at) => {
    const who = chance.below(PEOPLE)
    const sent = Array.from({ length: 1 + chance.below(2) }, () => ({
      id: `event-${events++}`,
      name: 'page_view',
      age: chance.below(60_000),
      path: `/${['home', 'docs', 'blog', 'about'][chance.below(4)]}`,
    }))
    return JSON.stringify({
      time: new Date(start + Math.floor(((at + 0.5) * DAY) / BEACONS_A_DAY)).toISOString(),
      ip: `198.51.${who}.7`,
      headers: {
        origin: 'https://www.example.in',
        'user-agent': `Mozilla/5.0 (X11; Linux x86_64) Chrome/${100 + who}.0`,
      },
      body: { v: 1, site: 'website', events: sent },
    })
  })
  writeFileSync(file, `${lines.join('\n')}\n`)
  return events
}

function inOrder(cells: readonly StoredCell[]): StoredCell[] {
  return cells.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

t.test('an import that was killed, and then repeated, ends as an undisturbed one', async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${seed}`)
  const chance = seededChance(seed)
  const root = t.testdir()
  const { rulebook } = createSetting(join(root, 'setting'))
  const file = join(root, 'beacons.ndjson')
  const events = writeBeacons(file)
  const start = (dir: string) =>
    startVerb(['import', file, '--format', 'beacons', '--rulebook', rulebook, '--data', dir, '--json'])

  const undisturbed = start(join(root, 'undisturbed'))
  const { code, ms } = await undisturbed.exited
  t.equal(code, 0, undisturbed.output())
  const expected = await readStores(join(root, 'undisturbed'), 0)
  const accepted = expected.ledger.reduce((sum, row) => sum + row.accepted, 0)
  t.equal(accepted, events, 'every event is accepted')
  t.ok(expected.cells.length > DAYS, 'there are cells to compare')

  let typicalMs = ms
  /** An import in a folder of its own that SIGKILL cut short; one that was over by then is none, and tells how long they take. */
  const cutShort = async (name: string): Promise<string> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const dir = join(root, `${name}-${String(attempt)}`)
      const killed = start(dir)
      await sleep(chance.between(0.3, 1) * typicalMs)
      killed.kill('SIGKILL')
      const ended = await killed.exited
      if (ended.signal === 'SIGKILL') return dir
      typicalMs = Math.min(typicalMs, ended.ms)
    }
    throw new Error(`${String(ATTEMPTS)} imports were over before they were killed`)
  }
  for (let at = 0; at < KILLS; at++) {
    const dir = await cutShort(`killed-${String(at)}`)
    const before = existsSync(join(dir, 'main/rulebook')) ? (await readStores(dir, 0)).cells : []

    const again = start(dir)
    t.equal((await again.exited).code, 0, again.output())
    const after = await readStores(dir, 0)
    const windows = new Set(before.map(({ statistic, windowStart }) => `${statistic} ${windowStart}`))
    const kept = after.cells.filter(({ statistic, windowStart }) =>
      windows.has(`${statistic} ${windowStart}`),
    )
    t.same(inOrder(kept), inOrder(before), 'what was released never changes')
    t.same(inOrder(after.cells), inOrder(expected.cells), 'every cell is that of an undisturbed import')
    const { received, sum } = after.ledger.reduce(
      (total, row) => ({
        received: total.received + row.received,
        sum: Object.values(row.dropped).reduce((dropped, count) => dropped + count, total.sum + row.accepted),
      }),
      { received: 0, sum: 0 },
    )
    t.equal(received, sum, 'the ledger adds up')
    t.ok(received >= events && received <= 2 * events, 'and counts what either of them read')
    t.same(
      [...rootsByLabel(dir)].filter(([, { opened }]) => opened > 1),
      [],
      'nothing ever had two roots',
    )
  }
})
