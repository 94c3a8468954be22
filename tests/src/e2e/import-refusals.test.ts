/** What `tacit import` refuses, and what it leaves to others: bad lines, torn files, no consent, a day that goes on. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { countLog } from '../support/count-log.js'
import {
  cellsOf,
  type Imported,
  imported,
  json,
  ledgerOf,
  pagesOf,
  ranOk,
  shouldBe,
  sum,
  Workplace,
  website,
} from '../support/import.js'
import { combinedLine, logText, sampleLog } from '../support/sample-log.js'
import { rulebookPath, startUp, tacit } from '../support/tacit.js'

// The runner has a limit for the file.
t.setTimeout(0)

const DAY = 86_400_000
const HOUR = 3_600_000
const FIRST_DAY = Date.UTC(2024, 1, 28)
const work = new Workplace('import')
t.teardown(() => work.remove())

const LINES = sampleLog(FIRST_DAY)
const LOG = logText(LINES)
const isFirstDay = ({ time }: { readonly time: number }) => time < FIRST_DAY + DAY

t.test('the log of yesterday leaves today to live traffic', async (t) => {
  const data = work.data()
  const today = Math.floor(Date.now() / DAY) * DAY
  const yesterday = Array.from({ length: 24 }, (_, hour) =>
    combinedLine({ time: today - DAY + hour * HOUR, address: '198.51.100.7', target: '/' }),
  )
  const totals = await imported(data, [work.file(logText(yesterday))])
  t.equal(totals.accepted, 24)
  const up = await startUp(data)
  t.notMatch(up.output(), 'No token keys', 'nobody brings a token there')
  try {
    for (let round = 0; round < 2; round++) {
      const answer = await fetch(`${up.collector}/v1/beacon`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: 'https://www.example.in' },
        body: JSON.stringify({
          v: 1,
          site: 'website',
          events: [{ id: `live-${round}`, name: 'page_view', age: 0, path: '/live' }],
        }),
      })
      t.equal(answer.status, 204, 'the hour that runs is not over, whatever the import said')
      // Longer than a round of the live loop, which settles hours that are over.
      await new Promise((resolve) => setTimeout(resolve, 1_200))
    }
  } finally {
    await up.end('SIGTERM')
  }
  const live = (await ledgerOf(data)).filter(({ hour }) => Date.parse(hour) >= today)
  t.equal(sum(live.map(({ accepted }) => accepted)), 2)
})

t.test('lines that cannot be counted are counted by reason and never quoted', async (t) => {
  const secrets = ['sekret-cookie-81f3', '203.0.113.199', 'Mallory/7.3 (secret agent)', 'sekret-user-4411']
  const [cookie = '', address = '', agent = '', user = ''] = secrets
  const bad = [
    `${address} - ${user} [not a time] "GET /${cookie} HTTP/1.1" 200 1 "-" "${agent}"`,
    `{"ip":"${address}","cookie":"${cookie}"}`,
    `${cookie}`,
    `${address} - - [28/Feb/2024:25:61:61 +0000] "GET /${cookie} HTTP/1.1" 200 1 "-" "${agent}"`,
    `\u0000\u0001 ${address} ${agent}`,
    'x'.repeat(100_000) + address,
  ]
  const future = combinedLine({ time: Date.now() + DAY, address, target: `/${cookie}`, agent })
  const good = LINES.filter(isFirstDay)
  // The first line does not tell the format, and the last has no end.
  const text = [bad[0], future.text, ...good.map((line) => line.text), ...bad.slice(1)].join('\n')
  const data = work.data()
  for (const args of [['--json'], []]) {
    const target = args.length > 0 ? data : work.data()
    const ran = ranOk(
      await tacit([
        'import',
        work.file(text),
        '--rulebook',
        rulebookPath('website'),
        '--data',
        target,
        ...args,
      ]),
    )
    for (const secret of secrets) t.notOk((ran.stdout + ran.stderr).includes(secret), 'quotes nothing')
    if (args.length === 0) {
      t.match(ran.stdout + ran.stderr, /still identif(y|ies)/, 'says that the log itself is personal data')
      continue
    }
    const { accepted, dropped, received } = JSON.parse(ran.stdout) as Imported
    t.equal(received, good.length + bad.length + 1)
    t.equal(accepted, countLog(logText(good)).views)
    t.equal(dropped['line.unparsable'], bad.length)
    t.equal(dropped['line.future'], 1)
  }
  t.same(cellsOf(await pagesOf(data)), shouldBe(logText(good)))
})

t.test(
  'a compressed file that ends early is an error that says so, and leaves the directory usable',
  async (t) => {
    const data = work.data()
    const whole = gzipSync(LOG)
    const torn = await tacit(website(data, work.file(whole.subarray(0, whole.length - 200), '.gz')))
    t.ok(torn.code === 2 || torn.code === 3, `exit code ${String(torn.code)}`)
    t.equal(torn.stdout, '')
    t.match(torn.stderr, /file-\d+\.gz/)
    t.match(torn.stderr, /complete/)
    t.notMatch(torn.stderr, /198\.51|Mozilla/)
    // Standard input cannot be looked at beforehand: what is read of it counts, and no open window is published.
    const streamed = work.data()
    const cut = await tacit(website(streamed, '-'), { input: whole.subarray(0, whole.length - 200) })
    t.equal(cut.code, 2)
    t.match(cut.stderr, /Standard input.*complete/)
    t.notMatch(cut.stderr, /198\.51|Mozilla/)
    const rows = await ledgerOf(streamed)
    t.ok(rows.length > 24)
    for (const row of rows) t.equal(row.received, row.accepted + sum(Object.values(row.dropped)), row.hour)
    t.same(
      cellsOf(await pagesOf(streamed)),
      shouldBe(LOG).filter(([key]) => key.startsWith('2024-02-28')),
    )
    t.equal((await imported(data, [work.file(whole, '.gz')])).accepted, countLog(LOG).views)
    t.same(cellsOf(await pagesOf(data)), shouldBe(LOG), 'nothing of the torn file was taken')
  },
)

t.test(
  'an access log says nothing about consent, so a rulebook that needs it refuses every line',
  async (t) => {
    const data = work.data()
    const args = ['import', work.file(LOG), '--rulebook', rulebookPath('erp'), '--data', data, '--json']
    const totals = await json<Imported>(args)
    const { length } = LINES
    t.same(totals, { received: length, accepted: 0, dropped: { refused: length }, released: [] })
  },
)

/** Two days of NDJSON, a beacon of two events at each half hour past; claims that lived for fifteen minutes then. */
function claimedBeacons(analytics: 'granted' | 'denied'): string {
  const lines = Array.from({ length: 48 }, (_, hour) => {
    const time = FIRST_DAY + (hour + 0.5) * HOUR
    const event = (age: number) => ({ id: `${hour}-${age}`, name: 'page_view', age, path: '/customers' })
    return JSON.stringify({
      time: new Date(time).toISOString(),
      ip: '198.51.100.7',
      headers: { origin: 'https://erp.example.in' },
      claims: {
        aud: 'tacit',
        iat: time / 1_000 - 5,
        exp: time / 1_000 + 895,
        tenant: 't-1',
        standing: 'established',
        sub: 'person-1',
        role: 'accounts',
        cohort: '2023-03',
        adult: true,
        region: 'in',
        consent: { analytics, policy: '2026-11-01', at: '2024-01-01T00:00:00Z' },
      },
      body: { v: 1, site: 'erp', events: [event(0), event(HOUR)] },
    })
  })
  return `${lines.join('\n')}\n`
}

