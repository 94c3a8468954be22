/**
 * SIGKILL at named points of a beacon's way through a whole deployment (faults.md P1–P9), and an aggregator that dies and
 * stays away (P15): one fleet under load all the while, a collector's points one after the other beside those of the
 * aggregators. A run that does not reach its point fails; after all of them every obligation is met.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokersSkip } from '@tacit/event-log/testing'
import t, { type Test } from 'tap'
import { createBeaconSource, type SentBeacon } from '../support/crash/beacons.js'
import type { KillAt } from '../support/crash/instance.js'
import { type Chance, seededChance, testSeed } from '../support/crash/setting.js'
import { type Fleet, startFleet, untilReady } from '../support/fleet/fleet.js'
import type { Member } from '../support/fleet/member.js'
import { startPacedLoad } from '../support/fleet/paced-load.js'
import { settledVerdict, untilArrived } from '../support/fleet/verdict.js'

const skip = await brokersSkip()
const FULL = process.env['TACIT_TEST_FULL'] === '1'
const RATE = 40
/** A member of the group that was killed keeps its parts from others for a session and a rebalance. */
const DIES_WITHIN_MS = 90_000
const SHUTDOWN_MOMENTS_MS = { least: 0, most: 120 }

type Points = readonly (readonly [string, KillAt])[]

const COLLECTOR: Points = [
  ['P1 before the append', { point: 'seal', nth: 6 }],
  ['P1 before the record is sent', { point: 'append.before', nth: 20 }],
  ['P2 before the brokers have it', { point: 'append.sent', nth: 20 }],
  ['P3 after the acknowledgement, before the 204', { point: 'answer', nth: 20 }],
]

/**
 * All aggregators die in each round: one death or four cost the group the same session. In the first one not before all of
 * them have joined, or the others wait for who died.
 */
const AGGREGATORS: readonly Points[] = [
  [
    ['P4 before the boundary is committed', { point: 'boundary.before', nth: 8 }],
    ['P5 after the boundary, before the insert', { point: 'land.before', nth: 8 }],
    ['P6 during the insert', { point: 'land.sent', nth: 8 }],
    ['P7 after the report, before the cursor', { point: 'report.after', nth: 8 }],
  ],
  [
    ['P4 after the read, before the boundary', { point: 'open', nth: 3 }],
    ['P7 after the insert, before the report', { point: 'land.after' }],
    ['P8 during the commit of the cursor', { point: 'cursor.sent' }],
    ['P8 after it', { point: 'cursor.after', nth: 2 }],
  ],
]

/** What became of a member that was to die. */
interface Death {
  readonly name: string
  readonly ended: boolean
  readonly reached: boolean
  /** from its start */
  readonly ms: number
  readonly output: string
}

// The runner has a limit for the file.
t.setTimeout(0)

// Not the test's own folder: that is gone before its processes are.
const root = mkdtempSync(join(tmpdir(), 'tacit-points-'))
t.teardown(() => rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))

async function die(member: Member, [name, killAt]: Points[number]): Promise<Death> {
  const started = performance.now()
  await member.startToDie(killAt)
  const ended = await member.endsWithin(DIES_WITHIN_MS)
  if (!ended) await member.end('SIGKILL')
  const output = member.lifeOutput()
  return {
    name: `${member.name} ${name}`,
    ended,
    reached: output.includes(`reached ${killAt.point}`),
    ms: performance.now() - started,
    output,
  }
}

async function killCollector({ collectors: [first] }: Fleet): Promise<Death[]> {
  if (first === undefined) throw new Error('no collector')
  await first.end('SIGKILL')
  const deaths: Death[] = []
  for (const point of COLLECTOR) deaths.push(await die(first, point))
  await first.start()
  return deaths
}

async function killAggregators({ aggregators }: Fleet, chance: Chance): Promise<Death[]> {
  const deaths: Death[] = []
  // Each round costs a session of the group: every day one of them.
  const rounds = FULL ? AGGREGATORS : [AGGREGATORS[chance.below(AGGREGATORS.length)] as Points]
  for (const round of rounds) {
    const dying = round.map((point, at) => die(aggregators[at] as Member, point))
    deaths.push(...(await Promise.all(dying)))
  }
  return deaths
}

/** SIGTERM, and SIGKILL before it is over. @returns whether the kill came before the end */
async function killInShutdown(member: Member, chance: Chance): Promise<boolean> {
  member.signal('SIGTERM')
  await sleep(chance.between(SHUTDOWN_MOMENTS_MS.least, SHUTDOWN_MOMENTS_MS.most))
  const wasAlive = member.isAlive && (await member.end('SIGKILL'))
  if (!wasAlive) await member.endsWithin(DIES_WITHIN_MS)
  await member.start()
  return wasAlive
}

t.test('a deployment whose processes die at each point of the way', { skip }, async (t) => {
  const seed = testSeed()
  t.comment(`TACIT_TEST_SEED=${String(seed)}`)
  const chance = seededChance(seed)
  const fleet = await startFleet({
    dir: join(root, 'fleet'),
    nodes: 1,
    collectors: 2,
    aggregators: 4,
    startsAggregators: false,
  })
  t.teardown(() => fleet.stop())
  const { collectors, now, origins } = fleet
  const [dead, ...aggregators] = fleet.aggregators.toReversed()
  const sent: SentBeacon[] = []
  const source = createBeaconSource(fleet.setting, seededChance(seed + 1))
  const load = startPacedLoad({ origins, source, sent, rate: RATE, now })
  const expectArrival = async (t: Test): Promise<void> => {
    const answered = sent.filter(({ until }) => until > 0)
    t.ok(await untilArrived(fleet, answered), 'what was promised arrives')
  }

  await t.test('P1–P8: each of them is reached', async (t) => {
    const deaths = await Promise.all([killCollector(fleet), killAggregators(fleet, chance)])
    for (const { ended, ms, name, output, reached } of deaths.flat()) {
      const detail = ended && reached ? {} : { output: output.slice(-2_000) }
      t.ok(ended && reached, `killed ${name}, after ${(ms / 1_000).toFixed(1)} s`, detail)
    }
  })

  await t.test('P15: one of the aggregators stays away, and the others take its parts', async (t) => {
    await Promise.all(aggregators.map((member) => member.start()))
    await expectArrival(t)
    t.notOk(dead?.isAlive)
    for (const origin of origins) t.equal((await fetch(`${origin}/readyz`)).status, 200, 'it is ready')
  })

  await t.test('P9: killed during the shutdown', async (t) => {
    const members = [...collectors, ...aggregators]
    const killed = await Promise.all(members.map((member) => killInShutdown(member, chance)))
    const count = killed.filter((wasAlive) => wasAlive).length
    t.ok(count > 0, `${String(count)} kills came before the shutdown was over`)
    for (const origin of origins) await untilReady(origin)
  })

  await load.stop()
  t.same(load.wrong, [], 'each answer is the right one')
  const { acknowledged, doubled, findings, invented, lost } = await settledVerdict(
    fleet,
    sent,
    join(root, 'shared'),
  )
  t.ok(acknowledged > 500, `${String(acknowledged)} events were acknowledged`)
  t.same({ lost, doubled, invented }, { lost: 0, doubled: 0, invented: 0 })
  t.same(findings, [], 'every obligation is met')
})
