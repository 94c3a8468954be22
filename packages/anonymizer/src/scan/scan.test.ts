import { DETECTORS, type Detector } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import { createScanner } from './index.js'

const scanner = createScanner(DETECTORS)

/** What must be found, by detector: forms as people write them. Everything is made up. */
const FOUND: Readonly<Record<Detector, readonly string[]>> = {
  email: [
    'x@y.in',
    'ravi.kumar+test@example.co.in',
    'रवि@उदाहरण.भारत',
    'a@xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g',
  ],
  upi: ['ravi.kumar@okhdfcbank', '9876500000@ybl', 'ab@upi'],
  phone_in: [
    '9876543210',
    '+919876543210',
    '+91-98765-43210',
    '098765 43210',
    '(987) 654-3210',
    'tel9876543210',
  ],
  pan: ['ABCPK1234F', 'abcpk1234f', 'ABCPK 1234 F', 'id=ABCHK1234F;'],
  aadhaar: ['2345 6789 0124', '2345-6789-0124', '234567890124', '2345 6789 0123'],
  gstin: ['27AAPFU0939F1ZV', '38AAPFU0939F1ZX', '97AAPFU0939F1Z0', '27 AAPFU0939F 1Z5'],
  cin: ['L17110MH1973PLC019786', 'U72200KA2013PTC097389'],
  tan: ['ABCD12345E', 'blre12345f'],
  ifsc: ['HDFC0001234', 'ICIC0ABCDEF', 'sbin0005943'],
  iban: ['DE89370400440532013000', 'GB82 WEST 1234 5698 7654 32', 'NL91ABNA0417164300'],
  card: [
    '4111111111111111',
    '4111 1111 1111 1111',
    '5500-0000-0000-0004',
    '3782 822463 10005',
    '4111 1111 1111 1112',
  ],
  voter_id: ['ABC1234567', 'xyz7654321', 'INV1234566'],
  passport: ['A1234567', 'z7654321', 'K 1234567'],
  jwt: ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc', 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.'],
  random_token: [
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'Xa9Bq2Lm8Zt4Vc7Rn1Ks6Wp3',
    'k3j9x0a8b2m5n7q1w4e6r8t0u2',
  ],
}

/** What ordinary texts hold, and nobody may lose an event for. */
const PASSES = [
  '/customers/12345/invoice/INV-9',
  'INV-2026-00123',
  'INV-1234567',
  'INV1234567',
  'FY24-25',
  'page_view',
  '8.2.1',
  '2026-11-22',
  '2026-11-22T10:30:00Z',
  '1764028800000',
  '84713010',
  '8471.30.10',
  '123456789012',
  '/orders/550e8400-e29b-41d4-a716-446655440000',
  '/orders/order-550e8400-e29b-41d4-a716-446655440000/lines',
  '507f1f77bcf86cd799439011',
  'CustomerInvoiceListView2026',
  'dashboard.customise',
  'acme-traders-private-limited',
  'Rs. 12,345.67',
  '100%',
  'R&D',
  'meet @ 5',
  'Chrome/141.0.0.0',
  'ग्राहक',
  '',
]

for (const [detector, texts] of Object.entries(FOUND)) {
  t.test(`${detector} is found as people write it, and by no other name`, async (t) => {
    for (const text of texts) t.equal(scanner.scan(text), detector, text)
    for (const text of texts) t.equal(createScanner([detector as Detector]).scan(text), detector, text)
  })

  t.test(`${detector} is not looked for where the rulebook does not say so`, async (t) => {
    const others = createScanner(DETECTORS.filter((other) => other !== detector))
    for (const text of texts) t.not(others.scan(text), detector, text)
  })
}

t.test('ordinary texts pass', async (t) => {
  for (const text of PASSES) t.equal(scanner.scan(text), null, text)
})

t.test('near misses of numbers pass', async (t) => {
  const misses = [
    '5876543210', // no mobile number begins with 5
    '987654321',
    '98765432101',
    '134567890124', // no Aadhaar number begins with 1
    '234567890123', // bare, and its check digit is wrong
    '4111111111111112',
    '1111111111111117', // no card scheme begins with 1
    'ABCDK1234F', // no PAN has D there
    '40AAPFU0939F1ZV', // there is no state 40
    'DE89370400440532013001',
    'HDFC1001234',
    'A0234567',
  ]
  for (const text of misses) t.equal(scanner.scan(text), null, text)
})

/** Ways in which a value hides. */
const HIDINGS: Readonly<Record<string, (value: string) => string>> = {
  'within a path': (value) => `/customers/${value}/edit`,
  'within a query': (value) => `/search?q=${value}&page=2`,
  'within JSON': (value) => JSON.stringify({ note: value }),
  'URL-encoded': (value) => encodeURIComponent(value).replace(/[a-z0-9.]/gi, hexByte),
  'URL-encoded twice': (value) => encodeURIComponent(value.replace(/[a-z0-9.@ ]/gi, hexByte)),
  'URL-encoded three times': (value) =>
    encodeURIComponent(encodeURIComponent(value.replace(/[a-z0-9.@ ]/gi, hexByte))),
  'as decimal entities': (value) => [...value].map((c) => `&#${String(c.codePointAt(0))};`).join(''),
  'as hexadecimal entities': (value) =>
    [...value].map((c) => `&#x${(c.codePointAt(0) ?? 0).toString(16)};`).join(''),
  'in full width': (value) =>
    [...value]
      .map((c) => (c >= '!' && c <= '~' ? String.fromCodePoint((c.codePointAt(0) ?? 0) + 0xfee0) : c))
      .join(''),
  'with zero-width spaces': (value) => [...value].join('\u200b'),
  'with soft hyphens': (value) => [...value].join('\u00ad'),
  'between bidirectional marks': (value) => `\u202e${value.slice(0, 3)}\u202c${value.slice(3)}`,
  'with Devanagari digits': (value) => value.replace(/\d/g, (d) => String.fromCodePoint(0x966 + Number(d))),
  'with Tamil digits': (value) => value.replace(/\d/g, (d) => String.fromCodePoint(0xbe6 + Number(d))),
  'in base64': (value) => Buffer.from(value).toString('base64'),
  'in base64, one byte later': (value) => Buffer.from(`:${value}`).toString('base64'),
  'in base64, two bytes later': (value) => Buffer.from(`::${value}`).toString('base64'),
  'in base64url': (value) => Buffer.from(value).toString('base64url'),
  'in base64 within base64': (value) =>
    Buffer.from(Buffer.from(`q=${value}`).toString('base64')).toString('base64'),
  'in hexadecimal': (value) => Buffer.from(value).toString('hex'),
}

