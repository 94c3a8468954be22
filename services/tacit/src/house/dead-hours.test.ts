import { HOUR, MINUTE } from '@tacit/contracts'
import t from 'tap'
import { deadHoursText, sealableFrom } from './dead-hours.js'

const TEN = Date.parse('2026-11-29T10:00:00Z')
const key = (id: string, destroyed: string | null = '2026-11-29T14:00:05Z') => ({ id, destroyed })

t.test('nothing can be sealed before the first hour whose key is not destroyed', async (t) => {
  const keys = [
    ...['T09', 'T10', 'T11', 'T13'].map((hour) => key(`hour:2026-11-29${hour}`)),
    key('hour:2026-11-29T12', null),
    key('day:2026-11-29'),
  ]
  t.equal(sealableFrom(keys, TEN + 20 * MINUTE), TEN + 2 * HOUR, 'the key of twelve lives')
  t.equal(sealableFrom(keys, TEN + 2 * HOUR), null)
  t.equal(sealableFrom(keys, TEN + 3 * HOUR), TEN + 4 * HOUR, 'of fourteen there never was one')
  t.equal(sealableFrom([], TEN), null)
  t.match(deadHoursText(TEN), /before 2026-11-29T10:00:00Z are destroyed/)
})
