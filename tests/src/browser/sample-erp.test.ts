import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { startInstance, type Instance, type LedgerRow } from './instance.js'
import {
  eventually,
  launch,
  noBrowser,
  overflows,
  stored,
  visit,
  type Seen,
  type Visitor,
} from './visitor.js'

interface Counts {
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
}
interface SentEvent {
  readonly name: string
  readonly path?: string
  readonly props?: Readonly<Record<string, unknown>>
}

t.setTimeout(240_000)

let instance: Instance
let browser: Browser

if (noBrowser === false) {
  t.before(async () => {
    instance = await startInstance({ days: 1, tenants: 1, users: 1 })
    browser = await launch()
  })
  t.teardown(async () => {
    await browser?.close()
    await instance?.stop()
  })
}
const inBrowser = { skip: noBrowser, timeout: 90_000 }
const QUIET_MS = 2_500

/** What the ledger says of this test's own day: the simulated ones lie a week back at least. */
async function counts(): Promise<Counts> {
  const since = new Date(Date.now() - 3_600_000).toISOString()
  const rows = (await instance.ledger()).filter(({ hour }) => hour >= since.slice(0, 13))
  const sum = (of: (row: LedgerRow) => number) => rows.reduce((total, row) => total + of(row), 0)
  const reasons = [...new Set(rows.flatMap(({ dropped }) => Object.keys(dropped)))].sort()
  return {
    received: sum(({ received }) => received),
    accepted: sum(({ accepted }) => accepted),
    dropped: Object.fromEntries(
      reasons.map((reason) => [reason, sum(({ dropped }) => dropped[reason] ?? 0)]),
    ),
  }
}

/** The ledger once `events` more were received than in `before`. */
async function countsAfter(before: Counts, events: number): Promise<Counts> {
  const after = await eventually(counts, ({ received }) => received >= before.received + events)
  return {
    received: after.received - before.received,
    accepted: after.accepted - before.accepted,
    dropped: Object.fromEntries(
      Object.entries(after.dropped)
        .map(([reason, n]) => [reason, n - (before.dropped[reason] ?? 0)] as const)
        .filter(([, n]) => n > 0),
    ),
  }
}

const beaconsOf = (visitor: Visitor): readonly Seen[] =>
  visitor.to(instance.collector).filter(({ method }) => method === 'POST')
const eventsOf = (beacons: readonly Seen[]): readonly SentEvent[] =>
  beacons.flatMap(({ body }) => (JSON.parse(body) as { events: SentEvent[] }).events)

/** Waits until this many events were sent and answered. */
async function answered(visitor: Visitor, events: number): Promise<readonly Seen[]> {
  return eventually(
    async () => beaconsOf(visitor),
    (seen) => eventsOf(seen).length >= events && seen.every(({ status }) => status > 0),
  )
}

async function openErp(visitor: Visitor): Promise<Page> {
  await visitor.page.goto(`${instance.dashboard}/sample/`)
  await visitor.page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
  return visitor.page
}

/** A day's work: every feature of the ERP once. Leaves the ERP where it must be if all of it worked. */
async function work(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Customers', exact: true }).click()
  await page.getByRole('link', { name: 'Malabar Spices' }).click()
  await page.getByRole('link', { name: 'INV-1041' }).click()
  await page.getByRole('button', { name: 'Print' }).click()
  await page.getByRole('link', { name: 'Invoices', exact: true }).click()
  await page.getByRole('link', { name: 'New invoice' }).click()
  await page.getByLabel('Amount in rupees').fill('4200')
  await page.getByRole('button', { name: 'Save invoice' }).click()
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByRole('link', { name: 'Record payment' }).click()
  await page.locator('form').getByRole('button', { name: 'Record payment' }).click()
  await page.getByRole('button', { name: 'Report an error' }).click()
}

/** What {@link work} on a fresh page must send, in its order; `path` where the page view was. */
const WORK: readonly SentEvent[] = [
  { name: 'app_start', props: { app_version: '8.3.0' } },
  { name: 'page_view', path: '/dashboard', props: { visit_start: true } },
  { name: 'page_load', path: '/dashboard' },
  { name: 'page_view', path: '/customers' },
  { name: 'page_view', path: '/customers/12345' },
  { name: 'page_view', path: '/customers/12345/invoice/INV-1041' },
  { name: 'invoice.print', path: '/customers/12345/invoice/INV-1041' },
  { name: 'page_view', path: '/invoices' },
  { name: 'page_view', path: '/invoices/new' },
  { name: 'invoice.save', path: '/invoices/new' },
  { name: 'page_view', path: '/customers/12345/invoice/INV-1042' },
  { name: 'invoice.send', path: '/customers/12345/invoice/INV-1042' },
  { name: 'page_view', path: '/payments/new' },
  { name: 'payment.record', path: '/payments/new' },
  { name: 'app_error', path: '/payments/new' },
]

