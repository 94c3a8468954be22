/** The order in which hours move where an epoch's rows are in several streams; the moves themselves are the crash test's. */
import { DAY, HOUR } from '@tacit/contracts'
import { createLogKeys } from '@tacit/keyring'
import type { SettleOptions, Warehouse } from '@tacit/warehouse'
import t, { type Test } from 'tap'
import { soleRulebook } from './rulebooks.js'
import { Settler } from './settler.js'
import { AggregatorState } from './state.js'
import { MemoryKeeper } from './testing/keeper.js'
import { erpRulebook } from './testing/stores.js'
import { DAY_START, EPOCH } from './testing/traffic.js'

const HOUR_AT = DAY_START + 5 * HOUR
/** Until then an hour with so few week rows waits to be mixed with others. */
const END_OF_DAY = DAY_START + DAY
const WEEK = 'week:2026-11-02'
const rulebook = erpRulebook()

/** A settler of two streams, whose landing has `landed` rows of each. */
async function settlerOf(
  t: Test,
  landed: { readonly day: number; readonly week: number },
  { isAlone = true } = {},
) {
  const state = AggregatorState.open(t.testdir())
  t.teardown(() => state.close())
  const keeper = new MemoryKeeper(rulebook)
  const logKeys = createLogKeys(keeper)
  t.teardown(() => logKeys.close())
  await keeper.batchKey(HOUR_AT, 'aa', true)
  const sections = [
    { stream: 'day', bytes: 1, rows: { [EPOCH]: 5 } },
    { stream: 'week', bytes: 1, rows: { [WEEK]: 5 } },
  ] as const
  const header = {
    v: 1,
    hour: HOUR_AT,
    producer: 'aa',
    batch: 0,
    rulebook: rulebook.hash,
    sections,
    counts: {},
    removedProps: 0,
  } as const
  await state.apply([{ header, fate: 'landed', part: 0 }], 1, 0)
  await state.completeUntil(HOUR_AT + HOUR)
  const calls: string[] = []
  const alarms: string[] = []
  const left = { ...landed }
  const warehouse = {
    landingHours: async (stream: 'day' | 'week') =>
      left[stream] === 0 ? [] : [{ hour: HOUR_AT, rows: left[stream], distinct: left[stream] }],
    settle: async (stream: string, _hours: readonly number[], { deduplicate }: SettleOptions) =>
      calls.push(`settle ${stream}${deduplicate ? ' distinct' : ''}`),
    dropLanding: async (stream: 'day' | 'week') => {
      calls.push(`drop ${stream}`)
      left[stream] = 0
    },
  } as unknown as Warehouse
  const settler = new Settler({
    rulebooks: soleRulebook(rulebook),
    state,
    warehouse,
    streams: ['day', 'week'],
    isAlone,
    keeper,
    logKeys,
    alarm: (message) => alarms.push(message),
  })
  return { alarms, calls, keeper, left, settler, state }
}

t.test('an hour that lacks rows of one stream moves in none, until it is whole', async (t) => {
  const { alarms, calls, keeper, left, settler, state } = await settlerOf(t, { day: 5, week: 3 })
  t.equal(await settler.settle(HOUR_AT + 2 * HOUR), 0)
  t.same(calls, [])
  t.match(alarms, [/fewer rows/])
  t.same(keeper.liveHours, [HOUR_AT])
  left.week = 5
  t.equal(await settler.settle(END_OF_DAY), 1)
  t.same(calls, ['settle day', 'drop day', 'settle week', 'drop week'])
  t.same([...keeper.settledHours], [[HOUR_AT, true]])
  t.match([state.window('day', EPOCH), state.window('week', WEEK)], [{ expired: 0 }, { expired: 0 }])
})

t.test('an hour with few week rows waits for its day to end: no alarm, and it adds up', async (t) => {
  const { alarms, calls, keeper, settler } = await settlerOf(t, { day: 5, week: 5 })
  t.equal(await settler.settle(END_OF_DAY - HOUR), 0)
  t.same([calls, alarms], [[], []])
  t.same([...keeper.verdicts], [['hour:2026-11-02T05', true]])
  t.same(keeper.liveHours, [HOUR_AT])
  t.equal(await settler.settle(END_OF_DAY), 1)
  t.same(calls, ['settle day', 'drop day', 'settle week', 'drop week'])
  t.same([keeper.liveHours, alarms], [[], []])
})