function hexByte(character: string): string {
  return `%${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`
}

/** One form of each that is long enough to be encoded. */
const HIDDEN: Partial<Record<Detector, string>> = {
  email: 'ravi.kumar@example.in',
  upi: 'ravi.kumar@okhdfcbank',
  phone_in: '9876543210',
  pan: 'ABCPK1234F',
  aadhaar: '234567890124',
  gstin: '27AAPFU0939F1ZV',
  cin: 'L17110MH1973PLC019786',
  tan: 'ABCD12345E',
  ifsc: 'HDFC0001234',
  iban: 'DE89370400440532013000',
  card: '4111111111111111',
  voter_id: 'ABC1234567',
  passport: 'A1234567',
}

for (const [hiding, hide] of Object.entries(HIDINGS)) {
  t.test(`every identifier is found ${hiding}`, async (t) => {
    for (const [detector, value] of Object.entries(HIDDEN)) {
      t.equal(scanner.scan(hide(value)), detector, `${detector}: ${hide(value).slice(0, 60)}`)
    }
  })
}

t.test('an identifier that is split over two texts is found, in either order', async (t) => {
  for (const [detector, value] of Object.entries(HIDDEN)) {
    const middle = Math.floor(value.length / 2)
    const parts = [value.slice(0, middle), value.slice(middle)]
    t.equal(scanner.scanSplit(parts), detector, detector)
    t.equal(scanner.scanSplit(parts.toReversed()), detector, `${detector}, reversed`)
  }
  t.equal(scanner.scanSplit(['8.2.0', 'desktop', 'en-IN']), null)
})

t.test('whatever comes in, a scanner answers', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      const hit = scanner.scan(text)
      return hit === null || DETECTORS.includes(hit)
    }),
    { seed: 7, numRuns: 3_000 },
  )
  t.pass('held in every run')
  t.end()
})

/** Texts that are made to be slow, of any length. */
const SLOW: Readonly<Record<string, (length: number) => string>> = {
  digits: (length) => '9'.repeat(length),
  'single digits': (length) => '9 '.repeat(length / 2),
  'pairs of digits': (length) => '98-'.repeat(length / 3),
  letters: (length) => 'Ab'.repeat(length / 2),
  'letters and digits': (length) => 'A1b2'.repeat(length / 4),
  ats: (length) => 'a@'.repeat(length / 2),
  'a long local part': (length) => `${'a'.repeat(length - 5)}@y.in`,
  'a long domain': (length) => `a@${'y.'.repeat(length / 2 - 2)}`,
  percents: (length) => '%25'.repeat(length / 3),
  'broken percents': (length) => '%2'.repeat(length / 2),
  entities: (length) => '&amp;'.repeat(length / 5),
  ampersands: (length) => '&'.repeat(length),
  'beginnings of tokens': (length) => 'eyJ'.repeat(length / 3),
  'tokens without an end': (length) => 'eyJhbGciOiJ9.'.repeat(length / 13),
  hexadecimal: (length) => '0a'.repeat(length / 2),
  'dashed hexadecimal': (length) => '550e8400-e29b-'.repeat(length / 14),
  'base64 with padding': (length) => 'QUJDUEsxMjM0Rg=='.repeat(length / 16),
  'full width': (length) => '９'.repeat(length),
  'combining marks': (length) => 'a\u0301'.repeat(length / 2),
}

t.test('a megabyte that is made to be slow takes its length, not its square', async (t) => {
  const time = (text: string): number => {
    const start = process.cpuUsage()
    scanner.scan(text)
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1_000
  }
  for (const [name, make] of Object.entries(SLOW)) {
    time(make(10_000))
    const part = Math.min(time(make(125_000)), time(make(125_000)))
    const whole = time(make(1_000_000))
    t.comment(`${name}: ${whole.toFixed(0)} ms`)
    t.ok(whole < 2_500, `${name}: ${whole.toFixed(0)} ms for a megabyte`)
    // Eight times as long: the square would take 64 times as much.
    t.ok(
      whole < part * 24 + 60,
      `${name}: ${part.toFixed(0)} ms for an eighth, ${whole.toFixed(0)} ms for all`,
    )
  }
})

t.test('ordinary texts cost well under a microsecond', async (t) => {
  const texts = ['/customers/12345/invoice/INV-9', '/dashboard', 'page_view', 'accounts', '8.2.1', 'en-IN']
  for (let round = 0; round < 20_000; round++) for (const text of texts) scanner.scan(text)
  const start = process.cpuUsage().user
  const rounds = 20_000
  for (let round = 0; round < rounds; round++) for (const text of texts) scanner.scan(text)
  const each = (process.cpuUsage().user - start) / (rounds * texts.length)
  t.comment(`${(each * 1000).toFixed(0)} ns a text`)
  t.ok(each < 1.5, 'µs a text, on a busy machine')
})
