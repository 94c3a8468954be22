/** NDJSON through `rules try`: whatever a line is, it has one answer, in order; and what a request would be judged by. */
import t from 'tap'
import { edSigner, grantedClaims } from './support/tokens.js'
import { rulebookPath, tacit } from './support/tacit.js'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const dir = t.testdir()
const NOW = '2026-12-02T10:00:00Z'
const seconds = Date.parse(NOW) / 1000

interface Answer {
  readonly status: number
  readonly code?: string
  readonly decision?: string
  readonly reason?: string
  readonly records: readonly Readonly<Record<string, unknown>>[]
}

interface TryOptions {
  readonly rulebook?: 'erp' | 'website'
  readonly env?: Readonly<Record<string, string>>
}

async function answersTo(input: string | Buffer, options: TryOptions = {}): Promise<readonly Answer[]> {
  const { env = {}, rulebook = 'erp' } = options
  const ran = await tacit(['rules', 'try', rulebookPath(rulebook), '--now', NOW], {
    input: Buffer.from(input),
    env,
  })
  t.equal(ran.code, 0)
  t.equal(ran.stderr, '')
  return ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer)
}

const tryAll = (cases: readonly unknown[], options: TryOptions = {}): Promise<readonly Answer[]> =>
  answersTo(cases.map((one) => `${JSON.stringify(one)}\n`).join(''), options)

const fateOf = ({ code, decision, reason }: Answer): string => code ?? reason ?? decision ?? ''

const { aud: _aud, exp: _exp, iat: _iat, ...CLAIMS } = grantedClaims(Date.parse(NOW))
const EVENT = { id: 'a', name: 'page_view', age: 1_200, path: '/customers' }
const BODY = { v: 1, site: 'erp', events: [EVENT] }
const HEADERS = { origin: 'https://erp.example.in' }
const CASE = { ip: '203.0.113.77', headers: HEADERS, body: BODY, claims: CLAIMS }
const LINE = JSON.stringify(CASE)

t.test(
  'every line but an empty one has one answer, in order, whatever it is and however it ends',
  async (t) => {
    const objected = JSON.stringify({ ...CASE, state: { objected: true } })
    const large = JSON.stringify({ ...CASE, body: 'x'.repeat(2_000_000) })
    const endless = `{"ip":"${'x'.repeat(6_000_000)}"}`
    const lines = [LINE, '', objected, '{"ip":', large, '   ', endless, '[]', 'null', LINE]
    const wanted = [
      'accepted',
      'objected',
      'ERR_CASE_MALFORMED',
      'ERR_BEACON_TOO_LARGE',
      'ERR_CASE_MALFORMED',
      'ERR_CASE_MALFORMED',
      'ERR_CASE_MALFORMED',
      'accepted',
    ]
    const [lf, crlf] = await Promise.all([
      answersTo(lines.join('\n')),
      answersTo(`${lines.join('\r\n')}\r\n`),
    ])
    t.same(lf.map(fateOf), wanted, 'line feeds, none at the end')
    t.same(crlf.map(fateOf), wanted, 'carriage returns too')
  },
)

t.test('bytes that are no UTF-8 are refused as in a request', async (t) => {
  const broken = Buffer.concat([
    Buffer.from(LINE.replace('/customers', '/cust?omers').replace('?', '\u0001')),
    Buffer.from('\n'),
  ])
  broken[broken.indexOf(1)] = 0xff
  const answers = await answersTo(Buffer.concat([broken, Buffer.from(LINE), Buffer.from([0xe0, 0xa4])]))
  t.same(answers.map(fateOf), ['ERR_BEACON_ENCODING', 'ERR_CASE_MALFORMED'])
  const halves = await tryAll([
    { ...CASE, body: JSON.stringify({ ...BODY, site: 'X' }).replace('X', '\ud800') },
    { ...CASE, body: { ...BODY, events: [{ ...EVENT, path: '/\ufffd' }] } },
    { ...CASE, headers: { ...HEADERS, 'user-agent': '\ufffd' } },
  ])
  t.same(halves.map(fateOf), ['ERR_BEACON_ENCODING', 'ERR_BEACON_ENCODING', 'accepted'])
})