t.test(
  'a day in the ERP is sent as plain text without preflight, cookie or referrer, and counted once',
  inBrowser,
  async (t) => {
    const before = await counts()
    const visitor = await visit(browser)
    const page = await openErp(visitor)
    await answered(visitor, 3)
    await work(page)
    const beacons = await answered(visitor, WORK.length)
    t.match(eventsOf(beacons), WORK)
    t.equal(eventsOf(beacons).length, WORK.length)
    t.ok(beacons.length < WORK.length, 'events travel together')
    t.equal(visitor.to(instance.collector).length, beacons.length, 'the collector is asked nothing else')
    for (const { preflight, status, headers, body } of beacons) {
      t.same([status, preflight], [204, false])
      t.match(headers['content-type'], /^text\/plain/)
      t.equal(headers['origin'], instance.dashboard)
      t.same([headers['cookie'], headers['referer']], [undefined, undefined])
      t.ok(headers['user-agent'], 'the headers are those that went out')
      t.same(Object.keys(JSON.parse(body) as object), ['v', 'site', 'token', 'client', 'events'])
    }
    t.same(await countsAfter(before, WORK.length), {
      received: WORK.length,
      accepted: WORK.length,
      dropped: {},
    })
    t.equal(
      await page.locator('.panel li').count(),
      Math.min(20, beacons.length),
      'the panel shows each beacon',
    )
    t.same([...new Set(await page.locator('.answer').allInnerTexts())], ['204'])
    t.same(await stored(visitor), { local: [], session: [], databases: 0, caches: 0, workers: 0, cookies: 0 })
    t.same(
      visitor.seen.filter(
        ({ url }) => ![instance.collector, instance.dashboard].includes(new URL(url).origin),
      ),
      [],
    )
    t.same(visitor.complaints, [])
    t.notOk(await overflows(page))
    await visitor.picture('erp')
    await visitor.context.close()
  },
)

t.test(
  'the network log of this test would show a preflight, a cookie and a referrer',
  inBrowser,
  async (t) => {
    const visitor = await visit(browser, { bypassCSP: true })
    const page = await openErp(visitor)
    await visitor.context.addCookies([{ name: 'planted', value: '1', url: instance.collector }])
    const post = (options: string) =>
      page.evaluate(
        `fetch('${instance.collector}/v1/beacon', { method: 'POST', body: '{}', ${options} }).catch(() => {})`,
      )
    await post(`headers: { 'content-type': 'application/json' }`)
    await post(`mode: 'no-cors', credentials: 'include', referrerPolicy: 'unsafe-url'`)
    const planted = await eventually(
      async () => visitor.to(instance.collector),
      (seen) => seen.some(({ headers }) => headers['cookie'] !== undefined),
    )
    t.ok(planted.some(({ preflight, method }) => preflight && method === 'OPTIONS'))
    t.ok(planted.some(({ headers }) => headers['cookie'] === 'planted=1'))
    t.ok(planted.some(({ headers }) => headers['referer']?.startsWith(instance.dashboard)))
    await visitor.context.close()
  },
)

t.test(
  'a person who refuses is answered the same and counted as refused, until they agree again',
  inBrowser,
  async (t) => {
    const visitor = await visit(browser)
    const page = await openErp(visitor)
    await answered(visitor, 3)
    const before = await counts()
    await page.getByRole('button', { name: 'Refuses' }).click()
    await page.getByRole('button', { name: 'Report an error' }).click()
    await page.getByRole('link', { name: 'Invoices', exact: true }).click()
    const refused = (await answered(visitor, 5)).slice(1)
    t.ok(refused.length > 0 && refused.every(({ status }) => status === 204))
    t.same(await countsAfter(before, 2), { received: 2, accepted: 0, dropped: { refused: 2 } })

    const again = await counts()
    await page.getByRole('button', { name: 'Report an error' }).click()
    // what was done while refusing stays refused, even if it is sent at the very moment of agreeing
    await page.getByRole('button', { name: 'Agrees' }).click()
    await page.getByRole('button', { name: 'Report an error' }).click()
    await answered(visitor, 7)
    t.same(await countsAfter(again, 2), { received: 2, accepted: 1, dropped: { refused: 1 } })
    t.same(visitor.complaints, [])
    await visitor.context.close()
  },
)

