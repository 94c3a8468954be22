/** Corpus C2: identifiers of each detector, in each carrier of a beacon, hidden in each way that people and programs know. */
import { DETECTORS, type Detector } from '@tacit/rulebook'
import type { CorpusCase, TryInput } from './corpus.js'
import { IDENTIFIER } from './identifiers.js'
import { CORPUS_NOW, goodBody, goodEvent, goodInput, seeded } from './parts.js'

interface CarrierCase extends CorpusCase {
  readonly detector: Detector
  readonly carrier: string
  readonly encoding: string
  /** whether a rule could let the carrier's text pass: then a detector must drop the event */
  readonly canPass: boolean
}

type Carrier = readonly [name: string, canPass: boolean, put: (text: string) => Partial<TryInput>]

const inEvent = (event: Readonly<Record<string, unknown>>): Partial<TryInput> => ({
  body: goodBody([goodEvent(event)]),
})
const inHeader = (name: string, text: string): Partial<TryInput> => ({
  headers: { origin: 'https://erp.example.in', [name]: text },
})

const CARRIERS: readonly Carrier[] = [
  ['path segment', true, (text) => inEvent({ path: `/c/${text}` })],
  ['query', true, (text) => inEvent({ path: `/c?q=${text}` })],
  ['fragment', true, (text) => inEvent({ path: `/c#${text}` })],
  ['path before', true, (text) => inEvent({ from_path: `/c/${text}` })],
  ['prop value', true, (text) => inEvent({ props: { search_text: text } })],
  ['value of a prop without a rule', true, (text) => inEvent({ props: { note: text } })],
  ['prop key', true, (text) => inEvent({ props: { [text]: 1 } })],
  ['event name', true, (text) => inEvent({ name: text })],
  ['nested JSON', true, (text) => inEvent({ props: { note: JSON.stringify({ a: [text] }) } })],
  ['user agent', false, (text) => inHeader('user-agent', `Mozilla/5.0 ${text}`)],
  ['header', false, (text) => inHeader('referer', `https://erp.example.in/?q=${text}`)],
]

const hex = (character: string): string =>
  (character.codePointAt(0) ?? 0).toString(16).padStart(2, '0').toUpperCase()
const each =
  (change: (character: string) => string) =>
  (text: string): string =>
    [...text].map(change).join('')
const percent = each((character) => `%${hex(character)}`)
const again = (text: string): string => text.replaceAll('%', '%25')
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const digitsFrom = (zero: number) => (text: string) =>
  text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))

const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  URL: percent,
  'URL twice': (text) => again(percent(text)),
  'URL three times': (text) => again(again(percent(text))),
  base64,
  // Letters, so that nothing tells where the identifier begins.
  'base64, one letter later': (text) => base64(`x${text}`),
  'base64, two letters later': (text) => base64(`xy${text}`),
  'base64, letters on either side': (text) => base64(`xy${text}z`),
  'base64, one byte later': (text) => base64(`:${text}`),
  'base64, two bytes later': (text) => base64(`::${text}`),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  hexadecimal: (text) => Buffer.from(text).toString('hex'),
  'hexadecimal with 0x': (text) => `0x${Buffer.from(text).toString('hex')}`,
  'HTML entities without a semicolon': (text) => text.replace('@', '&#64'),
  'HTML entities with zeros': each((character) => `&#0000000${String(character.codePointAt(0) ?? 0)};`),
  'HTML entities': each((character) => `&#x${hex(character)};`),
  'JSON escapes': each((character) => `\\u${hex(character).toLowerCase().padStart(4, '0')}`),
  'full width': each((character) => String.fromCodePoint((character.codePointAt(0) ?? 0) + 0xfee0)),
  'zero width': (text) => [...text].join('\u200b'),
  bidirectional: (text) => `\u202e${text.slice(0, 3)}\u202c${text.slice(3)}`,
  'homoglyph @': (text) => text.replace('@', '\ufe6b'),
  'circled a': (text) => text.replace('@', '\u24d0'),
  'soft hyphens': (text) => [...text].join('\u00ad'),
  'Devanagari digits': digitsFrom(0x966),
  'Tamil digits': digitsFrom(0xbe6),
}

/** Characters of a text that a beacon may have, and what a carrier puts around it. */
const MAX_TEXT = 256 - 16

/** How a detector, a carrier and an encoding meet; those that a beacon cannot hold are left out. */
function combinations() {
  const split = (first: string, second: string, share: number): Carrier => [
    'two props',
    true,
    (text) => {
      const at = Math.max(1, Math.floor(text.length * share))
      return inEvent({ props: { [first]: text.slice(0, at), [second]: text.slice(at) } })
    },
  ]
  // In either order, near the beginning, in the middle, near the end.
  const splits = [0.1, 0.3, 0.5, 0.7, 0.9].flatMap((share) => [
    split('a', 'b', share),
    split('b', 'a', share),
  ])
  const whole = DETECTORS.flatMap((detector) =>
    CARRIERS.flatMap((carrier) =>
      Object.entries(ENCODINGS).map(([encoding, encode]) => ({ detector, carrier, encoding, encode })),
    ),
  )
  // A random token has no form by which its halves could be told from two words.
  const halves = DETECTORS.filter((detector) => detector !== 'random_token').flatMap((detector) =>
    splits.map((carrier) => ({ detector, carrier, encoding: 'plain', encode: (text: string) => text })),
  )
  return [...whole, ...halves]
}

/** So many cases: every combination in turn, each time with a new identifier. */
export function carrierCases(count: number, seed: number): readonly CarrierCase[] {
  const random = seeded(seed)
  const cases: CarrierCase[] = []
  const all = combinations()
  // A step that shares no divisor with their number: a slice of the corpus has some of everything.
  for (let at = 0; cases.length < count; at++) {
    const { carrier, detector, encode, encoding } = all[(at * 1_009) % all.length] as (typeof all)[number]
    const [name, canPass, put] = carrier
    const value = IDENTIFIER[detector](random)
    const text = encode(value)
    // As a carrier quotes it.
    if (JSON.stringify(text).length > MAX_TEXT) continue
    cases.push({
      name: `${detector}, ${name}, ${encoding}`,
      detector,
      carrier: name,
      encoding,
      canPass,
      input: goodInput(CORPUS_NOW, put(text)),
      raw: [value],
    })
  }
  return cases
}
