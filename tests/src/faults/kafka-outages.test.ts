/**
 * Three brokers under a whole deployment: rolling restarts and one that is away cost no answer, and when all are away what
 * is acknowledged waits on the collectors' disks until they are full, and drains by itself. Each 204 is an obligation.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokersSkip } from '@tacit/event-log/testing'
import t from 'tap'
import { createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import { seededChance, testSeed } from '../support/crash/setting.js'
import { startFleet, untilReady } from '../support/fleet/fleet.js'
import { type PacedLoad, startPacedLoad } from '../support/fleet/paced-load.js'
import { settledVerdict, untilArrived } from '../support/fleet/verdict.js'

const FULL = process.env['TACIT_TEST_FULL'] === '1'
const WITHIN_MS = 120_000
/** Beacons a second that fill a spool as fast as the machine can. */
const FLOOD = 500
const skip = await brokersSkip()

// The runner has a limit for the file.
t.setTimeout(0)

/** Waits for something that comes about. @throws Error where it does not */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + WITHIN_MS
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`${what}: not within ${String(WITHIN_MS)} ms`)
    await sleep(50)
  }
}

const of = (load: PacedLoad, status: number): number => load.answers.get(status) ?? 0

t.test('K2, K3: brokers that restart, one that is away, and all', { skip }, async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${String(seed)}`)
  // Not tap's own: that goes before the fleet is stopped.
  const dir = await mkdtemp(join(tmpdir(), 'tacit-outages-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const fleet = await startFleet({
    dir: join(dir, 'fleet'),
    nodes: 3,
    collectors: 2,
    aggregators: 2,
    spool: '16 MiB',
  })
  t.teardown(() => fleet.stop())
  const { brokers, origins, setting } = fleet
  const [one, two, three] = brokers.nodes
  if (one === undefined || two === undefined || three === undefined) throw new Error('three brokers run')
  const sent: SentBeacon[] = []
  const common = { origins, sent, now: fleet.now }
  const source = createBeaconSource(setting, seededChance(seed))
  let load = startPacedLoad({ ...common, source, rate: 60 })

  await t.test('rolling restarts under load: no 503', async (t) => {
    for (const node of brokers.nodes) {
      const before = of(load, 204)
      await node.stop()
      t.notOk(node.isAlive, 'it was away')
      await until('answers while it is away', () => of(load, 204) > before + 20)
      await node.start()
      await brokers.whole()
    }
    t.equal(of(load, 503), 0)
    t.equal(of(load, 0), 0, 'each had an answer')
  })

  await t.test('K3: one of three down: no 503', async (t) => {
    await two.kill()
    const before = of(load, 204)
    await until('answers while it is away', () => of(load, 204) > before + 150)
    t.notOk(two.isAlive, 'it was away all the time')
    // Every day the others follow it, and all come back together.
    if (FULL) {
      await two.start()
      await brokers.whole()
    }
    t.equal(of(load, 503), 0)
    t.equal(of(load, 0), 0, 'each had an answer')
  })
  await load.stop()

  await t.test('K2: all down: the spool takes it, then 503, then it drains', async (t) => {
    await Promise.all(brokers.nodes.map((node) => node.kill()))
    const large = createBeaconSource(setting, seededChance(seed + 1), { events: 100, letters: 200 })
    const [full = ''] = origins
    load = startPacedLoad({ ...common, origins: [full], source: large, rate: FLOOD })
    await until('a full spool', () => of(load, 503) > 20)
    t.ok(of(load, 204) > 100, 'until then it was taken')
    await until('who is full says so', async () => (await fetch(`${full}/readyz`)).status === 503)
    await load.stop()
    await Promise.all(brokers.nodes.map((node) => node.start()))
    for (const origin of origins) await untilReady(origin, WITHIN_MS)
    t.ok(await untilArrived(fleet, sent, WITHIN_MS), 'all of it came')
    load = startPacedLoad({ ...common, source, rate: 60 })
    await until('direct answers', () => of(load, 204) > 60)
    await load.stop()
    t.equal(of(load, 503), 0, 'nothing is refused any more')
  })

  const verdict = await settledVerdict(fleet, sent, join(dir, 'shared'))
  t.same(verdict.findings, [], 'every obligation is met')
  t.match(verdict, { lost: 0, doubled: 0, invented: 0 })
  t.ok(verdict.acknowledged > 1_000, 'there was something to lose')
  t.comment(`${String(verdict.acknowledged)} events acknowledged`)
})
