import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DrivenClock } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { openAccessTokens, type Role } from './access-tokens.js'
import { createDashboard } from './dashboard.js'
import { openApi } from './openapi.js'
import { cell, realm, rulebook } from './rulebook.fixture.js'

const clock = new DrivenClock(Date.parse('2026-11-03T12:00:00Z'))
const access = openAccessTokens(new Uint8Array(32).fill(1), clock)
const hour = (time: string, refused: number) => ({
  hour: time,
  received: 10 + refused,
  accepted: 10,
  dropped: { 'consent.denied': refused - 1, 'signal.gpc': 1 },
})
const main = realm(
  'main',
  [cell('2026-11-01', '/a', 20, 41), cell('2026-11-02', '/a', 30, 62), cell('2026-11-02', '=cmd', 10, 12)],
  [hour('2026-11-01T10:00:00Z', 3), hour('2026-11-02T23:00:00Z', 4), hour('2026-11-03T09:00:00Z', 2)],
)
const sample = realm('sample', [cell('2026-10-01', '/a', 70, 90)])
const samplePage = {
  collectorUrl: 'http://127.0.0.1:8080',
  site: 'sample',
  policy: '2026-11-01',
  token: async ({ consent }: { readonly consent: string }) => `signed.${consent}.token`,
}

async function get(url: string, role?: Role, realms = [main, sample]) {
  const app = createDashboard({ realms, access, clock, samplePage })
  const token = role && (await access.issue(role, 60_000))
  const answer = await app.inject({ url, headers: token ? { authorization: `Bearer ${token}` } : {} })
  await app.close()
  return answer
}

t.test('each role reads what it may, and nobody reads without a token', async (t) => {
  const paths = [
    '/api/v1/statistics',
    '/api/v1/statistics/pages',
    '/api/v1/ledger',
    '/api/v1/rulebook',
    '/api/v1/checks',
    '/api/v1/keys',
    '/api/v1/audit/head',
    '/api/v1/audit/entries',
    '/api/v1/audit/copy',
    '/api/v1/explanations/pages?window_start=2026-11-01T00:00:00Z',
    '/api/v1/cells/pages?window_start=2026-11-01T00:00:00Z&dims=["/a"]',
  ]
  const all = (status: number) => paths.map(() => status)
  const expected: [Role | undefined, number[]][] = [
    [undefined, all(401)],
    ['product', [200, 200, ...all(403).slice(2)]],
    ['privacy', all(200)],
    ['admin', all(200)],
    ['operator', all(200)],
  ]
  for (const [role, statuses] of expected) {
    const got = await Promise.all(paths.map(async (path) => (await get(path, role)).statusCode))
    t.same(got, statuses, role ?? 'no token')
  }
})

t.test('whether it is there is said to anybody', async (t) => {
  for (const path of ['/healthz', '/readyz']) t.equal((await get(path)).statusCode, 200)
})

t.test('checks are said as they were found, realm by realm', async (t) => {
  const check = {
    id: 'INV-19',
    title: 'What is stored was decided by what ruled',
    ok: false,
    at: '2026-11-03T11:00:00Z',
    findings: ['Released values carry no hash of a rulebook.'],
  }
  const failing = realm('main', [], [], rulebook, { checks: [check] })
  const realms = [failing, sample]
  t.same((await get('/api/v1/checks', 'privacy', realms)).json(), {
    checks: [check],
    realm: 'main',
    sample: false,
  })
  t.same((await get('/api/v1/checks?realm=sample', 'privacy', realms)).json(), {
    checks: [],
    realm: 'sample',
    sample: true,
  })
  t.equal((await get('/api/v1/checks?from=2026-11-01', 'privacy', realms)).statusCode, 400)
})

t.test('the catalogue and a statistic have the shape of the contract', async (t) => {
  t.match((await get('/api/v1/statistics', 'product')).json(), [
    {
      id: 'pages',
      title: 'Pages',
      windows: ['day'],
      by: ['path'],
      drill: ['device'],
      sample: false,
      latest: '2026-11-02T00:00:00Z',
    },
    { id: 'devices', latest: null },
    { id: 'pages', sample: true, latest: '2026-10-01T00:00:00Z' },
    { id: 'devices', sample: true },
  ])
  const answer = await get('/api/v1/statistics/pages?window=day&from=2026-11-02&to=2026-11-02', 'product')
  t.same(answer.json(), {
    statistic: 'pages',
    window: 'day',
    rulebook: 'a'.repeat(64),
    site: 'erp',
    sample: false,
    rows: [
      { window_start: '2026-11-02T00:00:00Z', path: '/a', users: 30, events: 62, floor: 10 },
      { window_start: '2026-11-02T00:00:00Z', path: '=cmd', users: 10, events: 12, floor: 10 },
    ],
    withheld: { cells: 3 },
  })
})

