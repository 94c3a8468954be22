import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { startInstance, type Instance, type LedgerRow } from './instance.js'
import { day, type Entry, integer, lineOf, MEASURES, type Row, windowOf } from './table-lines.js'
import {
  eventually,
  launch,
  noBrowser,
  overflows,
  stored,
  tableRows,
  visit,
  type Visitor,
} from './visitor.js'

t.setTimeout(240_000)

let instance: Instance
let browser: Browser

if (noBrowser === false) {
  t.before(async () => {
    instance = await startInstance({ days: 5, tenants: 40, users: 1_200 })
    browser = await launch()
  })
  t.teardown(async () => {
    await browser?.close()
    await instance?.stop()
  })
}
const inBrowser = { skip: noBrowser, timeout: 120_000 }

const statistics = () => instance.api<readonly Entry[]>('product', '/api/v1/statistics')
const query = ({ id, realm, site }: Entry, more = ''): string =>
  `/api/v1/statistics/${id}?realm=${realm}&site=${site}${more}`
const rowsOf = async (entry: Entry): Promise<readonly Row[]> =>
  (await instance.api<{ rows: Row[] }>('product', query(entry, `&window=${windowOf(entry)}`))).rows

/** Signs a fresh reader in and waits for the first page. */
async function signIn(role: 'product' | 'privacy', options = {}): Promise<Visitor> {
  const visitor = await visit(browser, options)
  await visitor.page.goto(await instance.link(role))
  await visitor.page.locator('h1').waitFor()
  return visitor
}

async function open(page: Page, { realm, site, id, title }: Entry): Promise<void> {
  await page.click(`nav a[href="#/statistics/${realm}/${site}/${id}"]`)
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor()
  await page.getByText('Loading…').waitFor({ state: 'detached' })
}

/** Pixels of the chart that have exactly this colour. */
async function painted(page: Page, rgb: readonly [number, number, number]): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector('.plot canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    let found = 0
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] === ${rgb[0]} && data[at + 1] === ${rgb[1]} && data[at + 2] === ${rgb[2]}) found++
    }
    return found
  })()`)
}

const sorted = (rows: readonly (readonly string[])[]): readonly string[] =>
  rows.map((row) => row.join(' | ')).sort()

t.test(
  'the sign-in link opens the statistics, and the token stays in this tab alone',
  inBrowser,
  async (t) => {
    const visitor = await signIn('product')
    const { page, context } = visitor
    t.equal(page.url(), `${instance.dashboard}/#/`, 'the address bar keeps nothing of the token')
    t.equal(await page.evaluate('history.length'), 2, 'nor does going back: about:blank and this page')
    t.same(await stored(visitor), {
      local: [],
      session: ['tacit.token'],
      databases: 0,
      caches: 0,
      workers: 0,
      cookies: 0,
    })
    await page.reload()
    await page.locator('h1').waitFor()
    const tab = await context.newPage()
    await tab.goto(instance.dashboard)
    t.ok(await tab.getByText('You are not signed in').isVisible())
    await page.getByRole('button', { name: 'Sign out' }).click()
    t.ok(await page.getByText('You are not signed in').isVisible())
    t.same((await stored(visitor))['session'], [])
    t.same(visitor.complaints, [])
    await context.close()
  },
)

t.test('a token that is not ours opens nothing', inBrowser, async (t) => {
  const visitor = await visit(browser)
  const claims = Buffer.from(JSON.stringify({ role: 'privacy', exp: 4_000_000_000 })).toString('base64url')
  await visitor.page.goto(`${instance.dashboard}/#token=x.${claims}.y`)
  await visitor.page.getByText('You are not signed in').waitFor()
  t.same((await stored(visitor))['session'], [])
  await visitor.context.close()
})

