import { DrivenClock } from '@tacit/contracts'
import { GENERALISED_VALUES } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import { createUserAgentReader, modelClass, type UserAgent } from './user-agent.js'

const reader = () => createUserAgentReader({ maxEntries: 100, maxAgeMs: 900_000, clock: new DrivenClock(0) })

const AGENTS: readonly (readonly [string, UserAgent])[] = [
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
    { browser: 'chrome', os: 'windows', device: 'desktop', bot: false },
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0',
    { browser: 'edge', os: 'windows', device: 'desktop', bot: false },
  ],
  [
    'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
    { browser: 'firefox', os: 'linux', device: 'desktop', bot: false },
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
    { browser: 'safari', os: 'macos', device: 'desktop', bot: false },
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
    { browser: 'safari', os: 'ios', device: 'mobile', bot: false },
  ],
  [
    'Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Mobile/15E148 Safari/604.1',
    { browser: 'safari', os: 'ios', device: 'tablet', bot: false },
  ],
  [
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
    { browser: 'chrome', os: 'android', device: 'mobile', bot: false },
  ],
  [
    'Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0',
    { browser: 'firefox', os: 'android', device: 'mobile', bot: false },
  ],
  [
    'Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73 (KHTML, like Gecko)',
    { browser: 'other', os: 'other', device: 'other', bot: false },
  ],
  [
    'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    { browser: 'other', os: 'other', device: 'other', bot: true },
  ],
  ['curl/8.5.0', { browser: 'other', os: 'other', device: 'other', bot: true }],
]

t.test('known user agents fall into their families', async (t) => {
  const read = reader()
  for (const [text, families] of AGENTS) {
    t.same(read(text), families, text)
    t.equal(read(text), read(text), 'the second time from the cache')
  }
})

t.test('no user agent at all is other throughout, and no bot', async (t) => {
  const other = { browser: 'other', os: 'other', device: 'other', bot: false }
  t.same(reader()(''), other)
  t.same(reader()('-'), other)
})

t.test('only the first 512 characters are looked at', async (t) => {
  const read = reader()
  const filler = 'x'.repeat(512)
  t.equal(read(`${filler} Googlebot/2.1`), read(`${filler} Firefox/127.0`))
})

t.test('any text, as user agent or as model, ends in the closed families', async (t) => {
  const browsers = new Set<string>(GENERALISED_VALUES.browser)
  const systems = new Set<string>(GENERALISED_VALUES.os)
  const devices = new Set<string>(GENERALISED_VALUES.device)
  const models = new Set<string>(GENERALISED_VALUES.model_class)
  const piece = fc.constantFrom(
    'Mozilla/5.0 ',
    '(Linux; ',
    'Android 9; ',
    'Tablet ',
    'iPad',
    'Chrome/1 ',
    'Edg/2',
    'Safari',
    ') ',
  )
  const text = fc.array(fc.oneof(piece, fc.string({ unit: 'grapheme' }))).map((parts) => parts.join(''))
  const read = reader()
  fc.assert(
    fc.property(text, (noise) => {
      const { browser, os, device } = read(noise)
      return browsers.has(browser) && systems.has(os) && devices.has(device) && models.has(modelClass(noise))
    }),
  )
  t.pass('held in every run')
})

t.test('hostile text costs milliseconds at most', { timeout: 20_000 }, async (t) => {
  const hostile = [
    'a',
    ' ',
    '(',
    '; ',
    '/1',
    'x/1.',
    'Mozilla/5.0 (',
    'windows ',
    'android ',
    'mobile;',
    '1.',
    '-',
  ]
  const read = reader()
  for (const piece of hostile) {
    const text = piece.repeat(Math.ceil(20_000 / piece.length))
    const start = process.cpuUsage()
    read(text)
    modelClass(text)
    t.ok(process.cpuUsage(start).user < 250_000, `20,000 characters of ${JSON.stringify(piece)}`)
  }
})

t.test('models fall into their class', async (t) => {
  const models: Record<string, string> = {
    'iPhone14,2': 'phone',
    'iPad13,1': 'tablet',
    'SM-G991B': 'phone',
    'SM-T870': 'tablet',
    'Pixel 7': 'phone',
    'Redmi Note 8': 'phone',
    'MacBookPro18,3': 'desktop',
    Desktop: 'desktop',
    tablet: 'tablet',
    phone: 'phone',
    'Acme Kiosk 3': 'other',
    '': 'other',
  }
  for (const [model, expected] of Object.entries(models)) t.equal(modelClass(model), expected, model)
})