t.test('real data is meant before sample data, unless only the sample has any', async (t) => {
  const isSample = async (url: string, realms = [main, sample]) =>
    (await get(url, 'product', realms)).json<{ sample?: boolean }>().sample
  const empty = realm('main', [])
  t.equal(await isSample('/api/v1/statistics/pages'), false)
  t.equal(await isSample('/api/v1/statistics/pages?from=2030-01-01'), false, 'an empty range changes nothing')
  t.equal(await isSample('/api/v1/statistics/pages?realm=sample'), true)
  t.equal(await isSample('/api/v1/statistics/pages', [empty, sample]), true)
  t.equal(await isSample('/api/v1/statistics/pages?realm=main', [empty, sample]), false)
  t.equal(await isSample('/api/v1/statistics/pages?site=erp', [empty]), false)
  t.equal((await get('/api/v1/statistics/pages?site=website', 'product')).statusCode, 404)
})

t.test('CSV has the same rows and starts no formula', async (t) => {
  const answer = await get('/api/v1/statistics/pages?format=csv&from=2026-11-02', 'product')
  t.match(answer.headers, {
    'content-type': /^text\/csv/,
    'content-disposition': 'attachment; filename="pages-day.csv"',
  })
  t.equal(
    answer.body,
    [
      'window_start,path,users,events,floor',
      '2026-11-02T00:00:00Z,/a,30,62,10',
      "2026-11-02T00:00:00Z,'=cmd,10,12,10",
      '',
    ].join('\r\n'),
  )
})

t.test('bad queries get a problem that says what to do', async (t) => {
  const cases: [string, number, string][] = [
    ['statistics?x=1', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?fromm=2026-11-01', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?from=2026-02-30', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?from=01.11.2026', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?from=2026-11-02&to=2026-11-01', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?from=2026-11-02&from=2026-11-01', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?window=month', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?format=xml', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?realm=other', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?drill=', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?drill=browser', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?top=0', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?top=2.5', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?limit=1000001', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?compare=next', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?timezone=Mars/Olympus', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/pages?timezone=%2B05:30', 400, 'ERR_QUERY_MALFORMED'],
    ['cells/pages?window_start=2026-11-01T00:00:00Z', 400, 'ERR_QUERY_MALFORMED'],
    ['cells/pages?window_start=2026-11-01T00:00:00Z&dims=[1]', 400, 'ERR_QUERY_MALFORMED'],
    ['cells/pages?window_start=2026-11-01T00:00:00Z&dims=["/z"]', 404, 'ERR_CELL_UNKNOWN'],
    ['cells/pages?window_start=2026-11-01&dims=["/a"]', 400, 'ERR_QUERY_MALFORMED'],
    ['explanations/pages', 400, 'ERR_QUERY_MALFORMED'],
    ['explanations/nothing?window_start=2026-11-01T00:00:00Z', 404, 'ERR_STATISTIC_UNKNOWN'],
    ['explanations/pages?window=day&window_start=2099-11-01T00:00:00Z', 404, 'ERR_CELL_UNKNOWN'],
    ['explanations/pages?window=day&window_start=2026-11-01T05:00:00Z', 400, 'ERR_QUERY_MALFORMED'],
    ['statistics/nothing', 404, 'ERR_STATISTIC_UNKNOWN'],
    ['statistics/__proto__', 404, 'ERR_STATISTIC_UNKNOWN'],
    ['ledger?window=day', 400, 'ERR_QUERY_MALFORMED'],
    ['proofs', 404, 'ERR_ROUTE_UNKNOWN'],
  ]
  for (const [path, status, code] of cases) {
    const answer = await get(`/api/v1/${path}`, 'privacy')
    t.match(answer.json(), { status, code, type: /^https:/, title: String }, path)
    t.match(answer.headers['content-type'], /^application\/problem\+json/, path)
    t.equal(answer.statusCode, status, path)
  }
})

