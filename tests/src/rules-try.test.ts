/** `rules try` as a user meets it: cases in, decisions out. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { rulebookPath, tacit } from './support/tacit.js'

const dir = t.testdir()
const ERP = rulebookPath('erp')
const NOW = '2026-12-02T10:00:00Z'

/** Writes a file for a command to read. */
function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  return path
}

interface Answer {
  readonly status: number
  readonly code?: string
  readonly decision?: string
  readonly reason?: string
  readonly dropped?: Readonly<Record<string, number>>
  readonly records: readonly Readonly<Record<string, unknown>>[]
}

/** The records of the day: one an accepted event. Those of the week say only what somebody was part of. */
const daysOf = (answer: Answer | undefined) =>
  (answer?.records ?? []).filter((record) => record['stream'] === 'day')

/** Cases to `rules try` as NDJSON. */
async function tryCases(cases: readonly unknown[], args: readonly string[] = [ERP]): Promise<Answer[]> {
  const lines = cases.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
  const ran = await tacit(['rules', 'try', ...args, '--now', NOW], {
    input: Buffer.from(`${lines.join('\n')}\n`),
  })
  if (ran.code !== 0) throw new Error(ran.stderr)
  return ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer)
}

const EVENT = { id: 'a', name: 'page_view', age: 1200, path: '/customers/12345/invoice/INV-9' }
const CLAIMS = {
  tenant: 't-001',
  standing: 'established',
  sub: 'x',
  role: 'accounts',
  adult: true,
  region: 'in',
  consent: { analytics: 'granted', policy: '2026-11-01', at: '2026-12-02T09:00:00Z' },
}
const BODY = { v: 1, site: 'erp', events: [EVENT] }
const HEADERS = {
  origin: 'https://erp.example.in',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
}
const CASE = { ip: '203.0.113.77', headers: HEADERS, body: BODY, claims: CLAIMS }
const seconds = Date.parse(NOW) / 1000

