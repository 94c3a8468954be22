/** C1, C3, C4, C5, C6, C8, C14, C15, C19: whatever becomes of an insert on its way, each event is staged once. */
import { DAY_START, EPOCH, testServer } from '@tacit/aggregator/testing'
import t from 'tap'
import type { Fault } from '../support/clickhouse/fault-proxy.js'
import { FaultyAggregator } from '../support/clickhouse/faulty-aggregator.js'

const server = await testServer(t)
// Most of their time goes into waiting before the next try.
t.jobs = 4
const BESIDE = { buffered: true }
const INSERT = /^INSERT INTO .*landing/
const READ_BACK = /uniqExact\(_producer, _batch, _row\) AS distinct FROM/

/** Error numbers that pass by waiting: of load, time, network, memory, disk, quorum, Keeper. */
const RETRYABLE = [
  159, 198, 201, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 279, 285, 286, 289, 290, 319, 394, 425,
  439, 473, 999,
]

t.test(
  'C1: while connections are refused staging says so, and goes on when they are not',
  BESIDE,
  async (t) => {
    const faulty = await FaultyAggregator.open(t, server, 'c1')
    await faulty.send()
    await faulty.proxy.refuse()
    await faulty.failsHonestly(t)
    await faulty.recovers(t)
  },
)

const CASES: Readonly<Record<string, readonly Fault[]>> = {
  'C3: an insert hangs before the server has it': [{ kind: 'hang', passes: false }],
  'C3: an insert hangs after the server did it': [{ kind: 'hang', passes: true }],
  'C4: an insert is reset before its body': [{ kind: 'reset', at: 'head' }],
  'C4: an insert is reset within its body': [{ kind: 'reset', at: 'body' }],
  'C4: an insert is reset after its body': [{ kind: 'reset', at: 'sent' }],
  'C4: an insert is reset after the server did it': [{ kind: 'reset', at: 'done' }],
  'C4: an insert is reset within its answer': [{ kind: 'reset', at: 'answer' }],
  'C4: an insert is cut off, and its repetition once it is done': [
    { kind: 'reset', at: 'sent' },
    { kind: 'reset', at: 'done' },
  ],
  'C5: a proxy answers 503 to an insert': [{ kind: 'status', status: 503, passes: false }],
  'C5: a proxy answers 502 to an insert that the server did': [{ kind: 'status', status: 502, passes: true }],
  'C8: 200 with an exception in the header, and nothing was done': [
    { kind: 'header', code: 241, passes: false },
  ],
  'C8: 200 with an exception in the header, and all was done': [{ kind: 'header', code: 159, passes: true }],
}

for (const [at, [name, faults]] of Object.entries(CASES).entries()) {
  t.test(name, BESIDE, async (t) => {
    const hangs = faults.some(({ kind }) => kind === 'hang')
    const waits = hangs ? { requestTimeoutMs: 4_000 } : {}
    const faulty = await FaultyAggregator.open(t, server, `insert_${String(at)}`, waits)
    await faulty.send()
    await faulty.send()
    faulty.proxy.next(INSERT, ...faults)
    await faulty.running.aggregator.stage()
    t.equal(faulty.proxy.reached, faults.length, 'the fault was reached')
    await faulty.recovers(t)
  })
}

t.test(
  'C4: an insert that arrives after its read-back is undone when its hour is settled',
  BESIDE,
  async (t) => {
    const faulty = await FaultyAggregator.open(t, server, 'late')
    await faulty.send()
    faulty.proxy.next(INSERT, { kind: 'late' })
    await faulty.running.aggregator.stage()
    t.equal(await faulty.proxy.release(), 1, 'the fault was reached')
    const [hour] = await faulty.running.warehouse.landingHours('day', { distinctOf: [DAY_START] })
    t.match(hour, { rows: 2 * faulty.sent.size, distinct: faulty.sent.size }, 'every row landed twice')
    await faulty.recovers(t)
  },
)

t.test('C4: the read-back of an insert of unknown outcome fails, too', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'read_back')
  await faulty.send()
  faulty.proxy.next(INSERT, { kind: 'reset', at: 'done' })
  faulty.proxy.next(READ_BACK, { kind: 'reset', at: 'answer' }, { kind: 'code', code: 210, passes: false })
  await faulty.running.aggregator.stage()
  t.equal(faulty.proxy.reached, 3, 'the faults were reached')
  await faulty.recovers(t)
})

