/** The dashboard over released cells of every shape that a test made: what each page shows, and what the desk tells. */
import { fileURLToPath } from 'node:url'
import { createDashboard, openAccessTokens } from '@tacit/dashboard'
import { realm, shapeCells, shapeLive, shapes } from '@tacit/dashboard/testing'
import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { launch, noBrowser, overflows, tableRows, visit } from './visitor.js'

t.setTimeout(120_000)
const inBrowser = { skip: noBrowser, timeout: 60_000 }
const WEB = fileURLToPath(new URL('../../../services/dashboard/web-dist', import.meta.url))
const manifest = {
  id: 'erp/pages/day/2026-11-04T00:00:00Z',
  text: '{"cells":[{"dims":["/a"],"events":402,"floor":10,"users":140}]}',
  hash: 'ab'.repeat(32),
}
const access = openAccessTokens(new Uint8Array(32).fill(3))
const app = createDashboard({
  realms: [realm('main', shapeCells, [], shapes, { live: shapeLive, manifest })],
  access,
  webRoot: WEB,
})
let browser: Browser
let origin = ''

if (noBrowser === false) {
  t.before(async () => {
    origin = await app.listen({ host: '127.0.0.1', port: 0 })
    browser = await launch()
  })
  t.teardown(async () => {
    await browser?.close()
    await app.close()
  })
}

async function signIn(role: 'product' | 'privacy', options = {}) {
  const visitor = await visit(browser, options)
  await visitor.page.goto(`${origin}/#token=${await access.issue(role, 600_000)}`)
  await visitor.page.locator('h1').waitFor()
  return visitor
}

async function open(page: Page, id: string): Promise<void> {
  await page.goto(`${origin}/#/statistics/main/erp/${id}`)
  const title = shapes.statistics.find((one) => one.id === id)?.title ?? ''
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor()
  await page.getByText('Loading…').waitFor({ state: 'detached' })
}

const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

t.test('each shape is shown as it is read', inBrowser, async (t) => {
  const visitor = await signIn('product')
  const { page } = visitor
  await open(page, 'invoice')
  t.same(await tableRows(page, 'Steps'), [
    ['1', '/a', '≥ 100100 % of the first step'],
    ['2', 'invoice.save', '≥ 6060 % of the first step'],
    ['3', 'invoice.send', 'not published'],
  ])
  await visitor.picture('shape-funnel')

  await open(page, 'speed')
  t.same(await tableRows(page, 'Shares'), [
    ['<100', '30 %'],
    ['100-999', '60 %'],
    ['>=1000', '10 %'],
  ])
  t.same(await tableRows(page, 'Percentiles'), [
    ['/a', '400', '775', 'beyond the last bucket'],
    ['(other)', '200', '300', 'beyond the last bucket'],
  ])

  await open(page, 'retention')
  const heat = await region(page, 'Retention').locator('tbody tr').allInnerTexts()
  t.same(
    heat.map((line) => line.split('\t').map((part) => part.trim())),
    [
      ['2026-10', '', '100 %'],
      ['2026-09', '100 %', '50 %'],
      ['other', '', '100 %'],
    ],
  )

  await open(page, 'live')
  t.equal(await region(page, 'Right now').locator('b').innerText(), '≥ 40')

  await open(page, 'errors')
  t.same(await tableRows(page, 'Table'), [
    ['/a', '≥ 10', '13', '3.2'],
    ['/b', '–', '12', '13.2'],
  ])
  t.same(visitor.complaints, [])
  await visitor.context.close()
})

t.test('windows, drills and the window before are a choice each', inBrowser, async (t) => {
  const { context, page } = await signIn('product')
  await open(page, 'pages')
  t.same(await tableRows(page, 'Table'), [
    ['/a', '≥ 140', '402'],
    ['/b', '≥ 30', '91'],
    ['(other)', '≥ 20', '33'],
  ])
  await page.getByLabel('Beside the day before').check()
  await region(page, 'Table').getByRole('button', { name: 'People before' }).waitFor()
  t.same((await tableRows(page, 'Table'))[0], ['/a', '≥ 140', '≥ 130', '402', '401'])
  await page.getByLabel('Beside the day before').uncheck()
  await page.getByLabel('Drill-down').selectOption('device')
  await region(page, 'Table').getByRole('button', { name: 'Device' }).waitFor()
  t.same(await tableRows(page, 'Table'), [
    ['/a', 'desktop', '≥ 90', '302'],
    ['/a', '(other)', '≥ 30', '100'],
  ])
  await page.getByLabel('Window').selectOption('hour')
  await region(page, 'Hours').waitFor()
  const fields = await region(page, 'Hours').locator('tbody tr').first().locator('td').allInnerTexts()
  t.same(fields.slice(8, 12), ['–', '90', '100', '–'])
  t.equal(await page.getByLabel('Drill-down').count(), 0, 'hours have no drill-down')
  await page.getByLabel('Window').selectOption('month')
  await page.getByText('November 2026').first().waitFor()
  await context.close()
})

t.test('the privacy team asks how a number came about, and why others are missing', inBrowser, async (t) => {
  const visitor = await signIn('privacy')
  const { page } = visitor
  await open(page, 'pages')
  const number = region(page, 'Table').getByRole('button', { name: '≥ 140' })
  await number.click()
  const dialog = page.getByRole('dialog', { name: 'How this number came about' })
  await dialog.getByText('Where it is on record').waitFor()
  const story = await dialog.innerText()
  for (const part of [
    '/a · desktop',
    'at least 10 people, also without the largest tenant',
    manifest.id,
    manifest.hash,
  ]) {
    t.ok(story.includes(part), part)
  }
  await visitor.picture('desk-cell')
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  t.equal(await page.evaluate('document.activeElement.textContent'), '≥ 140', 'the focus is where it was')

  await page.getByRole('button', { name: 'Why, on the last day' }).click()
  const why = page.getByRole('dialog', { name: 'Why values are not published' })
  await why.getByText('stays whole').waitFor()
  t.match(await why.locator('dt').allInnerTexts(), [
    /^Page\s+2$/,
    /^Page · Device\s+3$/,
    /^Page · Device\s+4$/,
  ])
  await visitor.picture('desk-why')
  await why.getByRole('button', { name: 'Close' }).click()
  await why.waitFor({ state: 'detached' })
  t.same(visitor.complaints, [])
  await visitor.context.close()
})

t.test('the product team has no desk: numbers are text, and nothing asks why', inBrowser, async (t) => {
  const { context, page } = await signIn('product')
  for (const id of ['pages', 'invoice', 'speed', 'retention']) {
    await open(page, id)
    t.equal(await page.locator('.plain').count(), 0, id)
    t.equal(await page.getByRole('button', { name: /^Why/ }).count(), 0, id)
  }
  await context.close()
})

t.test('every shape fits a phone, in light and in dark', inBrowser, async (t) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const visitor = await signIn('privacy', { viewport: { width: 390, height: 844 }, colorScheme })
    for (const { id } of shapes.statistics) {
      await open(visitor.page, id)
      t.notOk(await overflows(visitor.page), `${id}, ${colorScheme}`)
    }
    t.same(visitor.complaints, [])
    await visitor.context.close()
  }
})
