/**
 * Corpus C4: headers. Signals in every spelling, origins, types, and everything by which a browser or a proxy could tell
 * who somebody is, each with a value of its own.
 */
import {
  CORPUS_NOW,
  type Expected,
  type ExpectedCase,
  goodInput,
  markedAgent,
  type Random,
  seeded,
} from './parts.js'

const ORIGIN = 'https://erp.example.in'
type Value = string | readonly string[] | null

/** Values of `Sec-GPC` and `DNT`, and whether they refuse: one line that is exactly `1` does. */
const SIGNALS: readonly (readonly [Value, boolean])[] = [
  [null, false],
  ['1', true],
  ['0', false],
  ['', false],
  ['1, 1', false],
  // Blanks around a value are no part of it (RFC 9110, 5.5).
  ['1 ', true],
  [' \t1', true],
  ['1 1', false],
  [['1, 1', '0'], false],
  [['1, 1', ' 1 '], true],
  ['true', false],
  ['01', false],
  ['1;v=1', false],
  ['"1"', false],
  ['１', false],
  [['0', '1'], true],
  [['1', '1'], true],
  [['0', '0'], false],
  [['1', ''], true],
]
const NO_SIGNALS = SIGNALS.filter(([, refuses]) => !refuses)

/** Values of `Origin`, and whether the site lists them. */
const ORIGINS: readonly (readonly [Value, boolean])[] = [
  [null, true],
  [ORIGIN, true],
  [` ${ORIGIN}\t`, true],
  [[ORIGIN, ORIGIN], false],
  ['https://erp.example.in/', false],
  ['http://erp.example.in', false],
  ['https://erp.example.in:8443', false],
  ['https://ERP.example.in', false],
  ['https://erp.example.in.evil.example', false],
  ['null', false],
  ['*', false],
]

