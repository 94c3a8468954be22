/**
 * The end of a day under load (faults.md V1, L9), on the real program: beacons around midnight UTC, with events of both
 * days in one batch, land in the epoch of each event under its pseudonym of that epoch; and a clock that jumps over
 * midnight and back, by less than what it is no longer believed for, loses and doubles nothing.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import { type Instance, startUp } from '../support/crash/instance.js'
import { judgeMidnight } from '../support/crash/midnight.js'
import { judge } from '../support/crash/oracle.js'
import { createSetting, seededChance, testSeed } from '../support/crash/setting.js'
import { readStores } from '../support/crash/stores.js'

import { type PacedLoad, startPacedLoad } from '../support/fleet/paced-load.js'
import { TurnedClock } from '../support/turned-clock.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const MIDNIGHT = (Math.floor(Date.now() / DAY) + 1) * DAY
/** Events are at most so old: those of just after midnight are of both days. */
const AGES = 20 * SECOND
const RATE = 60
const SHIFT = new URL('../support/shifted-clock.js', import.meta.url).href

// The runner has a limit for the file.
t.setTimeout(0)
// Both wait for clocks most of the time.
t.jobs = 2

interface Night {
  readonly dir: string
  readonly clock: TurnedClock
  readonly sent: SentBeacon[]
  readonly instance: Instance
  readonly load: PacedLoad
  readonly readyz: () => Promise<number>
  /** Waits until so many beacons were answered after now. */
  more(beacons: number): Promise<void>
  /** Ends the load and the instance, and leaves `sent` with the times of its clock. */
  end(t: Test): Promise<void>
}

/** An instance that is ready and loaded when its clock is three seconds to midnight. */
async function beforeMidnight(t: Test, seed: number, signed = true): Promise<Night> {
  const root = t.testdir()
  const dir = join(root, 'data')
  const file = join(root, 'shift')
  const clock = new TurnedClock(file, MIDNIGHT - 10 * MINUTE)
  const setting = createSetting(join(root, 'setting'), { now: clock.now })
  const env = { ...setting.env, NODE_OPTIONS: `--import=${SHIFT}`, TACIT_TEST_CLOCK_FILE: file }
  const instance = startUp({ dir, rulebook: setting.rulebook, env })
  t.teardown(() => instance.kill('SIGKILL'))
  const origin = (await instance.ready)?.origin
  if (origin === undefined) throw new Error(`not ready: ${instance.output()}`)
  const readyz = async (): Promise<number> => (await fetch(`${origin}/readyz`)).status
  while ((await readyz()) !== 200) await sleep(20)
  clock.turn(MIDNIGHT - 8 * SECOND)
  while (clock.isUncertain) await sleep(50)
  const sent: SentBeacon[] = []
  const source = createBeaconSource(setting, seededChance(seed), { ages: AGES, signed })
  const load = startPacedLoad({ origins: [origin], source, sent, rate: RATE, now: () => Date.now() })
  const answered = (): number => load.answers.get(204) ?? 0
  return {
    dir,
    clock,
    sent,
    instance,
    load,
    readyz,
    async more(beacons) {
      const until = answered() + beacons
      while (answered() < until && !instance.hasEnded()) await sleep(20)
    },
    async end() {
      await load.stop()
      clock.restate(sent)
      instance.kill('SIGTERM')
      const { code } = await instance.exited
      t.equal(code, 0, 'it ends cleanly', { output: instance.output() })
      t.same(load.wrong, [], 'each answer is the right one')
    },
  }
}

/** Whether the day's last hour has its log key: it dies when the hour is settled. */
function hasLastKey(dir: string): boolean {
  const hour = new Date(MIDNIGHT - HOUR).toISOString().slice(0, 13)
  return readdirSync(join(dir, 'main/keys')).some((name) => name.startsWith(`hour-${hour}`))
}

t.test('V1: an epoch that rolls over in the middle of a batch takes each event into its own', async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${seed}`)
  const { clock, dir, end, load, more, readyz, sent } = await beforeMidnight(t, seed)
  while (clock.now() < MIDNIGHT) await sleep(20)
  await more(5 * RATE)
  t.equal(await readyz(), 200)
  await end(t)
  t.equal((load.answers.get(503) ?? 0) + (load.answers.get(0) ?? 0), 0, 'no beacon is refused')

  const { landing, ledger, staging } = await readStores(dir, clock.now(), true)
  const rows = [...landing, ...staging]
  t.same(judge(sent, rows, ledger), [], 'every obligation is met')
  const { findings, inBoth, torn } = judgeMidnight(sent, rows, MIDNIGHT)
  t.same(findings, [])
  t.ok(inBoth > 5, `${inBoth} people were seen on both days`)
  t.ok(torn > 5, `${torn} beacons, each in one batch, brought events of both days`)

  const released = await readStores(dir, MIDNIGHT + 2 * HOUR, true)
  t.same(released.landing, [])
  t.same(judge(sent, released.staging, released.ledger), [], 'every hour is settled')
  const [former, next] = [MIDNIGHT - DAY, MIDNIGHT].map((time) => new Date(time).toISOString().slice(0, 10))
  const ofFormer = rows.filter(({ person }) => person.startsWith(former ?? '')).length
  t.match(
    released.windows[`day:${former}`],
    { status: 'released', reconciled: true, accepted: ofFormer },
    'the day that ended is released with all that is of it',
  )
  t.not(released.windows[`day:${next}`]?.status, 'released', 'the day that began is not')
})

t.test('L9: a clock that jumps over midnight and back under load loses and doubles nothing', async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${seed}`)
  // An ERP whose clock does not jump signs tokens that another clock refuses.
  const { clock, dir, end, instance, load, more, readyz, sent } = await beforeMidnight(t, seed, false)
  await more(RATE)
  const refused = (): number => load.answers.get(503) ?? 0
  // Ahead over midnight, back before it, ahead by most of an hour: each is believed.
  for (const time of [20 * SECOND, -10 * SECOND, 40 * MINUTE]) {
    clock.turn(MIDNIGHT + time)
    const before = refused()
    const seen = new Set<number>()
    while (clock.isUncertain || clock.now() < MIDNIGHT) {
      await sleep(100)
      seen.add(await readyz())
    }
    // The hour before midnight is settled, its key is gone, and nothing can be promised in it (docs/clock.md).
    if (time < 0) t.ok(seen.has(503) && refused() > before, 'it says so where it can promise nothing')
    await more(RATE)
    t.equal(await readyz(), 200, 'and goes on by itself')
    while (hasLastKey(dir)) await sleep(50)
  }
  t.notMatch(instance.output(), /stands still/)
  await end(t)

  const { landing, ledger, staging } = await readStores(dir, clock.now(), true)
  t.same(judge(sent, [...landing, ...staging], ledger), [], 'every obligation is met')
  const days = new Set([...landing, ...staging].map(({ person }) => person.slice(0, 10)))
  t.equal(days.size, 2, 'it was on both sides of midnight')
  const settled = await readStores(dir, MIDNIGHT + HOUR, true)
  t.same(settled.landing, [])
  t.same(judge(sent, settled.staging, settled.ledger), [], 'every hour is settled')
})