t.test(
  'every declared statistic is listed, sample data is marked, and what is empty says so',
  inBrowser,
  async (t) => {
    const { page, context, picture } = await signIn('product')
    const entries = await statistics()
    t.ok(entries.some(({ realm }) => realm === 'main') && entries.some(({ realm }) => realm === 'sample'))
    const listed = await page.evaluate(
      `[...document.querySelectorAll('nav a')].map((a) => a.getAttribute('href'))`,
    )
    t.same(
      listed,
      entries.map(({ realm, site, id }) => `#/statistics/${realm}/${site}/${id}`),
    )
    const real = page.locator('nav > div', { has: page.locator('a[href^="#/statistics/main/"]') })
    const sample = page.locator('nav > div', { has: page.locator('a[href^="#/statistics/sample/"]') })
    t.match(await real.locator('h2').innerText(), /^erp\s+no data yet$/)
    t.match(await sample.locator('h2').innerText(), /^sample\s+Sample data$/)
    const empty = entries.filter(({ realm, latest }) => realm === 'sample' && latest === null)
    t.equal(await sample.locator('a small').count(), empty.length)
    await picture('product-home')
    await page.click('nav a[href="#/statistics/main/erp/pages"]')
    t.ok(await page.getByRole('heading', { name: 'No data yet' }).isVisible())
    t.equal(await page.locator('.sample-notice').count(), 0, 'real data does not claim to be sample')
    await picture('product-no-data')
    await context.close()
  },
)

t.test(
  'each statistic shows exactly the numbers of the API, under the sample notice',
  inBrowser,
  async (t) => {
    const visitor = await signIn('product')
    const { page } = visitor
    const entries = (await statistics()).filter(({ realm, latest }) => realm === 'sample' && latest !== null)
    t.ok(entries.length >= 4, 'most statistics have values')
    for (const entry of entries) {
      await open(page, entry)
      t.ok(await page.locator('.sample-notice').isVisible(), entry.id)
      const rows = await rowsOf(entry)
      if (entry.shape === 'live') {
        const users = rows[0]?.['users']
        const said = await page.getByRole('region', { name: 'Right now' }).locator('b').innerText()
        if (typeof users === 'number') t.equal(said, `≥ ${integer.format(users)}`, entry.id)
        continue
      }
      const measures = MEASURES.filter((name) => rows.some((row) => row[name] !== undefined))
      const newest = rows.at(-1)?.['window_start']
      const last = rows
        .filter((row) => row['window_start'] === newest)
        .map((row) => lineOf(entry, row, measures).slice(1))
      t.same(sorted(await tableRows(page, 'Table')), sorted(last), `${entry.id}: the last window`)
      await page.getByLabel('Time of the table').selectOption('all')
      const more = page.getByRole('region', { name: 'Table' }).getByRole('button', { name: /^Show more/ })
      while (await more.isVisible()) await more.click()
      const all = rows.map((row) => lineOf(entry, row, measures))
      t.same(sorted(await tableRows(page, 'Table')), sorted(all), `${entry.id}: all windows`)
      t.notOk(await overflows(page), entry.id)
    }
    t.same(visitor.complaints, [])
    t.same(
      visitor.seen.filter(({ url, status }) => new URL(url).origin !== instance.dashboard || status >= 400),
      [],
      'nothing is asked of another origin, and nothing fails',
    )
    await visitor.context.close()
  },
)