const TYPES: readonly (readonly [Value, boolean])[] = [
  [null, true],
  ['application/json', true],
  ['application/json; charset=utf-8', true],
  ['APPLICATION/JSON', true],
  ['text/plain;charset=UTF-8', true],
  ['text/html', false],
  ['application/x-www-form-urlencoded', false],
  ['application/json+ld', false],
]
const ENCODINGS: readonly (readonly [Value, boolean])[] = [
  [null, true],
  ['identity', true],
  ['IDENTITY', true],
  ['gzip', false],
  ['identity, gzip', false],
  ['br', false],
  ['', false],
]
const AGENTS: readonly (readonly [(mark: string) => string | null, boolean])[] = [
  [markedAgent, false],
  [
    (mark) =>
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 ${mark}`,
    false,
  ],
  [() => null, false],
  [(mark) => `Googlebot/2.1 (+http://www.google.com/bot.html) ${mark}`, true],
  [(mark) => `Mozilla/5.0 (compatible; bingbot/2.0; ${mark})`, true],
]

/** Headers that say who, where or when, with the mark that each carries. */
const TELLING: Readonly<Record<string, (mark: string) => string | readonly string[]>> = {
  referer: (mark) => `https://erp.example.in/customers/${mark}?q=${mark}#${mark}`,
  cookie: (mark) => `session=${mark}; _ga=GA1.2.${mark}`,
  authorization: (mark) => `Bearer ${mark}`,
  'x-request-id': (mark) => mark,
  traceparent: (mark) => `00-${mark}-00f067aa0ba902b7-01`,
  tracestate: (mark) => `vendor=${mark}`,
  baggage: (mark) => `user.id=${mark}`,
  'sentry-trace': (mark) => `${mark}-1`,
  'accept-language': (mark) => `en-${mark}, hi;q=0.9`,
  'sec-ch-ua': (mark) => `"${mark}";v="141"`,
  'sec-ch-ua-model': (mark) => `"${mark}"`,
  'sec-ch-ua-full-version-list': (mark) => [`"${mark}";v="1"`, `"${mark}";v="2"`],
  'x-forwarded-for': (mark) => ['198.51.100.7', `${mark}, 192.0.2.9`],
  forwarded: (mark) => `for=_${mark};by=_${mark}`,
  'true-client-ip': (mark) => mark,
  'cf-connecting-ip': (mark) => mark,
  'x-real-ip': (mark) => mark,
  via: (mark) => `1.1 ${mark}`,
  from: (mark) => `${mark}@example.in`,
  'if-none-match': (mark) => `"${mark}"`,
  'user-agent-data': (mark) => `ü ${mark} \u00ff`,
  'x-email': (mark) => `${mark}@example.in`,
  'x-http-method-override': () => 'DELETE',
}

interface Parts {
  readonly gpc: readonly [Value, boolean]
  readonly dnt: readonly [Value, boolean]
  readonly origin: readonly [Value, boolean]
  readonly type: readonly [Value, boolean]
  readonly encoding: readonly [Value, boolean]
  readonly agent: readonly [(mark: string) => string | null, boolean]
}

/** The order is the decision's own: encoding and type, then origin, then signals, then crawlers (interface.md). */
function expectedOf({ agent, dnt, encoding, gpc, origin, type }: Parts): Expected {
  if (!encoding[1]) return { status: 415, code: 'ERR_BEACON_CONTENT_ENCODING' }
  if (!type[1]) return { status: 415, code: 'ERR_BEACON_TYPE' }
  const reasons = [
    [!origin[1], 'wrong_origin'],
    [gpc[1], 'signal.gpc'],
    [dnt[1], 'signal.dnt'],
    [agent[1], 'bot'],
  ] as const
  return { status: 204, reason: reasons.find(([holds]) => holds)?.[1] ?? null }
}

/** Letters of a header's name in either case. */
const spelt = (random: Random, name: string): string =>
  [...name].map((letter) => (random.below(3) === 0 ? letter.toUpperCase() : letter)).join('')

function makeCase(random: Random, at: number): ExpectedCase {
  // A third of the cases each: one signal at work, everything at once, and headers that must change nothing.
  const mode = at % 3
  const parts: Parts = {
    gpc: mode === 2 ? random.pick(NO_SIGNALS) : random.pick(SIGNALS),
    dnt: mode === 0 ? random.pick(NO_SIGNALS) : random.pick(SIGNALS),
    origin: mode === 1 ? random.pick(ORIGINS) : ([ORIGIN, true] as const),
    type: random.below(4) === 0 ? random.pick(TYPES) : ([null, true] as const),
    encoding: random.below(6) === 0 ? random.pick(ENCODINGS) : ([null, true] as const),
    agent: mode === 0 ? ([markedAgent, false] as const) : random.pick(AGENTS),
  }
  const mark = random.mark()
  const headers: Record<string, string | readonly string[]> = {}
  const put = (name: string, value: Value): void => {
    if (value !== null) headers[spelt(random, name)] = value
  }
  put('sec-gpc', parts.gpc[0])
  put('dnt', parts.dnt[0])
  put('origin', parts.origin[0])
  put('content-type', parts.type[0])
  put('content-encoding', parts.encoding[0])
  put('user-agent', parts.agent[0](mark))
  for (const [name, value] of Object.entries(TELLING)) {
    if (random.below(3) === 0) put(name, value(mark))
  }
  if (random.below(2) === 0) put(`x-${mark}`, mark)
  put('x-session', mark)
  return {
    name: `headers ${String(at)}: ${Object.keys(headers).sort().join(' ').toLowerCase().replaceAll(mark, '…')}`,
    input: goodInput(CORPUS_NOW, { headers }),
    raw: [mark],
    expected: expectedOf(parts),
  }
}

/** @returns `count` cases, the same for the same seed */
export function headerCases(count: number, seed: number): readonly ExpectedCase[] {
  const random = seeded(seed)
  return Array.from({ length: count }, (_, at) => makeCase(random, at))
}
