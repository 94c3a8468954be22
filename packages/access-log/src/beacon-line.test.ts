import fc from 'fast-check'
import t from 'tap'
import { parseBeaconLine, parseTryCase } from './beacon-line.js'

const CASE = {
  ip: '203.0.113.77',
  headers: { 'User-Agent': 'Mozilla/5.0', 'Sec-GPC': ['0', '1'] },
  body: { v: 1, site: 'erp', events: [] },
}
const LINE = { ...CASE, time: '2026-11-01T10:00:00.250Z' }

const LINE_TIME = Date.UTC(2026, 10, 1, 10, 0, 0, 250)

const read = (value: unknown) => parseBeaconLine(JSON.stringify(value))

t.test('a line is a case with its time of receipt', async (t) => {
  t.same(read(LINE), {
    characters: JSON.stringify(LINE).length,
    holdsEscapes: false,
    holdsReplacement: false,
    ip: '203.0.113.77',
    rawHeaders: ['User-Agent', 'Mozilla/5.0', 'Sec-GPC', '0', 'Sec-GPC', '1'],
    body: { v: 1, site: 'erp', events: [] },
    claims: null,
    state: { objected: false, tenant_opted_out: false, account_closed: false, withdrawn: false },
    time: Date.UTC(2026, 10, 1, 10, 0, 0, 250),
  })
})

t.test('claims, state and a raw body are handed on', async (t) => {
  const full = read({
    ...LINE,
    body: '{"v":',
    claims: { tenant: 't-001', adult: true },
    state: { objected: true },
  })
  t.equal(full?.body, '{"v":')
  t.same(full?.claims, { tenant: 't-001', adult: true })
  t.same(full?.state, { objected: true, tenant_opted_out: false, account_closed: false, withdrawn: false })
})

t.test('a time has an offset and exists', async (t) => {
  t.equal(read({ ...LINE, time: '2026-11-01T15:30:00+05:30' })?.time, Date.UTC(2026, 10, 1, 10))
  t.equal(read({ ...LINE, time: '2026-11-01T10:00:00Z' })?.time, Date.UTC(2026, 10, 1, 10))
  const times = [
    '2026-11-01T10:00:00',
    '2026-11-01',
    '2026-11-01T10:00Z',
    '2026-02-30T10:00:00Z',
    '2026-11-01T25:00:00Z',
    'now',
    '',
    1_793_527_200_000,
    null,
  ]
  for (const time of times) t.equal(read({ ...LINE, time }), null, String(time))
  t.equal(read(CASE), null, 'no time')
})

t.test('a case of rules try may state its time of receipt', async (t) => {
  const time = (value: unknown) => parseTryCase(JSON.stringify(value))?.time
  t.equal(time(CASE), null)
  t.equal(time(LINE), LINE_TIME)
  t.equal(time({ ...LINE, time: '2026-11-01T15:30:00.250+05:30' }), LINE_TIME)
  for (const wrong of ['2026-11-01T10:00:00', '2026-02-30T10:00:00Z', '5', '', 5, null]) {
    t.equal(time({ ...CASE, time: wrong }), undefined, JSON.stringify(wrong))
  }
})

t.test('notes of whoever wrote a case say nothing', async (t) => {
  const notes = { name: 'of an objector', id: 7, expect: { reason: 'objected' }, toString: 1 }
  const { characters: _characters, ...plain } = parseTryCase(JSON.stringify(CASE)) ?? {}
  t.match(parseTryCase(JSON.stringify({ ...notes, ...CASE })), plain)
  t.match(read({ ...LINE, ...notes, state: {} }), { ...plain, time: LINE_TIME }, 'by the schema too')
  const poisoned = JSON.stringify(CASE).replace('"ip"', '"__proto__":{"state":{"objected":true}},"ip"')
  t.match(parseTryCase(poisoned), plain)
})

t.test('no claims and no state may be said by null', async (t) => {
  const said = parseTryCase(JSON.stringify({ ...CASE, claims: null, state: null }))
  t.same([said?.claims, said?.state], [null, parseTryCase(JSON.stringify(CASE))?.state])
})

