/**
 * A wrong clock (faults.md P17), on the real program: a boot a year ahead destroys nothing before an operator confirms,
 * going back creates no second root, and a clock that is turned while it runs stops ingest and destruction.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startUp, tacit, type Up } from '../support/tacit.js'
import { edSigner, grantedClaims } from '../support/tokens.js'
import { auditEntriesOf } from '../support/audit-entries.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** Beyond it, a start believes no clock (interface.md). */
const AHEAD = 40 * DAY
// One of Node's own would be a robot's, and no key asked for.
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const SOON_MS = 20_000

const SHIFT = new URL('../support/shifted-clock.js', import.meta.url).href
const signer = edSigner('erp-1')

// The runner has a limit for the file.
t.setTimeout(0)

interface ClockAnswer {
  readonly running: boolean
  readonly stands_still: boolean
  readonly confirmed: boolean
  readonly since: string | null
  readonly last_live_time: string | null
  readonly takes_beacons_from: string | null
}

/**
 * What a machine's time differs by from that of the tests: there it is twenty past. An hour's key is made in the ten minutes
 * before it begins or later, so none comes or goes by itself while a test runs: one that does is a wrong clock's doing.
 */
const twentyPast = (now: number): number => 20 * MINUTE - (now % HOUR)

/** A data directory whose machine's system time the test turns. */
function machine(t: Test) {
  const root = t.testdir()
  const data = join(root, 'data')
  const file = join(root, 'shift')
  const keys = join(root, 'token-keys.json')
  writeFileSync(keys, JSON.stringify({ keys: [signer.jwk] }))
  const base = twentyPast(Date.now())
  let shift = base
  const turn = (ms: number): void => {
    shift = base + ms
    writeFileSync(file, String(shift))
  }
  turn(0)
  const env = {
    NODE_OPTIONS: `--import=${SHIFT}`,
    TACIT_TEST_CLOCK_FILE: file,
    TACIT_TOKEN_KEYS_FILE: keys,
  }
  let running: Up | null = null
  t.teardown(() => running?.end('SIGKILL'))
  return {
    data,
    turn,
    async up() {
      running = await startUp(data, [], env)
      return running
    },
    async stop() {
      const ran = await running?.end('SIGTERM')
      running = null
      t.equal(ran?.code, 0, ran?.stderr ?? 'it runs')
    },
    clock: (...args: readonly string[]) => tacit(['clock', '--data', data, ...args], { env }),
    async state(): Promise<ClockAnswer> {
      const { stdout } = await tacit(['clock', '--data', data, '--json'], { env })
      return JSON.parse(stdout) as ClockAnswer
    },
    /** Sends one beacon. @returns the status, and the seconds after which to try again */
    async send(up: Up): Promise<{ readonly status: number; readonly retryAfter: string | null }> {
      const token = signer.sign(grantedClaims(Date.now() + shift))
      const events = [{ id: `e-${String(Math.random())}`, name: 'page_view', age: 0, path: '/customers/7' }]
      const answer = await fetch(`${up.collector}/v1/beacon`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain', 'user-agent': BROWSER },
        body: JSON.stringify({ v: 1, site: 'erp', token, events }),
      })
      await answer.text()
      return { status: answer.status, retryAfter: answer.headers.get('retry-after') }
    },
    ready: async (up: Up): Promise<number> => (await fetch(`${up.collector}/readyz`)).status,
    /** The files of roots of days and hours, each with its bytes. */
    roots(): ReadonlyMap<string, string> {
      const dir = join(data, 'main', 'keys')
      const names = readdirSync(dir).filter((name) => /^(day|week|month|hour)-/.test(name))
      return new Map(names.map((name) => [name, readFileSync(join(dir, name)).toString('hex')]))
    },
    /** Every step of an epoch's or hour's root that is on record. */
    journal(): readonly { readonly key: string; readonly action: string }[] {
      return auditEntriesOf(data).flatMap(({ action, object }) =>
        'key' in object && !/^(?:tenant|site):/.test(object.key) ? [{ action, key: object.key }] : [],
      )
    },
  }
}

async function until(what: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const start = performance.now(); performance.now() - start < SOON_MS; await sleep(50)) {
    if (await what()) return true
  }
  return false
}

/** Each epoch and hour was opened at most once. */
function expectOneRootEach(t: Test, journal: ReturnType<ReturnType<typeof machine>['journal']>): void {
  const opened = journal.filter(({ action }) => action === 'key.created').map(({ key }) => key)
  t.same(opened, [...new Set(opened)], 'no second root')
}

