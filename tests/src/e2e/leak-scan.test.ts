/**
 * Nothing of a person is on the disk: after an import, while `up` runs, after it ends and after it is killed, every
 * byte of the data directory is searched for what went in. Controls plant values and must find them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash, randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openHouse } from '@tacit/cli'
import t, { type Test } from 'tap'
import { timeUntilNone } from '../support/crash/instance.js'
import { addressForms, formsOf, type Needle } from '../support/leaks/forms.js'
import { type Scan, scanDirectory } from '../support/leaks/scan.js'
import { createSearch, type Search } from '../support/leaks/search.js'
import { logText, sampleLog } from '../support/sample-log.js'
import { type Ran, rulebookPath, startUp, tacit, type Up } from '../support/tacit.js'
import { REAL_LOG, WITHOUT_REAL_LOG } from '../support/test-logs.js'
import { edSigner, grantedClaims } from '../support/tokens.js'

// The runner has a limit for the file.
t.setTimeout(0)

const root = mkdtempSync(join(tmpdir(), 'tacit-leaks-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))

/** A round of the live loop stages what is in the log; two make sure that one began after the last beacon. */
const STAGED_MS = 2_500
/** Addresses of clients arrive as a proxy says them. */
const PROXIED = { TACIT_TRUSTED_PROXIES: '127.0.0.0/8', TACIT_RATE_PER_TOKEN: '100000' }

/** Addresses and user agents of a log, told apart by their number. */
function needlesOfLog(text: string): Needle[] {
  const addresses = new Set<string>()
  const agents = new Set<string>()
  for (const line of text.split('\n')) {
    addresses.add(line.slice(0, line.indexOf(' ')))
    const agent = /"((?:[^"\\]|\\.)*)"\s*$/.exec(line)?.[1]
    if (agent !== undefined) agents.add(agent.replaceAll('\\"', '"'))
  }
  return [
    ...[...addresses].flatMap((value, i) => addressForms(`address ${i}`, value)),
    ...[...agents].flatMap((value, i) => formsOf(`user agent ${i}`, value)),
  ]
}

/** @param staged whether ClickHouse has rows by then: before the first round of the live loop only the log has them */
async function isClean(t: Test, dir: string, search: Search, when: string, staged = true): Promise<Scan> {
  const scan = await scanDirectory(dir, search)
  t.same(scan.leaks, [], `nothing is found ${when}`)
  t.same(scan.unreadable, [], `everything is read ${when}`)
  t.ok(scan.files > 20 && (scan.decoded > 0 || !staged), `stores were there ${when}`)
  return scan
}

/** Nothing of a person is in what a process printed. */
function saysNothing(t: Test, search: Search, printed: string, when: string): void {
  t.same(
    search(Buffer.from(printed)).map(({ form, what }) => ({ form, what })),
    [],
    `nothing is printed ${when}`,
  )
}

const printedBy = ({ stderr, stdout }: Ran): string => stdout + stderr

async function importWebsite(log: string, data: string, ...args: string[]): Promise<Ran> {
  const ran = await tacit(['import', log, '--rulebook', rulebookPath('website'), '--data', data, ...args])
  if (ran.code !== 0) throw new Error(`import ended with ${String(ran.code)}`)
  return ran
}

t.test('every form of a value that lies in a file is found', async (t) => {
  const dir = t.testdir({})
  const value = `203.0.113.77 Mozilla/5.0 (${randomBytes(6).toString('hex')}; ü) "x"/y+z`
  const needles = formsOf('planted', value)
  t.ok(needles.length >= 12)
  for (const [i, { bytes }] of needles.entries()) {
    mkdirSync(join(dir, `deep-${i}`))
    writeFileSync(
      join(dir, `deep-${i}`, 'data.mdb'),
      Buffer.concat([randomBytes(5000 + i), bytes, randomBytes(99)]),
    )
  }
  mkdirSync(join(dir, `a-${needles[2]?.bytes.toString() ?? ''}`))
  writeFileSync(join(dir, `a-${needles[2]?.bytes.toString() ?? ''}`, 'empty'), '')
  const { leaks } = await scanDirectory(dir, createSearch(needles))
  for (const [i, { form }] of needles.entries()) {
    t.ok(
      leaks.some((leak) => leak.file.startsWith(`deep-${i}/`) && leak.form === form),
      form,
    )
  }
  t.ok(
    leaks.some(({ file }) => file.startsWith('a-')),
    'in a name',
  )
})