t.test('rules try: each case of standard input has its line, in order', async (t) => {
  const cases: readonly (readonly [unknown, Partial<Answer>])[] = [
    [CASE, { status: 204, decision: 'accepted' }],
    [
      { ...CASE, headers: { ...HEADERS, 'Sec-GPC': '1' } },
      { decision: 'dropped', reason: 'signal.gpc' },
    ],
    [{ ...CASE, headers: { ...HEADERS, 'sec-gpc': ['0', '1'] } }, { reason: 'signal.gpc' }],
    [{ ...CASE, headers: { ...HEADERS, 'Sec-GPC': '1, 1' } }, { decision: 'accepted' }],
    [{ ...CASE, headers: { ...HEADERS, DNT: '1' } }, { reason: 'signal.dnt' }],
    [{ ...CASE, headers: { ...HEADERS, origin: 'https://evil.example' } }, { reason: 'wrong_origin' }],
    [{ ...CASE, headers: {} }, { decision: 'accepted' }],
    [{ ip: CASE.ip, headers: HEADERS, body: BODY }, { reason: 'token.missing' }],
    [{ ip: CASE.ip, headers: {}, body: BODY }, { reason: 'no_origin' }],
    [{ ip: CASE.ip, headers: HEADERS, body: { ...BODY, token: 'a.b.c' } }, { reason: 'token.forged' }],
    [{ ...CASE, claims: { ...CLAIMS, exp: seconds - 61 } }, { reason: 'token.expired' }],
    [{ ...CASE, claims: { ...CLAIMS, iat: seconds - 60, exp: seconds + 60 } }, { decision: 'accepted' }],
    [
      { ...CASE, claims: { ...CLAIMS, iat: seconds - 3600, exp: seconds + 3600 } },
      { reason: 'token.expired' },
    ],
    [{ ...CASE, claims: { ...CLAIMS, aud: 'tacit' } }, { decision: 'accepted' }],
    [{ ...CASE, claims: { ...CLAIMS, aud: 'another' } }, { reason: 'token.wrong_audience' }],
    [{ ...CASE, claims: { ...CLAIMS, adult: undefined } }, { reason: 'not_adult' }],
    [{ ...CASE, claims: { ...CLAIMS, adult: 'true' } }, { reason: 'not_adult' }],
    [{ ...CASE, claims: { ...CLAIMS, region: 'eu' } }, { reason: 'wrong_region' }],
    [{ ...CASE, claims: { ...CLAIMS, consent: undefined } }, { reason: 'consent.unknown' }],
    [{ ...CASE, claims: { ...CLAIMS, consent: 'granted' } }, { reason: 'consent.malformed' }],
    [
      { ...CASE, claims: { ...CLAIMS, consent: { ...CLAIMS.consent, policy: '2025-01-01' } } },
      { reason: 'consent.stale_policy' },
    ],
    [
      { ...CASE, claims: { ...CLAIMS, consent: { ...CLAIMS.consent, at: '2025-11-02T09:59:59Z' } } },
      { reason: 'consent.expired' },
    ],
    [
      { ...CASE, claims: { ...CLAIMS, consent: { ...CLAIMS.consent, at: '2026-12-02T11:00:01Z' } } },
      { reason: 'consent.future' },
    ],
    [{ ...CASE, body: { ...BODY, consent: { analytics: 'denied' } } }, { reason: 'consent.denied' }],
    [{ ...CASE, state: { objected: true } }, { reason: 'objected' }],
    [{ ...CASE, state: { tenant_opted_out: true } }, { reason: 'tenant_opted_out' }],
    [{ ...CASE, state: { account_closed: true } }, { reason: 'account_closed' }],
    [{ ...CASE, state: { withdrawn: true } }, { reason: 'consent.withdrawn' }],
    [{ ...CASE, body: { ...BODY, site: 'another' } }, { reason: 'unknown_site' }],
    [{ ...CASE, body: { ...BODY, events: [{ ...EVENT, name: 'made.up' }] } }, { reason: 'event.unknown' }],
    [{ ...CASE, body: { ...BODY, events: [{ ...EVENT, age: 86_400_000 }] } }, { reason: 'late' }],
    [{ ...CASE, headers: { ...HEADERS, 'user-agent': 'Googlebot/2.1' } }, { reason: 'bot' }],
    [{ ...CASE, body: JSON.stringify(BODY) }, { decision: 'accepted' }],
    [
      { ...CASE, body: '{"v":1' },
      { status: 400, code: 'ERR_BEACON_JSON' },
    ],
    [
      { ...CASE, body: { ...BODY, extra: 1 } },
      { status: 400, code: 'ERR_BEACON_MALFORMED' },
    ],
    [
      { ...CASE, body: { ...BODY, events: [] } },
      { status: 400, code: 'ERR_BEACON_MALFORMED' },
    ],
    [
      { ...CASE, body: `${JSON.stringify(BODY)}${' '.repeat(65_536)}` },
      { status: 413, code: 'ERR_BEACON_TOO_LARGE' },
    ],
    [{ ...CASE, body: JSON.stringify(BODY).padEnd(65_536) }, { status: 204 }],
    [{ ...CASE, body: JSON.stringify(BODY).padEnd(65_537) }, { status: 413 }],
    [
      { ...CASE, headers: { ...HEADERS, 'content-type': 'text/html' } },
      { status: 415, code: 'ERR_BEACON_TYPE' },
    ],
    [{ ...CASE, headers: { ...HEADERS, 'content-type': 'text/plain;charset=UTF-8' } }, { status: 204 }],
    [
      { ...CASE, headers: { ...HEADERS, 'content-encoding': 'gzip' } },
      { status: 415, code: 'ERR_BEACON_CONTENT_ENCODING' },
    ],
    [{ ...CASE, headers: { ...HEADERS, 'content-encoding': 'identity' } }, { status: 204 }],
    ['not json', { status: 400 }],
    ['{"ip":"203.0.113.77"}', { status: 400 }],
    ['{"ip":"203.0.113.77","headers":{},"body":[1]}', { status: 400 }],
    [CASE, { status: 204, decision: 'accepted' }],
  ]
  const answers = await tryCases(cases.map(([one]) => one))
  t.equal(answers.length, cases.length)
  for (const [i, [one, wanted]] of cases.entries()) {
    t.match(answers[i], wanted, (typeof one === 'string' ? one : JSON.stringify(one)).slice(0, 300))
    const isAccepted = answers[i]?.decision === 'accepted'
    t.equal(daysOf(answers[i]).length, isAccepted ? 1 : 0)
    t.equal((answers[i]?.records ?? []).length > 0, isAccepted)
    if (answers[i]?.decision === 'dropped') t.same(answers[i]?.dropped, { [answers[i]?.reason ?? '']: 1 })
  }
})

