/** Identifiers split over two texts, held against reading both texts as one. */
import { DETECTORS, type Detector } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import { addressOf } from './addresses.js'
import { Finder } from './finder.js'
import { createScanner } from './index.js'
import { normalised } from './normalise.js'
import { runsOf } from './runs.js'
import { holdsJwt } from './tokens.js'

const RUNS = process.env['TACIT_TEST_FULL'] === '1' ? 200_000 : 20_000

const scanner = createScanner(DETECTORS)
const wanted: ReadonlySet<Detector> = new Set(DETECTORS)
const finder = new Finder(wanted)

/** The slow and plain way: everything read again as one text. */
function read(text: string): boolean {
  const plain = normalised(text)
  return holdsJwt(plain) || addressOf(plain, wanted) !== null || finder.find(runsOf(plain)) !== null
}

const IDENTIFIERS = [
  'ravi.kumar@example.in',
  'x@y.in',
  'ravi@okhdfcbank',
  '9876543210',
  '+91-98765-43210',
  '98765\t43210',
  '98765,43210',
  'ABCPK1234F',
  'ABCPK 1234 F',
  '2345 6789 0124',
  '2341 - 2341 - 2346',
  '2341/2341/2346',
  '27AAPFU0939F1ZV',
  'L17110MH1973PLC019786',
  'ABCD12345E',
  'HDFC0001234',
  'GB82 WEST 1234 5698 7654 32',
  'DE89370400440532013000',
  '4111 1111 1111 1111',
  'ABC1234567',
  'A1234567',
  'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.',
]

t.test('an identifier that is split anywhere is found, in either order', async (t) => {
  for (const identifier of IDENTIFIERS) {
    for (let at = 1; at < identifier.length; at++) {
      const [first, second] = [identifier.slice(0, at), identifier.slice(at)]
      // What is whole in one half is found there, before anything is put together.
      if (scanner.scan(first) !== null || scanner.scan(second) !== null) continue
      if (!read(identifier)) t.fail(identifier)
      if (scanner.scanSplit([first, second]) === null) t.fail(`${first} | ${second}`)
      if (scanner.scanSplit([second, first]) === null) t.fail(`${second} | ${first}, reversed`)
    }
  }
  t.pass('at every place')
})

t.test('an escape that is split is one', async (t) => {
  for (const [first, second] of [
    ['ravi%', '40example.in'],
    ['ravi%4', '0example.in'],
    ['ravi%25', '40example.in'],
    ['ravi%2', '540example.in'],
    ['ravi&#6', '4;example.in'],
    ['ravi&#64', ';example.in'],
    ['98765&#52', ';3210'],
    ['ravi&', '#64;example.in'],
    ['ravi&comm', 'at;example.in'],
    ['98765%2', '043210'],
  ] as const) {
    t.not(scanner.scanSplit([first, second]), null, `${first} | ${second}`)
    t.not(scanner.scanSplit([second, first]), null, `${first} | ${second}, reversed`)
  }
})

const ENCODINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => encodeURIComponent(text),
  (text) => encodeURIComponent(encodeURIComponent(text)),
  (text) => text.replace(/[@ .-]/g, (character) => `&#${String(character.charCodeAt(0))};`),
  (text) => [...text].join('\u200b'),
  (text) => text.replace(/\d/g, (digit) => String.fromCodePoint(0x966 + Number(digit))),
  (text) => text.replace(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
]

const noise = fc.oneof(
  fc.constant(''),
  fc.string({ unit: fc.constantFrom(...'aBx17 -.,/:@%&#;_|()\té'), maxLength: 24 }),
  fc.string({ unit: fc.constantFrom(...'234567890 -'), maxLength: 60 }),
)

/** Two texts of which one, with noise around it, is the rest of an identifier that the other begins. */
const halves = fc
  .record({
    identifier: fc.constantFrom(...IDENTIFIERS),
    encode: fc.constantFrom(...ENCODINGS),
    before: noise,
    behind: noise,
    share: fc.integer({ min: 0, max: 1_000 }),
  })
  .map(({ before, behind, encode, identifier, share }): readonly [string, string] => {
    const text = encode(identifier)
    const at = Math.round((text.length * share) / 1_000)
    return [before + text.slice(0, at), text.slice(at) + behind]
  })

t.test(
  'the seam of two texts holds what both as one text hold, and but for escapes nothing else',
  async (t) => {
    let found = 0
    fc.assert(
      fc.property(fc.oneof(halves, fc.tuple(noise, noise)), ([first, second]) => {
        if (read(first) || read(second)) return true
        // Half a reference before digits in full width is one to the reader of both texts, and two things to the seam.
        if (/[&%]/.test(first + second) && /[\u0966-\u096f\uff01-\uff5e]/.test(first + second)) return true
        const isThere = read(first + second) || read(second + first)
        if (isThere) found++
        const isFound = scanner.scanSplit([first, second]) !== null
        // `%A` and `BCPK1234F` are a byte that is no character and the rest, or a percent sign and a PAN: the seam reads both.
        return isFound === isThere || (isFound && /[%&]/.test(first + second))
      }),
      { seed: 11, numRuns: RUNS },
    )
    t.ok(found > RUNS / 10, `${String(found)} were split`)
  },
)

t.test('of few texts any two are put together, of many those that can hold something', async (t) => {
  const words = ['accounts', 'desktop', 'en-IN', 'list', 'draft', 'grid', 'wide', 'open', 'sales', 'north']
  t.equal(scanner.scanSplit(['98765', ...words.slice(0, 6), '43210']), 'phone_in')
  t.equal(scanner.scanSplit(['98765', ...words, '43210']), 'phone_in', 'the first and the last of twelve')
  t.equal(scanner.scanSplit(['43210', ...words, '98765']), 'phone_in', 'in either order')
  const numbers = Array.from({ length: 20 }, (_, at) => `1${String(at)}`)
  t.equal(scanner.scanSplit([...numbers, '43210', '98765']), 'phone_in', 'neighbours among numbers')
  t.equal(scanner.scanSplit(words), null)
})

t.test('two ordinary texts make no identifier', async (t) => {
  for (const texts of [
    ['2026-11-22', '2026-11-29'],
    ['22-11-2026', '29-11-2026'],
    ['50%', '20%', '7.5%'],
    ['1,234,567.00', '98,765.00'],
    ['8.2.1', '141.0.0.0', 'INV-9'],
    ['28.613939', '77.209021'],
    ['550e8400-e29b-41d4-a716-446655440000', '98765'],
    ['me@', 'work'],
  ]) {
    const found = scanner.scanSplit(texts)
    t.equal(texts[0] === 'me@' ? found === 'upi' : found === null, true, texts.join(' | '))
  }
})