t.test(
  'C6: each error that passes by waiting is waited out, whether the insert was done or not',
  BESIDE,
  async (t) => {
    const faulty = await FaultyAggregator.open(t, server, 'c6')
    for (const [at, code] of RETRYABLE.entries()) {
      await faulty.send()
      faulty.proxy.next(INSERT, { kind: 'code', code, passes: at % 2 === 0 })
      await faulty.running.aggregator.stage()
    }
    t.equal(faulty.proxy.reached, RETRYABLE.length, 'each of them was reached')
    await faulty.recovers(t)
  },
)

t.test('C14: a batch whose token the server has forgotten is not inserted again', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c14')
  await faulty.ask('ALTER TABLE c14.landing_day MODIFY SETTING non_replicated_deduplication_window = 1')
  await faulty.send()
  faulty.proxy.always(INSERT, { kind: 'reset', at: 'done' })
  faulty.proxy.always(READ_BACK, { kind: 'reset', at: 'sent' })
  await faulty.failsHonestly(t)
  const landed = async (): Promise<number> => Number(await faulty.ask('SELECT count() FROM c14.landing_day'))
  t.equal(await landed(), faulty.sent.size, 'the insert was done, and nobody knows')
  await faulty.proxy.heal()
  // Others' inserts push its token out of the window: by now it would be taken again.
  const columns = 'SELECT * REPLACE (4102444800 AS received) FROM c14.landing_day LIMIT 1'
  for (const token of ['one', 'two']) {
    await faulty.ask(
      `INSERT INTO c14.landing_day SETTINGS insert_deduplication_token = '${token}' ${columns}`,
    )
  }
  await faulty.ask(
    'ALTER TABLE c14.landing_day DELETE WHERE received = 4102444800 SETTINGS mutations_sync = 2',
  )
  await faulty.restart()
  await faulty.running.aggregator.stage()
  t.equal(await landed(), faulty.sent.size, 'its range was read back instead')
  await faulty.recovers(t)
})

t.test(
  'C15: other rows at the same positions of a log that was made anew are not taken for a repetition',
  BESIDE,
  async (t) => {
    const first = await FaultyAggregator.open(t, server, 'c15')
    await first.send()
    await first.running.aggregator.stage()
    // The same database, an empty log and an empty state: positions, and with them ranges, begin again.
    const second = await FaultyAggregator.open(t, server, 'c15', { log: 'anew' })
    await second.running.collector.send(DAY_START, [
      { at: DAY_START, person: 'another', tenant: 'another', eid: 'another', dims: { path: '/items' } },
    ])
    await second.running.aggregator.stage()
    const tokens = [first, second].map(
      ({ proxy }) => proxy.statements.filter((statement) => INSERT.test(statement)).length,
    )
    t.same(tokens, [1, 1], 'both inserted')
    const found = await first.ask("SELECT count(), countIf(eid = 'another') FROM c15.landing_day FORMAT TSV")
    t.equal(found.trim(), `${String(first.sent.size + 1)}\t1`)
    // Control: the same token with other rows is a no-op, silently.
    const land = (eid: string): Promise<string> =>
      first.ask(
        `INSERT INTO c15.landing_day (eid) SETTINGS insert_deduplication_token = 'same' VALUES ('${eid}')`,
      )
    await land('first')
    await land('second')
    const both = await first.ask(
      "SELECT countIf(eid = 'first'), countIf(eid = 'second') FROM c15.landing_day FORMAT TSV",
    )
    t.equal(both.trim(), '1\t0')
    t.match(second.running.state.window('day', EPOCH), { accepted: 1 })
  },
)

t.test('C19: a connection that the server closed while it was idle costs nothing', BESIDE, async (t) => {
  const faulty = await FaultyAggregator.open(t, server, 'c19', { retryWaitsMs: [10, 20] })
  for (let batch = 0; batch < 4; batch += 1) {
    await faulty.send()
    // Whatever is asked next finds the connection closed, or is cut off as it is written.
    faulty.proxy.next(/./, { kind: 'close' }, { kind: 'reset', at: 'sent' })
    await faulty.running.aggregator.stage()
  }
  t.ok(faulty.proxy.reached >= 4, 'the fault was reached')
  await faulty.recovers(t)
})
