import fc from 'fast-check'
import t from 'tap'
import { lengthPrefixed } from './length-prefix.js'

const parts = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 20 })), {
  maxLength: 5,
})
const bytesOf = (part: string | Uint8Array) =>
  typeof part === 'string' ? Buffer.from(part.normalize('NFC'), 'utf8') : Buffer.from(part)

t.test('each part stands behind its u32 big-endian byte length', async (t) => {
  t.equal(lengthPrefixed('uid', '12345').toString('hex'), '00000003756964000000053132333435')
  t.equal(lengthPrefixed('', Buffer.from([0xff])).toString('hex'), '0000000000000001ff')
  t.equal(lengthPrefixed().length, 0)
  t.equal(lengthPrefixed('é').toString('hex'), '00000002c3a9', 'bytes, not characters')
})

t.test('two ways to write the same letter are the same part', async (t) => {
  t.ok(lengthPrefixed('é').equals(lengthPrefixed('e\u0301')))
  t.ok(lengthPrefixed('Å').equals(lengthPrefixed('\u212b')))
})

t.test('no two different lists of parts have the same bytes', async (t) => {
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const same =
        JSON.stringify(one.map((part) => [...bytesOf(part)])) ===
        JSON.stringify(other.map((part) => [...bytesOf(part)]))
      t.equal(lengthPrefixed(...one).equals(lengthPrefixed(...other)), same)
    }),
  )
  t.notOk(lengthPrefixed('ab', 'c').equals(lengthPrefixed('a', 'bc')))
  t.notOk(lengthPrefixed('a', '').equals(lengthPrefixed('a')))
  t.notOk(lengthPrefixed('a', 'b').equals(lengthPrefixed(lengthPrefixed('a', 'b'))))
})

t.test('the bytes lead back to the parts', async (t) => {
  fc.assert(
    fc.property(parts, (list) => {
      const bytes = lengthPrefixed(...list)
      const found: Buffer[] = []
      for (let at = 0; at < bytes.length; ) {
        const end = at + 4 + bytes.readUInt32BE(at)
        found.push(bytes.subarray(at + 4, end))
        at = end
      }
      t.same(
        found.map((part) => [...part]),
        list.map((part) => [...bytesOf(part)]),
      )
    }),
  )
})