t.test(
  'a value in a compressed block of a running ClickHouse server is found, and what cannot be read is said',
  async (t) => {
    const dir = join(root, 'planted')
    const half = randomBytes(12).toString('hex')
    const value = `${half}:${half}:${half}`
    const search = createSearch(formsOf('planted', value))
    const house = await openHouse(dir)
    try {
      const { password, url, username } = house.server.address
      const run = async (query: string): Promise<void> => {
        const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
        const answer = await fetch(url, { method: 'POST', headers: { authorization }, body: query })
        if (!answer.ok) throw new Error(await answer.text())
      }
      await run('CREATE DATABASE planted')
      const settings = {
        compact: 'min_bytes_for_wide_part = 1000000000',
        wide: 'min_bytes_for_wide_part = 0',
      }
      for (const [name, setting] of Object.entries(settings)) {
        await run(
          `CREATE TABLE planted.${name} (k String, v String, l LowCardinality(String)) ENGINE = MergeTree ORDER BY k SETTINGS ${setting}`,
        )
        await run(`INSERT INTO planted.${name} VALUES ('${value}', '${value}', '${value}')`)
      }
      const { leaks, unreadable } = await scanDirectory(dir, search)
      t.same(unreadable, [])
      const decoded = leaks
        .filter(({ layer }) => layer === 'decoded')
        .map(({ file }) => file.split('/').at(-1))
      for (const file of ['data.bin', 'k.bin', 'v.bin', 'primary.cidx']) t.ok(decoded.includes(file), file)
      t.ok(decoded.filter((file) => file?.endsWith('.bin')).length >= 4)
      t.notOk(
        leaks.some(({ file, layer }) => layer === 'bytes' && file.endsWith('v.bin')),
        'bytes alone would not have shown it',
      )
      await run(
        'CREATE TABLE planted.other (v String CODEC(ZSTD)) ENGINE = MergeTree ORDER BY tuple() SETTINGS min_bytes_for_wide_part = 0',
      )
      await run(`INSERT INTO planted.other VALUES ('${value}')`)
      t.ok((await scanDirectory(dir, search)).unreadable.some((file) => file.endsWith('v.bin')))
    } finally {
      await house.close()
    }
  },
)

/** Imports a log, scans; runs `up` on the directory with traffic of its own, scans; ends it, scans. */
async function importThenUp(t: Test, log: string): Promise<void> {
  const text = readFileSync(log, 'utf8')
  const data = join(root, `import-${createHash('sha256').update(log).digest('hex').slice(0, 8)}`)
  const search = createSearch(needlesOfLog(text))
  t.ok(search(Buffer.from(text)).length > 30, 'the log itself is full of it')
  const opened = `${data}-open`
  saysNothing(
    t,
    search,
    printedBy(await importWebsite(log, opened, '--keep-open', '--json')),
    'by an open import',
  )
  await isClean(t, opened, search, 'while the windows are open')
  saysNothing(t, search, printedBy(await importWebsite(log, data)), 'by the import')
  await isClean(t, data, search, 'after the import')

  const up = await startUp(data, [], PROXIED)
  await isClean(t, data, search, 'while up runs')
  const visitor = { address: '192.0.2.211', agent: `Visitor/1.0 (${randomBytes(8).toString('hex')})` }
  const page = randomBytes(9)
    .toString('base64url')
    .replaceAll(/[-_0-9]/g, 'x')
  const sent = await sendVisits(up, visitor, `/kept-word-${page}`)
  t.same(sent, Array(20).fill(204))
  await sleep(STAGED_MS)
  const live = createSearch([
    ...addressForms('address', visitor.address),
    ...formsOf('user agent', visitor.agent),
  ])
  await isClean(t, data, live, 'of live traffic')
  await isClean(t, data, search, 'after live traffic')
  // The rulebook lets words of a path through: what is staged is there to be found.
  const words = createSearch(formsOf('path', `/kept-word-${page}`))
  const staged = (await scanDirectory(data, words)).leaks
  t.ok(
    staged.some(({ file, layer }) => layer === 'decoded' && file.endsWith('.bin')),
    'the scan sees into the tables of the running server',
  )
  const ran = await up.end('SIGTERM')
  t.equal(ran.code, 0)
  saysNothing(t, search, printedBy(ran), 'by up')
  saysNothing(t, live, printedBy(ran), 'of live traffic')
  await isClean(t, data, search, 'after up has ended')
}

