/** `tacit import` from end to end: the real command line, real stores, counted again by a script of its own. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { countLog } from '../support/count-log.js'
import {
  cellsOf,
  type Imported,
  imported,
  json,
  ledgerOf,
  pagesOf,
  type Row,
  ranOk,
  shouldBe,
  sum,
  Workplace,
  website,
} from '../support/import.js'
import { disordered, logText, sampleLog } from '../support/sample-log.js'
import { rulebookPath, tacit } from '../support/tacit.js'
import { REAL_LOG, WITHOUT_REAL_LOG } from '../support/test-logs.js'

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

/** The cells of one import of the made-up log, to which every other way of importing it is held. */
let reference: readonly Row[] = []

t.test(
  'a real log of two days is published as a script of its own counts it',
  { skip: WITHOUT_REAL_LOG },
  async (t) => {
    const data = work.data()
    const text = readFileSync(REAL_LOG, 'utf8')
    const ran = ranOk(await tacit(website(data, REAL_LOG)))
    const totals = JSON.parse(ran.stdout) as Imported
    const count = countLog(text)
    t.equal(totals.received, count.lines)
    t.equal(totals.accepted, count.views)
    const rows = await pagesOf(data)
    const expected = shouldBe(text)
    t.same(cellsOf(rows), expected)
    t.same([...new Set(expected.map(([key]) => key.slice(0, 10)))], ['2015-05-17', '2015-05-18'])
    t.ok(expected.length > 20)
  },
)

t.test('a log at the edges of every threshold is published exactly', async (t) => {
  const data = work.data()
  const totals = await imported(data, [work.file(LOG)])
  const count = countLog(LOG)
  t.equal(totals.received, LINES.length)
  t.equal(totals.accepted, count.views)
  reference = await pagesOf(data)
  const cells = cellsOf(reference)
  t.same(cells, shouldBe(LOG))
  const published = new Set(cells.map(([key]) => key))
  for (const path of ['/ten-of-five', '/six', '/orders/:id', '/shared-address', '/__proto__', '/:id/menu'])
    t.ok(published.has(`2024-02-28 ${path}`), path)
  for (const path of ['/ten-of-four', '/nine-of-nine', '/head-only', '/missing'])
    t.notOk(published.has(`2024-02-28 ${path}`), path)
  const pages = totals.released.filter(({ statistic }) => statistic === 'pages')
  t.same(
    pages.map(({ cells: released, window, window_start }) => ({ released, window, window_start })),
    ['2024-02-28', '2024-02-29'].map((day) => ({
      released: reference.filter(({ window_start }) => window_start.startsWith(day)).length,
      window: 'day',
      window_start: `${day}T00:00:00Z`,
    })),
  )
  await sameInEveryFormat(t, data)
  await unknownNamesTheKnown(t, data)
  await dimensionsAreWeighed(t, data)
  await ledgerAddsUp(t, data, totals)
  await importedAgainIsLate(t, data)
})

async function sameInEveryFormat(t: Test, data: string): Promise<void> {
  const run = async (...args: string[]) =>
    ranOk(await tacit(['statistics', 'pages', '--data', data, ...args]))
      .stdout.trimEnd()
      .split('\n')
  const wanted = reference.map((row) => [
    row.window_start,
    row.path,
    String(row.users ?? ''),
    String(row.events ?? ''),
  ])
  const [head = '', ...lines] = await run('--format', 'csv')
  t.ok(head.startsWith('window_start,path,users,events'), 'csv')
  t.same(
    lines.map((line) => line.trimEnd().split(',').slice(0, 4)),
    wanted,
  )
  const table = (await run()).slice(2, 2 + wanted.length)
  t.same(
    table.map((line) =>
      line
        .trim()
        .split(/\s{2,}/)
        .slice(0, 4),
    ),
    reference.map((row) => [
      row.window_start,
      row.path,
      row.users?.toLocaleString('en-GB') ?? '·',
      row.events?.toLocaleString('en-GB') ?? '·',
    ]),
    'table',
  )
  const secondDay = reference.filter(({ window_start }) => window_start >= '2024-02-29')
  t.equal((await run('--format', 'csv', '--from', '2024-02-29')).length, 1 + secondDay.length)
}

/** A statistic or a site that is none: the ones there are are named, and nothing that was typed is repeated. */
async function unknownNamesTheKnown(t: Test, data: string): Promise<void> {
  const ask = (...args: string[]) => tacit(['statistics', ...args, '--data', data])
  t.match(await ask('foo'), { code: 2, stderr: /There is no such statistic: there are [a-z_]+(, [a-z_]+)* / })
  t.match((await ask('foo')).stderr, /\bpages\b/)
  t.notMatch((await ask('foo')).stderr, 'foo')
  t.match(await ask('pages', '--site', 'foo'), {
    code: 2,
    stderr: /There is no such statistic: pages is a statistic of --site website /,
  })
}

/** The path of the website's rulebook with one change. */
function changedWebsite(t: Test, from: string, to: string): string {
  const file = join(t.testdir(), 'rulebook.yaml')
  cpSync(dirname(rulebookPath('website')), dirname(file), { recursive: true })
  const text = readFileSync(file, 'utf8')
  if (!text.includes(from)) throw new Error(`no ${from}`)
  writeFileSync(file, text.replace(from, to))
  return file
}

