/**
 * SIGKILL at named points of a beacon's way (faults.md P1–P9), one after the other on the same directory. A run that
 * does not reach its point fails; after all of them every obligation is met.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import { expectDeath, type Instance, type KillAt, startUp } from '../support/crash/instance.js'
import { type Load, startLoad } from '../support/crash/load.js'
import { judge } from '../support/crash/oracle.js'
import { createSetting, seededChance, testSeed } from '../support/crash/setting.js'
import { readStores, rootsByLabel } from '../support/crash/stores.js'

const MOST_BEACONS_A_RUN = 300
const SHUTDOWN_MOMENTS_MS =
  process.env['TACIT_TEST_FULL'] === '1' ? [0, 5, 10, 20, 30, 40, 60, 80, 120, 160] : [0, 20, 60]

/** Batches are sealed all the time; a staging round comes at once, with what the last run left, and then each second. */
const POINTS: readonly (readonly [string, KillAt])[] = [
  ['P1 before the append', { point: 'seal', nth: 4 }],
  ['P2 before the flush', { point: 'seal', nth: 9, afterMs: 0 }],
  ['P3 after the flush, before the 204', { point: 'answer', nth: 30 }],
  ['P4 after the read, before the boundary', { point: 'open', nth: 3 }],
  ['P5 after the boundary, before the insert', { point: 'land.before' }],
  ['P6 during the insert', { point: 'land.sent' }],
  ['P6 a little later', { point: 'land.sent', afterMs: 2 }],
  ['P7 after the insert, before the cursor', { point: 'land.after' }],
  ['P8 while ledger and cursor are written', { point: 'land.after', afterMs: 0 }],
  ['P8 a little later', { point: 'land.after', afterMs: 3 }],
]

// The runner has a limit for the file.
t.setTimeout(0)

t.test('killed at each point of the way, nothing is lost, doubled or invented', async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${seed}`)
  const root = t.testdir()
  const dir = join(root, 'data')
  const setting = createSetting(join(root, 'setting'))
  const source = createBeaconSource(setting, seededChance(seed))
  const sent: SentBeacon[] = []

  async function run(killAt?: KillAt): Promise<{ instance: Instance; load: Load | null }> {
    const instance = startUp({ dir, ...setting, ...(killAt === undefined ? {} : { killAt }) })
    const ready = await instance.ready
    // Staging what the last run left may come to the point before it is ready.
    const load =
      ready === null ? null : startLoad({ origin: ready.origin, source, sent, most: MOST_BEACONS_A_RUN })
    return { instance, load }
  }

  for (const [name, killAt] of POINTS) {
    await t.test(`killed ${name}`, async (t) => {
      const { instance, load } = await run(killAt)
      await expectDeath(t, instance, killAt)
      await load?.stop()
      t.same(load?.wrong ?? [], [], 'each answer until then is the right one')
    })
  }
  await t.test('killed P9 during the shutdown', async (t) => {
    let killed = 0
    for (const afterMs of SHUTDOWN_MOMENTS_MS) {
      const { instance, load } = await run()
      while (load !== null && load.answered < 20 && !instance.hasEnded()) await sleep(5)
      instance.kill('SIGTERM')
      await sleep(afterMs)
      instance.kill('SIGKILL')
      if ((await instance.exited).signal === 'SIGKILL') killed++
      await load?.stop()
      t.same(load?.wrong, [], 'each answer until then is the right one')
    }
    t.ok(killed > 0, 'a kill came before the shutdown was over')
  })

  const stored = await readStores(dir, Date.now(), true)
  t.same(judge(sent, [...stored.landing, ...stored.staging], stored.ledger), [], 'every obligation is met')
  t.same(
    [...rootsByLabel(dir)].filter(([, { opened }]) => opened > 1),
    [],
    'nothing ever had two roots',
  )
})