t.test(
  'in a group an hour moves some seconds later, and each row once, whoever lands it again meanwhile',
  async (t) => {
    const { calls, keeper, settler } = await settlerOf(t, { day: 5, week: 5 }, { isAlone: false })
    await settler.settle(HOUR_AT + HOUR + 9_999)
    t.equal(keeper.verdicts.size, 0, 'a clock that is behind may still be in that hour: it is not looked at')
    await settler.settle(HOUR_AT + HOUR + 10_000)
    t.equal(keeper.verdicts.size, 1)
    t.equal(await settler.settle(END_OF_DAY), 1)
    t.same(calls, ['settle day distinct', 'drop day', 'settle week distinct', 'drop week'])
  },
)

t.test(
  'hours wait for a collector that is silent, with an alarm, for as long as their keys live',
  async (t) => {
    const { alarms, settler, state } = await settlerOf(t, { day: 5, week: 5 }, { isAlone: false })
    const mark = (writer: string, producer: string, hour: number, last?: true) => {
      const counts = { sections: [], counts: {}, removedProps: 0, rulebook: rulebook.hash }
      const header = { v: 1, hour, producer, batch: 0, ...counts, watermark: true } as const
      const told = { ...header, mark: { writer, parts: 1, ...(last ? { last } : {}) } }
      return state.apply([{ header: told, fate: 'landed', part: 0 }], state.counted + 1, 0)
    }
    await mark('aaaaaaaaaaaaaaaa', 'a1', HOUR_AT + DAY)
    await mark('bbbbbbbbbbbbbbbb', 'b1', HOUR_AT)
    t.equal(await settler.settle(HOUR_AT + HOUR + 60_000), 0)
    t.same(alarms, [], 'it may be about to say so')
    t.equal(await settler.settle(HOUR_AT + HOUR + 150_000), 0)
    t.match(alarms, [/1 did not say that the last hour is over/])
    t.equal(await settler.settle(HOUR_AT + DAY - 1), 0)
    t.equal(await settler.settle(HOUR_AT + DAY + HOUR), 1)
    t.match(alarms.at(-1), /silent for as long as log keys live/)
  },
)

t.test('after a day it moves as it is, and only what lacks is counted as expired', async (t) => {
  const { keeper, settler, state } = await settlerOf(t, { day: 5, week: 3 })
  t.equal(await settler.settle(HOUR_AT + 2 * HOUR), 0)
  t.equal(await settler.settle(HOUR_AT + DAY), 1)
  t.match([state.window('day', EPOCH), state.window('week', WEEK)], [{ expired: 0 }, { expired: 2 }])
  t.same([...keeper.settledHours], [[HOUR_AT, false]])
})

t.test('a key that could not be destroyed dies with the next settling, and the verdict stays', async (t) => {
  const { calls, keeper, settler, state } = await settlerOf(t, { day: 5, week: 0 })
  const destroy = keeper.destroyLogKey.bind(keeper)
  keeper.destroyLogKey = () => Promise.reject(new Error('the keeper is away'))
  await t.rejects(settler.settle(HOUR_AT + DAY), { message: 'the keeper is away' })
  const moved = [...calls]
  keeper.destroyLogKey = destroy
  await settler.finishMoves(HOUR_AT + HOUR)
  t.same(keeper.liveHours, [HOUR_AT], 'who receives in later hours alone need not wait for it')
  t.equal(await settler.settle(HOUR_AT + DAY), 1)
  t.same(calls, moved, 'nothing moves again')
  t.same([...keeper.settledHours], [[HOUR_AT, false]])
  t.match(state.window('week', WEEK), { expired: 5 }, 'counted once')
})

t.test('before an hour could be received into again, it is moved and its key is dead', async (t) => {
  const { calls, keeper, settler, state } = await settlerOf(t, { day: 5, week: 5 })
  const destroy = keeper.destroyLogKey.bind(keeper)
  keeper.destroyLogKey = () => Promise.reject(new Error('the keeper is away'))
  await t.rejects(settler.settle(END_OF_DAY))
  const moved = [...calls]
  await t.rejects(settler.finishMoves(HOUR_AT), { message: 'the keeper is away' })
  keeper.destroyLogKey = destroy
  await settler.finishMoves(HOUR_AT)
  t.same([keeper.liveHours, state.receiptHours(Number.MAX_SAFE_INTEGER)], [[], []])
  t.same(calls, moved)
})

t.test('a move that an earlier build began is finished, and what lacks is counted once', async (t) => {
  const { calls, settler, state } = await settlerOf(t, { day: 0, week: 5 })
  const missing = [{ stream: 'day', epoch: EPOCH, rows: 5 }] as const
  await state.intendToSettle([{ stream: 'day', hours: [], missing, short: [HOUR_AT], queryId: 'q' }])
  t.equal(await settler.settle(END_OF_DAY), 1)
  t.match([state.window('day', EPOCH), state.window('week', WEEK)], [{ expired: 5 }, { expired: 0 }])
  t.same(calls.slice(-2), ['settle week', 'drop week'])
})
