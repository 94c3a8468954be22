/**
 * Corpus C6: bodies. What the contract takes, what it refuses, what the rules drop, and everywhere a value of its own:
 * in members that nobody expects, in the earlier of two equal keys, behind an escape, after the end.
 */
import {
  CORPUS_NOW,
  type Expected,
  type ExpectedCase,
  goodBody,
  goodEvent,
  goodInput,
  type Random,
  seeded,
} from './parts.js'

interface Made {
  /** an object, or text that is sent as it stands */
  readonly body: unknown
  readonly expected: Expected
  /** sent without a token: where the bytes of the body must be exact */
  readonly bare?: boolean
}
type Make = (mark: string, random: Random) => Made

const ACCEPTED: Expected = { status: 204, reason: null }
const MALFORMED: Expected = { status: 400, code: 'ERR_BEACON_MALFORMED' }
const NO_JSON: Expected = { status: 400, code: 'ERR_BEACON_JSON' }
const ENCODING: Expected = { status: 400, code: 'ERR_BEACON_ENCODING' }
const dropped = (reason: string): Expected => ({ status: 204, reason })

const event = (changes: Readonly<Record<string, unknown>>) => goodBody([goodEvent(changes)])
const taken = (body: unknown): Made => ({ body, expected: ACCEPTED })
const refused = (body: unknown, expected = MALFORMED): Made => ({ body, expected })

/** The text of a good body whose event has these members too, as they stand. */
const written = (members: string): string =>
  JSON.stringify(goodBody()).replace('"path":"/customers"', () => `"path":"/customers",${members}`)

/** A good body of a size in bytes; without a token, which would be part of it. */
const sized = (mark: string, bytes: number): string => {
  const body = JSON.stringify(event({ path: `/${mark}` }))
  return body + ' '.repeat(bytes - Buffer.byteLength(body))
}
const events = (mark: string, count: number) =>
  goodBody(Array.from({ length: count }, (_, at) => goodEvent({ id: `${mark}-${String(at)}` })))
const props = (mark: string, count: number) =>
  event({
    props: Object.fromEntries(Array.from({ length: count }, (_, at) => [`${mark}_${String(at)}`, at])),
  })

/** What the contract and the rules take; the mark goes nowhere. */
const TAKEN: readonly Make[] = [
  (mark) => taken(event({ path: `/${mark}/${mark}` })),
  (mark) => taken(event({ path: mark, from_path: `${mark}?${mark}#${mark};${mark}` })),
  (mark) => taken(event({ id: mark, path: `/customers/${mark}/invoice/${mark}` })),
  (mark) => taken(event({ props: { [mark]: mark, search_text: mark, app_version: mark } })),
  (mark) => taken(event({ props: { [mark]: null, load_ms: mark, visit_start: mark, device_model: mark } })),
  (mark) => taken(event({ props: { [mark]: true, [`${mark}2`]: -0, [`${mark}3`]: 1e300 } })),
  (mark) => taken(event({ props: { role: mark, cohort: mark, tenant: mark, sub: mark } })),
  (mark) => taken(goodBody([goodEvent()], { client: { language: mark, utc_offset: 330 } })),
  (mark) => taken(goodBody([goodEvent({ path: `/${mark}` })], { consent: { analytics: 'granted' } })),
  (mark) => taken(event({ path: `/${mark}${'a'.repeat(255 - mark.length)}` })),
  (mark) => taken(props(mark, 32)),
  (mark) => taken(events(mark, 100)),
  (mark) => taken(written(`"props":{"note":"${mark}","note":1}`)),
  (mark) => taken(written(`"path":"/${mark}","path":"/dashboard"`)),
  (mark) => taken(written(`"from_path":"\\u002f${mark}\\ud83d\\ude00"`)),
  (mark) => ({ ...taken(sized(mark, 65_536)), expected: dropped('token.missing'), bare: true }),
]

/** What the rules drop. */
const DROPPED: readonly Make[] = [
  (mark) => ({ body: event({ name: mark }), expected: dropped('event.unknown') }),
  (mark) => ({ body: event({ name: `page_view ${mark}` }), expected: dropped('event.unknown') }),
  (mark) => ({ body: event({ path: `/a/${mark}@example.in` }), expected: dropped('pii.email') }),
  (mark) => ({ body: event({ props: { note: `${mark}@example.in` } }), expected: dropped('pii.email') }),
  (mark) => ({ body: event({ props: { [`${mark}@example.in`]: 1 } }), expected: dropped('pii.email') }),
  (mark) => ({ body: event({ path: `/${mark}%2540example.in` }), expected: dropped('pii.email') }),
  (mark) => ({ body: goodBody([goodEvent()], { site: mark }), expected: dropped('unknown_site') }),
  (mark) => ({
    body: goodBody([goodEvent({ path: `/${mark}` })], { consent: { analytics: 'denied' } }),
    expected: dropped('consent.denied'),
  }),
  (mark) => ({
    body: goodBody([goodEvent()], { consent: { analytics: mark } }),
    expected: dropped('consent.malformed'),
  }),
  (mark) => ({ body: event({ path: `/${mark}`, age: 86_400_000 }), expected: dropped('late') }),
]

