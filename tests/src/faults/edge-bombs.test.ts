/**
 * Edge faults (faults.md, E8 to E13, E17) against a real collector over real sockets. Whatever is sent: the right code, a
 * problem of fixed text, no byte of the input in the answer, nothing in the ledger, and the next good beacon is taken.
 */
import { gzipSync } from 'node:zlib'
import type { ProblemCode } from '@tacit/contracts'
import t from 'tap'
import { pageView } from '../support/collector.js'
import { isProblem, MARK, marked, startEdge } from '../support/edge.js'
import { exchange, requestBytes } from '../support/raw-http.js'

// The runner has a limit for the file.
t.setTimeout(0)

const edge = await startEdge()
t.teardown(() => edge.collector.close())
const { collector, eventWith, good, refusedBodies, refuses, takes, takesGood, withEvent } = edge

const json = 'ERR_BEACON_JSON'
const encoding = 'ERR_BEACON_ENCODING'
const malformed = 'ERR_REQUEST_MALFORMED'

t.test('E8: headers beyond 16 KiB are refused, one long or many short', async (t) => {
  const tooLarge = 'ERR_REQUEST_HEADERS_TOO_LARGE'
  await refuses(t, requestBytes(good(), marked({ headers: { [`x-${MARK}`]: MARK.repeat(4_000) } })), tooLarge)
  const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, at) => [`x-${MARK}-${at}`, MARK]))
  await refuses(t, requestBytes(good(), marked({ headers: many })), tooLarge)
})
t.test('E8: headers that are none are refused', async (t) => {
  await refuses(t, requestBytes(good(), marked({ headers: { [`x ${MARK}`]: '1' } })), malformed)
  await refuses(t, requestBytes(good(), marked({ headers: { 'x-nul': `\u0000${MARK}` } })), malformed)
  await refuses(t, requestBytes(good(), marked({ headers: { host: null } })), malformed)
  await refuses(t, `${MARK}\r\n\r\n`, malformed)
  await refuses(t, `POST /v1/beacon ${MARK}/9.9\r\n\r\n`, malformed)
})

t.test('E9: an address beyond 16 KiB is refused, a long unknown one is unknown', async (t) => {
  const long = `/v1/beacon?${MARK.repeat(3_000)}`
  await refuses(t, requestBytes(good(), marked({ path: long })), 'ERR_REQUEST_HEADERS_TOO_LARGE')
  await refuses(t, requestBytes(good(), marked({ path: `/${MARK.repeat(1_000)}` })), 'ERR_ROUTE_UNKNOWN')
  await refuses(
    t,
    requestBytes(good(), marked({ path: `/v1/beacon/${'../'.repeat(2_000)}${MARK}` })),
    'ERR_ROUTE_UNKNOWN',
  )
})
t.test('E9: an address that does not decode, or is none, is refused', async (t) => {
  await refuses(t, requestBytes(good(), marked({ path: `/v1/beacon/%zz${MARK}` })), malformed)
  await refuses(t, requestBytes(good(), marked({ path: `/%c0%af${MARK}` })), malformed)
  await refuses(t, requestBytes(good(), marked({ path: `\u0001${MARK}` })), malformed)
})

const nested = (depth: number, open = '[', close = ']'): string => open.repeat(depth) + close.repeat(depth)
refusedBodies('E10', 'ERR_BEACON_MALFORMED', {
  '32,768 arrays in one another': nested(32_768),
  'arrays at the place of the events': collector
    .beacon()
    .replace(/"events":\[.*\]/, `"events":${nested(20_000)}`),
  'objects at the place of a prop': eventWith(
    `"props":{"load_ms":${nested(9_000, '{"a":', '}').replace(':}', ':1}')}}`,
  ),
  'depth 7': eventWith(`"props":{"load_ms":${nested(4)}}`),
})
refusedBodies('E10', json, { '65,536 arrays that never end': '['.repeat(65_536) })
refusedBodies('E10', 'ERR_BEACON_TOO_LARGE', { '200,000 arrays': nested(100_000) })

const age = (raw: string): string =>
  withEvent(`{"id":"${MARK}","name":"page_view","age":${raw},"path":"/${MARK}"}`)
refusedBodies('E11', 'ERR_BEACON_MALFORMED', {
  'an age of 1e400': age('1e400'),
  'an age of -1e400': age('-1e400'),
  'an age that points to year 0': age('63900000000000'),
  'an age that points to year 9999': age('-251600000000000'),
  'an age of -1': age('-1'),
  'an age a millisecond beyond a day': age('86400001'),
  'an age that is no whole number': age('0.5'),
  'an age in quotes': age('"0"'),
  'an age beyond whole numbers': age('9007199254740993'),
  'a prop of 1e400': eventWith('"props":{"load_ms":1e400}'),
  'an offset of -1e400': collector
    .beacon(undefined, { client: { utc_offset: 0 } })
    .replace('"utc_offset":0', '"utc_offset":-1e400'),
})
t.test('E11: ages of -0, of 1e-400, of 1e2 and of a day are no fault', async (t) => {
  for (const raw of ['-0', '1e-400', '1e2', '100.0']) await takes(t, age(raw), 1)
  const before = await collector.ledger()
  const answer = await exchange(collector.port, requestBytes(age('86400000')))
  const after = await collector.ledger()
  t.equal(answer.status, 204)
  t.equal(after.received, before.received + 1, 'taken or late, it is counted')
})
t.test('E11: a prop of -0 or of the largest number is no fault', async (t) => {
  await takes(t, eventWith('"props":{"load_ms":-0}'), 1)
  await takes(t, eventWith('"props":{"load_ms":1.7976931348623157e308}'), 1)
})

