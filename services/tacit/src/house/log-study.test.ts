/** Whom a study learns from: those who may be counted, and nobody else. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileTrustedProxies, parseAddress } from '@tacit/anonymizer'
import { RULEBOOK_FILE } from '@tacit/rulebook'
import t from 'tap'
import { DEFAULTS, firstRulebook, STARTER } from './first-rulebook.js'
import { type LogKind, LogStudy, type Study } from './log-study.js'
import { checkRulebook, requireRulebook } from './rulebook-files.js'

const TODAY = Date.UTC(2026, 10, 1)
const dir = t.testdir()
let files = 0

function rulebook(kind: LogKind) {
  const options = { ...DEFAULTS[kind], minUsers: 5, region: 'in', policy: '2026-11-01', today: TODAY }
  return requireRulebook(checkRulebook(RULEBOOK_FILE, firstRulebook(kind, options, STARTER[kind])), kind)
}

const rulebooks = { erp: rulebook('erp'), website: rulebook('website') }

async function study(lines: readonly string[], kinds: readonly LogKind[] = ['erp', 'website']) {
  const path = join(dir, `log-${String(files++)}`)
  writeFileSync(path, `${lines.join('\n')}\n`)
  const one = new LogStudy({
    rulebooks: Object.fromEntries(kinds.map((kind) => [kind, rulebooks[kind]])),
    parseAddress,
    clientAddress: compileTrustedProxies([]),
  })
  await one.read([path], () => {})
  return { result: one.result(), skipped: one.skipped() }
}

interface Sent {
  readonly claims?: Readonly<Record<string, unknown>> | null
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly state?: Readonly<Record<string, boolean>>
  readonly event?: Readonly<Record<string, unknown>>
}

/** A beacon of a person of one of three companies. */
function beacon(person: number, { body, claims, event, headers, state }: Sent = {}): string {
  const granted = { analytics: 'granted', policy: '2026-11-01', at: '2026-11-01T10:00:00Z' }
  const own = {
    tenant: `t${person % 3}`,
    sub: `u${person}`,
    standing: 'established',
    adult: true,
    region: 'in',
    role: 'sales',
    consent: granted,
    ...claims,
  }
  return JSON.stringify({
    time: '2026-11-02T10:00:00Z',
    ip: `203.0.${person}.7`,
    headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/129.0', ...headers },
    body: {
      v: 1,
      site: claims === null ? 'website' : 'erp',
      events: [{ id: 'a', name: 'page_view', age: 0, path: '/reports', ...event }],
      ...body,
    },
    ...(claims === null ? {} : { claims: own }),
    ...(state === undefined ? {} : { state }),
  })
}

const people = (count: number, sent: Sent = {}, first = 0): string[] =>
  Array.from({ length: count }, (_, at) => beacon(first + at, sent))

function accessLine(
  person: number,
  path = '/about',
  rest = '200 5',
  agent = 'Mozilla/5.0 (X11) Firefox/129.0',
) {
  return `203.0.${person}.7 - - [02/Nov/2026:10:05:03 +0000] "GET ${path} HTTP/1.1" ${rest} "-" "${agent}"`
}

const routes = (result: Study | null) => result?.routes.routes

t.test('people who granted are learnt from', async (t) => {
  const { result } = await study(people(5))
  t.match(result, { kind: 'erp', lines: 5, used: 5, people: 5, skipped: {} })
  t.same(routes(result), ['/reports'])
  t.same(result?.events.roles, ['sales'])
  t.same([...(result?.events.kinds ?? [])], [['page_view', 'page_view']])
})