t.test('no answer echoes what was asked, whatever it was', async (t) => {
  const app = createDashboard({ realms: [main, sample], access, clock, samplePage })
  const authorization = `Bearer ${await access.issue('privacy', 60_000)}`
  const marker = 'Zq9xMARKER'
  const part = fc.string({ maxLength: 30 }).map((text) => `${marker}${text}`)
  const url = fc.oneof(
    part.map((text) => `/${encodeURIComponent(text)}`),
    part.map((text) => `/${text.replaceAll(/[?#\s]/g, '%')}`),
    part.map((text) => `/api/v1/statistics/${encodeURIComponent(text)}`),
    fc
      .tuple(
        fc.constantFrom(
          'from',
          'to',
          'window',
          'drill',
          'format',
          'site',
          'realm',
          'timezone',
          'top',
          'limit',
          marker,
        ),
        part,
      )
      .map(([name, text]) => `/api/v1/statistics/pages?${name}=${encodeURIComponent(text)}`),
    part.map((text) => `/sample/token?consent=${encodeURIComponent(text)}`),
  )
  await fc.assert(
    fc.asyncProperty(url, fc.boolean(), async (path, signed) => {
      const headers = { authorization: signed ? authorization : `Bearer ${marker}.${marker}.${marker}` }
      const answer = await app.inject({ url: path, headers })
      const said = answer.body + JSON.stringify(answer.headers)
      return answer.statusCode >= 400 && answer.statusCode < 500 && !said.includes(marker)
    }),
    { numRuns: 200 },
  )
  t.pass('held in every run')
  await app.close()
})

t.test('a failing store is a 500 that says nothing of its cause', async (t) => {
  const broken = {
    ...main,
    cells: async () => {
      throw new Error('password=hunter2 at 10.1.2.3')
    },
  }
  const answer = await get('/api/v1/statistics/pages', 'product', [broken])
  t.equal(answer.statusCode, 500)
  t.same(Object.keys(answer.json()).sort(), ['code', 'status', 'title', 'type'])
  t.notMatch(answer.body, /hunter2|10\.1/)
})

t.test('the API shows closed hours with one refused, an operator every hour', async (t) => {
  const rows = async (role: Role, query = '') =>
    (await get(`/api/v1/ledger${query}`, role)).json<{ rows: { hour: string }[] }>().rows
  t.same(await rows('privacy'), [
    { hour: '2026-11-01T10:00:00Z', received: 13, accepted: 10, dropped: { refused: 3 } },
    { hour: '2026-11-02T23:00:00Z', received: 14, accepted: 10, dropped: { refused: 4 } },
  ])
  t.equal((await rows('admin')).length, 2)
  t.equal((await rows('operator')).length, 3)
  t.equal((await rows('operator', '?from=2026-11-03')).length, 1)
  t.same((await get('/api/v1/ledger?realm=sample', 'privacy')).json(), {
    rows: [],
    realm: 'sample',
    sample: true,
  })
  const elsewhere = realm('sample', [], [hour('2026-11-01T04:00:00Z', 5)], {
    ...sample.rulebook,
    sites: Object.fromEntries(Object.values(sample.rulebook.sites).map((site) => ['demo', site])),
  })
  const bySite = await get('/api/v1/ledger?site=demo', 'privacy', [main, elsewhere])
  t.match(bySite.json(), { realm: 'sample', rows: [{ received: 15, dropped: { refused: 5 } }] })
  t.match((await get('/api/v1/ledger?site=erp', 'privacy', [main, elsewhere])).json(), { realm: 'main' })
  t.equal((await get('/api/v1/ledger?site=nowhere', 'privacy', [main, elsewhere])).statusCode, 400)
})

t.test('detections are shown for closed days, to the privacy team alone; to an operator, all', async (t) => {
  const row = (day: string, events: number) => ({ day, detector: 'email', field: 'path', events })
  const found = [row('2026-11-01', 3), row('2026-11-02', 1), row('2026-11-03', 2)]
  const realms = [realm('main', [], [], rulebook, { detections: found }), sample]
  const rows = async (role: Role, query = '') =>
    (await get(`/api/v1/detections${query}`, role, realms)).json<{ rows: unknown }>().rows
  t.same(await rows('privacy'), found.slice(0, 2))
  t.same(await rows('operator'), found)
  t.same(await rows('operator', '?from=2026-11-02&to=2026-11-02'), found.slice(1, 2))
  t.equal((await get('/api/v1/detections', 'product', realms)).statusCode, 403)
  t.equal((await get('/api/v1/detections?day=2026-11-02', 'privacy', realms)).statusCode, 400)
  t.same((await get('/api/v1/detections?realm=sample', 'privacy', realms)).json(), {
    rows: [],
    realm: 'sample',
    sample: true,
  })
})