t.test(
  'the chart draws the largest values of the API, and its tooltip tells each day as it is',
  inBrowser,
  async (t) => {
    const { page, context } = await signIn('product')
    const entry = (await statistics()).find(({ realm, id }) => realm === 'sample' && id === 'pages')
    if (!entry) throw new Error('the sample rulebook declares pages')
    await open(page, entry)
    const rows = await rowsOf(entry)
    const sums = new Map<string, number>()
    for (const row of rows) {
      sums.set(String(row['path']), (sums.get(String(row['path'])) ?? 0) + Number(row['users'] ?? 0))
    }
    const shown = await page.locator('.legend button').allInnerTexts()
    const largest = [...sums].filter(([path]) => path !== '(other)').sort(([, a], [, b]) => b - a)
    const least = largest[shown.filter((name) => name !== '(other)').length - 1]?.[1] ?? 0
    t.equal(shown.length, Math.min(6, largest.length) + (sums.has('(other)') ? 1 : 0))
    t.ok(
      shown.every((name) => name === '(other)' || (sums.get(name) ?? 0) >= least),
      'the largest, however ties fall',
    )

    const first = async () => painted(page, [0x30, 0x59, 0xc8])
    const second = async () => painted(page, [0xd9, 0x77, 0x06])
    const others = (await page.locator('.legend button').all()).slice(1)
    for (const one of others) await one.click()
    t.ok((await eventually(first, (pixels) => pixels > 20)) > 20, 'the first series in its colour')
    t.equal(await eventually(second, (pixels) => pixels === 0), 0, 'and not what the reader has hidden')
    for (const one of others) await one.click()

    const days = [...new Set(rows.map((row) => String(row['window_start'])))]
    // Each click draws the chart anew.
    await page.locator('.plot .u-over').waitFor()
    const plot = await eventually(
      () => page.locator('.plot .u-over').boundingBox(),
      (box) => box !== null,
    )
    if (!plot) throw new Error('no plot')
    for (const [at, start] of [
      [0, days[0]],
      [days.length - 1, days.at(-1)],
    ] as const) {
      const [x, y] = [plot.x + 1 + ((plot.width - 2) * at) / (days.length - 1), plot.y + plot.height / 2]
      const tooltip = page.locator('.tooltip strong', { hasText: day(String(start)) })
      // A chart that is drawn anew under the pointer hears of it with its next move.
      const isSaid = async (): Promise<boolean> => {
        await page.mouse.move(x, y - 1)
        await page.mouse.move(x, y)
        return tooltip.isVisible()
      }
      t.ok(await eventually(isSaid, Boolean), `the tooltip of ${start}`)
      const lines = await page.evaluate<[string, string][]>(
        `[...document.querySelectorAll('.tooltip div')].map((line) => [line.querySelector('span').textContent, line.querySelector('b').textContent])`,
      )
      t.equal(lines.length, shown.length)
      for (const [name, said] of lines) {
        const row = rows.find((one) => one['window_start'] === start && one['path'] === name)
        const wanted =
          typeof row?.['users'] === 'number' ? `≥ ${integer.format(row['users'])}` : 'not published'
        t.equal(said, wanted, `${name} on ${start}`)
      }
    }
    await context.close()
  },
)

t.test("the CSV that is downloaded is the API's, byte for byte", inBrowser, async (t) => {
  const { page, context } = await signIn('product')
  const entry = (await statistics()).find(({ realm, id }) => realm === 'sample' && id === 'features')
  if (!entry) throw new Error('the sample rulebook declares features')
  await open(page, entry)
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Download CSV')])
  t.match(download.suggestedFilename(), /^features-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d-sample\.csv$/)
  const text = readFileSync(await download.path(), 'utf8')
  t.equal(text, await instance.text('product', query(entry, `&window=${windowOf(entry)}&format=csv`)))
  t.ok(text.split('\r\n').length > 3)
  await context.close()
})

t.test('the product team sees no ledger, not even by its address', inBrowser, async (t) => {
  const { page, context } = await signIn('product')
  t.equal(await page.getByText('Privacy desk').count(), 0)
  t.equal(await page.locator('nav a[href^="#/ledger"], nav a[href^="#/rules"]').count(), 0)
  for (const address of ['#/ledger/sample', '#/ledger/main', '#/rules/sample']) {
    await page.goto(`${instance.dashboard}/${address}`)
    await page.getByRole('heading', { name: 'Not for this role' }).waitFor()
    t.equal(await page.locator('main td').count(), 0, address)
  }
  await context.close()
})

