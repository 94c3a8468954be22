import { DAY, HOUR } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { type CompleteHour, heldBack, MIN_BEACONS } from './mixing.js'

/** A Monday, the second of a month. */
const MONDAY = Date.UTC(2026, 10, 2)
const WEEK = 'week:2026-11-02'
const MONTH = 'month:2026-11'
const NOON = MONDAY + 12 * HOUR

/** An hour of Monday whose batches each left one row. */
function hourOf(at: number, batches: Readonly<Record<string, number>>): CompleteHour {
  const of = (stream: string) =>
    Object.fromEntries(Object.entries(batches).filter(([epoch]) => epoch.startsWith(stream)))
  return { hour: MONDAY + at * HOUR, rows: { day: of('day'), week: of('week'), month: of('month') }, batches }
}

const held = (hours: readonly CompleteHour[], now = NOON): number[] =>
  [...heldBack(hours, now)].map((hour) => (hour - MONDAY) / HOUR).sort((a, b) => a - b)

t.test('hours with few week rows wait until they are enough together', async (t) => {
  t.same(held([hourOf(8, { [WEEK]: 120 })]), [8])
  t.same(held([hourOf(8, { [WEEK]: 120 }), hourOf(9, { [WEEK]: 79 })]), [8, 9])
  t.same(held([hourOf(8, { [WEEK]: 120 }), hourOf(9, { [WEEK]: 80 })]), [])
  t.same(held([hourOf(8, { [MONTH]: MIN_BEACONS })]), [])
})

t.test('they wait no longer than their day', async (t) => {
  const few = [hourOf(8, { [WEEK]: 1 }), hourOf(24, { [WEEK]: 1 })]
  t.same(held(few, MONDAY + DAY - 1), [8, 24])
  t.same(held(few, MONDAY + DAY), [24])
  t.same(held(few, MONDAY + 2 * DAY), [])
})

t.test('hours without week or month rows wait for nobody', async (t) => {
  t.same(held([hourOf(8, { 'day:2026-11-02': 3 }), hourOf(9, {}), hourOf(10, { [WEEK]: 3 })]), [10])
})

t.test('each epoch is counted by itself, and an hour that is held is no cover for another', async (t) => {
  t.same(held([hourOf(8, { [WEEK]: 500, [MONTH]: 5 })]), [8])
  t.same(held([hourOf(8, { [WEEK]: 150, [MONTH]: 5 }), hourOf(9, { [WEEK]: 150 })]), [8, 9])
  t.same(held([hourOf(8, { [WEEK]: 150, [MONTH]: 5 }), hourOf(9, { [WEEK]: 250 })]), [8])
})

t.test('what came late for an epoch that is over holds up nobody', async (t) => {
  t.same(held([hourOf(0, { 'week:2026-10-26': 3, [WEEK]: 300 })], MONDAY + HOUR), [])
})

t.test('of hours whose batches an older build did not count none are believed', async (t) => {
  const { hour, rows } = hourOf(8, { [WEEK]: 5_000 })
  t.same(held([{ hour, rows }]), [8])
})

t.test('whatever moves before its day is over is enough together, in each epoch', async (t) => {
  const counts = fc.record({ [WEEK]: fc.nat(150), [MONTH]: fc.nat(150) }, { requiredKeys: [] })
  fc.assert(
    fc.property(fc.array(counts, { maxLength: 12 }), (all) => {
      const hours = all.map((batches, at) => hourOf(at, batches))
      const waiting = heldBack(hours, NOON)
      const moving = hours.filter(({ hour }) => !waiting.has(hour))
      return [WEEK, MONTH].every((epoch) => {
        const beacons = moving.map(({ batches }) => batches?.[epoch] ?? 0)
        const sum = beacons.reduce((total, one) => total + one, 0)
        return sum === 0 || sum >= MIN_BEACONS
      })
    }),
  )
  t.pass('held in every run')
})