t.test('headers are read as a request’s: any case, several lines, blanks around values', async (t) => {
  const cases: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
    [{ 'Sec-GPC': '1 ' }, 'signal.gpc'],
    [{ 'SEC-gpc': ' 1' }, 'signal.gpc'],
    [{ 'sec-gpc': '\t1\t' }, 'signal.gpc'],
    [{ 'sec-gpc': '1, 1' }, 'accepted'],
    [{ 'sec-gpc': ['1, 1', '0'] }, 'accepted'],
    [{ 'sec-gpc': ['0', '1'] }, 'signal.gpc'],
    [{ 'sec-gpc': '0', 'Sec-GPC': '1' }, 'signal.gpc'],
    [{ 'sec-gpc': [] }, 'accepted'],
    [{ 'sec-gpc': '１' }, 'accepted'],
    [{ DNT: [' 1 '] }, 'signal.dnt'],
    [{ ORIGIN: 'https://erp.example.in ' }, 'accepted'],
    [{ Origin: ['https://erp.example.in', 'https://erp.example.in'] }, 'wrong_origin'],
    [{ 'Content-Encoding': ['identity', 'gzip'] }, 'ERR_BEACON_CONTENT_ENCODING'],
    [{ 'Content-Type': ' Application/JSON ; charset=utf-8' }, 'accepted'],
    [{ 'User-Agent': ['Googlebot/2.1', 'x'] }, 'bot'],
  ]
  const answers = await tryAll(cases.map(([headers]) => ({ ...CASE, headers })))
  for (const [i, [headers, wanted]] of cases.entries()) {
    t.equal(fateOf(answers[i] as Answer), wanted, JSON.stringify(headers))
  }
})

t.test('claims are judged as a token’s, at the time of the case', async (t) => {
  const cases: readonly (readonly [Readonly<Record<string, unknown>> | null, string])[] = [
    [CLAIMS, 'accepted'],
    [null, 'token.missing'],
    [{ ...CLAIMS, aud: 'another' }, 'token.wrong_audience'],
    [{ ...CLAIMS, exp: seconds - 59 }, 'accepted'],
    [{ ...CLAIMS, exp: seconds - 60 }, 'token.expired'],
    [{ ...CLAIMS, iat: seconds, exp: seconds + 900 }, 'accepted'],
    [{ ...CLAIMS, iat: seconds, exp: seconds + 901 }, 'token.expired'],
    [{ ...CLAIMS, iat: seconds, exp: seconds - 1 }, 'token.forged'],
    [{ ...CLAIMS, iat: seconds + 61 }, 'token.forged'],
    [{ ...CLAIMS, nbf: seconds + 61 }, 'token.forged'],
    [{ ...CLAIMS, exp: 'soon' }, 'token.forged'],
    [
      { ...CLAIMS, consent: { ...(CLAIMS['consent'] as object), at: '2026-02-30T11:59:59Z' } },
      'consent.malformed',
    ],
  ]
  const answers = await tryAll(cases.map(([claims]) => ({ ...CASE, claims })))
  for (const [i, [claims, wanted]] of cases.entries()) {
    t.equal(fateOf(answers[i] as Answer), wanted, JSON.stringify(claims))
  }
})

t.test('a case may state its own time, and notes that say nothing', async (t) => {
  const hourAgo = '2026-12-02T09:00:00Z'
  const consent = { ...(CLAIMS['consent'] as object), at: '2026-12-02T10:30:00Z' }
  const claims = { ...CLAIMS, consent }
  const answers = await tryAll([
    { ...CASE, name: 'plain', id: 7, expect: 'accepted' },
    { ...CASE, claims },
    { ...CASE, claims, time: hourAgo },
    { ...CASE, claims },
    { ...CASE, claims: { ...CLAIMS, exp: seconds - 3_600 } },
    { ...CASE, claims: { ...CLAIMS, exp: seconds - 3_600 }, time: hourAgo },
    { ...CASE, time: '2026-12-02T15:30:00+05:30' },
    { ...CASE, time: '2026-02-30T10:00:00Z' },
    { ...CASE, time: '5' },
    { ...CASE, time: 5 },
  ])
  t.same(answers.map(fateOf), [
    'accepted',
    'accepted',
    'consent.future',
    'accepted',
    'token.expired',
    'accepted',
    'accepted',
    'ERR_CASE_MALFORMED',
    'ERR_CASE_MALFORMED',
    'ERR_CASE_MALFORMED',
  ])
  t.equal(answers[5]?.records[0]?.['hour'], '2026-12-02T08:00:00Z')
  t.equal(answers[5]?.records[0]?.['received'], '2026-12-02T09:00:00Z')
})

