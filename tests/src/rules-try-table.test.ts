/** The table of `rules try` as a privacy officer reads it: whole, and true of each event. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { rulebookPath, tacit } from './support/tacit.js'

const dir = t.testdir()
const NOW = '2026-12-02T10:00:00Z'

interface Row {
  readonly field: string
  readonly before: string | null
  readonly rule: string
  readonly after: string | null
  readonly dropped: string | null
}

interface Tried {
  readonly decision: string
  readonly records: readonly Readonly<Record<string, unknown>>[]
  readonly fields: readonly Row[]
  readonly events: readonly {
    readonly name: string
    readonly decision: string
    readonly reason?: string
    readonly fields: readonly Row[]
  }[]
}

let files = 0

async function run(one: unknown, rulebook: string, ...more: readonly string[]): Promise<string> {
  const beacon = join(dir, `case-${String(files++)}.json`)
  writeFileSync(beacon, JSON.stringify(one))
  const ran = await tacit(['rules', 'try', rulebook, '--beacon', beacon, '--now', NOW, ...more])
  t.equal(ran.stderr, '')
  return ran.stdout
}

const tryCase = async (one: unknown, rulebook = rulebookPath('erp')): Promise<Tried> =>
  JSON.parse(await run(one, rulebook, '--json')) as Tried

const rowOf = (rows: readonly Row[] | undefined, field: string): Row | undefined =>
  rows?.find((row) => row.field === field)

const CLAIMS = {
  tenant: 't-001',
  standing: 'established',
  sub: 'person-1',
  role: 'head of payroll',
  cohort: '2026-03',
  adult: true,
  region: 'in',
  email: 'never-read',
  consent: { analytics: 'granted', policy: '2026-11-01', at: '2026-12-01T10:00:00Z' },
}
const EVENT = { id: 'a', name: 'page_view', age: 1, path: '/customers/12345/invoice/INV-9' }
const CASE = {
  ip: '203.0.113.77',
  headers: {
    origin: 'https://erp.example.in',
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    cookie: 'sid=1',
  },
  claims: CLAIMS,
  body: {
    v: 1,
    site: 'erp',
    client: { utc_offset: 331, language: 'en-IN' },
    events: [
      {
        ...EVENT,
        props: { load_ms: 812, note: 'free', visit_start: 'yes', role: 'admin', search_text: 'x' },
      },
      { ...EVENT, id: 'b', path: '/x/ravi@example.in' },
      { ...EVENT, id: 'c', name: 'made.up' },
      { ...EVENT, id: 'd', age: 80_000_000 },
    ],
  },
}

t.test(
  'of an accepted event beside dropped ones each field says what is left of it, or why nothing is',
  async (t) => {
    const { events, fields, records } = await tryCase(CASE)
    t.same(
      events.map(({ decision, reason }) => reason ?? decision),
      ['accepted', 'pii.email', 'event.unknown', 'late'],
    )
    const [first, second, third, fourth] = events.map((event) => event.fields)
    const [record, ...others] = records.filter(({ stream }) => stream === 'day')
    t.same(others, [])
    const wanted: readonly (readonly [string, Partial<Row>])[] = [
      ['user_id', { before: 'person-1', after: String(record?.['person']), dropped: null }],
      ['tenant_id', { before: 't-001', after: String(record?.['tenant']), dropped: null }],
      ['timestamp', { after: 'hour=2026-12-02T09:00:00Z epoch=2026-12-02', dropped: null }],
      ['client_ip', { before: '203.0.113.77', after: null, dropped: 'not kept: no statistic reads it' }],
      ['cohort', { before: '2026-03', after: '2026-03', dropped: null }],
      ['role', { before: 'head of payroll', after: 'other', dropped: null }],
      ['utc_offset', { before: '331', after: null, dropped: 'not allowed: dropped' }],
      ['visit_start', { before: 'yes', after: null, dropped: 'not allowed: dropped' }],
      ['user_agent', { after: 'browser=firefox os=linux device=desktop', dropped: null }],
      ['path', { after: '/customers/:id/invoice/:no', dropped: null }],
      ['from_path', { before: null, after: null, dropped: null }],
      ['load_ms', { before: '812', after: '300-999' }],
      ['search_text', { before: 'x', after: null, dropped: 'dropped' }],
      ['note', { before: 'free', after: null, dropped: 'dropped' }],
      ['prop role', { before: 'admin', after: null, dropped: 'dropped' }],
      ['language', { before: 'en-IN', after: null, dropped: 'dropped' }],
      ['event id', { before: 'a', after: `eid=${String(record?.['eid'])}` }],
      ['standing', { before: 'established', after: 'standing=established' }],
    ]
    for (const [field, row] of wanted) t.match(rowOf(first, field), row, field)
    t.equal(rowOf(second, 'path')?.dropped, 'holds email: the event is dropped')
    t.equal(rowOf(third, 'event_name')?.dropped, 'not in the catalogue: the event is dropped')
    t.equal(rowOf(fourth, 'timestamp')?.dropped, 'late, its window has closed: the event is dropped')
    t.match(rowOf(fields, 'header cookie'), { before: 'sid=1', after: null, dropped: 'dropped' })
    t.match(rowOf(fields, 'claim email'), { before: 'never-read', after: null, dropped: 'dropped' })
    t.match(rowOf(fields, 'adult'), { before: 'true', after: null, dropped: 'not kept: read to decide only' })
  },
)

/** Every row of a table says what became of what came, and only records leave. */
function checkWhole(tried: Tried): void {
  const rows = [...tried.fields, ...tried.events.flatMap(({ fields }) => fields)]
  for (const { after, before, dropped, field } of rows) {
    t.equal(before !== null && after === null && dropped === null, false, `${field} says why nothing is left`)
  }
  for (const { decision, fields } of tried.events) {
    if (decision === 'accepted') continue
    for (const { after, field } of fields) t.equal(after, null, `${field} of a dropped event`)
  }
  const left = tried.events.flatMap(({ fields }) => fields.map(({ after }) => after ?? '')).join(' ')
  for (const { stream: _stream, ...record } of tried.records) {
    for (const [name, value] of Object.entries(record))
      t.ok(left.includes(String(value)), `${name} has a row`)
  }
}

