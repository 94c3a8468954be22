import { join } from 'node:path'
import { HOUR } from '@tacit/contracts'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { AppliedBatch } from './records.js'
import { addCounts, AggregatorState } from './state.js'
import { StateStore } from './state-store.js'
import { memoryTopic } from './testing/memory-journal.js'

const EPOCH = 'day:2026-11-02'
const HOUR_AT = Date.UTC(2026, 10, 2, 10)

let batchNumber = 0

function batch(fate: AppliedBatch['fate'], hour = HOUR_AT, watermark = false): AppliedBatch {
  return {
    fate,
    part: 0,
    header: {
      v: 1,
      hour,
      producer: '0123456789abcdef',
      batch: batchNumber++,
      rulebook: 'hash',
      sections: [{ stream: 'day', bytes: 0, rows: { [EPOCH]: 3 } }],
      counts: { '2026-11-02T10:00:00Z': { received: 4, accepted: 3, dropped: { late: 1 } } },
      removedProps: 2,
      ...(watermark ? { watermark: true as const } : {}),
    },
  }
}

function opened(t: Test): AggregatorState {
  const state = AggregatorState.open(t.testdir())
  t.teardown(() => state.close())
  return state
}

t.test('a position is counted once, however often it is applied', async (t) => {
  const state = opened(t)
  await state.apply([batch('landed')], 5, 1)
  await state.apply([batch('landed')], 5, 1)
  await state.apply([batch('landed')], 4, 1)
  t.equal(state.counted, 5)
  t.equal(state.corruptRecords, 1)
  t.same(state.ledger(), [{ hour: '2026-11-02T10:00:00Z', received: 4, accepted: 3, dropped: { late: 1 } }])
  t.match(state.window('day', EPOCH), { accepted: 3, quarantined: 0, expired: 0 })
})

t.test('each fate of a batch has its own number, and only landed rows are waited for', async (t) => {
  const state = opened(t)
  await state.apply([batch('landed'), batch('quarantined'), batch('expired', HOUR_AT + HOUR)], 3, 0)
  t.match(state.window('day', EPOCH), { accepted: 9, quarantined: 3, expired: 3 })
  t.same(state.receiptHours(Number.MAX_SAFE_INTEGER), [{ hour: HOUR_AT, rows: { day: { [EPOCH]: 3 } } }])
})

t.test('batches that left rows of a week or a month are counted, one whatever it holds', async (t) => {
  const state = opened(t)
  const [week, month] = ['week:2026-11-02', 'month:2026-11']
  const { header } = batch('landed')
  const longer = { stream: 'week', bytes: 0, rows: { [week]: 40 } } as const
  const longest = { stream: 'month', bytes: 0, rows: { [month]: 2 } } as const
  const both = { ...header, sections: [...header.sections, longer, longest] }
  const one = { ...header, sections: [...header.sections, longer] }
  await state.apply(
    [
      { fate: 'landed', part: 0, header: { ...both, batch: 1_001 } },
      { fate: 'landed', part: 0, header: { ...one, batch: 1_002 } },
      { fate: 'quarantined', part: 0, header: { ...one, batch: 1_003 } },
    ],
    3,
    0,
  )
  t.same(state.receiptHour(HOUR_AT)?.batches, { [week]: 2, [month]: 1 })
})

t.test('an hour that brought no row is kept until it is settled, because its key has to die', async (t) => {
  const state = opened(t)
  await state.apply(
    [{ fate: 'landed', part: 0, header: { ...batch('landed').header, sections: [], counts: {} } }],
    1,
    0,
  )
  t.same(state.receiptHours(HOUR_AT), [], 'the bound is not included')
  t.same(state.receiptHours(HOUR_AT + 1), [{ hour: HOUR_AT, rows: {} }])
})

t.test('a watermark never goes back', async (t) => {
  const state = opened(t)
  t.equal(state.watermark, 0)
  await state.apply([batch('landed', HOUR_AT, true)], 1, 0)
  await state.apply([batch('landed', HOUR_AT - HOUR, true)], 2, 0)
  t.equal(state.watermark, HOUR_AT)
})

t.test('the ledger is read from hour to hour, both included', async (t) => {
  const state = opened(t)
  const hours = [
    '2026-11-01T23:00:00Z',
    '2026-11-02T00:00:00Z',
    '2026-11-02T23:00:00Z',
    '2026-11-03T00:00:00Z',
  ]
  const counts = Object.fromEntries(hours.map((hour) => [hour, { received: 1, accepted: 1, dropped: {} }]))
  await state.apply([{ fate: 'landed', part: 0, header: { ...batch('landed').header, counts } }], 1, 0)
  const shown = (from?: string, to?: string) => state.ledger(from, to).map(({ hour }) => hour)
  t.same(shown(), hours)
  t.same(shown('2026-11-02T00:00:00Z', '2026-11-02T23:00:00Z'), hours.slice(1, 3))
  t.same(shown('2026-11-02T00:00:00Z'), hours.slice(1))
  t.same(shown(undefined, '2026-11-02T00:00:00Z'), hours.slice(0, 2))
})

