import t from 'tap'
import { Codes, packingOf } from './codes.js'

/** As many values as it says. */
function columns(counts: Readonly<Record<string, number>>): Codes {
  const values = Object.entries(counts).map(
    ([name, count]) => [name, Array.from({ length: count }, (_none, at) => `v${String(at)}`)] as const,
  )
  return new Codes(new Map(values))
}

t.test('the first column is the highest, and every column has room for a value that is not listed', (t) => {
  const { places, words } = packingOf(columns({ kind: 5, path: 255, device: 4 }), [
    'kind',
    'hour',
    'path',
    'device',
  ])
  t.equal(words, 1)
  t.same(
    places.map(({ bits, column, shift }) => [column, bits, shift]),
    [
      ['kind', 3, 61],
      ['hour', 5, 56],
      ['path', 8, 48],
      ['device', 3, 45],
    ],
  )
  t.equal(packingOf(columns({ path: 256 }), ['path']).places[0]?.bits, 9)
  t.end()
})

t.test('what does not fit into one word goes into the next, whole', (t) => {
  const many = 2 ** 20
  const { places, words } = packingOf(columns({ a: many, b: many, c: many, d: many }), ['a', 'b', 'c', 'd'])
  t.equal(words, 2)
  t.same(
    places.map(({ shift, word }) => [word, shift]),
    [
      [0, 43],
      [0, 22],
      [0, 1],
      [1, 43],
    ],
  )
  t.end()
})

t.test('a code is a place among the values, and a code of none is an error', (t) => {
  const codes = columns({ path: 3 })
  t.equal(codes.codeOf('path', 'v2'), 2)
  t.equal(codes.codeOf('path', 'v3'), null)
  t.equal(codes.codeOf('other', 'v0'), null)
  t.equal(codes.valueOf('path', 2), 'v2')
  t.throws(() => codes.valueOf('path', 3), { code: 'ERR_INTERNAL' })
  t.end()
})
