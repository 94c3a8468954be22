/** E1, E3, E10–E12, E17, E18: which bodies are beacons, and which problem each other one is. */
import fc from 'fast-check'
import t from 'tap'
import { type Beacon, beacon, LIMITS, tokenClaims } from './beacon.js'
import { parseBeaconText, parseBeaconValue } from './beacon-text.js'

type Json = Record<string, unknown>

const EVENT = {
  id: '8c1f0a52b3d94e77',
  name: 'page_view',
  age: 1200,
  path: '/customers',
  props: { load_ms: 812 },
}
const body = (more: Json = {}): Json => ({ v: 1, site: 'erp', events: [EVENT], ...more })
const withEvent = (more: Json): Json => body({ events: [{ ...EVENT, ...more }] })
const parse = (value: unknown) => parseBeaconText(JSON.stringify(value))
const codeOf = (found: Beacon | string) => (typeof found === 'string' ? found : '')
const names = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_none, i) => [`p${String(i)}`, i]))

t.test('a beacon is what interface.md shows, and comes out as it went in', async (t) => {
  const full = body({
    token: 'x'.repeat(LIMITS.token),
    consent: { analytics: 'granted' },
    client: { utc_offset: 330, language: 'en-IN' },
  })
  t.same(parse(full), full)
  t.same(parseBeaconValue(full), full)
  t.same(
    parse(body({ events: [{ id: 'a', name: 'b', age: 0 }] })),
    body({ events: [{ id: 'a', name: 'b', age: 0 }] }),
  )
})

t.test('E17: 0 events, 101 events, 33 props and 257 characters are too many; one less is not', async (t) => {
  const events = (count: number) => body({ events: Array.from({ length: count }, () => EVENT) })
  const text = (length: number) => 'x'.repeat(length)
  for (const [good, bad] of [
    [events(1), events(0)],
    [events(100), events(101)],
    [withEvent({ props: names(32) }), withEvent({ props: names(33) })],
    [withEvent({ path: text(256) }), withEvent({ path: text(257) })],
    [withEvent({ from_path: text(256) }), withEvent({ from_path: text(257) })],
    [withEvent({ id: text(256) }), withEvent({ id: text(257) })],
    [withEvent({ name: text(256) }), withEvent({ name: text(257) })],
    [withEvent({ id: 'a' }), withEvent({ id: '' })],
    [withEvent({ props: { a: text(256) } }), withEvent({ props: { a: text(257) } })],
    [withEvent({ props: { [text(256)]: 1 } }), withEvent({ props: { [text(257)]: 1 } })],
    [body({ site: text(256) }), body({ site: text(257) })],
    [body({ client: { language: text(256) } }), body({ client: { language: text(257) } })],
    [body({ token: text(4096) }), body({ token: text(4097) })],
    [withEvent({ age: 86_400_000 }), withEvent({ age: 86_400_001 })],
    [withEvent({ age: 0 }), withEvent({ age: -1 })],
  ] as const) {
    t.equal(codeOf(parse(good)), '', JSON.stringify(good).slice(0, 90))
    t.equal(codeOf(parse(bad)), 'ERR_BEACON_MALFORMED', JSON.stringify(bad).slice(0, 90))
    t.equal(codeOf(parseBeaconValue(bad)), 'ERR_BEACON_MALFORMED')
  }
})

t.test('unknown keys of the envelope, wrong types and other versions are malformed', async (t) => {
  for (const bad of [
    body({ v: 2 }),
    body({ v: '1' }),
    body({ extra: 1 }),
    body({ events: EVENT }),
    body({ site: 1 }),
    body({ site: '' }),
    body({ consent: 'granted' }),
    body({ consent: { analytics: true } }),
    body({ consent: { analytics: 'granted', x: 1 } }),
    body({ client: { ip: '203.0.113.7' } }),
    body({ token: null }),
    withEvent({ age: 1.5 }),
    withEvent({ age: '1' }),
    withEvent({ time: 5 }),
    withEvent({ props: [] }),
    withEvent({ props: { a: {} } }),
    withEvent({ props: { a: [1] } }),
    withEvent({ path: null }),
    [],
    null,
    1,
    'text',
  ]) {
    t.equal(codeOf(parse(bad)), 'ERR_BEACON_MALFORMED', JSON.stringify(bad))
  }
})

t.test('E1: what is not JSON says only that', async (t) => {
  for (const text of [
    '',
    ' ',
    '{',
    '{"v":1',
    'alice@example.in',
    '{"v":1}x',
    "{'v':1}",
    '[1,]',
    '{"v":NaN}',
  ]) {
    t.equal(parseBeaconText(text), 'ERR_BEACON_JSON', text)
  }
})