/** What the contract refuses; the answer says nothing of it. */
const REFUSED: readonly Make[] = [
  (mark) => refused(goodBody([goodEvent()], { [mark]: 1 })),
  (mark) => refused(event({ [mark]: mark })),
  (mark) => refused(goodBody([goodEvent()], { v: mark })),
  (mark) => refused(goodBody([goodEvent()], { site: [mark] })),
  (mark) => refused(goodBody([goodEvent()], { client: { [mark]: 1 } })),
  (mark) => refused(goodBody([goodEvent()], { client: mark })),
  (mark) => refused(goodBody([goodEvent()], { consent: { [mark]: 'granted' } })),
  (mark) => refused(goodBody([goodEvent()], { consent: mark })),
  (mark) => refused(goodBody([goodEvent()], { events: { [mark]: goodEvent() } })),
  (mark) => refused(goodBody([mark])),
  () => refused(goodBody([])),
  (mark) => refused(events(mark, 101)),
  (mark) => refused(props(mark, 33)),
  (mark) => refused(event({ path: `/${mark}${'a'.repeat(256 - mark.length)}` })),
  (mark) => refused(event({ props: { note: mark + 'a'.repeat(257 - mark.length) } })),
  (mark) => refused(event({ props: { [mark + 'a'.repeat(257 - mark.length)]: 1 } })),
  (mark) => refused(event({ props: { note: { [mark]: mark } } })),
  (mark) => refused(event({ props: { note: [mark] } })),
  (mark) => refused(event({ props: mark })),
  (mark) => refused(event({ age: mark })),
  (mark) => refused(event({ age: -1, path: `/${mark}` })),
  (mark) => refused(event({ age: 0.5, path: `/${mark}` })),
  (mark) => refused(event({ age: 86_400_001, path: `/${mark}` })),
  (mark) => refused(event({ id: undefined, path: `/${mark}` })),
  (mark) => refused(event({ id: '', path: `/${mark}` })),
  (mark) => refused(event({ name: undefined, path: `/${mark}` })),
  (mark) => refused(event({ path: 7, from_path: mark })),
  (mark) => refused(written(`"props":{"note":1e400,"${mark}":1}`)),
  (mark) => refused(written(`"props":{"note":{"a":{"b":{"c":{"d":"${mark}"}}}}}`)),
  (mark) => refused(written(`"props":{"__proto__":"${mark}"}`), NO_JSON),
  (mark) => refused(written(`"__proto__":{"${mark}":1}`), NO_JSON),
  (mark) => refused(written(`"props":{"constructor":{"prototype":"${mark}"}}`), NO_JSON),
  (mark) => refused(`${JSON.stringify(event({ path: `/${mark}` }))},`, NO_JSON),
  (mark) => refused(JSON.stringify(event({ path: `/${mark}` })).slice(0, -2), NO_JSON),
  (mark) => refused(`${JSON.stringify(goodBody())}${mark}`, NO_JSON),
  (mark) => refused(mark, NO_JSON),
  (mark) => refused(`"${mark}"`),
  (mark) => refused(`[${JSON.stringify(event({ path: `/${mark}` }))}]`),
  (mark) => refused(`\ufeff${JSON.stringify(event({ path: `/${mark}` }))}`, ENCODING),
  (mark) => refused(written(`"from_path":"/\\ud800${mark}"`), ENCODING),
  (mark) => refused(written(`"from_path":"/\\u0000${mark}"`), ENCODING),
  (mark) => refused(written(`"props":{"\\udc00${mark}":1}`), ENCODING),
  (mark) => refused(written(`"from_path":"/\ufffd${mark}"`), ENCODING),
  (mark) => refused(written(`"from_path":"/\u0001${mark}"`), NO_JSON),
  (mark) => refused(written(`"props":{"note":NaN,"${mark}":1}`), NO_JSON),
  (mark) => refused(written(`"props":{"note":01,"${mark}":1}`), NO_JSON),
  (mark) => refused(`/* ${mark} */${JSON.stringify(goodBody())}`, NO_JSON),
  (mark) => refused(JSON.stringify(event({ path: `/${mark}` })).replaceAll('"', "'"), NO_JSON),
  (mark) => ({
    body: sized(mark, 65_537),
    expected: { status: 413, code: 'ERR_BEACON_TOO_LARGE' },
    bare: true,
  }),
]
const MAKES: readonly Make[] = [...TAKEN, ...DROPPED, ...REFUSED]

function makeCase(random: Random, at: number): ExpectedCase {
  const which = at % MAKES.length
  const mark = random.mark()
  const { bare = false, body, expected } = (MAKES[which] as Make)(mark, random)
  const type = random.pick(['application/json', 'text/plain', 'text/plain;charset=UTF-8'])
  const input = goodInput(CORPUS_NOW, { body: typeof body === 'object' ? body : String(body) })
  const { claims: _claims, ...withoutToken } = input
  return {
    name: `bodies ${String(at)}: form ${String(which)}`,
    input: {
      ...(bare ? withoutToken : input),
      headers: { origin: 'https://erp.example.in', 'content-type': type },
    },
    raw: [mark],
    expected,
  }
}

/** @returns `count` cases, every form in turn, the same for the same seed */
export function bodyCases(count: number, seed: number): readonly ExpectedCase[] {
  const random = seeded(seed)
  return Array.from({ length: count }, (_, at) => makeCase(random, at))
}
