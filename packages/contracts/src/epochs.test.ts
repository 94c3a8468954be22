import fc from 'fast-check'
import t from 'tap'
import { DrivenClock } from './clock.js'
import { DAY, epochFromLabel, epochOf, HOUR, hourOf, rfc3339, STREAMS, utcDay } from './epochs.js'

const at = (text: string) => Date.parse(text)
const times = fc.integer({ min: 0, max: at('2099-12-31T23:59:59.999Z') })

t.test('weeks start on Monday, across years and leap days', async (t) => {
  for (const [time, label] of [
    ['2026-08-05T12:00:00Z', 'week:2026-08-03'],
    ['2026-08-03T00:00:00Z', 'week:2026-08-03'],
    ['2026-08-02T23:59:59.999Z', 'week:2026-07-27'],
    ['2027-01-01T00:00:00Z', 'week:2026-12-28'],
    ['2025-12-29T00:00:00Z', 'week:2025-12-29'],
    ['2024-02-29T23:00:00Z', 'week:2024-02-26'],
    ['1970-01-05T00:00:00Z', 'week:1970-01-05'],
  ] as const) {
    t.equal(epochOf('week', at(time)).label, label, time)
  }
})

t.test('days and months end where the calendar says', async (t) => {
  t.match(epochOf('day', at('2026-08-05T23:59:59.999Z')), {
    label: 'day:2026-08-05',
    start: at('2026-08-05T00:00:00Z'),
    end: at('2026-08-06T00:00:00Z'),
  })
  t.match(epochOf('month', at('2024-02-29T00:00:00Z')), {
    label: 'month:2024-02',
    start: at('2024-02-01T00:00:00Z'),
    end: at('2024-03-01T00:00:00Z'),
  })
  t.equal(epochOf('month', at('2026-12-31T23:59:59.999Z')).end, at('2027-01-01T00:00:00Z'))
})

t.test('every moment lies in exactly one epoch of each stream, and its label leads back to it', async (t) => {
  fc.assert(
    fc.property(times, fc.constantFrom(...STREAMS), (time, stream) => {
      const epoch = epochOf(stream, time)
      t.ok(epoch.start <= time && time < epoch.end)
      t.same(epochFromLabel(epoch.label), epoch)
      t.equal(epochOf(stream, epoch.start).label, epoch.label)
      t.equal(epochOf(stream, epoch.end - 1).label, epoch.label)
      t.equal(epochOf(stream, epoch.end).start, epoch.end, 'the next one begins where this one ends')
      t.equal(epoch.start % DAY, 0)
    }),
  )
})

t.test('what is no label is refused, and not quoted', async (t) => {
  for (const label of [
    'day:2026-08-32',
    'day:2026-02-30',
    'day:2026-08',
    'week:2026-08-04',
    'month:2026-08-01',
    'month:2026-13',
    'hour:2026-08-05',
    'day:2026-08-05 ',
    '2026-08-05',
    '',
  ]) {
    t.throws(() => epochFromLabel(label), { name: 'TypeError', message: 'not an epoch label' }, label)
  }
})

t.test('an hour is the whole UTC hour, and a time is RFC 3339 with seconds', async (t) => {
  t.equal(rfc3339(at('2026-11-01T10:00:00.999Z')), '2026-11-01T10:00:00Z')
  t.equal(utcDay(at('2026-11-01T23:59:59.999Z')), '2026-11-01')
  fc.assert(
    fc.property(times, (time) => {
      const hour = hourOf(time)
      t.ok(hour % HOUR === 0 && hour <= time && time < hour + HOUR)
      t.match(rfc3339(hour), /^\d{4}-\d\d-\d\dT\d\d:00:00Z$/)
      t.equal(at(rfc3339(hour)), hour)
    }),
  )
})

t.test('a driven clock never goes back', async (t) => {
  fc.assert(
    fc.property(fc.array(times), (moves) => {
      const clock = new DrivenClock(1_000)
      let latest = 1_000
      for (const move of moves) {
        clock.advanceTo(move)
        latest = Math.max(latest, move)
        t.equal(clock.now(), latest)
      }
    }),
  )
})