t.test('E3: lone surrogates, NUL, control characters and a byte order mark are no text', async (t) => {
  for (const bad of ['\\ud800', '\\udc00x', '\\u0000', '\\u0007', '\\u007f']) {
    for (const field of ['id', 'name', 'path', 'from_path']) {
      const text = JSON.stringify(withEvent({ [field]: 'HERE' })).replace('HERE', bad)
      t.equal(parseBeaconText(text), 'ERR_BEACON_ENCODING', `${field} ${bad}`)
    }
    for (const value of [
      withEvent({ props: { HERE: 1 } }),
      withEvent({ props: { a: 'HERE' } }),
      body({ site: 'HERE' }),
    ]) {
      t.equal(parseBeaconText(JSON.stringify(value).replace('HERE', bad)), 'ERR_BEACON_ENCODING', bad)
    }
  }
  t.equal(parseBeaconText(`\ufeff${JSON.stringify(body())}`), 'ERR_BEACON_ENCODING')
  t.equal(parseBeaconText(JSON.stringify(withEvent({ path: '/\ufffd' }))), 'ERR_BEACON_ENCODING')
  t.equal(
    codeOf(parseBeaconText(JSON.stringify(withEvent({ path: 'HERE' })).replace('HERE', '\\ud83d\\ude00'))),
    '',
  )
  t.equal(codeOf(parse(withEvent({ path: '/ग्राहक' }))), '')
})

t.test('E10, E11: deep nesting and numbers without end are refused', async (t) => {
  const deep = (levels: number) => `{"v":1,"site":"erp","events":${'['.repeat(levels)}${']'.repeat(levels)}}`
  for (const levels of [2, 7, 1_000, 20_000]) {
    t.match(codeOf(parseBeaconText(deep(levels))), /^ERR_BEACON_(MALFORMED|JSON)$/, String(levels))
  }
  const number = (text: string) => JSON.stringify(withEvent({ props: { a: 'HERE' } })).replace('"HERE"', text)
  t.equal(parseBeaconText(number('1e400')), 'ERR_BEACON_MALFORMED')
  t.equal(codeOf(parseBeaconText(number('-0'))), '')
})

t.test('E12: keys that reach a prototype are refused wherever they stand', async (t) => {
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    const at = (text: string) => codeOf(parseBeaconText(text.replace('HERE', key)))
    for (const text of [
      '{"v":1,"site":"erp","HERE":{"a":1},"events":[{"id":"a","name":"b","age":0}]}',
      '{"v":1,"site":"erp","events":[{"id":"a","name":"b","age":0,"HERE":{"a":1}}]}',
      '{"v":1,"site":"erp","events":[{"id":"a","name":"b","age":0,"props":{"HERE":1}}]}',
    ]) {
      t.match(at(text), /^ERR_BEACON_(MALFORMED|JSON)$/, text)
    }
  }
  t.equal(({} as Json)['polluted'], undefined)
})

t.test('E18: of a key that stands twice the last one counts', async (t) => {
  const found = parseBeaconText(
    '{"v":1,"site":"first","site":"erp","events":[{"id":"a","name":"x","name":"b","age":0}]}',
  )
  t.same(found, { v: 1, site: 'erp', events: [{ id: 'a', name: 'b', age: 0 }] })
})

t.test(
  'any text is a beacon or a code, never an exception, and what comes out the schema takes',
  async (t) => {
    const mutated = fc.tuple(fc.nat(200), fc.string({ maxLength: 3 })).map(([at, piece]) => {
      const text = JSON.stringify(body())
      return text.slice(0, at) + piece + text.slice(at + piece.length)
    })
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), mutated), (text) => {
        const found = parseBeaconText(text)
        if (typeof found === 'string') t.match(found, /^ERR_BEACON_(JSON|MALFORMED|ENCODING)$/)
        else t.ok(beacon.safeParse(found).success)
      }),
    )
  },
)

t.test(
  'a token says what it can prove; an unreadable consent, age or region refuses as what it is',
  async (t) => {
    const claims = { tenant: 't-001', sub: 'x' }
    t.same(tokenClaims.parse({ ...claims, iat: 1, exp: 2, extra: true }), { ...claims, standing: 'trial' })
    t.notOk(tokenClaims.safeParse({ ...claims, standing: 'vip' }).success)
    t.notOk(tokenClaims.safeParse({ sub: 'x' }).success)
    t.notOk(tokenClaims.safeParse({ tenant: '', sub: 'x' }).success)
    for (const consent of ['granted', 1, null, { analytics: true }, { analytics: 'granted', at: 5 }, []]) {
      t.equal(
        tokenClaims.parse({ ...claims, consent }).consent?.analytics,
        'malformed',
        JSON.stringify(consent),
      )
    }
    t.equal(tokenClaims.parse({ ...claims, adult: 'yes' }).adult, undefined)
    t.equal(tokenClaims.parse({ ...claims, region: 5 }).region, undefined)
  },
)
