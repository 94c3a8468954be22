/** C7, C8, C9, C10, C11, C13, C17: what the server itself refuses, by its own words, and what it must not let through. */
import { DAY, HOUR, utcDay } from '@tacit/contracts'
import { DAY_START, testServer } from '@tacit/aggregator/testing'
import t from 'tap'
import { FaultyAggregator } from '../support/clickhouse/faulty-aggregator.js'

const server = await testServer(t)
// Most of their time goes into waiting before the next try.
t.jobs = 4
const BESIDE = { buffered: true }
const INSERT = /^INSERT INTO .*landing/

t.test(
  'C7: rows that ClickHouse refuses for their data are set aside, and stop nothing',
  BESIDE,
  async (t) => {
    const faulty = await FaultyAggregator.open(t, server, 'c7')
    await faulty.send()
    await faulty.sendBroken()
    await faulty.send()
    await faulty.recovers(t)
    t.equal(faulty.stores.alarms.length, 1)
  },
)

t.test('C7: the error number of data, and nothing else, sets a batch aside', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c7_alone')
  await faulty.send()
  const [id] = await faulty.send()
  t.ok(id)
  // Refused together, then the first alone is taken and the second refused.
  faulty.proxy.next(INSERT, { kind: 'code', code: 27, passes: false })
  faulty.proxy.next(INSERT, { kind: 'slow', pieceMs: 1 }, { kind: 'code', code: 27, passes: false })
  await faulty.running.aggregator.stage()
  t.equal(faulty.proxy.reached, 3, 'the faults were reached')
  for (const one of [...faulty.sent].slice(-4)) faulty.setAside.add(one)
  await faulty.recovers(t)
})

t.test('C8: an answer that breaks off in its middle is none, and a slow one is whole', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c8')
  for (let batch = 0; batch < 3; batch += 1) await faulty.send()
  const hours = /AS key, count\(\) AS rows/
  faulty.proxy.next(
    hours,
    { kind: 'exception', code: 241 },
    { kind: 'reset', at: 'answer' },
    { kind: 'slow', pieceMs: 5 },
  )
  await faulty.recoversAfter(t, 2)
  t.equal(faulty.proxy.reached, 3, 'the faults were reached')
})

t.test('C9: too many parts are waited out', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c9')
  await faulty.send()
  await faulty.running.aggregator.stage()
  await faulty.ask(
    'ALTER TABLE c9.landing_day MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1',
  )
  await faulty.send()
  await faulty.failsHonestly(t)
  await faulty.ask('ALTER TABLE c9.landing_day RESET SETTING parts_to_delay_insert, parts_to_throw_insert')
  await faulty.recovers(t)
})

t.test('C10: an insert beyond the memory limit is tried again until there is room', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c10')
  await faulty.send()
  faulty.proxy.always(INSERT, {
    kind: 'settings',
    settings: { max_memory_usage: '1', max_untracked_memory: '1' },
  })
  await faulty.failsHonestly(t)
  t.ok(faulty.proxy.reached > 1, 'the fault was reached')
  await faulty.recovers(t)
})

t.test('C10: a move to staging beyond the memory limit moves each row once, later', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c10_move')
  await faulty.send()
  faulty.proxy.next(/^INSERT INTO .*staging/, {
    kind: 'settings',
    settings: { max_memory_usage: '1', max_untracked_memory: '1' },
  })
  await faulty.recoversAfter(t, 1)
})

t.test('C11: while the server only reads, rows wait', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c11')
  await faulty.send()
  faulty.proxy.always(INSERT, { kind: 'settings', settings: { readonly: '1' } })
  await faulty.failsHonestly(t)
  await faulty.recovers(t)
})

t.test('C11: a table that lost its coordinator and reads only is waited for', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c11_table')
  await faulty.send()
  faulty.proxy.next(INSERT, { kind: 'code', code: 242, passes: false })
  faulty.proxy.next(/^INSERT INTO .*staging/, { kind: 'code', code: 242, passes: false })
  await faulty.recoversAfter(t, 1)
})

t.test('C13: a table that is away is waited for, and rows are in it once it is back', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c13')
  await faulty.send()
  await faulty.ask('RENAME TABLE c13.landing_day TO c13.elsewhere')
  await faulty.failsHonestly(t)
  await faulty.ask('RENAME TABLE c13.elsewhere TO c13.landing_day')
  await faulty.recovers(t)
})

t.test('C13: a column that is away is waited for', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c13_column')
  await faulty.send()
  await faulty.ask('ALTER TABLE c13_column.landing_day RENAME COLUMN path TO elsewhere')
  await faulty.failsHonestly(t)
  await faulty.ask('ALTER TABLE c13_column.landing_day RENAME COLUMN elsewhere TO path')
  await faulty.recovers(t)
})

t.test('C13: tables and columns that are gone are made anew at the next start', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c13_gone')
  await faulty.send()
  await faulty.ask('DROP TABLE c13_gone.landing_day SYNC')
  await faulty.ask('ALTER TABLE c13_gone.staging_day DROP COLUMN path')
  await faulty.failsHonestly(t)
  await faulty.restart()
  await faulty.recovers(t)
})

t.test('C17: event times far away are kept in epochs of their own, and touch no other', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c17')
  await faulty.send()
  // The first and the last day of which ClickHouse's DateTime has every hour.
  const far = [DAY, Date.UTC(2106, 1, 6)]
  const rows = far.map((at, number) => ({
    at: at + HOUR,
    person: 'far',
    tenant: 'far',
    eid: `far-${String(number)}`,
    dims: { path: '/items' },
  }))
  await faulty.running.collector.send(DAY_START, rows)
  await faulty.recoversWith(
    t,
    rows.map(({ eid }) => eid),
  )
  const epochs = (await faulty.running.warehouse.stagedEpochs('day')).map(({ epoch }) => epoch)
  const dayOf = (at: number): string => `day:${utcDay(at)}`
  t.same(epochs, [DAY, DAY_START, Date.UTC(2106, 1, 6)].map(dayOf))
})

t.test(
  'C17: a time that no column holds sets its batch aside, and is never taken for another',
  BESIDE,
  async (t) => {
    const faulty = await FaultyAggregator.open(t, server, 'c17_beyond')
    await faulty.send()
    const hour = String(DAY_START / 1_000)
    const times = ['-3600', '4294969200', '253402300799', '1e400']
    for (const time of times) {
      await faulty.sendBroken((lines) => lines.replace(hour, time))
      await faulty.sendBroken((lines) => lines.replace(new RegExp(`${hour}(?!.*${hour})`), time))
    }
    for (const day of ['1899-12-31', '1960-01-01', '2149-06-07', '9999-12-31']) {
      await faulty.sendBroken((lines) => lines.replace(utcDay(DAY_START), day))
    }
    await faulty.recovers(t)
  },
)