function sendVisits(
  up: Up,
  { address, agent }: { readonly address: string; readonly agent: string },
  path: string,
): Promise<number[]> {
  return Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const answer = await fetch(`${up.collector}/v1/beacon`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          origin: 'https://www.example.in',
          'user-agent': agent,
          'x-forwarded-for': address,
        },
        body: JSON.stringify({
          v: 1,
          site: 'website',
          events: [{ id: `visit-${i}`, name: 'page_view', age: 0, path }],
        }),
      })
      return answer.status
    }),
  )
}

t.test('a real log leaves no address and no user agent behind', { skip: WITHOUT_REAL_LOG }, async (t) => {
  await importThenUp(t, REAL_LOG)
})

t.test('a log with addresses of both families leaves none of them behind', async (t) => {
  const log = join(root, 'made-up.log')
  writeFileSync(log, logText(sampleLog(Date.UTC(2024, 1, 28), 100)))
  await importThenUp(t, log)
})

const signer = edSigner('erp-of-the-leak-scan')
/** Letters alone: what looks like a token would be dropped before any rule could leak it. */
const word = (length = 12): string =>
  Array.from(randomBytes(length + 6), (byte) => String.fromCharCode(0x61 + (byte % 26))).join('')

/** One person of the ERP with everything that a beacon can carry, all of it unique. */
function erpVisit(number: number) {
  const address = number % 2 === 0 ? `203.0.113.${100 + number}` : `2001:db8:3a7:${number}::beef`
  const agent = `Mozilla/5.0 (X11; ${word()}) Marker/${number}.0`
  const sub = word(32)
  const tenant = `tenant-${word(6)}`
  const token = signer.sign(grantedClaims(Date.now(), { sub, tenant }))
  const texts = Array.from({ length: 7 }, () => `m-${word()}`)
  const [id = '', from = '', invoice = '', search = '', unknown = '', referrer = '', cookie = ''] = texts
  const needles = [
    ...addressForms('address', address),
    ...formsOf('user agent', agent),
    ...formsOf('user id', sub),
    ...formsOf('tenant', tenant),
    ...formsOf('token', token),
    ...token.split('.').flatMap((part, i) => formsOf(`token part ${i}`, part)),
    ...texts.flatMap((text, i) => formsOf(`text ${i}`, text)),
  ]
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': agent,
    'x-forwarded-for': address,
    referer: `https://erp.example.in/${referrer}`,
    cookie: `session=${cookie}`,
  }
  const event = {
    id,
    name: 'page_view',
    age: 5,
    path: `/customers/${invoice}/invoice/${invoice}`,
    from_path: `/${from}`,
    props: { search_text: search, [unknown]: unknown },
  }
  return { needles, headers, token, event }
}