/** `rules check --data`: what was published weighs the dimensions of a rulebook, of the one that ruled and of another. */
async function dimensionsAreWeighed(t: Test, data: string): Promise<void> {
  const check = async (file: string) => {
    const { code, stdout } = await tacit(['rules', 'check', file, '--data', data, '--json'])
    const { findings, measured } = JSON.parse(stdout) as {
      readonly measured: number
      readonly findings: readonly { readonly code: string; readonly line: number }[]
    }
    return { code, measured, found: findings.filter((finding) => finding.code === 'RULE_BITS_MEASURED') }
  }
  t.same(await check(rulebookPath('website')), { code: 0, measured: 2, found: [] })
  // Families that nobody measured are taken for all that they can be.
  const file = changedWebsite(t, '  devices:\n', '  families:\n')
  const text = readFileSync(file, 'utf8')
  const line = text.slice(0, text.indexOf('[device, os, browser]\n    measures')).split('\n').length
  t.match(await check(file), { code: 1, measured: 2, found: [{ line }] })
}

async function ledgerAddsUp(t: Test, data: string, totals: Imported): Promise<void> {
  const rows = await ledgerOf(data)
  for (const row of rows) t.equal(row.received, row.accepted + sum(Object.values(row.dropped)), row.hour)
  t.same(new Map(rows.map(({ hour, received }) => [hour, received])), countLog(LOG).hours)
  t.equal(sum(rows.map(({ accepted }) => accepted)), totals.accepted)
  t.equal(totals.received, totals.accepted + sum(Object.values(totals.dropped)))
  const heads = LINES.filter(({ text }) => text.includes('"HEAD ')).length
  const missing = LINES.filter(({ text }) => text.includes('" 404 ')).length
  t.same(totals.dropped, { 'line.method': heads, 'line.status': missing })
}

async function importedAgainIsLate(t: Test, data: string): Promise<void> {
  const before = await ledgerOf(data)
  const again = await imported(data, [work.file(LOG)])
  t.same(again, { received: LINES.length, accepted: 0, dropped: { late: LINES.length }, released: [] })
  t.same(await pagesOf(data), reference, 'what is released stays as it is')
  const after = await ledgerOf(data)
  t.same(
    after.map(({ dropped, ...row }) => ({ ...row, late: dropped['late'] })),
    before.map(({ hour, received, accepted }) => ({
      hour,
      received: 2 * received,
      accepted,
      late: received,
    })),
  )
}

t.test('files in the wrong order, compressed or not, that overlap in time are merged', async (t) => {
  const data = work.data()
  const third = Math.floor(LINES.length / 3)
  const rest = LINES.slice(third)
  const odd = work.file(gzipSync(logText(rest.filter((_, i) => i % 2 === 1))), '.gz')
  const even = work.file(logText(rest.filter((_, i) => i % 2 === 0)))
  // What is compressed says so itself, whatever its name.
  const first = work.file(gzipSync(logText(LINES.slice(0, third))), '.log')
  t.equal((await imported(data, [odd, even, first])).accepted, countLog(LOG).views)
  t.same(await pagesOf(data), reference)
})

t.test('standard input with CRLF and lines up to a minute out of order gives the same', async (t) => {
  const data = work.data()
  const input = Buffer.from(logText(disordered(LINES, 59_000), '\r\n').trimEnd())
  t.notSame(input.toString().split('\r\n'), LOG.trimEnd().split('\n'))
  t.equal((await imported(data, ['-'], { input })).accepted, countLog(LOG).views)
  t.same(await pagesOf(data), reference)
  t.same(new Map((await ledgerOf(data)).map(({ hour, received }) => [hour, received])), countLog(LOG).hours)
})

t.test('a log that is kept open and goes on in the next file is one log', async (t) => {
  const data = work.data()
  // Within an hour and within a day: neither is over when the first file ends.
  const cut = LINES.findIndex(({ time }) => time > FIRST_DAY + 10.5 * HOUR)
  const first = await imported(data, [work.file(logText(LINES.slice(0, cut))), '--keep-open'])
  t.same(first.released, [])
  t.same(await pagesOf(data), [])
  const second = await imported(data, [work.file(logText(LINES.slice(cut)))])
  t.equal(first.received + second.received, LINES.length)
  t.equal(first.accepted + second.accepted, countLog(LOG).views)
  t.same(await pagesOf(data), reference)
})

t.test('however short sealed batches may live, what was imported is published', async (t) => {
  const data = work.data()
  const rulebook = changedWebsite(t, 'log: 24h', 'log: 1h')
  await json(['import', work.file(LOG), '--rulebook', rulebook, '--data', data, '--json'])
  t.same(await pagesOf(data), reference)
})

t.test('days are imported one by one, in any order', async (t) => {
  const days = [LINES.filter(isFirstDay), LINES.filter((line) => !isFirstDay(line))]
  for (const order of [days, days.toReversed()]) {
    const data = work.data()
    for (const day of order) {
      const totals = await imported(data, [work.file(logText(day))])
      t.equal(totals.accepted, countLog(logText(day)).views)
      t.notOk(totals.dropped['late'])
    }
    t.same(await pagesOf(data), reference)
  }
})
