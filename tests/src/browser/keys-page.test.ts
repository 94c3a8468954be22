import type { Browser } from 'playwright-core'
import t from 'tap'
import { type Instance, startInstance } from './instance.js'
import { launch, noBrowser, overflows, tableRows, visit } from './visitor.js'

interface Key {
  readonly id: string
  readonly stream: string
  readonly destroyed: string | null
  readonly handed_to: readonly string[]
}
interface Head {
  readonly size: number
  readonly time: string
}

t.setTimeout(240_000)

let instance: Instance
let browser: Browser

if (noBrowser === false) {
  t.before(async () => {
    instance = await startInstance({ days: 4, tenants: 6, users: 60 })
    browser = await launch()
  })
  t.teardown(async () => {
    await browser?.close()
    await instance?.stop()
  })
}
const inBrowser = { skip: noBrowser, timeout: 120_000 }

const ofEpochs = ({ stream }: Key): boolean => ['day', 'week', 'month'].includes(stream)

for (const [name, viewport] of [
  ['wide', { width: 1_280, height: 800 }],
  ['narrow', { width: 390, height: 844 }],
] as const) {
  t.test(
    `${name}: the lives of keys, the newest head and the last entries are those of the API`,
    inBrowser,
    async (t) => {
      const visitor = await visit(browser, { viewport })
      const { page } = visitor
      await page.goto(await instance.link('privacy'))
      await page.locator('h1').waitFor()
      await page.goto(`${instance.dashboard}/#/keys/sample`)
      await page.locator('.entries').waitFor()
      const { keys } = await instance.api<{ keys: readonly Key[] }>('privacy', '/api/v1/keys?realm=sample')
      const { head } = await instance.api<{ head: Head }>('privacy', '/api/v1/audit/head?realm=sample')
      const epochs = keys.filter(ofEpochs)
      t.ok(epochs.length >= 4)
      const bars = await page.locator('.lives rect').count()
      t.equal(bars, epochs.length, 'a bar for each')
      const picture = await page.locator('.lives svg').getAttribute('aria-label')
      const living = epochs.filter(({ destroyed }) => destroyed === null).length
      t.match(picture, new RegExp(`${String(living)} live, ${String(epochs.length - living)} are destroyed`))
      t.equal(
        await page.locator('.lives line[stroke="var(--bad)"]').count(),
        epochs.length,
        'each with its deadline',
      )
      const more = page.getByRole('button', { name: /^Show more/ })
      while (await more.isVisible()) await more.click()
      const rows = await tableRows(page, 'Table')
      t.same(
        rows.map(([id]) => id).sort(),
        keys
          .filter(({ stream }) => stream !== 'hour')
          .map(({ id }) => id.replace(/^((?:tenant|site):.{8}).*$/, '$1…'))
          .sort(),
      )
      const hours = keys.filter(({ stream }) => stream === 'hour')
      const days = new Set(hours.map(({ id }) => id.slice(5, 15)))
      t.equal(await page.locator('.hours li').count(), days.size)
      t.same(JSON.parse(await page.locator('pre').first().innerText()), head)
      t.match(await page.locator('.entries li').first().innerText(), /the key of /i)
      t.notOk(await overflows(page))
      t.same(visitor.complaints, [])
      await visitor.picture(`privacy-keys-${name}`)
      await visitor.context.close()
    },
  )
}

t.test('days of log hours with a gap between stand apart, each run with its dates', inBrowser, async (t) => {
  const visitor = await visit(browser, { viewport: { width: 390, height: 844 } })
  const { page } = visitor
  const hour = (day: string) => ({
    id: `hour:${day}T10`,
    epoch: `hour:${day}T10`,
    stream: 'hour',
    created: `${day}T10:00:00Z`,
    destroyed: `${day}T11:00:05Z`,
    due: null,
    handed_to: [],
    reconciled: true,
    unsigned: false,
    entries: { created: 1, destroyed: 2 },
  })
  const keys = ['2026-09-01', '2026-09-02', '2026-09-03', '2026-10-10', '2026-10-11', '2026-11-29'].map(hour)
  await page.route('**/api/v1/keys*', (route) =>
    route.fulfill({ json: { keys, realm: 'sample', sample: true } }),
  )
  await page.goto(await instance.link('privacy'))
  await page.locator('h1').waitFor()
  await page.goto(`${instance.dashboard}/#/keys/sample`)
  await page.locator('.hours').waitFor()
  const runs = await page
    .locator('.hours figure')
    .evaluateAll((figures) =>
      figures.map((figure) => [
        figure.querySelectorAll('li').length,
        figure.querySelector('figcaption')?.textContent?.replace(/\s*–\s*/, '–'),
      ]),
    )
  t.same(runs, [
    [3, '1–3 Sept 2026'],
    [2, '10–11 Oct 2026'],
    [1, '29 Nov 2026'],
  ])
  t.notOk(await overflows(page))
  await visitor.picture('keys-hours-with-gaps')
  await visitor.context.close()
})

t.test('the head can be copied, and the product team sees none of it', inBrowser, async (t) => {
  const officer = await visit(browser, { permissions: ['clipboard-read', 'clipboard-write'] })
  await officer.page.goto(await instance.link('privacy'))
  await officer.page.locator('h1').waitFor()
  await officer.page.click('nav a[href="#/keys/sample"]')
  await officer.page.getByRole('button', { name: 'Copy the head' }).click()
  await officer.page.getByRole('button', { name: 'Copied' }).waitFor()
  const copied = JSON.parse(await officer.page.evaluate<string>('navigator.clipboard.readText()')) as Head
  const { head } = await instance.api<{ head: Head }>('privacy', '/api/v1/audit/head?realm=sample')
  t.same(copied, head)
  await officer.context.close()
  const reader = await visit(browser)
  await reader.page.goto(await instance.link('product'))
  await reader.page.locator('h1').waitFor()
  t.equal(await reader.page.locator('nav a[href^="#/keys"]').count(), 0)
  await reader.page.goto(`${instance.dashboard}/#/keys/sample`)
  await reader.page.getByRole('heading', { name: 'Not for this role' }).waitFor()
  t.equal(await reader.page.locator('main td, main pre').count(), 0)
  await reader.context.close()
})
