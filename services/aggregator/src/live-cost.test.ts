/** What counting the people of five minutes costs this process, next to staging the very same batches. */
import { join } from 'node:path'
import { HOUR, MINUTE } from '@tacit/contracts'
import t from 'tap'
import { LiveCounter } from './live.js'
import { erpRulebook, TestStores, testServer } from './testing/stores.js'
import { liveRulebook } from './testing/live-rulebook.js'
import { DAY_START, EPOCH, pageViews } from './testing/traffic.js'

const ROUNDS = 3
const BATCHES = 1_500
const ROWS = 40
/** Each batch is opened once more, and its rows are read, which staging does not. */
const MOST = 2.5
const NOON = DAY_START + 12 * HOUR
const WINDOW = 5 * MINUTE

/** ms of this process on a processor */
async function costOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1_000
}

t.test('counting people costs about as much as staging their rows', { timeout: 120_000 }, async (t) => {
  const rulebook = liveRulebook(erpRulebook('pages'))
  const stores = new TestStores(join(t.testdir(), 'cost'), await testServer(t), 'cost', rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open()
  t.teardown(() => running.close())
  const counter = new LiveCounter({
    ...running,
    rulebooks: stores.rulebooks,
    membership: { isOwner: true },
    alarm: (message) => t.fail(message),
  })
  await counter.round(NOON)
  const ratios: number[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    const rows = pageViews({ tenants: 60, perTenant: 200, prefix: `${String(round)}-` }, '/dashboard').map(
      (row) => ({
        ...row,
        at: NOON,
      }),
    )
    await Promise.all(
      Array.from({ length: BATCHES }, (_none, batch) => {
        const from = (batch * ROWS) % rows.length
        return running.collector.send(NOON, rows.slice(from, from + ROWS))
      }),
    )
    const now = NOON + round * WINDOW
    const counting = await costOf(() => counter.round(now))
    const staging = await costOf(() => running.aggregator.stage())
    t.match(await running.warehouse.live(now), [{ users: 12_000 }])
    t.comment(
      `${String(BATCHES * ROWS)} rows: counted in ${counting.toFixed(0)} ms of a core, staged in ${staging.toFixed(0)} ms`,
    )
    ratios.push(counting / staging)
  }
  const ratio = ratios.toSorted((a, b) => a - b)[1] ?? Number.POSITIVE_INFINITY
  t.comment(`ratio ${ratio.toFixed(2)}`)
  t.ok(ratio <= MOST, `${ratio.toFixed(2)} is at most ${String(MOST)}`)
})
