/**
 * A process that dies at any step. Whatever the step, the next process ends where an undisturbed one would: each row in
 * staging once, each event in the ledger once, the same cells, the keys gone (design.md, decisions 6 and 7; P1–P9).
 */
import { join } from 'node:path'
import { DAY, HOUR } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { behind, Death } from './testing/interrupt.js'
import { erpRulebook, type TestProcess, TestStores, testServer } from './testing/stores.js'
import { DAY_START, EPOCH, pageViews, type Row } from './testing/traffic.js'

t.setTimeout(240_000)
const server = await testServer(t)
const rulebook = erpRulebook('pages', 'devices')
const MIDDAY = DAY_START + 12 * HOUR
const CLOSE = DAY_START + DAY + HOUR
const DEATH = DAY_START + DAY + 2 * DAY

const ROWS: readonly Row[] = [
  ...pageViews({ tenants: 6, perTenant: 8 }, '/dashboard'),
  ...pageViews({ tenants: 6, perTenant: 4 }, '/invoices'),
  ...pageViews({ tenants: 3, perTenant: 2 }, '/payroll'),
]

/** Two batches: what happened in the six hours before the hour of receipt, and before the one after it. */
async function send({ collector }: TestProcess, received: number): Promise<void> {
  for (const hour of [received, received + 6 * HOUR]) {
    const rows = ROWS.filter(({ at }) => at >= hour - 6 * HOUR && at < hour)
    await collector.send(hour - HOUR, rows, { dropped: { 'consent.denied': 1 } })
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
  /** rows that came after the death, into an hour that was on its way */
  readonly again: number
  readonly died: boolean
  readonly calls: readonly string[]
}

/** What an import after the death receives once more in an hour that is not settled: nothing of it may be lost. */
const AGAIN = pageViews({ tenants: 1, perTenant: 7, prefix: 'again-' }, '/again', MIDDAY)

async function receiveAgain({ collector, state }: TestProcess, { keeper }: TestStores): Promise<number> {
  const hour = keeper.liveHours[0]
  if (hour === undefined || hour >= DAY_START + DAY || state.window('day', EPOCH).status !== 'open') return 0
  await collector.send(hour, AGAIN)
  return AGAIN.length
}

interface PlayOptions {
  /** whether rows come after the death in an hour from before it */
  readonly isReceivedAgain?: boolean
}

/** One day from its first beacon to its root's death, under a process that dies once. */
async function play(
  dir: string,
  name: string,
  death: Death,
  { isReceivedAgain = false }: PlayOptions = {},
): Promise<Played> {
  let again = 0
  const stores = new TestStores(dir, server, name, rulebook)
  stores.keeper.openEpoch(EPOCH)
  let running = await stores.open(behind(death.hook))
  /** Does a thing; where the process dies of it, a new one does it again. */
  async function survive(action: (tacit: TestProcess) => Promise<unknown>): Promise<void> {
    if (death.dead) return void (await action(running))
    const first = action(running)
    if ((await Promise.race([first, death.happened])) !== 'died') return
    await running.close()
    running = await stores.open()
    if (isReceivedAgain) {
      // As whoever opens a realm does; the other days leave it to the next settling.
      await running.aggregator.finishMoves()
      again = await receiveAgain(running, stores)
    }
    await action(running)
  }
  await send(running, DAY_START + 6 * HOUR)
  await running.log.append(await brokenBatch(running), DAY_START + 11 * HOUR)
  await survive(({ aggregator }) => aggregator.stage())
  await running.log.append(Buffer.from('not a sealed batch, but long enough'), MIDDAY)
  await send(running, DAY_START + 18 * HOUR)
  await running.collector.watermark(MIDDAY)
  await survive((tacit) => tacit.advance(MIDDAY))
  await running.collector.watermark(DAY_START + DAY)
  await running.collector.watermark(CLOSE)
  await survive((tacit) => tacit.advance(CLOSE))
  const staged = await running.warehouse.stagedRows('day', EPOCH)
  const window = running.state.window('day', EPOCH)
  await survive((tacit) => tacit.advance(DEATH))
  const outcome: Outcome = {
    staged,
    window: { ...window },
    ledger: running.aggregator.ledger(),
    cells: await Promise.all(
      rulebook.statistics.map(({ id }) => running.warehouse.queryCells({ statistic: id, window: 'day' })),
    ),
    quarantined: stores.alarms.some((alarm) => alarm.includes('set aside')),
    dropped: await running.warehouse.stagedRows('day', EPOCH),
    landing: (await running.warehouse.landingHours('day')).length,
    liveHours: stores.keeper.liveHours,
    windowAfter: JSON.stringify(running.state.window('day', EPOCH)),
  }
  await running.close()
  return { outcome, again, died: death.dead, calls: death.calls }
}

/** A batch that ClickHouse refuses for its data. */
function brokenBatch({ collector }: TestProcess): Promise<Buffer> {
  const rows = pageViews({ tenants: 1, perTenant: 1, prefix: 'broken-' }, '/items', DAY_START + 11 * HOUR)
  return collector.seal(DAY_START + 11 * HOUR, rows, {}, (lines) => lines.replace('"2026-11-02"', '"no day"'))
}

const clean = await play(join(t.testdir(), 'clean'), 'clean', new Death(-1))

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
  const total = (count: (row: (typeof ledger)[number]) => number) =>
    ledger.reduce((sum, row) => sum + count(row), 0)
  t.equal(
    total(({ accepted }) => accepted),
    ROWS.length + 1,
  )
  t.equal(
    total(({ dropped }) => dropped['consent.denied'] ?? 0),
    4,
  )
  t.equal(
    total(({ received }) => received),
    ROWS.length + 5,
  )
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

/** Steps that follow the same step differ in nothing that recovery reads: one of them is enough, but in the full run. */
function tried(calls: readonly string[]): number[] {
  const pairs = calls.map((call, at) => `${calls[at - 1] ?? ''} ${call}`)
  const isFull = process.env['TACIT_TEST_FULL'] === '1'
  return [...calls.keys()].filter((at) => isFull || pairs.indexOf(pairs[at] as string) === at)
}

/** Days that are played at a time: most of their time they wait for ClickHouse. */
const AT_ONCE = 6

/** Plays the day once for each of these steps, with a death before it. */
async function playEach(
  t: Test,
  steps: readonly number[],
  options: PlayOptions,
  judge: (played: Played, name: string) => void,
): Promise<void> {
  const dir = t.testdir()
  const left = [...steps]
  while (left.length > 0) {
    await Promise.all(
      left.splice(0, AT_ONCE).map(async (step) => {
        const database = `${options.isReceivedAgain === true ? 'again' : 'before'}_${String(step)}`
        const played = await play(join(dir, String(step)), database, new Death(step), options)
        const name = `before step ${String(step)}, ${String(clean.calls[step])}`
        t.ok(played.died, `${name}: it is reached`)
        judge(played, name)
      }),
    )
  }
}

t.test('a death before any step changes nothing that comes of it', { timeout: 120_000 }, async (t) => {
  await playEach(t, tried(clean.calls), {}, ({ outcome }, name) => t.same(outcome, clean.outcome, name))
})

const SETTLING = /\.(?:intendToSettle|settle|dropLanding|moved|destroyLogKey|clearQuarantine|settled)$/

t.test(
  'what comes after a death into an hour that was being settled is not lost',
  { timeout: 120_000 },
  async (t) => {
    const steps = tried(clean.calls).filter((step) => SETTLING.test(clean.calls[step] ?? ''))
    let times = 0
    await playEach(t, steps, { isReceivedAgain: true }, ({ again, outcome }, name) => {
      if (again > 0) times++
      t.equal(outcome.staged, clean.outcome.staged + again, name)
      t.match(outcome.window, { staged: ROWS.length + again, expired: 0, reconciled: true }, name)
      t.equal(outcome.landing, 0, name)
    })
    t.ok(times >= 5, `${String(times)} of ${String(steps.length)} times something came`)
  },
)
