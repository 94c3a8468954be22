/**
 * Edge faults (faults.md, E1 to E5) against a real collector over real sockets. Whatever is sent: the right code, a
 * problem of fixed text, no byte of the input in the answer, nothing in the ledger, and the next good beacon is taken.
 */
import t from 'tap'
import { pageView } from '../support/collector.js'
import { MARK, marked, startEdge } from '../support/edge.js'
import { exchange, requestBytes } from '../support/raw-http.js'

// The runner has a limit for the file.
t.setTimeout(0)

const edge = await startEdge()
t.teardown(() => edge.collector.close())
const { collector, eventWith, good, refusedBodies, refuses, takes } = edge

const json = 'ERR_BEACON_JSON'
refusedBodies('E1', json, {
  'half an object': `{"v":1,"site":"${MARK}`,
  'a word': MARK,
  'an empty body': '',
  'white space': ' \r\n ',
  'a good beacon and a comma': `${good()},`,
  'two beacons': good() + good(),
  'a trailing comma': good().replace(/}$/, ',}'),
  'single quotes': `{'site':'${MARK}'}`,
  'a comment': `/* ${MARK} */ ${good()}`,
  NaN: eventWith('"props":{"load_ms":NaN}'),
  'a number with a leading zero': eventWith('"props":{"load_ms":01}'),
})
refusedBodies(
  'E1 as text/plain',
  json,
  { 'a word': MARK, 'an empty body': '' },
  { headers: { 'content-type': 'text/plain' } },
)
refusedBodies('E1', 'ERR_BEACON_MALFORMED', {
  null: 'null',
  'a number': '12345',
  'a text': `"${MARK}"`,
  'an array of beacons': `[${good()}]`,
  'an unknown envelope key': collector.beacon(undefined, { [MARK]: 1 }),
  'an unknown event key': eventWith(`"${MARK}":1`),
  'another version': collector.beacon(undefined, { v: 2 }),
  'a site that is no text': collector.beacon(undefined, { site: 1 }),
  'no site': collector.beacon(undefined, { site: undefined }),
  'an empty site': collector.beacon(undefined, { site: '' }),
  'events that are no array': collector.beacon(undefined, { events: { 0: pageView() } }),
  'an event without an id': collector.beacon([pageView({ id: undefined })]),
  'an event without a name': collector.beacon([pageView({ name: undefined })]),
  'an event without an age': collector.beacon([pageView({ age: undefined })]),
  'a prop that is an object': eventWith(`"props":{"load_ms":{"${MARK}":1}}`),
  'a path that is a number': collector.beacon([pageView({ path: 1 })]),
})

t.test('E2: a body whose sender gives up half way is refused as incomplete', async (t) => {
  const bytes = requestBytes(good(), marked())
  await refuses(t, bytes.subarray(0, bytes.length - 20), 'ERR_BEACON_INCOMPLETE', { halfClose: true })
})
t.test('E2: a chunked body whose last chunk is missing is refused as incomplete', async (t) => {
  const head = requestBytes(
    '',
    marked({ headers: { 'content-length': null, 'transfer-encoding': 'chunked' } }),
  )
  const part = good().slice(0, 40)
  const bytes = Buffer.concat([head, Buffer.from(`${part.length.toString(16)}\r\n${part}\r\n`)])
  await refuses(t, bytes, 'ERR_BEACON_INCOMPLETE', { halfClose: true })
})

/** A good beacon in whose path one placeholder is replaced by raw bytes. */
const withBytes = (...bytes: readonly number[]): Buffer => {
  const [before = '', after = ''] = collector.beacon([pageView({ path: '/@@' })]).split('@@')
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
}
const encoding = 'ERR_BEACON_ENCODING'
refusedBodies('E3', encoding, {
  'a byte that UTF-8 never holds': withBytes(0xff),
  'a lone continuation byte': withBytes(0x80),
  'an overlong slash': withBytes(0xc0, 0xaf),
  'a surrogate in UTF-8 bytes': withBytes(0xed, 0xa0, 0x80),
  'a code point above the last': withBytes(0xf4, 0x90, 0x80, 0x80),
  'a character cut at its end': Buffer.concat([Buffer.from(good()), Buffer.from([0xe0, 0xa4])]),
  'an escaped lone surrogate in a path': eventWith(`"from_path":"/\\ud800${MARK}"`),
  'an escaped lone surrogate in the name of a prop': eventWith(`"props":{"\\udc00${MARK}":1}`),
  'an escaped lone surrogate in the site': collector.beacon().replace('"site":"erp"', '"site":"erp\\ud83d"'),
  'an escaped NUL': eventWith(`"from_path":"/\\u0000${MARK}"`),
  'an escaped escape character': eventWith(`"props":{"role":"\\u001b[31m${MARK}"}`),
  'a byte order mark': Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(good())]),
  'UTF-16 with its mark': Buffer.from(`\ufeff${good()}`, 'utf16le'),
})
refusedBodies('E3', json, {
  'a raw NUL in a text': withBytes(0),
  'a raw line feed in a text': withBytes(10),
  'UTF-16 without a mark': Buffer.from(good(), 'utf16le'),
})
t.test('E3: text beyond the basic plane, escaped as a pair or raw, is no fault', async (t) => {
  await takes(t, collector.beacon([pageView({ path: '/फ़ाइल/😀' })]), 1)
  await takes(t, eventWith('"from_path":"/\\ud83d\\ude00"'), 1)
})

