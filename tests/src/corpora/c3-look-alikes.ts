/** Corpus C3: Indian identifiers, and what looks like them and is none: HSN codes, invoice numbers, e-way bills, IRNs. */
import { DETECTORS } from '@tacit/rulebook'
import { digits, hexadecimal, holdsLuhn, holdsVerhoeff, IDENTIFIER } from './identifiers.js'
import {
  CORPUS_NOW,
  type ExpectedCase,
  goodBody,
  goodEvent,
  goodInput,
  type Random,
  seeded,
} from './parts.js'

interface LookAlikeCase extends Omit<ExpectedCase, 'expected'> {
  readonly class: string
  /** whether its form or a check digit explains that it is dropped */
  readonly isExplained: boolean
}

interface LookAlike {
  readonly class: string
  make(random: Random): string
  isExplained(text: string): boolean
  /** whether it stands in a prop only: in a path its slashes part segments */
  readonly isProp?: boolean
}

const never = (): boolean => false
const always = (): boolean => true

/** An Aadhaar number by its check digit, or 91 and a mobile number. */
const isExplainedBill = (text: string): boolean =>
  (text >= '2' && holdsVerhoeff(text)) || /^91[6-9]\d{9}$/.test(text)

/** Version 4 (RFC 9562). */
function uuid(random: Random): string {
  const all = hexadecimal(random, 32)
  return [
    all.slice(0, 8),
    all.slice(8, 12),
    `4${all.slice(13, 16)}`,
    `8${all.slice(17, 20)}`,
    all.slice(20),
  ].join('-')
}

function date(random: Random): string {
  return new Date(Date.UTC(2020, 0, 1 + random.below(3_650))).toISOString().slice(0, 10)
}

const LOOK_ALIKES: readonly LookAlike[] = [
  {
    class: 'HSN code',
    make: (random) => `${digits(random, random.pick([4, 6, 8]))}`,
    isExplained: never,
  },
  {
    class: 'HSN code with dots',
    make: (random) => `${digits(random, 4)}.${digits(random, 2)}.${digits(random, 2)}`,
    isExplained: never,
  },
  {
    class: 'invoice number',
    make: (random) =>
      random.pick([
        `INV-2026-${digits(random, 5)}`,
        `FY26-27-${digits(random, 4)}`,
        `SI/26-27/${digits(random, 5)}`,
        `GST/MH/${digits(random, 6)}`,
      ]),
    isExplained: never,
  },
  {
    class: 'invoice number like a voter’s',
    make: (random) => `INV${digits(random, 7)}`,
    isExplained: (text) => holdsLuhn(text.slice(3)),
  },
  {
    class: 'e-way bill',
    make: (random) => `${random.pick([...'123456789'])}${digits(random, 11)}`,
    isExplained: isExplainedBill,
  },
  {
    class: 'number in groups of four',
    make: (random) => Array.from({ length: 3 }, () => digits(random, 4)).join(' '),
    isExplained: (text) => text >= '2',
  },
  {
    class: 'number in groups of four, with slashes',
    make: (random) => Array.from({ length: 3 }, () => digits(random, 4)).join('/'),
    isExplained: (text) => text >= '2' && holdsVerhoeff(text.replaceAll('/', '')),
    isProp: true,
  },
  {
    class: 'ten digits',
    make: (random) => digits(random, 10),
    isExplained: (text) => text >= '6',
  },
  {
    class: 'three letters and seven digits',
    make: (random) => `${random.pick([...'BDFGHJKLMN'])}XQ${digits(random, 7)}`,
    isExplained: always,
  },
  { class: 'UUID', make: uuid, isExplained: never },
  { class: 'range of dates', make: (random) => `${date(random)} - ${date(random)}`, isExplained: never },
  {
    class: 'amount',
    make: (random) =>
      random.pick([
        `${digits(random, 1)},${digits(random, 3)},${digits(random, 3)}.${digits(random, 2)}`,
        `${digits(random, 2)},${digits(random, 2)},${digits(random, 2)},${digits(random, 3)}.${digits(random, 2)}`,
        `${digits(random, 8)}.${digits(random, 2)}`,
      ]),
    isExplained: never,
  },
  { class: 'IRN', make: (random) => hexadecimal(random, 64), isExplained: always },
  ...DETECTORS.map((detector) => ({
    class: `identifier: ${detector}`,
    make: IDENTIFIER[detector],
    isExplained: always,
  })),
]

/** Look-alikes in a path and in a prop by turns; of four, one is an identifier. */
export function lookAlikeCases(count: number, seed: number): readonly LookAlikeCase[] {
  const random = seeded(seed)
  const alike = LOOK_ALIKES.filter((one) => !one.class.startsWith('identifier'))
  const identifiers = LOOK_ALIKES.filter((one) => one.class.startsWith('identifier'))
  return Array.from({ length: count }, (_, at) => {
    const list = at % 4 === 3 ? identifiers : alike
    const kind = list[Math.floor(at / 4 + (at % 4) * 7) % list.length] as LookAlike
    const text = kind.make(random)
    const event =
      at % 2 === 0 && kind.isProp !== true ? { path: `/invoices/${text}` } : { props: { search_text: text } }
    return {
      name: `${kind.class} ${String(at)}`,
      class: kind.class,
      isExplained: kind.isExplained(text),
      input: goodInput(CORPUS_NOW, { body: goodBody([goodEvent(event)]) }),
      // Eight characters are the fewest that do not occur by chance.
      raw: text.length > 8 ? [text] : [],
    }
  })
}