t.test('the privacy team reads the ledger as the API gives it, by day and by hour', inBrowser, async (t) => {
  const visitor = await signIn('privacy')
  const { page } = visitor
  await page.click('nav a[href="#/ledger/sample"]')
  await page.locator('.equation').waitFor()
  const { rows } = await instance.api<{ rows: LedgerRow[] }>('privacy', '/api/v1/ledger?realm=sample')
  const sum = (of: (row: LedgerRow) => number, some = rows) => some.reduce((total, row) => total + of(row), 0)
  const dropped = sum((row) => Object.values(row.dropped).reduce((a, b) => a + b, 0))
  const numbers = await page.locator('.equation dd').allInnerTexts()
  t.equal(numbers[0], integer.format(sum((row) => row.received)))
  t.equal(numbers[1], integer.format(sum((row) => row.accepted)))
  t.equal(
    numbers.slice(2).reduce((total, text) => total + Number(text.replaceAll(',', '')), 0),
    dropped,
  )
  t.ok(dropped > 0 && (await page.getByText('The sum holds').isVisible()))
  const reasons = await page.locator('[aria-label="Table"] th').allInnerTexts()
  t.same(
    reasons,
    ['Day', 'Received', 'Accepted', 'Refused by a choice'],
    'all choices of people are one reason',
  )
  const line = (name: string, some: readonly LedgerRow[]): string[] => [
    name,
    integer.format(sum((row) => row.received, some as LedgerRow[])),
    integer.format(sum((row) => row.accepted, some as LedgerRow[])),
    integer.format(sum((row) => row.dropped['refused'] ?? 0, some as LedgerRow[])),
  ]
  const days = [...new Set(rows.map(({ hour }) => hour.slice(0, 10)))]
  t.same(
    await tableRows(page, 'Table'),
    days.toReversed().map((one) =>
      line(
        day(one),
        rows.filter(({ hour }) => hour.startsWith(one)),
      ),
    ),
  )
  await visitor.picture('privacy-ledger')
  await page.getByRole('button', { name: 'Hours' }).click()
  const more = page.getByRole('button', { name: /^Show more/ })
  while (await more.isVisible()) await more.click()
  t.same(
    await tableRows(page, 'Table'),
    rows.toReversed().map((row) => line(`${day(row.hour)}, ${row.hour.slice(11, 16)}`, [row])),
  )
  await page.click('nav a[href="#/rules/sample"]')
  const rules = await instance.api<{ sources: Record<string, string> }>(
    'privacy',
    '/api/v1/rulebook?realm=sample',
  )
  await page.locator('main pre').waitFor()
  t.equal(await page.locator('main pre').textContent(), rules.sources['rulebook.yaml'])
  t.same(visitor.complaints, [])
  t.same(
    visitor.seen.filter(({ url }) => new URL(url).origin !== instance.dashboard),
    [],
  )
  await visitor.context.close()
})

t.test('every page fits a phone, in light and in dark', inBrowser, async (t) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const visitor = await signIn('privacy', { viewport: { width: 390, height: 844 }, colorScheme })
    const { page } = visitor
    const chooser = page.getByRole('navigation').getByLabel('Page', { exact: true })
    const addresses = await page.evaluate<string[]>(
      `[...document.querySelectorAll('nav option')].map((one) => one.value)`,
    )
    t.equal(addresses.length, (await statistics()).length + 6)
    for (const address of addresses) {
      await chooser.selectOption(address)
      await page.waitForURL(`**/${address}`)
      await page.locator('main h1').waitFor()
      t.notOk(await overflows(page), `${address}, ${colorScheme}`)
      if (/pages|ledger\/sample/.test(address)) {
        await visitor.picture(`phone-${colorScheme}-${address.replaceAll(/\W+/g, '-')}`)
      }
    }
    t.same(visitor.complaints, [])
    await visitor.context.close()
  }
})