t.test('a real token is judged at the time of its case, whatever case came before', async (t) => {
  const signer = edSigner('erp')
  const keys = join(dir, 'keys.json')
  writeFileSync(keys, JSON.stringify({ keys: [signer.jwk] }))
  const token = signer.sign(grantedClaims(Date.parse(NOW)))
  const { claims: _claims, ...bare } = CASE
  const one = { ...bare, body: { ...BODY, token } }
  const times = [undefined, '2026-12-02T09:58:00Z', '2026-12-02T10:06:00Z', NOW, undefined]
  const answers = await tryAll(
    times.map((time) => ({ ...one, time })),
    { env: { TACIT_TOKEN_KEYS_FILE: keys } },
  )
  t.same(answers.map(fateOf), ['accepted', 'token.forged', 'token.expired', 'accepted', 'accepted'])
})

t.test('the state of a case may name any of its members, and no other', async (t) => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{}, 'accepted'],
    [null, 'accepted'],
    [{ objected: false, withdrawn: false, tenant_opted_out: false, account_closed: false }, 'accepted'],
    [{ objected: true }, 'objected'],
    [{ withdrawn: true, objected: true }, 'consent.withdrawn'],
    [{ tenant_opted_out: true }, 'tenant_opted_out'],
    [{ account_closed: true }, 'account_closed'],
    [{ objektet: true }, 'ERR_CASE_MALFORMED'],
    [{ objected: 'yes' }, 'ERR_CASE_MALFORMED'],
    [[], 'ERR_CASE_MALFORMED'],
  ]
  const answers = await tryAll(cases.map(([state]) => ({ ...CASE, state })))
  for (const [i, [state, wanted]] of cases.entries()) {
    t.equal(fateOf(answers[i] as Answer), wanted, JSON.stringify(state))
  }
})

t.test('a peer is any address that can be read, and nobody is counted by another', async (t) => {
  const peers: readonly (readonly [string, boolean])[] = [
    ['203.0.113.77', true],
    ['2001:db8::7', true],
    ['2001:DB8:0:0:0:0:0:7', true],
    ['::ffff:203.0.113.77', true],
    ['64:ff9b::203.0.113.77', true],
    ['fe80::1%eth0', false],
    ['[2001:db8::7]', false],
    ['203.0.113.77:443', false],
    ['203.0.113.077', false],
    ['unknown', false],
    ['', false],
  ]
  const headers = { origin: 'https://www.example.in', 'user-agent': 'Mozilla/5.0' }
  const answers = await tryAll(
    peers.map(([ip]) => ({ ip, headers, claims: { role: 'admin' }, body: { ...BODY, site: 'website' } })),
    { rulebook: 'website' },
  )
  for (const [i, [ip, isCounted]] of peers.entries()) {
    t.equal(fateOf(answers[i] as Answer), isCounted ? 'accepted' : 'rule_failed', ip)
  }
  const person = (at: number) => answers[at]?.records[0]?.['person']
  t.equal(person(1), person(2), 'one address, however it is spelt')
  t.equal(person(0), person(3))
  t.equal(person(0), person(4))
  t.not(person(0), person(1))
})

t.test('a body is an object or raw text, judged as it would come', async (t) => {
  const text = JSON.stringify(BODY)
  const cases: readonly (readonly [unknown, string])[] = [
    [text, 'accepted'],
    [` \n${text}\t`, 'accepted'],
    [`\ufeff${text}`, 'ERR_BEACON_ENCODING'],
    [text.replace('"v":1', '"v":1,"v":1'), 'accepted'],
    [text.replace('"v":1', '"__proto__":{},"v":1'), 'ERR_BEACON_JSON'],
    ['', 'ERR_BEACON_JSON'],
    ['null', 'ERR_BEACON_MALFORMED'],
    [{}, 'ERR_BEACON_MALFORMED'],
    [{ ...BODY, v: 2 }, 'ERR_BEACON_MALFORMED'],
    [{ ...BODY, events: Array.from({ length: 101 }, () => EVENT) }, 'ERR_BEACON_MALFORMED'],
    [{ ...BODY, events: [{ ...EVENT, age: -1 }] }, 'ERR_BEACON_MALFORMED'],
    [{ ...BODY, events: [{ ...EVENT, age: 1.5 }] }, 'ERR_BEACON_MALFORMED'],
    [7, 'ERR_CASE_MALFORMED'],
    [null, 'ERR_CASE_MALFORMED'],
  ]
  const answers = await tryAll(cases.map(([body]) => ({ ...CASE, body })))
  for (const [i, [body, wanted]] of cases.entries()) {
    t.equal(fateOf(answers[i] as Answer), wanted, (JSON.stringify(body) ?? '').slice(0, 80))
  }
})