const ENOUGH = [rulebookPath('erp'), rulebookPath('website')]

t.test(
  'whatever comes in, every value has a row, every row a fate, and all that is stored is shown',
  async (t) => {
    const [erp = '', website = ''] = ENOUGH
    const web = { ...CASE, headers: { ...CASE.headers, origin: 'https://www.example.in' } }
    const onWebsite = { ...web, body: { ...CASE.body, site: 'website' } }
    const all = [
      [CASE, erp],
      [{ ...CASE, claims: undefined, body: { ...CASE.body, token: 'a.b.c' } }, erp],
      [{ ...CASE, body: { ...CASE.body, site: 'nobody' } }, erp],
      [{ ...CASE, claims: { ...CLAIMS, exp: 5 } }, erp],
      [onWebsite, website],
      [{ ...onWebsite, ip: 'unknown' }, website],
      [CASE, weekly()],
    ] as const
    for (const tried of await Promise.all(all.map(([one, rulebook]) => tryCase(one, rulebook))))
      checkWhole(tried)
    t.pass('held for each')
  },
)

/** The ERP's rulebook with hours, weeks and the country. */
function weekly(): string {
  const source = join(rulebookPath('erp'), '..')
  for (const name of ['routes.yaml', 'events.yaml', 'apps.yaml']) {
    writeFileSync(join(dir, name), readFileSync(join(source, name)))
  }
  const path = join(dir, 'rulebook.yaml')
  const text = readFileSync(rulebookPath('erp'), 'utf8').replace(
    'title: Pages\n    window: [hour, day]',
    'title: Pages\n    window: [hour, day, week]',
  )
  writeFileSync(path, text)
  return path
}

