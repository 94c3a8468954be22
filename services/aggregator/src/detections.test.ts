import { randomBytes } from 'node:crypto'
import { type BatchHeader, DAY, HOUR, sealBatch } from '@tacit/contracts'
import type { EventLog, LogPart } from '@tacit/event-log'
import type { KeeperPort, LogKeys } from '@tacit/keyring'
import type { Warehouse } from '@tacit/warehouse'
import fc from 'fast-check'
import t from 'tap'
import { Aggregator } from './aggregator.js'
import type { Evidence } from './evidence.js'
import { addDetected, detectionRows, type DetectedSums } from './detections.js'
import { soleMember } from './membership.js'
import { soleRulebook } from './rulebooks.js'
import { AggregatorState } from './state.js'
import { erpRulebook } from './testing/stores.js'

const NOON = Date.UTC(2026, 10, 2, 12)

let batchNumber = 0

function header(hour: number, detected?: Record<string, number>): BatchHeader {
  return {
    v: 1,
    hour,
    producer: '0123456789abcdef',
    batch: batchNumber++,
    rulebook: 'hash',
    sections: [],
    counts: {},
    removedProps: 0,
    ...(detected === undefined ? {} : { detected }),
  }
}

t.test('what was found is summed by day of receipt, detector and field, each batch once', async (t) => {
  const dir = t.testdir()
  let state = AggregatorState.open(dir)
  const batches = [
    header(NOON, { 'email path': 2, 'pan props': 1 }),
    header(NOON + HOUR, { 'email path': 3 }),
    header(NOON + 12 * HOUR, { 'email search_text': 1 }),
    header(NOON + 13 * HOUR),
  ].map((one) => ({ header: one, fate: 'landed' as const, part: 0 }))
  await state.apply(batches, 4, 0)
  await state.apply(batches, 4, 0)
  await state.apply([{ header: header(NOON, { 'email path': 1 }), fate: 'expired', part: 0 }], 5, 0)
  await state.close()
  state = AggregatorState.open(dir)
  t.teardown(() => state.close())
  const rows = [
    { day: '2026-11-02', detector: 'email', field: 'path', events: 6 },
    { day: '2026-11-02', detector: 'pan', field: 'props', events: 1 },
    { day: '2026-11-03', detector: 'email', field: 'search_text', events: 1 },
  ]
  t.same(detectionRows(state.detected()), rows)
  t.same(detectionRows(state.detected('2026-11-03')), rows.slice(2))
  t.same(detectionRows(state.detected(undefined, '2026-11-02')), rows.slice(0, 2))
  t.same(detectionRows(state.detected('2026-11-03', '2026-11-02')), [])
  t.same(state.ledger(), [], 'and it is no row of the ledger')
})

t.test('what is in the log and not yet staged is counted with it, once', async (t) => {
  const state = AggregatorState.open(t.testdir())
  t.teardown(() => state.close())
  const key = randomBytes(32)
  const sealed = [NOON, NOON, NOON + DAY].map((hour, batch) =>
    sealBatch({ ...header(hour, { 'email path': 1 + batch }), batch }, Buffer.alloc(0), key),
  )
  const records = [...sealed, Buffer.from('damaged')].map((bytes, at) => ({
    position: at + 1,
    hour: NOON,
    bytes,
  }))
  const part: LogPart = {
    part: 0,
    read: (after) => ({ records: records.slice(after), last: records.length, corrupt: 0 }),
    cursor: () => ({ position: 0, boundary: null }),
    commit: async () => {},
  }
  const log = { parts: () => [part] } as unknown as EventLog
  const aggregator = new Aggregator({
    rulebooks: soleRulebook(erpRulebook()),
    log,
    membership: soleMember(log, state),
    logKeys: {} as LogKeys,
    keeper: {} as KeeperPort,
    evidence: {} as Evidence,
    warehouse: {} as Warehouse,
    state,
    alarm: () => t.fail('no alarm'),
  })
  const row = (day: string, events: number) => ({ day, detector: 'email', field: 'path', events })
  const expected = [row('2026-11-02', 3), row('2026-11-03', 3)]
  t.same(aggregator.detections(), expected)
  await state.apply([{ header: header(NOON, { 'email path': 1 }), fate: 'landed', part: 0 }], 1, 0)
  t.same(aggregator.detections(), expected, 'the first batch is staged')
  t.same(aggregator.detections('2026-11-03'), expected.slice(1))
  t.same(aggregator.detections(undefined, '2026-11-02'), expected.slice(0, 1))
})

t.test('sums do not depend on how batches are cut', async (t) => {
  const found = fc.record({
    hour: fc.integer({ min: 0, max: 72 }),
    name: fc.constantFrom('email path', 'pan path', 'pan props'),
  })
  const rowsOf = (batches: readonly BatchHeader[]) => {
    const days = new Map<string, DetectedSums>()
    for (const batch of batches) addDetected(days, batch)
    return detectionRows(days)
  }
  fc.assert(
    fc.property(fc.array(found, { maxLength: 40 }), (all) => {
      const single = rowsOf(all.map(({ hour, name }) => header(NOON + hour * HOUR, { [name]: 1 })))
      const hourly = rowsOf(
        Array.from({ length: 73 }, (_, hour) => {
          const names = all.filter((one) => one.hour === hour).map(({ name }) => name)
          return header(NOON + hour * HOUR, countBy(names))
        }),
      )
      const sum = single.reduce((total, { events }) => total + events, 0)
      return sum === all.length && JSON.stringify(single) === JSON.stringify(hourly)
    }),
    { seed: 1, numRuns: 300 },
  )
  t.pass('held in every run')
})

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