t.test(
  'P17: a boot ahead destroys nothing before it is confirmed, and going back makes no second root',
  async (t) => {
    const { clock, data, journal, ready, roots, send, state, stop, turn, up } = machine(t)
    const first = await up()
    t.equal((await send(first)).status, 204)
    t.match(await state(), { running: true, stands_still: false, since: null })
    await stop()
    const day = [...roots().keys()].find((name) => name.startsWith('day-')) ?? ''
    t.not(day, '', 'a day has a root')
    const before = roots()
    const written = journal()

    turn(AHEAD)
    t.equal((await clock()).code, 1, 'the next start would stand still')
    const ahead = await up()
    t.ok(await ahead.says(/takes no beacon[^]*The clock stands still/), ahead.output())
    t.match(ahead.output(), new RegExp(`tacit clock --confirm --data ${data}`))
    t.equal(await ready(ahead), 503)
    t.match(await send(ahead), { status: 503, retryAfter: '2' })
    // Longer than the ten seconds after which keys that are due are destroyed.
    await sleep(12_000)
    t.same(roots(), before)
    t.same(journal(), written)
    t.equal(await ready(ahead), 503)
    const { code, stdout } = await clock()
    t.equal(code, 1)
    t.match(stdout, /running instance stands still since .*--confirm/)

    t.equal((await clock('--confirm')).code, 0)
    t.equal(await ready(ahead), 200)
    t.ok(await until(() => !roots().has(day)), 'what is overdue by the system’s time is gone')
    t.equal((await send(ahead)).status, 204)
    t.match(await state(), { running: true, stands_still: false })
    await stop()

    turn(0)
    const back = await up()
    t.ok(await back.says(/a jump back/), back.output())
    t.equal(await ready(back), 503)
    const stood = journal()
    t.equal((await clock('--confirm')).code, 0)
    // The hour's log key is gone for good, and the first round finds that out: nothing can be promised before the next hour.
    t.ok(await until(async () => (await ready(back)) === 503))
    t.equal((await send(back)).status, 503)
    await sleep(2_000)
    t.notOk(roots().has(day))
    const untilWhen = /time was here before, the log keys of the hours before \S+:00:00Z are destroyed/
    t.match((await clock()).stdout, untilWhen)
    t.match((await state()).takes_beacons_from, /:00:00Z$/)
    t.ok(await back.says(untilWhen), back.output())
    const label = day.replace('day-', 'day:').replace('.root', '')
    t.equal(journal().filter(({ action, key }) => key === label && action === 'key.created').length, 1)
    t.equal(stood.filter(({ action, key }) => key === label && action === 'key.destroyed').length, 1)
    await stop()
    expectOneRootEach(t, journal())
  },
)

t.test('P17: a clock that is turned while it runs stops everything until it is confirmed', async (t) => {
  const { clock, journal, ready, roots, send, state, stop, turn, up } = machine(t)
  const instance = await up()
  t.equal((await send(instance)).status, 204)
  const before = roots()
  turn(-2 * HOUR)
  t.ok(await until(async () => (await ready(instance)) === 503))
  t.ok(await instance.says(/The clock stands still.*a jump back/), instance.output())
  turn(AHEAD)
  t.equal((await send(instance)).status, 503)
  await sleep(3_000)
  t.same(roots(), before)
  t.ok((await state()).stands_still)
  turn(0)
  await sleep(2_000)
  t.equal(await ready(instance), 503, 'a time that comes right by itself is not obeyed')
  const confirmed = await clock('--confirm', '--json')
  t.equal(confirmed.code, 0)
  t.match(JSON.parse(confirmed.stdout), { running: true, stands_still: false, confirmed: false, since: null })
  t.equal(await ready(instance), 200)
  t.equal((await send(instance)).status, 204)
  t.equal(instance.output().match(/The clock stands still/g)?.length, 1, 'said once')
  await stop()
  t.same(roots(), before)
  expectOneRootEach(t, journal())
})

t.test(
  'a start is confirmed beforehand, for that start alone; a last live time is never a driven run’s',
  async (t) => {
    const { clock, data, ready, state, stop, turn, up } = machine(t)
    t.equal((await clock()).code, 2, 'looking makes no data directory')
    await up()
    await stop()
    const nothing = await clock('--confirm')
    t.equal(nothing.code, 0)
    t.notOk(readdirSync(data).includes('clock-confirmed.json'), 'there is nothing to confirm')
    const live = readFileSync(join(data, 'live-time.json'), 'utf8')

    turn(AHEAD)
    t.match(await state(), { running: false, stands_still: true, confirmed: false })
    const beacons = join(data, '..', 'none.ndjson')
    writeFileSync(beacons, '')
    t.equal((await tacit(['import', beacons, '--format', 'beacons', '--data', data])).code, 0)
    t.equal(readFileSync(join(data, 'live-time.json'), 'utf8'), live)

    t.match((await clock('--confirm')).stdout, /Confirmed for the next `tacit up`/)
    t.match(await state(), { running: false, stands_still: false, confirmed: true })
    const confirmed = await up()
    t.equal(await ready(confirmed), 200)
    t.ok(await confirmed.says(/was confirmed: time goes on/), confirmed.output())
    await stop()
    turn(2 * AHEAD)
    const again = await up()
    t.equal(await ready(again), 503)
    await stop()
  },
)