t.test('an hour that has closed makes its events late, in a rulebook with hours', async (t) => {
  const at = (age: number) => ({ ...CASE, body: { ...CASE.body, events: [{ ...EVENT, age }] } })
  const rulebook = weekly()
  const open = await tryCase(at(7_200_000 - 3_600_000), rulebook)
  t.equal(open.events[0]?.decision, 'accepted')
  const week = open.records.find(({ stream }) => stream === 'week')
  t.ok(week !== undefined, 'and the week is told')
  t.match(rowOf(open.events[0]?.fields, 'user_id')?.after, String(week?.['person']))
  const [before, after] = await Promise.all([
    tryCase(at(7_200_000), rulebook),
    tryCase(at(7_200_001), rulebook),
  ])
  // 08:00 is of an hour that closes at 10:00, which is now.
  t.equal(before.events[0]?.reason, 'late')
  t.equal(after.events[0]?.reason, 'late')
  t.equal((await tryCase(at(7_199_999), rulebook)).events[0]?.reason, 'late', '08:00:00.001')
  t.equal((await tryCase(at(3_600_000), rulebook)).events[0]?.decision, 'accepted', '09:00')
  t.equal((await tryCase(at(3_600_001), rulebook)).events[0]?.reason, 'late', '08:59:59.999')
})

t.test('of a beacon that is refused whole, the table names what refused it', async (t) => {
  const cases: readonly (readonly [Record<string, unknown>, string, string])[] = [
    [{ headers: { ...CASE.headers, 'sec-gpc': ['0', ' 1'] } }, 'sec-gpc', 'signal.gpc'],
    [{ headers: { ...CASE.headers, dnt: '1' } }, 'dnt', 'signal.dnt'],
    [{ headers: { ...CASE.headers, origin: 'https://evil.example' } }, 'origin', 'wrong_origin'],
    [{ claims: { ...CLAIMS, exp: 5 } }, 'token', 'token.expired'],
    [{ claims: undefined }, 'token', 'token.missing'],
    [
      { claims: { ...CLAIMS, consent: { ...CLAIMS.consent, at: '2026-02-30T11:59:59Z' } } },
      'consent (token)',
      'consent.malformed',
    ],
    [{ body: { ...CASE.body, consent: { analytics: 'denied' } } }, 'consent (page)', 'consent.denied'],
    [{ state: { withdrawn: true } }, 'what is on record', 'consent.withdrawn'],
    [{ claims: { ...CLAIMS, adult: undefined } }, 'adult', 'not_adult'],
    [{ headers: { ...CASE.headers, 'user-agent': 'Googlebot/2.1' } }, 'user agent', 'bot'],
    [{ body: { ...CASE.body, site: 'nobody' } }, 'site', 'unknown_site'],
  ]
  const tried = await Promise.all(cases.map(([changes]) => tryCase({ ...CASE, ...changes })))
  for (const [i, [, field, reason]] of cases.entries()) {
    const { decision, events, fields, records } = tried[i] as Tried
    t.equal(decision, 'dropped', reason)
    t.equal(rowOf(fields, field)?.dropped, `${reason}: the whole beacon is dropped`, reason)
    t.equal(fields.filter(({ dropped }) => dropped?.includes('whole beacon')).length, 1, 'and nothing else')
    t.same(records, [])
    t.equal(events.length, 4)
    for (const row of events.flatMap((event) => event.fields)) {
      t.equal(row.after, null, row.field)
      if (row.before !== null) t.equal(row.dropped, 'dropped with the whole beacon', row.field)
    }
  }
  const text = await run({ ...CASE, headers: { ...CASE.headers, 'sec-gpc': '1' } }, rulebookPath('erp'))
  t.match(text, /Event 1 of 4, page_view: dropped as signal\.gpc/)
  t.match(text, /Refused by question \d+ of the decision: Does the browser send Global Privacy Control/)
})

t.test('where nobody signs, the address and the user agent have rows for what is made of them', async (t) => {
  const headers = { ...CASE.headers, origin: 'https://www.example.in' }
  const body = { ...CASE.body, site: 'website', events: [EVENT] }
  const { events, fields, records } = await tryCase({ ...CASE, headers, body }, rulebookPath('website'))
  const rows = events[0]?.fields
  const [record] = records
  t.match(rowOf(rows, 'address + user agent'), {
    before: /^203\.0\.113\.77 \+ Mozilla/,
    after: `person=${String(record?.['person'])}`,
  })
  t.match(rowOf(rows, 'network'), { before: '203.0.113.77', after: `network=${String(record?.['network'])}` })
  t.match(rowOf(fields, 'claim role'), { rule: 'nobody signs at this site', dropped: 'dropped' })
})