t.test('rules try: a record shows what would be stored, and nothing of what came in', async (t) => {
  const events = [
    EVENT,
    { ...EVENT, id: 'b', name: 'made.up' },
    { ...EVENT, id: 'c', props: { note: 'zzz-note' } },
  ]
  const [answer] = await tryCases([{ ...CASE, body: { ...BODY, events } }])
  t.match(answer, {
    decision: 'accepted',
    reason: 'event.unknown',
    dropped: { 'event.unknown': 1 },
    removed_props: 1,
  })
  t.equal(daysOf(answer).length, 2)
  const { tenant, person, eid, ...rest } = daysOf(answer)[0] ?? {}
  t.same(rest, {
    stream: 'day',
    received: '2026-12-02T10:00:00Z',
    epoch: '2026-12-02',
    hour: '2026-12-02T09:00:00Z',
    site: 'erp',
    kind: 'page_view',
    standing: 'established',
    browser: 'firefox',
    device: 'desktop',
    event_name: 'page_view',
    os: 'linux',
    path: '/customers/:id/invoice/:no',
    role: 'accounts',
  })
  t.match([tenant, person, eid], [/^[\w-]{22}$/, /^[\w-]{22}$/, /^[\w-]{11}$/])
  t.notMatch(JSON.stringify(answer), /203\.0|t-001|12345|INV-9|Firefox|zzz/)
})

t.test('rules try: of a beacon of which some events are dropped, the parts are said', async (t) => {
  const events = [EVENT, { ...EVENT, id: 'b', path: '/a/x@y.in' }, { ...EVENT, id: 'c', name: 'made.up' }]
  const decided = async (name: string, of: readonly unknown[]): Promise<string> => {
    const beacon = file(name, JSON.stringify({ ...CASE, body: { ...BODY, events: of } }))
    const ran = await tacit(['rules', 'try', ERP, '--beacon', beacon, '--now', NOW])
    t.equal(ran.code, 0)
    return ran.stdout.split('\n').find((line) => line.startsWith('Decision')) ?? ''
  }
  t.equal(
    await decided('part.json', events),
    'Decision: accepted in part: 1 of 3 events (dropped: pii.email 1, event.unknown 1); 2 records would be stored.',
  )
  t.equal(
    await decided('none.json', events.slice(1)),
    'Decision: dropped (pii.email 1, event.unknown 1); 0 records would be stored.',
  )
})

t.test('rules try: standard input without a case is told as such, and is no failure', async (t) => {
  for (const input of ['', '\n  \n']) {
    const ran = await tacit(['rules', 'try', ERP], { input: Buffer.from(input) })
    t.match(ran, { code: 0, stdout: '', stderr: /^tacit: no case came on standard input\. A case is .*\n$/ })
  }
})

t.test('rules try: one beacon prints a table of each field, before and after', async (t) => {
  const beacon = file(
    'case.json',
    JSON.stringify({ ...CASE, body: { ...BODY, events: [{ ...EVENT, props: { note: 'free' } }] } }),
  )
  const single = await tacit(['rules', 'try', ERP, '--beacon', beacon, '--now', NOW])
  t.equal(single.code, 0)
  t.match(single.stdout, /field +before +rule +after/)
  t.match(
    single.stdout,
    /path +\/customers\/12345\/invoice\/INV-9 +template of \d+ routes.* \/customers\/:id\/invoice\/:no/,
  )
  t.match(single.stdout, /note +free +no rule names it +— +dropped/)
  t.match(single.stdout, /Decision: accepted; 2 records would be stored/)
  t.match(single.stdout, /^\{"stream":"week",.*"statistic":"retention"/m)
  const json = await tacit(['rules', 'try', ERP, '--beacon', beacon, '--now', NOW, '--json'])
  t.match(JSON.parse(json.stdout), { status: 204, decision: 'accepted' })
  const bad = await tacit([
    'rules',
    'try',
    ERP,
    '--beacon',
    file('bad.json', JSON.stringify({ ...CASE, body: '{' })),
    '--now',
    NOW,
  ])
  t.equal(bad.code, 1, 'a beacon that is refused is a check that failed')
  t.match(bad.stdout, /400 ERR_BEACON_JSON/)
})