t.test('nobody is learnt from who would not be counted, by any reason', async (t) => {
  const refusals: readonly (readonly [string, Sent])[] = [
    [
      'refused',
      { claims: { consent: { analytics: 'denied', policy: '2026-11-01', at: '2026-11-01T10:00:00Z' } } },
    ],
    ['refused', { claims: { consent: undefined } }],
    [
      'refused',
      { claims: { consent: { analytics: 'granted', policy: '2020-01-01', at: '2026-11-01T10:00:00Z' } } },
    ],
    ['refused', { body: { consent: { analytics: 'denied' } } }],
    ['refused', { headers: { 'sec-gpc': '1' } }],
    ['refused', { headers: { dnt: '1' } }],
    ['refused', { state: { objected: true } }],
    ['not_adult', { claims: { adult: false } }],
    ['wrong_region', { claims: { region: 'eu' } }],
    ['trial_tenant', { claims: { standing: 'trial' } }],
    ['trial_tenant', { claims: { standing: 'internal' } }],
    ['token.forged', { claims: { sub: '' } }],
    ['unknown_site', { body: { site: 'elsewhere' } }],
    ['bot', { headers: { 'user-agent': 'Googlebot/2.1 (+http://www.google.com/bot.html)' } }],
    ['line.unparsable', { body: { v: 2 } }],
  ]
  for (const [reason, sent] of refusals) {
    const { result, skipped } = await study([...people(4), ...people(5, sent, 10)])
    t.same(routes(result), [], JSON.stringify(sent))
    t.equal(Object.values(skipped)[0], 5, reason)
    if (!['not_adult', 'wrong_region'].includes(reason)) t.ok(skipped[reason], reason)
  }
})

t.test(
  'lines of an access log are learnt from but for assets, failures, crawlers and what is no line',
  async (t) => {
    const some = (path: string, rest?: string, agent?: string) =>
      Array.from({ length: 6 }, (_, person) => accessLine(person, path, rest, agent))
    const { result } = await study([
      ...some('/about?x=1'),
      ...some('/style.css'),
      ...some('/secret', '404 5'),
      ...some('/crawled', '200 5', 'Googlebot/2.1'),
      'no line',
    ])
    t.same(routes(result), ['/about'])
    t.match(result, {
      kind: 'website',
      lines: 25,
      used: 6,
      people: 6,
      skipped: { 'line.asset': 6, 'line.status': 6, bot: 6, 'line.unparsable': 1 },
    })
  },
)

t.test('one address of many user agents is many people of one network: not enough', async (t) => {
  const lines = Array.from({ length: 9 }, (_, agent) =>
    accessLine(1, '/about', '200 5', `Mozilla/5.0 (X11; Linux) Firefox/${agent}`),
  )
  t.same(routes((await study(lines)).result), [])
})

t.test('an address that cannot be read is nobody', async (t) => {
  const lines = Array.from({ length: 9 }, (_, person) => accessLine(person).replace('203.0.', 'host-'))
  t.same(await study(lines), { result: null, skipped: { rule_failed: 9 } })
})

t.test(
  'signed people and devices are learnt from apart; the kind that more are of is answered',
  async (t) => {
    const mixed = [...people(6), ...people(5, { claims: null, event: { path: '/about' } }, 20)]
    const { result } = await study(mixed)
    t.match(result, { kind: 'erp', used: 6, skipped: { other_identity: 5 } })
    t.same(routes(result), ['/reports'])
    const devices = await study(mixed, ['website'])
    t.match(devices.result, { kind: 'website', used: 5, skipped: { other_identity: 6 } })
    t.same(routes(devices.result), ['/about'])
  },
)

t.test('names, roles and versions of fewer people are not learnt, nor what a detector finds', async (t) => {
  const sent = (name: string, role: string, version: string): Sent => ({
    claims: { role },
    event: { name, props: { app_version: version, secret_prop: 'x' }, path: '/reports' },
  })
  const { result } = await study([
    ...people(5, sent('invoice.save', 'sales', '8.1.0')),
    ...people(4, sent('acme.merger', 'head of payroll', '9.9.9'), 10),
    ...people(9, sent('Not A Name', 'x@example.in', 'my free text'), 20),
  ])
  t.same([...(result?.events.kinds.keys() ?? [])], ['invoice.save'])
  t.same(result?.events.roles, ['sales'])
  t.same(result?.events.versions, ['8.1.0'])
  t.same([...(result?.events.measures ?? [])], ['app_version'])
})

t.test('kinds are guessed by name and by what enough people sent with an event', async (t) => {
  const event = (name: string, rest: object = {}) => people(5, { event: { name, ...rest } })
  const { result } = await study([
    ...event('page_view'),
    ...event('app_error'),
    ...event('app_start', { props: { device_model: 'desktop' } }),
    ...event('page_load', { props: { load_ms: 5 } }),
    ...event('screen', { from_path: '/a' }),
    ...event('invoice.save'),
  ])
  t.same(Object.fromEntries(result?.events.kinds ?? []), {
    page_view: 'page_view',
    app_error: 'error',
    app_start: 'device',
    page_load: 'timing',
    screen: 'page_view',
    'invoice.save': 'feature',
  })
})
