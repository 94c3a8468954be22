/**
 * A process that dies at any step. Whatever the step, the next process ends where an undisturbed one would: each row in
 * staging once, each event in the ledger once, the same cells, the keys gone (design.md, decisions 6 and 7; P1–P9).
 */
import { DAY, HOUR } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { behind, Death } from './testing/interrupt.js'
import { erpRulebook, type TestProcess, TestStores, testServer } from './testing/stores.js'
import { DAY_START, EPOCH, pageViews, type Row } from './testing/traffic.js'

const server = await testServer(t)
const rulebook = erpRulebook()
const MIDDAY = DAY_START + 12 * HOUR
const CLOSE = DAY_START + DAY + HOUR
const DEATH = DAY_START + DAY + 2 * DAY

const ROWS: readonly Row[] = [
  ...pageViews({ tenants: 6, perTenant: 8 }, '/dashboard'),
  ...pageViews({ tenants: 6, perTenant: 4 }, '/invoices'),
  ...pageViews({ tenants: 3, perTenant: 2 }, '/payroll'),
]

const hourOfDay = (row: Row) => Math.floor((row.at - DAY_START) / HOUR)

async function sendHours(process: TestProcess, from: number, to: number): Promise<void> {
  for (let hour = from; hour < to; hour++) {
    const rows = ROWS.filter((row) => hourOfDay(row) === hour)
    await process.collector.send(DAY_START + hour * HOUR, rows, { dropped: { 'consent.denied': 1 } })
  }
}

interface Outcome {
  readonly staged: number
  readonly window: object
  readonly ledger: object
  readonly cells: object
  readonly quarantined: boolean
  readonly dropped: number
  readonly landing: number
  readonly liveHours: readonly number[]
  readonly windowAfter: string
}

interface Played {
  readonly outcome: Outcome
  readonly died: boolean
  readonly calls: readonly string[]
}

/** One day from its first beacon to its root's death, under a process that dies once. */
async function play(t: Test, name: string, death: Death): Promise<Played> {
  const stores = new TestStores(t.testdir(), server, name, rulebook)
  stores.keeper.openEpoch(EPOCH)
  let process = await stores.open(behind(death.hook))
  /** Does a thing; where the process dies of it, a new one does it again. */
  async function survive(action: (running: TestProcess) => Promise<unknown>): Promise<void> {
    const first = action(process)
    if ((await Promise.race([first, death.happened])) !== 'died') return
    await process.close()
    process = await stores.open()
    await action(process)
  }
  await sendHours(process, 0, 12)
  await process.log.append(await brokenBatch(process), DAY_START + 11 * HOUR)
  await survive(({ aggregator }) => aggregator.stage())
  await process.log.append(Buffer.from('not a sealed batch, but long enough'), MIDDAY)
  await sendHours(process, 12, 24)
  await process.collector.watermark(MIDDAY)
  await survive((running) => running.advance(MIDDAY))
  await process.collector.watermark(DAY_START + DAY)
  await process.collector.watermark(CLOSE)
  await survive((running) => running.advance(CLOSE - 1))
  const staged = await process.warehouse.stagedRows('day', EPOCH)
  await survive((running) => running.advance(CLOSE))
  const window = process.state.window('day', EPOCH)
  await survive((running) => running.advance(DEATH))
  const outcome: Outcome = {
    staged,
    window: { ...window },
    ledger: process.aggregator.ledger(),
    cells: await Promise.all(
      rulebook.statistics.map(({ id }) => process.warehouse.queryCells({ statistic: id, window: 'day' })),
    ),
    quarantined: stores.alarms.some((alarm) => alarm.includes('set aside')),
    dropped: await process.warehouse.stagedRows('day', EPOCH),
    landing: (await process.warehouse.landingHours('day')).length,
    liveHours: stores.keeper.liveHours,
    windowAfter: JSON.stringify(process.state.window('day', EPOCH)),
  }
  await process.close()
  return { outcome, died: death.dead, calls: death.calls }
}

/** A batch that ClickHouse refuses for its data. */
function brokenBatch({ collector }: TestProcess): Promise<Buffer> {
  const rows = pageViews({ tenants: 1, perTenant: 1, prefix: 'broken-' }, '/items', DAY_START + 11 * HOUR)
  return collector.seal(DAY_START + 11 * HOUR, rows, {}, (lines) => lines.replace('2026-11-02', '2026-15-42'))
}

const clean = await play(t, 'clean', new Death(-1, 'before'))

t.test('an undisturbed day ends as the arithmetic says', async (t) => {
  const { outcome } = clean
  t.equal(outcome.staged, ROWS.length)
  t.match(outcome.window, {
    status: 'released',
    accepted: ROWS.length + 1,
    staged: ROWS.length,
    quarantined: 1,
    expired: 0,
    deduplicated: 0,
    reconciled: true,
  })
  const ledger = outcome.ledger as { received: number; accepted: number; dropped: Record<string, number> }[]
  t.equal(ledger.length, 24)
  const total = (count: (row: (typeof ledger)[number]) => number) => ledger.reduce((sum, row) => sum + count(row), 0)
  t.equal(total(({ accepted }) => accepted), ROWS.length + 1)
  t.equal(total(({ dropped }) => dropped['consent.denied'] ?? 0), 24)
  t.equal(total(({ received }) => received), ROWS.length + 25)
  const [pages] = outcome.cells as { dims: string[]; users: number; events: number }[][]
  t.match(pages, [
    { dims: ['/dashboard'], users: 40, events: 48 },
    { dims: ['/invoices'], users: 20, events: 24 },
  ])
  t.equal(pages?.length, 2, 'six people of three tenants are no cell')
  t.equal(outcome.dropped, 0)
  t.equal(outcome.landing, 0)
  t.same(outcome.liveHours, [CLOSE], 'only the hour that is not over has a log key')
  t.ok(outcome.quarantined)
})

const steps = clean.calls.length
for (const when of ['before', 'after'] as const) {
  t.test(`a death ${when} any of the ${String(steps)} steps changes nothing that comes of it`, async (t) => {
    for (let at = 0; at < steps; at++) {
      const death = new Death(at, when)
      const played = await play(t, `${when}_${String(at)}`, death)
      const step = `${when} step ${String(at)}, ${String(clean.calls[at])}`
      t.ok(played.died, `${step}: reached`)
      t.same(played.outcome, clean.outcome, step)
    }
  })
}
