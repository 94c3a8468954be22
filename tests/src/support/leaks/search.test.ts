import fc from 'fast-check'
import t from 'tap'
import { formsOf, MIN_BYTES, type Needle } from './forms.js'
import { decodeLz4Block } from './lz4-block.js'
import { createSearch } from './search.js'

const needle = (text: string): Needle => ({ what: text, form: 'plain', bytes: Buffer.from(text) })

t.test('every form of a value is found wherever it lies, at every alignment', async (t) => {
  const value = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 40 })
  fc.assert(
    fc.property(
      value,
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }),
      (text, before, after) => {
        const bytes = Buffer.from(text, 'utf8')
        const found = (content: Buffer | string) =>
          createSearch(formsOf('it', text))(Buffer.from(content)).length > 0
        const whole = Buffer.concat([before, bytes, after])
        return (
          found(whole) &&
          found(whole.toString('hex')) &&
          found(whole.toString('hex').toUpperCase()) &&
          found(whole.toString('base64')) &&
          found(whole.toString('base64url')) &&
          found(`x=${encodeURIComponent(text)}&`) &&
          found(new URLSearchParams({ x: text }).toString()) &&
          found(JSON.stringify({ x: text }))
        )
      },
    ),
  )
  t.pass('held in every run')
})

t.test('exactly the needles that are there are found', async (t) => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: MIN_BYTES, maxLength: 12 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 300 })
  fc.assert(
    fc.property(fc.uniqueArray(word, { maxLength: 20 }), text, (words, haystack) => {
      const found = createSearch(words.map(needle))(Buffer.from(haystack)).map(({ what }) => what)
      return (
        JSON.stringify(found.sort()) === JSON.stringify(words.filter((one) => haystack.includes(one)).sort())
      )
    }),
  )
  t.pass('held in every run')
})

t.test('a value too short to mean anything has no forms, and is no needle', async (t) => {
  t.same(formsOf('it', '1.2.3.4'), [])
  t.throws(() => createSearch([needle('1234567')]), RangeError)
})

t.test(
  'an LZ4 block with overlapping matches and long lengths is decoded, a damaged one is refused',
  async (t) => {
    // One literal, then 4 + 15 + 10 bytes from one byte back; then literals of 15 + 1.
    const block = Buffer.concat([
      Buffer.from([0x1f, 0x61, 1, 0, 10, 0xf0, 1]),
      Buffer.from('0123456789abcdef'),
    ])
    t.equal(decodeLz4Block(block, 46).toString(), `${'a'.repeat(30)}0123456789abcdef`)
    t.throws(() => decodeLz4Block(block, 45), RangeError)
    t.throws(() => decodeLz4Block(block, 47), RangeError)
    t.throws(() => decodeLz4Block(block.subarray(0, 10), 46), RangeError)
    t.throws(() => decodeLz4Block(Buffer.from([0x10, 0x61, 2, 0]), 5), RangeError)
  },
)