const poisons: Readonly<Record<string, string>> = {
  '__proto__ in the envelope': collector.beacon().replace('{', '{"__proto__":{"analytics":"granted"},'),
  '__proto__ in an event': eventWith('"__proto__":{"name":"page_view"}'),
  '__proto__ in props': eventWith('"props":{"__proto__":{"load_ms":1}}'),
  '__proto__ with a plain value': eventWith('"props":{"__proto__":1}'),
  'an escaped __proto__': eventWith('"props":{"\\u005f_proto_\\u005f":{"load_ms":1}}'),
  'a wholly escaped __proto__': eventWith(
    '"props":{"\\u005f\\u005f\\u0070\\u0072\\u006f\\u0074\\u006f\\u005f\\u005f":1}',
  ),
  'constructor.prototype': eventWith('"props":{"constructor":{"prototype":{"load_ms":1}}}'),
  'constructor with a plain value': eventWith('"props":{"constructor":1}'),
  'an escaped constructor': eventWith('"props":{"\\u0063onstructor":1}'),
  'constructor in the envelope': collector.beacon().replace('{', '{"constructor":{"prototype":{}},'),
  'prototype in props': eventWith('"props":{"prototype":1}'),
}
for (const type of ['application/json', 'text/plain']) {
  for (const [name, body] of Object.entries(poisons)) {
    t.test(`E12: ${name} is refused as ${type}`, async (t) => {
      const before = await collector.ledger()
      const answer = await exchange(
        collector.port,
        requestBytes(body, marked({ headers: { 'content-type': type } })),
      )
      isProblem(t, answer, (JSON.parse(answer.body) as { code: ProblemCode }).code)
      t.equal(answer.status, 400)
      t.equal(Reflect.get({}, 'load_ms'), undefined, 'no prototype was reached')
      await takesGood(t, before)
    })
  }
}

t.test('E13: a compressed bomb is refused unopened', async (t) => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
  t.ok(bomb.length < 65_536, 'it passes the limit of the body')
  await refuses(
    t,
    requestBytes(bomb, marked({ headers: { 'content-encoding': 'gzip' } })),
    'ERR_BEACON_CONTENT_ENCODING',
  )
})
for (const value of [
  'gzip',
  'GZIP',
  'x-gzip',
  'br',
  'deflate',
  'zstd',
  'gzip, identity',
  'identity, gzip',
  '',
  MARK,
]) {
  t.test(`E13: a plain body that says it is encoded as "${value}" is refused`, (t) =>
    refuses(
      t,
      requestBytes(good(), marked({ headers: { 'content-encoding': value } })),
      'ERR_BEACON_CONTENT_ENCODING',
    ),
  )
}
t.test('E13: a compressed body that does not say so is refused', (t) =>
  refuses(t, requestBytes(gzipSync(good()), marked()), encoding),
)
t.test('E13: the identity encoding is none', async (t) => {
  await takes(t, collector.beacon(), 1, { headers: { 'content-encoding': 'identity' } })
  await takes(t, collector.beacon(), 1, { headers: { 'content-encoding': 'Identity' } })
})

const many = (count: number): Record<string, unknown>[] => Array.from({ length: count }, () => pageView())
const props = (count: number): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, at]))
t.test('E17: batches of 1 and of 100 events are taken whole', async (t) => {
  await takes(t, collector.beacon(many(1)), 1)
  await takes(t, collector.beacon(many(100)), 100)
})
t.test('E17: 32 props, and 256 characters in each place, are taken', async (t) => {
  await takes(t, collector.beacon([pageView({ props: props(32) })]), 1)
  const long = 'ä'.repeat(255)
  await takes(t, collector.beacon([pageView({ id: long, path: `/${long}`, from_path: `/${long}` })]), 1)
  await takes(t, collector.beacon([pageView({ props: { [`k${long}`]: `v${long}` } })]), 1)
  await takes(t, collector.beacon(undefined, { client: { language: 'x'.repeat(256) } }), 1)
})
const long = MARK + 'x'.repeat(257 - MARK.length)
refusedBodies('E17', 'ERR_BEACON_MALFORMED', {
  'a batch of no events': collector.beacon([]),
  'a batch of 101 events': collector.beacon(many(101)),
  '33 props': collector.beacon([pageView({ props: props(33) })]),
  'a site of 257 characters': collector.beacon(undefined, { site: long }),
  'a language of 257 characters': collector.beacon(undefined, { client: { language: long } }),
  'a consent of 257 characters': collector.beacon(undefined, { consent: { analytics: long } }),
  'an id of 257 characters': collector.beacon([pageView({ id: long })]),
  'a name of 257 characters': collector.beacon([pageView({ name: long })]),
  'a path of 257 characters': collector.beacon([pageView({ path: long })]),
  'a from_path of 257 characters': collector.beacon([pageView({ from_path: long })]),
  'a prop of 257 characters': collector.beacon([pageView({ props: { role: long } })]),
  'a prop whose name has 257 characters': collector.beacon([pageView({ props: { [long]: 1 } })]),
})
