import fc from 'fast-check'
import t from 'tap'
import { HEADER_BYTES, isHour, keyPosition, openFrame, positionKey, readFrame, sealFrame } from './record.js'

const position = fc.integer({ min: 1, max: 2 ** 48 - 1 })
const hour = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const bytes = fc.uint8Array({ maxLength: 300 })

function sealed(content: Uint8Array, at: number, when: number): Buffer {
  const frame = openFrame(content, when)
  sealFrame(frame, at)
  return frame
}

t.test('a sealed frame gives its hour and bytes back', async (t) => {
  fc.assert(
    fc.property(position, hour, bytes, (at, when, content) => {
      const record = readFrame(sealed(content, at, when), at)
      t.equal(record?.hour, when)
      t.ok(record?.bytes.equals(content))
    }),
    { numRuns: 200 },
  )
})

t.test('a frame with any one bit flipped is never read', async (t) => {
  fc.assert(
    fc.property(position, hour, bytes, fc.nat(), (at, when, content, bit) => {
      const frame = sealed(content, at, when)
      const place = bit % (frame.length * 8)
      const offset = place >> 3
      frame.writeUInt8(frame.readUInt8(offset) ^ (1 << (place & 7)), offset)
      t.equal(readFrame(frame, at), null)
    }),
    { numRuns: 500 },
  )
})

t.test('a frame cut short or lengthened is never read', async (t) => {
  fc.assert(
    fc.property(position, hour, bytes, fc.nat(), (at, when, content, cut) => {
      const frame = sealed(content, at, when)
      t.equal(readFrame(frame.subarray(0, cut % frame.length), at), null)
      t.equal(readFrame(Buffer.concat([frame, Buffer.alloc(1 + (cut % 9))]), at), null)
    }),
    { numRuns: 200 },
  )
})

t.test('a frame under the key of another position is never read', async (t) => {
  fc.assert(
    fc.property(position, position, hour, bytes, (at, other, when, content) => {
      fc.pre(at !== other)
      t.equal(readFrame(sealed(content, at, when), other), null)
    }),
  )
})

t.test('keys sort as their positions and give them back', async (t) => {
  fc.assert(
    fc.property(position, position, (a, b) => {
      t.equal(keyPosition(positionKey(a)), a)
      t.equal(Math.sign(Buffer.compare(positionKey(a), positionKey(b))), Math.sign(a - b))
    }),
  )
  t.equal(keyPosition(Buffer.alloc(5)), null)
})

t.test('an hour is a whole number of milliseconds that fits the frame', async (t) => {
  t.ok(isHour(0))
  t.ok(isHour(Date.UTC(9999, 0)))
  for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 48]) t.notOk(isHour(wrong))
  t.equal(HEADER_BYTES, openFrame(new Uint8Array(), 0).length)
})