t.test('the rulebook says since when it rules, what waits, and what ruled before', async (t) => {
  const history = {
    since: '2026-11-02T00:00:00Z',
    pending: { hash: 'c'.repeat(64), takes_effect: '2026-12-01T00:00:00Z', verified: true },
    history: [
      { hash: 'b'.repeat(64), since: '2026-10-01T08:00:00Z', until: '2026-11-02T00:00:00Z' },
      { hash: 'a'.repeat(64), since: '2026-11-02T00:00:00Z', until: null },
    ],
  }
  const answer = await get('/api/v1/rulebook', 'privacy', [realm('main', [], [], rulebook, { history })])
  t.match(answer.json(), { name: 'test-usage', hash: rulebook.hash, ...history })
  t.match((await get('/api/v1/rulebook', 'privacy')).json(), { since: null, pending: null, history: [] })
})

t.test('the rulebook is shown as it was written', async (t) => {
  t.match((await get('/api/v1/rulebook', 'privacy')).json(), {
    name: 'test-usage',
    effective: '2026-10-01',
    sources: { 'rulebook.yaml': 'rulebook: test-usage\n' },
    sample: false,
  })
})

t.test('every answer is guarded, kept by no cache, and sets no cookie', async (t) => {
  for (const url of ['/openapi.json', '/api/v1/statistics', '/nothing', '/sample/token']) {
    const { headers } = await get(url)
    t.match(headers, {
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-security-policy': /^default-src 'none'/,
    })
    t.equal(headers['etag'], undefined)
    t.equal(headers['set-cookie'], undefined)
  }
  const policy = async (url: string) => String((await get(url)).headers['content-security-policy'])
  t.match(await policy('/sample/'), "connect-src 'self' http://127.0.0.1:8080;")
  t.notMatch(await policy('/'), '8080', 'only the sample page may talk to the collector')
})

t.test('the sample page gets a token with the consent that was chosen', async (t) => {
  t.same((await get('/sample/token?consent=denied')).json(), {
    token: 'signed.denied.token',
    consent: 'denied',
    site: 'sample',
    policy: '2026-11-01',
    collectorUrl: 'http://127.0.0.1:8080',
  })
  t.match((await get('/sample/token')).json(), { consent: 'granted' })
  t.equal((await get('/sample/token?consent=maybe')).statusCode, 400)
})

t.test(
  'pages are served from the built folder, the sample page only where there is sample data',
  async (t) => {
    const webRoot = t.testdir({ 'index.html': '<title>Tacit</title>', sample: { 'index.html': 'ERP' } })
    mkdirSync(join(webRoot, 'assets'))
    writeFileSync(join(webRoot, 'assets', 'main-1a2b.js'), 'x')
    const app = createDashboard({ realms: [main], access, clock, webRoot })
    const withSample = createDashboard({ realms: [main], access, clock, webRoot, samplePage })
    const home = await app.inject('/')
    t.match(
      [home.statusCode, home.body, home.headers['cache-control']],
      [200, '<title>Tacit</title>', 'no-store'],
    )
    t.equal(home.headers['etag'], undefined)
    t.match((await app.inject('/assets/main-1a2b.js')).headers['cache-control'], /immutable/)
    t.equal((await app.inject('/sample/')).statusCode, 404)
    t.equal((await withSample.inject('/sample/')).body, 'ERP')
    t.equal((await withSample.inject('/sample')).headers['location'], '/sample/')
    t.match((await app.inject('/../package.json')).statusCode, /40[034]/)
    await Promise.all([app.close(), withSample.close()])
  },
)

t.test('the contract lists every route of the API', async (t) => {
  const app = createDashboard({ realms: [main], access, clock })
  for (const path of Object.keys(openApi.paths))
    t.ok(app.hasRoute({ method: 'GET', url: path.replaceAll(/\{(\w+)\}/g, ':$1') }), path)
  const routes = app.printRoutes({ commonPrefix: false }).match(/\(GET/g) ?? []
  t.equal(routes.length, Object.keys(openApi.paths).length + 3, 'and /openapi.json itself, /healthz, /readyz')
  await app.close()
})