t.test('what is set aside goes with its hour and with no other', async (t) => {
  const dir = t.testdir()
  const state = AggregatorState.open(dir)
  state.quarantine(HOUR_AT, 0, 7, Buffer.from('one'))
  state.quarantine(HOUR_AT + HOUR, 0, 8, Buffer.from('two'))
  state.clearQuarantine(HOUR_AT)
  state.clearQuarantine(HOUR_AT)
  await state.close()
  const again = AggregatorState.open(dir)
  t.teardown(() => again.close())
  again.clearQuarantine(HOUR_AT + HOUR)
  t.pass('held in every run')
})

t.test('in a group, too, what is set aside outlives a restart, until its hour’s key dies', async (t) => {
  const dir = t.testdir()
  const aside = join(dir, 'quarantine')
  const topic = memoryTopic()
  const share = () => AggregatorState.share(dir, (apply) => topic.open(apply))
  /** hours of what is set aside */
  const hours = async (): Promise<unknown[]> => {
    const store = StateStore.open(aside)
    const found = store.range(['quarantine', 0, 0], ['quarantine', Number.MAX_SAFE_INTEGER, 0])
    await store.close()
    return found.map(({ key }) => key[1])
  }
  const { journal, state } = await share()
  await journal.own()
  await state.apply([batch('landed')], 5, 0)
  for (const hour of [0, 1, 2, 3]) state.quarantine(HOUR_AT + hour * HOUR, 0, 7, Buffer.from('sealed'))
  await state.close()

  const { state: again } = await share()
  t.equal(again.counted, 5, 'what is shared comes from the journal')
  again.clearQuarantine(HOUR_AT + 3 * HOUR)
  await again.close()
  t.same(await hours(), [HOUR_AT, HOUR_AT + HOUR, HOUR_AT + 2 * HOUR])

  const { state: last } = await share()
  last.clearQuarantine(0, HOUR_AT + 2 * HOUR)
  await last.close()
  t.same(await hours(), [HOUR_AT + 2 * HOUR], 'hours of a time when nobody was there go at once')
})

t.test('what was written stands after a reopening', async (t) => {
  const dir = t.testdir()
  const state = AggregatorState.open(dir)
  await state.apply([batch('landed', HOUR_AT, true)], 9, 0)
  const missing = [{ stream: 'day', epoch: EPOCH, rows: 2 }] as const
  await state.intendToSettle([{ stream: 'day', hours: [HOUR_AT], missing, short: [HOUR_AT], queryId: 'q' }])
  await state.commitWindow('day', EPOCH, state.window('day', EPOCH), [{ id: 'm', text: 't', hash: 'h' }])
  await state.close()
  const again = AggregatorState.open(dir)
  t.teardown(() => again.close())
  t.equal(again.counted, 9)
  t.equal(again.watermark, HOUR_AT)
  const intents = again.settleIntents()
  t.match(intents, [{ stream: 'day', hours: [HOUR_AT] }])
  t.match(again.window('day', EPOCH), { status: 'committed', manifests: ['m'] })
  t.same(again.manifest('m'), { id: 'm', text: 't', hash: 'h' })
  await again.moved(intents)
  t.same(again.settleIntents(), [])
  t.same(again.receiptHour(HOUR_AT), { rows: {}, moved: true, short: true }, 'its key is left to die')
  await again.settled([HOUR_AT])
  t.same(again.receiptHours(Number.MAX_SAFE_INTEGER), [])
  t.equal(again.window('day', EPOCH).expired, 2)
})

t.test('counts add up in any order', async (t) => {
  const counts = fc.record({
    received: fc.nat(1000),
    accepted: fc.nat(1000),
    dropped: fc.dictionary(fc.constantFrom('late', 'rate', 'bot'), fc.integer({ min: 1, max: 99 })),
  })
  fc.assert(
    fc.property(fc.array(counts, { maxLength: 6 }), (list) => {
      const sum = (order: typeof list) => {
        const into = { received: 0, accepted: 0, dropped: {} as Record<string, number> }
        for (const one of order) addCounts(into, one)
        return { ...into, dropped: Object.entries(into.dropped).sort() }
      }
      const total = sum(list)
      t.same(sum(list.toReversed()), total)
      t.equal(
        total.received,
        list.reduce((all, { received }) => all + received, 0),
      )
    }),
  )
})