/** A good beacon padded with spaces to a length in bytes. */
const padded = (bytes: number): string => {
  const body = collector.beacon([pageView({ path: '/ü' })])
  return body + ' '.repeat(bytes - Buffer.byteLength(body))
}
const chunked = (body: string): Buffer => {
  const head = requestBytes(
    '',
    marked({ headers: { 'content-length': null, 'transfer-encoding': 'chunked' } }),
  )
  const bytes = Buffer.from(body)
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 5_000) {
    const chunk = bytes.subarray(at, at + 5_000)
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([head, ...chunks, Buffer.from('0\r\n\r\n')])
}
t.test('E4: a body of 65,535 or 65,536 bytes is taken', async (t) => {
  await takes(t, padded(65_535), 1)
  await takes(t, padded(65_536), 1)
})
t.test('E4: a chunked body of 65,536 bytes is taken', async (t) => {
  const before = await collector.ledger()
  t.equal((await exchange(collector.port, chunked(padded(65_536)))).status, 204)
  t.equal((await collector.ledger()).dropped['wrong_origin'], (before.dropped['wrong_origin'] ?? 0) + 1)
})
t.test('E4: a body of 65,537 bytes is too large, however it is sent', async (t) => {
  await refuses(t, requestBytes(padded(65_537), marked()), 'ERR_BEACON_TOO_LARGE')
  await refuses(
    t,
    requestBytes(padded(65_537), marked({ headers: { 'content-type': 'text/plain' } })),
    'ERR_BEACON_TOO_LARGE',
  )
  await refuses(t, chunked(padded(65_537)), 'ERR_BEACON_TOO_LARGE')
})
t.test('E4: a body that only announces 10 GB is too large at once', (t) =>
  refuses(
    t,
    requestBytes('{', marked({ headers: { 'content-length': '10000000000' } })),
    'ERR_BEACON_TOO_LARGE',
  ),
)

const malformed = 'ERR_REQUEST_MALFORMED'
for (const [name, value] of Object.entries({
  negative: '-1',
  'no number': MARK,
  'a number and more': `10${MARK}`,
  'two numbers': '10, 10',
  hexadecimal: '0x10',
  'beyond 64 bits': '99999999999999999999999',
})) {
  t.test(`E5: a content length that is ${name} is refused`, (t) =>
    refuses(t, requestBytes(good(), marked({ headers: { 'content-length': value } })), malformed),
  )
}
t.test('E5: two content lengths, alike or not, are refused', async (t) => {
  const { length } = good()
  for (const second of [length, length - 1]) {
    const bytes = requestBytes(
      good(),
      marked({ headers: { 'content-length': `${length}\r\ncontent-length: ${second}` } }),
    )
    await refuses(t, bytes, malformed)
  }
})
t.test('E5: a content length beside a chunked body is refused', (t) =>
  refuses(t, requestBytes(good(), marked({ headers: { 'transfer-encoding': 'chunked' } })), malformed),
)
t.test('E5: a content length that is too short leaves what is no request', async (t) => {
  await refuses(t, requestBytes(good(), marked({ headers: { 'content-length': '30' } })), malformed)
})
t.test('E5: a content length that is too long, from a sender that ends, is incomplete', async (t) => {
  const options = marked({ headers: { 'content-length': '5000' } })
  await refuses(t, requestBytes(good(), options), 'ERR_BEACON_INCOMPLETE', { halfClose: true })
})