t.test('blanks around a header are no part of it, as in a request', async (t) => {
  const headers = {
    'Sec-GPC': ' 1',
    DNT: ['1\t', ' \t1 ', ' '],
    'User-Agent': ' a b ',
    origin: '\u00a0x\n',
  }
  t.same(parseTryCase(JSON.stringify({ ...CASE, headers }))?.rawHeaders, [
    'Sec-GPC',
    '1',
    'DNT',
    '1',
    'DNT',
    '1',
    'DNT',
    '',
    'User-Agent',
    'a b',
    'origin',
    '\u00a0x\n',
  ])
})

t.test('what is not a case is refused', async (t) => {
  const { ip: _ip, ...noIp } = LINE
  const { body: _body, ...noBody } = LINE
  const { headers: _headers, ...noHeaders } = LINE
  const refused: readonly unknown[] = [
    null,
    [],
    'text',
    7,
    {},
    noIp,
    noBody,
    noHeaders,
    { ...LINE, ip: 7 },
    { ...LINE, ip: 'x'.repeat(257) },
    { ...LINE, headers: { a: 1 } },
    { ...LINE, headers: { a: [1] } },
    { ...LINE, headers: [] },
    { ...LINE, headers: Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`h${index}`, ''])) },
    { ...LINE, headers: { a: 'x'.repeat(16_385) } },
    { ...LINE, body: [] },
    { ...LINE, body: null },
    { ...LINE, claims: 'none' },
    { ...LINE, state: { objected: 'yes' } },
    { ...LINE, state: { other: true } },
    { ...LINE, body: 'x'.repeat(4_200_000) },
  ]
  for (const [index, value] of refused.entries()) t.equal(read(value), null, `case ${index}`)
  for (const text of ['', '{', '{"ip":', 'undefined', '\ufeff{}']) t.equal(parseBeaconLine(text), null, text)
})

t.test('a body is handed on as it came, hostile keys and all', async (t) => {
  const text = JSON.stringify(LINE).replace('"v":1', '"v":1,"__proto__":{"admin":true},"constructor":1')
  const body = parseBeaconLine(text)?.body
  t.type(body, 'object')
  t.ok(typeof body === 'object' && Object.hasOwn(body, '__proto__') && Object.hasOwn(body, 'constructor'))
  t.notOk('admin' in {})
})

t.test('no text makes it throw', async (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
      return parseBeaconLine(text) === null && parseTryCase(text) === null
    }),
  )
  t.pass('held in every run')
})

t.test('the quick way in says what the schema says', (t) => {
  const mostly = <T>(usual: fc.Arbitrary<T>, ...odd: fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> =>
    fc.oneof({ arbitrary: usual, weight: 12 }, ...odd.map((arbitrary) => ({ arbitrary, weight: 1 })))
  const header = mostly(fc.string({ maxLength: 20 }), fc.array(fc.string(), { maxLength: 2 }), fc.integer())
  const shape = fc.record({
    ip: mostly(fc.string({ maxLength: 40 }), fc.string({ minLength: 250, maxLength: 300 }), fc.integer()),
    headers: mostly(fc.dictionary(fc.string({ maxLength: 30 }), header), fc.constant(null), fc.constant([])),
    body: mostly(fc.constant({ v: 1 }), fc.string(), fc.constant(null), fc.constant([]), fc.integer()),
    claims: mostly(fc.constant(undefined), fc.constant({ tenant: 't' }), fc.constant([]), fc.constant(null)),
    time: mostly(fc.constant(LINE.time), fc.constant('2026-02-30T10:00:00Z'), fc.constant(5)),
    state: mostly(fc.constant(undefined), fc.constant({ objected: true }), fc.constant({ other: true })),
    extra: mostly(fc.constant(undefined), fc.constant(1)),
  })
  let taken = 0
  fc.assert(
    fc.property(shape, (value) => {
      // A state that says nothing is known sends a case to the schema.
      const { state, ...rest } = value
      const line = parseTryCase(JSON.stringify({ ...rest, state: state ?? null }))
      const quick = parseTryCase(JSON.stringify(value))
      if (quick !== null) taken += 1
      if (line === null || quick === null) return line === null && quick === null
      return (
        line.ip === quick.ip &&
        line.time === quick.time &&
        JSON.stringify([line.rawHeaders, line.body, line.claims, line.state]) ===
          JSON.stringify([quick.rawHeaders, quick.body, quick.claims, quick.state])
      )
    }),
    { seed: 3, numRuns: 3_000 },
  )
  t.ok(taken > 100, `${String(taken)} cases were taken`)
  t.end()
})