t.test('a browser that asks not to be tracked sends nothing at all', inBrowser, async (t) => {
  const before = await counts()
  for (const [name, value] of [
    ['globalPrivacyControl', 'true'],
    ['doNotTrack', "'1'"],
  ] as const) {
    const visitor = await visit(browser)
    await visitor.context.addInitScript(
      `Object.defineProperty(Navigator.prototype, '${name}', { get: () => ${value}, configurable: true })`,
    )
    const page = await openErp(visitor)
    await work(page)
    t.ok(await page.getByText('This browser asks not to be tracked').isVisible(), name)
    await page.waitForTimeout(QUIET_MS)
    await page.goto('about:blank')
    t.same(visitor.to(instance.collector), [], name)
    await visitor.context.close()
  }
  t.same(await counts(), before)
})

t.test('the ERP works unaffected while the collector cannot be reached', inBrowser, async (t) => {
  const visitor = await visit(browser)
  await visitor.context.route(`${instance.collector}/**`, (route) => route.abort('connectionrefused'))
  const page = await openErp(visitor)
  await work(page)
  await page.locator('.answer.bad').first().waitFor()
  await page.getByRole('link', { name: 'Invoices', exact: true }).click()
  await page.getByRole('link', { name: 'INV-1042' }).waitFor()
  t.pass('the invoice was saved')
  t.equal(await page.locator('.invoice-state.paid').count(), 3, 'the payment was recorded')
  t.same(
    visitor.complaints.filter((text) => !text.includes('net::ERR_CONNECTION_REFUSED')),
    [],
    'only the network itself complains',
  )
  await visitor.picture('erp-no-collector')
  await visitor.context.close()
})

t.test('what waits is sent when the page is left', inBrowser, async (t) => {
  const visitor = await visit(browser)
  const page = await openErp(visitor)
  await answered(visitor, 3)
  const before = await counts()
  await page.getByRole('button', { name: 'Report an error' }).click()
  await page.goto('about:blank')
  t.same(await countsAfter(before, 1), { received: 1, accepted: 1, dropped: {} })
  await visitor.context.close()
})

t.test(
  'a browser that says it is driven by a program is counted like any other here: the sample has no crawlers',
  inBrowser,
  async (t) => {
    const before = await counts()
    const userAgent =
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/150.0.0.0'
    const visitor = await visit(browser, { userAgent })
    await openErp(visitor)
    const beacons = await answered(visitor, 3)
    t.ok(beacons.length > 0 && beacons.every(({ status }) => status === 204))
    t.same(await countsAfter(before, 3), { received: 3, accepted: 3, dropped: {} })
    await visitor.context.close()
  },
)

t.test('the ERP fits a phone, in light and in dark', inBrowser, async (t) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const visitor = await visit(browser, { viewport: { width: 390, height: 844 }, colorScheme })
    const page = await openErp(visitor)
    for (const path of [
      '/dashboard',
      '/customers',
      '/customers/12345',
      '/invoices',
      '/invoices/new',
      '/payments/new',
    ]) {
      await page.goto(`${instance.dashboard}/sample/#${path}`)
      t.notOk(await overflows(page), `${path}, ${colorScheme}`)
    }
    await visitor.picture(`erp-phone-${colorScheme}`)
    await visitor.context.close()
  }
})

t.test(
  'the collector serves the SDK in 1.8 KB, and any page may load it as a module',
  inBrowser,
  async (t) => {
    const answer = await fetch(`${instance.collector}/tacit.js`)
    const sdk = await answer.text()
    t.match(answer.headers.get('content-type'), /^text\/javascript/)
    t.equal(answer.headers.get('set-cookie'), null)
    t.ok(gzipSync(sdk, { level: 9 }).length <= 1_800, `${gzipSync(sdk, { level: 9 }).length} bytes`)

    const elsewhere = await servePage(`<!doctype html><title>Elsewhere</title><script type="module">
    import { createBeacon } from '${instance.collector}/tacit.js'
    const beacon = createBeacon({ url: '${instance.collector}/v1/beacon', site: 'sample', flushEveryMs: 10 })
    beacon.pageView('/customers')
  </script>`)
    const before = await counts()
    const visitor = await visit(browser)
    await visitor.page.goto(elsewhere.origin)
    const beacons = await eventually(
      async () => beaconsOf(visitor),
      (seen) => (seen[0]?.status ?? 0) > 0,
    )
    t.match(beacons, [{ status: 204, headers: { origin: elsewhere.origin } }])
    t.match(
      await countsAfter(before, 1),
      { received: 1, accepted: 0 },
      'not a page of the site: dropped, and answered the same',
    )
    t.same(
      visitor.complaints.filter((text) => !text.includes('favicon')),
      [],
    )
    await visitor.context.close()
    elsewhere.server.close()
  },
)

async function servePage(html: string): Promise<{ readonly server: Server; readonly origin: string }> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/' ? 200 : 204, { 'content-type': 'text/html' })
    response.end(request.url === '/' ? html : undefined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
