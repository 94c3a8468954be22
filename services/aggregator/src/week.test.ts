/** Windows of a week: they close, their counts add up though their rows are a set, and no day waits for them. */
import { join } from 'node:path'
import { DAY, HOUR } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { erpRulebook, TestStores, testServer } from './testing/stores.js'
import { DAY_START, EPOCH, pageViews, type WeekRow } from './testing/traffic.js'

const server = await testServer(t)
const dir = t.testdir()
/** 2026-11-02 is a Monday. */
const WEEK = 'week:2026-11-02'
const CLOSE_OF_DAY = DAY_START + DAY + HOUR
const CLOSE_OF_WEEK = DAY_START + 7 * DAY + HOUR
const DEATH_OF_WEEK = DAY_START + 9 * DAY

const cameBack = (person: number, at: number): WeekRow => ({
  at,
  person: `person-${String(person)}`,
  tenant: `tenant-${String(person % 4)}`,
  statistic: 'retention',
  dims: { cohort: '2026-03' },
})
const crowd = (at: number): readonly WeekRow[] => Array.from({ length: 40 }, (_none, i) => cameBack(i, at))

async function open(t: Test, name: string) {
  const stores = new TestStores(join(dir, name), server, name, erpRulebook('pages', 'retention'))
  stores.keeper.openEpoch(EPOCH)
  stores.keeper.openEpoch(WEEK)
  const running = await stores.open()
  t.teardown(() => running.close())
  return { running, stores }
}

t.test('of a week, rows that were there already are counted as such, and the sum holds', async (t) => {
  const { running, stores } = await open(t, 'merged')
  for (const day of [0, 1, 2]) {
    const at = DAY_START + day * DAY + 10 * HOUR
    await running.collector.send(at, [], { week: crowd(at) })
    await running.collector.watermark(at + HOUR)
    await running.advance(at + HOUR)
  }
  await running.collector.watermark(CLOSE_OF_WEEK)
  await running.advance(CLOSE_OF_WEEK)
  t.match(running.state.window('week', WEEK), {
    status: 'released',
    accepted: 120,
    staged: 40,
    deduplicated: 80,
    reconciled: true,
  })
  await running.advance(DEATH_OF_WEEK)
  t.match(running.state.window('week', WEEK), { dropped: true })
  t.equal(await running.warehouse.stagedRows('week', WEEK), 0)
  t.same(stores.alarms, [])
})

t.test('a week of which nothing came to staging does not add up', async (t) => {
  const { running, stores } = await open(t, 'lost')
  await running.collector.send(DAY_START + 10 * HOUR, [], { week: crowd(DAY_START) })
  await running.collector.watermark(CLOSE_OF_WEEK - HOUR)
  await running.advance(CLOSE_OF_WEEK - HOUR)
  await running.warehouse.dropEpoch('week', WEEK)
  await running.collector.watermark(CLOSE_OF_WEEK)
  await running.advance(CLOSE_OF_WEEK)
  t.match(running.state.window('week', WEEK), { accepted: 40, staged: 0, reconciled: false })
  t.match(stores.alarms, [/does not reconcile/])
})

t.test('a day is released though an hour of the next one waits to be mixed with others', async (t) => {
  const { running } = await open(t, 'unmixed')
  const evening = DAY_START + 23 * HOUR
  await running.collector.send(evening, pageViews({ tenants: 6, perTenant: 6 }, '/dashboard'), {
    week: crowd(evening),
  })
  const night = DAY_START + DAY
  await running.collector.send(night, pageViews({ tenants: 6, perTenant: 6 }, '/dashboard', night), {
    week: crowd(night),
  })
  await running.collector.watermark(CLOSE_OF_DAY)
  const { released } = await running.advance(CLOSE_OF_DAY)
  t.same(
    running.state.receiptHours(CLOSE_OF_DAY).map(({ hour }) => hour),
    [night],
    'too few beacons to move alone',
  )
  t.match(released, [
    { statistic: 'pages', window: 'hour', windowStart: DAY_START },
    { statistic: 'pages', window: 'day', windowStart: DAY_START },
  ])
  t.equal((await running.warehouse.queryCells({ statistic: 'pages', window: 'day' })).length, 1)
})