t.test('beacons of days that were closed are late, each event in its own hour', async (t) => {
  const data = work.data()
  const args = ['import', work.file(claimedBeacons('granted')), '--rulebook', rulebookPath('erp')]
  const first = await json<Imported>([...args, '--data', data, '--json'])
  t.match(first, { received: 96, accepted: 96, dropped: {} })
  const before = await ledgerOf(data)
  const again = await json<Imported>([...args, '--data', data, '--json'])
  t.same(again, { received: 96, accepted: 0, dropped: { late: 96 }, released: [] })
  t.same(
    (await ledgerOf(data)).map(({ dropped, hour }) => [hour, dropped['late']]),
    before.map(({ accepted, hour }) => [hour, accepted]),
  )
})

t.test(
  'a file that is mended after every line was refused is never too old for its own claims',
  async (t) => {
    const data = work.data()
    const importing = (text: string) =>
      json<Imported>(['import', work.file(text), '--rulebook', rulebookPath('erp'), '--data', data, '--json'])
    t.match(await importing(claimedBeacons('denied')), { accepted: 0, dropped: { refused: 96 } })
    // The hours in which the refusals were sealed are spent, so that the clock is ahead of the lines.
    const { accepted, dropped } = await importing(claimedBeacons('granted'))
    t.same(Object.keys(dropped), ['late'])
    t.equal(accepted + (dropped['late'] ?? 0), 96)
    t.ok(accepted > 0)
  },
)

t.test(
  'a directory in use, a missing file and a bad rulebook have exit codes of their own, and say why',
  async (t) => {
    const log = work.file(logText(LINES.slice(0, 10)))
    const data = work.data()
    const up = await startUp(data)
    // The answer to a beacon says nothing of it.
    t.match(up.output(), 'No token keys: every beacon of `erp` will be refused; set TACIT_TOKEN_KEYS_FILE')
    const inUse = await tacit(website(data, log))
    t.equal(inUse.code, 3)
    t.match(inUse.stderr, /uses this data directory/)
    await up.end('SIGTERM')
    const missing = await tacit(website(work.data(), join(work.root, 'no-such-file.log')))
    t.equal(missing.code, 2)
    t.match(missing.stderr, /no-such-file\.log/)
    const folder = await tacit(website(work.data(), work.root))
    t.equal(folder.code, 2)
    const rules = work.file('rulebook: x\nrulebook: y\n', '.yaml')
    const bad = await tacit(['import', log, '--rulebook', rules, '--data', work.data(), '--json'])
    t.equal(bad.code, 1)
    t.match(bad.stderr, /:2:1/)
    t.equal((await tacit(['import'])).code, 2)
    t.equal((await tacit([...website(work.data(), log), '--format', 'xml'])).code, 2)
    const noRulebook = await tacit([
      'import',
      log,
      '--rulebook',
      join(work.root, 'none.yaml'),
      '--data',
      work.data(),
    ])
    t.equal(noRulebook.code, 2)
    t.notOk(existsSync(join(work.root, 'none.yaml')))
  },
)
