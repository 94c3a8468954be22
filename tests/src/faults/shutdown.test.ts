/**
 * Ctrl-C and SIGTERM to `tacit up` under load (faults.md P10, P11): it ends cleanly, loses nothing, and is back in a moment.
 * P10 of a collector and an aggregator of a deployment: kafka-kill-points.test.ts.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import { type Instance, SEES_PROCESSES, startUp, timeUntilNone } from '../support/crash/instance.js'
import { type Load, startLoad } from '../support/crash/load.js'
import { judge } from '../support/crash/oracle.js'
import { createSetting, seededChance, testSeed } from '../support/crash/setting.js'
import { readStores } from '../support/crash/stores.js'

const RESTART_WITHIN_MS = 3_000
/** ClickHouse may take 5 s to finish what it does. */
const STOP_WITHIN_MS = 12_000
/** A fraction of what a clean end may take. */
const AT_ONCE_MS = 1_000
const ENDS_WITHIN_MS = 10_000

// The runner has a limit for the file.
t.setTimeout(0)

interface Loaded {
  readonly instance: Instance
  readonly load: Load
  readonly readyMs: number
}

async function expectNoProcess(t: Test, dir: string): Promise<void> {
  if (!SEES_PROCESSES) return
  t.ok((await timeUntilNone(dir, ENDS_WITHIN_MS)) !== null, 'no process of it is left')
}

t.test('P10, P11: stopped by a signal under load, it loses nothing', async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${seed}`)
  const root = t.testdir()
  const dir = join(root, 'data')
  const setting = createSetting(join(root, 'setting'))
  const source = createBeaconSource(setting, seededChance(seed))
  const sent: SentBeacon[] = []

  async function underLoad(): Promise<Loaded> {
    const instance = startUp({ dir, ...setting })
    const ready = await instance.ready
    if (ready === null) throw new Error(`not ready: ${instance.output()}`)
    const load = startLoad({ origin: ready.origin, source, sent, most: 5_000 })
    while (load.answered < 200 && !instance.hasEnded()) await sleep(5)
    return { instance, load, readyMs: ready.ms }
  }

  // The first start makes the stores, and what a kill leaves is what the next one finds.
  const first = await underLoad()
  first.instance.kill('SIGKILL')
  await first.load.stop()
  await first.instance.exited

  const restartsMs: number[] = []
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    await t.test(`P10: ${signal} ends it cleanly, however busy it is`, async (t) => {
      const { instance, load, readyMs } = await underLoad()
      restartsMs.push(readyMs)
      const asked = performance.now()
      // To the whole group, as Ctrl-C on a terminal.
      instance.kill(signal)
      const ended = await instance.exited
      const ms = performance.now() - asked
      t.equal(ended.code, 0)
      t.ok(ms < STOP_WITHIN_MS, `it ended within ${Math.round(ms)} ms`)
      await load.stop()
      t.same(load.wrong, [], 'each answer is the right one')
      await expectNoProcess(t, dir)
    })
  }

  const quickest = Math.min(...restartsMs)
  // Other tests share the machine: the quickest is the one that says how long a start takes.
  t.ok(quickest < RESTART_WITHIN_MS, `ready in ${Math.round(quickest)} ms`)

  await t.test('P11: a second signal ends it at once', async (t) => {
    const { instance, load } = await underLoad()
    instance.kill('SIGTERM')
    await sleep(5)
    const asked = performance.now()
    instance.kill('SIGTERM')
    const { code, signal } = await instance.exited
    const ms = performance.now() - asked
    t.ok(
      code === 3 || code === 0,
      `it says that it did not end cleanly, unless it just had (${code} ${signal})`,
    )
    t.ok(ms < AT_ONCE_MS, `it took ${Math.round(ms)} ms`)
    await load.stop()
    await expectNoProcess(t, dir)
  })

  await t.test('SIGTERM while it starts ends it cleanly too', async (t) => {
    for (const afterMs of [100, 400, 800]) {
      const instance = startUp({ dir, ...setting })
      await sleep(afterMs)
      instance.kill('SIGTERM')
      const { code, ms, signal } = await instance.exited
      // Before its first line runs, nobody listens to signals yet.
      t.ok(code === 0 || signal === 'SIGTERM', `after ${afterMs} ms: ${code} ${signal}`)
      t.ok(ms < afterMs + STOP_WITHIN_MS)
    }
    await expectNoProcess(t, dir)
  })

  const stored = await readStores(dir, Date.now(), true)
  t.same(judge(sent, [...stored.landing, ...stored.staging], stored.ledger), [], 'every obligation is met')
})
