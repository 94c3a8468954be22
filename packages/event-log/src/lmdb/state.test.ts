import fc from 'fast-check'
import t from 'tap'
import { asCursor, readState, writeState } from './state.js'

t.test(
  'a small value comes back as it was, and not at all when a bit flipped or its end is missing',
  async (t) => {
    const cursor = fc.record({ position: fc.maxSafeNat(), boundary: fc.option(fc.string()) })
    fc.assert(
      fc.property(cursor, fc.nat(), (value, bit) => {
        const bytes = writeState(value)
        t.same(asCursor(readState(bytes)), value)
        const place = bit % (bytes.length * 8)
        const flipped = Buffer.from(bytes)
        flipped.writeUInt8(flipped.readUInt8(place >> 3) ^ (1 << (place & 7)), place >> 3)
        t.equal(readState(flipped), undefined)
        t.equal(readState(bytes.subarray(0, bit % bytes.length)), undefined)
      }),
    )
  },
)

t.test('what is no cursor is not taken for one', async (t) => {
  const wrong = [
    null,
    3,
    'x',
    {},
    { position: -1, boundary: null },
    { position: 1.5, boundary: null },
    { position: 1, boundary: 2 },
  ]
  for (const value of wrong) t.equal(asCursor(value), null)
})
