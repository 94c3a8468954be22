import fc from 'fast-check'
import t from 'tap'
import { parseInstant } from './instants.js'

t.test('a moment of RFC 3339 is read with its offset', async (t) => {
  const cases: readonly (readonly [string, number])[] = [
    ['2026-12-02T10:00:00Z', Date.UTC(2026, 11, 2, 10)],
    ['2026-12-02T15:30:00+05:30', Date.UTC(2026, 11, 2, 10)],
    ['2026-12-02T10:00:00-00:00', Date.UTC(2026, 11, 2, 10)],
    ['2026-12-02T10:00:00.25Z', Date.UTC(2026, 11, 2, 10, 0, 0, 250)],
    ['2026-12-02T10:00:00.123456789Z', Date.UTC(2026, 11, 2, 10, 0, 0, 123)],
    ['2028-02-29T00:00:00Z', Date.UTC(2028, 1, 29)],
    ['2000-02-29T23:59:59+23:59', Date.UTC(2000, 1, 29, 0, 0, 59)],
    ['2026-12-31T23:59:59Z', Date.UTC(2026, 11, 31, 23, 59, 59)],
  ]
  for (const [text, time] of cases) t.equal(parseInstant(text), time, text)
})

t.test('what only looks like a moment is none', async (t) => {
  for (const text of [
    '2026-02-30T11:59:59Z',
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-32T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-12-02T24:00:00Z',
    '2026-12-02T10:60:00Z',
    '2026-12-02T23:59:60Z',
    '2026-12-02T10:00Z',
    '2026-12-02T10:00:00',
    '2026-12-02T10:00:00+24:00',
    '2026-12-02T10:00:00+05:60',
    '2026-12-02T10:00:00+0530',
    '2026-12-02 10:00:00Z',
    '2026-12-02t10:00:00z',
    '2026-12-02T10:00:00.Z',
    '2026-12-02T10:00:00Z\n',
    ' 2026-12-02T10:00:00Z',
    '+002026-12-02T10:00:00Z',
    '２０２６-12-02T10:00:00Z',
    '2026-12-02',
    '5',
    '1793527200000',
    'now',
    '',
  ]) {
    t.ok(Number.isNaN(parseInstant(text)), JSON.stringify(text))
  }
})

t.test('every moment of four-digit years reads back as itself, and no other day does', async (t) => {
  const [min, max] = [new Date('0000-01-01T00:00:00Z'), new Date('9999-12-31T23:59:59Z')]
  fc.assert(
    fc.property(fc.date({ min, max, noInvalidDate: true }), (date) => {
      return parseInstant(date.toISOString()) === date.getTime()
    }),
  )
  const part = (least: number, most: number) => fc.integer({ min: least, max: most })
  fc.assert(
    fc.property(part(0, 9999), part(0, 99), part(0, 99), (year, month, day) => {
      const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}T00:00:00.000Z`
      const time = parseInstant(text)
      return Number.isNaN(time) || new Date(time).toISOString() === text
    }),
    { numRuns: 2_000 },
  )
  t.pass('held in every run')
})
