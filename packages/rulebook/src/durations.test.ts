import fc from 'fast-check'
import t from 'tap'
import {
  addMonths,
  readAfterEpoch,
  readCap,
  readDay,
  readDays,
  readDuration,
  readMonths,
  readShare,
  readSize,
  sizeText,
} from './durations.js'

t.test('durations are milliseconds', async (t) => {
  t.equal(readDuration('15m'), 900_000)
  t.equal(readDuration('48h'), 172_800_000)
  t.equal(readAfterEpoch('epoch + 48h'), 172_800_000)
  t.equal(readMonths('13 months'), 13)
  t.equal(readMonths('1 month'), 1)
  t.equal(readDays('400 days'), 400)
  t.equal(readShare('50%'), 0.5)
  t.equal(readShare('12.5%'), 0.125)
  t.equal(readCap('10000 per kind and day'), 10_000)
})

t.test('what is not written exactly so is not read', async (t) => {
  for (const text of ['', '1', 'h', '1 h', '-1h', '1.5h', '1d', '1h ', '١h', '999999h'])
    t.equal(readDuration(text), null, text)
  for (const text of ['48h', 'epoch+48h', 'epoch + ', 'epoch + 2 days'])
    t.equal(readAfterEpoch(text), null, text)
  for (const text of ['0%', '101%', '50', '0.5', '-1%', '50 %']) t.equal(readShare(text), null, text)
  for (const text of ['20', '20 per day', '20 per kind and day ']) t.equal(readCap(text), null, text)
  for (const text of ['13', '13months', '13 Months']) t.equal(readMonths(text), null, text)
  t.equal(readDays('1 week'), null)
  for (const text of [
    '',
    '1',
    '1GiB',
    '1 GB',
    '1 gib',
    '1 KiB',
    '1.5 GiB',
    '-1 GiB',
    '1  GiB',
    '1 GiB ',
    '100000 MiB',
  ])
    t.equal(readSize(text), null, text)
})

t.test('sizes are bytes, and written as they are read', async (t) => {
  t.equal(readSize('512 MiB'), 536_870_912)
  t.equal(readSize('1 GiB'), 1_073_741_824)
  t.equal(readSize('0 MiB'), 0, 'which the linter refuses')
  t.equal(sizeText(1_073_741_824), '1 GiB')
  t.equal(sizeText(1_610_612_736), '1536 MiB')
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999 }), (mib) => {
      const bytes = readSize(`${mib} MiB`)
      return bytes === mib * 1_048_576 && readSize(sizeText(bytes)) === bytes
    }),
  )
})

t.test('a day must exist in the calendar', async (t) => {
  t.equal(readDay('2026-11-01'), Date.UTC(2026, 10, 1))
  t.equal(readDay('2024-02-29'), Date.UTC(2024, 1, 29))
  for (const text of ['2026-02-29', '2026-13-01', '2026-11-31', '2026-1-1', '2026-11-01T00:00:00Z']) {
    t.equal(readDay(text), null, text)
  }
})

t.test('months are calendar months, cut to the last day', async (t) => {
  t.equal(addMonths(Date.UTC(2026, 10, 1), 13), Date.UTC(2027, 11, 1))
  t.equal(addMonths(Date.UTC(2026, 0, 31), 1), Date.UTC(2026, 1, 28))
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: 0, max: 60 }), (day, months) => {
      const from = new Date(day * 86_400_000)
      const to = new Date(addMonths(from.getTime(), months))
      const whole = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth()
      return (
        whole === months && to.getUTCDate() <= from.getUTCDate() && from.getUTCDate() - to.getUTCDate() <= 3
      )
    }),
  )
})
