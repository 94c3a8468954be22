/** A reader with a fresh browser profile, and a record of everything that the pages did beside what they showed. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core'

const CHROMIUM = process.env['TACIT_TEST_CHROMIUM'] ?? '/usr/bin/chromium'
/**
 * What a person's browser says it is: without a window it would say so, and be a bot. Given to the browser as a whole,
 * because what a page sends while it is left no longer knows what its context pretends.
 */
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36'
/** A folder to look at the pages in, kept by whoever names it. */
const SCREENSHOTS = process.env['TACIT_TEST_SCREENSHOTS']

/** Why tests in a browser cannot run here, or false. */
export const noBrowser: string | false = existsSync(CHROMIUM)
  ? false
  : 'no chromium at /usr/bin/chromium; set TACIT_TEST_CHROMIUM to run this'

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--user-agent=${USER_AGENT}`,
    ],
  })
}

/** One request as the network saw it, preflights included. */
export interface Seen {
  readonly id: string
  readonly url: string
  readonly method: string
  /** the browser asked first whether it may (CORS) */
  readonly preflight: boolean
  readonly body: string
  /** lower-case names; those that really went out */
  headers: Readonly<Record<string, string>>
  /** 0 until answered */
  status: number
}

export interface Visitor {
  readonly page: Page
  readonly context: BrowserContext
  /** console errors and uncaught exceptions, as text */
  readonly complaints: readonly string[]
  readonly seen: readonly Seen[]
  /** requests to this origin */
  to(origin: string): readonly Seen[]
  /** a picture for whoever looks, where TACIT_TEST_SCREENSHOTS names a folder */
  picture(name: string): Promise<void>
}

/** Opens a fresh profile with one page, watched through the browser's own network log. */
export async function visit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({
    viewport: { width: 1_280, height: 800 },
    ...options,
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  const seen = await watchNetwork(context, page)
  return {
    page,
    context,
    complaints,
    seen,
    to: (origin) => seen.filter(({ url }) => new URL(url).origin === origin),
    async picture(name) {
      if (SCREENSHOTS === undefined) return
      mkdirSync(SCREENSHOTS, { recursive: true })
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true })
    },
  }
}

async function watchNetwork(context: BrowserContext, page: Page): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  // headers may be told before or after the request itself
  const early = new Map<string, Readonly<Record<string, string>>>()
  const network = await context.newCDPSession(page)
  network.on('Network.requestWillBeSent', ({ requestId, request, initiator }) => {
    if (!request.url.startsWith('http')) return
    const entries = (request.postDataEntries ?? []).map(({ bytes }) => Buffer.from(bytes ?? '', 'base64'))
    const body = request.postData ?? Buffer.concat(entries).toString('utf8')
    const headers = early.get(requestId) ?? {}
    seen.push({
      id: requestId,
      url: request.url,
      method: request.method,
      preflight: initiator.type === 'preflight',
      body,
      headers,
      status: 0,
    })
  })
  network.on('Network.requestWillBeSentExtraInfo', ({ requestId, headers }) => {
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    )
    const request = seen.findLast(({ id }) => id === requestId)
    if (request === undefined) early.set(requestId, lower)
    else request.headers = lower
  })
  network.on('Network.responseReceived', ({ requestId, response }) => {
    const request = seen.findLast(({ id }) => id === requestId)
    if (request !== undefined) request.status = response.status
  })
  await network.send('Network.enable', { maxPostDataSize: 65_536 })
  return seen
}

/** What the pages of a profile have stored, by kind; session storage by its keys. */
export async function stored({ page, context }: Visitor): Promise<Readonly<Record<string, unknown>>> {
  const inPage = await page.evaluate<Record<string, unknown>>(`(async () => ({
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).length,
    caches: (await caches.keys()).length,
    workers: (await navigator.serviceWorker.getRegistrations()).length,
  }))()`)
  return { ...inPage, cookies: (await context.cookies()).length }
}

/** The texts of a table's body, row by row. */
export function tableRows(page: Page, label: string): Promise<readonly (readonly string[])[]> {
  return page.evaluate(
    `[...document.querySelectorAll('[aria-label=${JSON.stringify(label)}] tbody tr')]
      .map((row) => [...row.cells].map((cell) => cell.textContent.trim()))`,
  )
}

/** Whether the page is wider than the screen, so that a reader would have to scroll sideways. */
export function overflows(page: Page): Promise<boolean> {
  return page.evaluate('document.scrollingElement.scrollWidth > document.documentElement.clientWidth')
}

/** Asks until the answer is the wanted one; gives the last answer in any case. */
export async function eventually<Value>(
  ask: () => Promise<Value>,
  wanted: (value: Value) => boolean,
  withinMs = 20_000,
): Promise<Value> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const value = await ask()
    if (wanted(value) || Date.now() > deadline) return value
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}