/** How a visit is spoilt; each ends another way in the collector. */
const SPOILT: readonly ((
  visit: ReturnType<typeof erpVisit>,
) => [body: unknown, status: number, headers?: Record<string, string>])[] = [
  ({ event, token }) => [{ v: 1, site: 'erp', token, events: [event] }, 204],
  ({ event, token }) => [{ v: 1, site: 'erp', token, events: [event, event] }, 204],
  ({ event, token }) => [
    { v: 1, site: 'erp', token, consent: { analytics: 'denied' }, events: [event] },
    204,
  ],
  ({ event, token }) => [{ v: 1, site: 'erp', token: `${token.slice(0, -8)}AAAAAAAA`, events: [event] }, 204],
  ({ event, token }) => [{ v: 1, site: event.from_path, token, events: [event] }, 204],
  ({ event, token }) => [{ v: 1, site: 'erp', token, events: [{ ...event, name: event.id }] }, 204],
  ({ event, token }) => [
    { v: 1, site: 'erp', token, events: [event] },
    204,
    { origin: 'https://evil.example' },
  ],
  ({ event, token }) => [{ v: 1, site: 'erp', token, events: [event] }, 204, { 'sec-gpc': '1' }],
  ({ event, token }) => [{ v: 1, site: 'erp', token, events: [{ ...event, age: -1 }] }, 400],
  ({ event, token }) => [`{"v":1,"site":"erp","token":"${token}","events":[${JSON.stringify(event)}`, 400],
]

async function sendErp(t: Test, up: Up, visits: readonly ReturnType<typeof erpVisit>[]): Promise<void> {
  for (const [i, visit] of visits.entries()) {
    const [body, status, headers = {}] = (SPOILT[i % SPOILT.length] ?? SPOILT[0])?.(visit) ?? [null, 0]
    const answer = await fetch(`${up.collector}/v1/beacon`, {
      method: 'POST',
      headers: { ...visit.headers, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await answer.text()
    t.equal(answer.status, status, `beacon ${i}`)
    t.same(createSearch(visit.needles)(Buffer.from(text)), [], 'the answer echoes nothing')
  }
}

t.test('beacons of an ERP leave nothing of a person behind, running, ended or killed', async (t) => {
  const data = join(root, 'erp')
  const keys = join(root, 'erp-keys.json')
  writeFileSync(keys, JSON.stringify({ keys: [signer.jwk] }))
  const env = { ...PROXIED, TACIT_TOKEN_KEYS_FILE: keys }
  const visits = Array.from({ length: 40 }, (_, i) => erpVisit(i))
  const search = createSearch(visits.flatMap(({ needles }) => needles))
  const args = ['--rulebook', rulebookPath('erp')]

  const first = await startUp(data, args, env)
  await sendErp(t, first, visits.slice(0, 20))
  await isClean(t, data, search, 'right after the beacons', false)
  await sleep(STAGED_MS)
  await isClean(t, data, search, 'once they are staged')
  const ended = await first.end('SIGTERM')
  t.equal(ended.code, 0)
  saysNothing(t, search, printedBy(ended), 'until SIGTERM')
  await isClean(t, data, search, 'after SIGTERM')

  const second = await startUp(data, args, env)
  await sendErp(t, second, visits.slice(20))
  const killed = await second.end('SIGKILL')
  saysNothing(t, search, printedBy(killed), 'until SIGKILL')
  t.not(await timeUntilNone(data, 20_000), null, 'the ClickHouse child goes with its parent')
  await isClean(t, data, search, 'after SIGKILL')
  t.equal(await acceptedIn(data), (visits.length / SPOILT.length) * ACCEPTED_OF_SPOILT)
})

/** Events of one round of {@link SPOILT}: one, and two under one id. */
const ACCEPTED_OF_SPOILT = 3

/** The scan would prove nothing if the beacons had not been taken. */
async function acceptedIn(data: string): Promise<number> {
  const ran = await tacit(['ledger', '--data', data, '--json'])
  const { rows } = JSON.parse(ran.stdout) as { readonly rows: readonly { readonly accepted: number }[] }
  return rows.reduce((total, { accepted }) => total + accepted, 0)
}
