/**
 * Kills under load, in random order and overlapping: processes and brokers die by SIGKILL and are started again a little
 * later, while beacons come. The same seed gives the same order of victims, pauses and absences.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBeaconSource, type SentBeacon } from '../crash/beacons.js'
import { type Chance, seededChance } from '../crash/setting.js'
import { type Fleet, startFleet, untilReady } from './fleet.js'
import { type PacedLoad, startPacedLoad } from './paced-load.js'
import { settledVerdict, type Verdict } from './verdict.js'

export const KINDS = ['broker-kills', 'collector-kills', 'aggregator-kills', 'all-kills'] as const
export type Kind = (typeof KINDS)[number]

/** What can be killed. */
interface Victim {
  readonly name: string
  kill(): Promise<boolean>
  start(): Promise<unknown>
}

export interface KillsOptions {
  readonly kind: Kind
  readonly kills: number
  readonly seed: number
  /** a folder of the run's own */
  readonly dir: string
  /** beacons a second */
  readonly rate?: number
  /** told after each kill */
  readonly progress?: (done: number, victim: string) => void
}

export interface KillsResult extends Verdict {
  readonly seed: number
  /** that really ended a living process */
  readonly kills: number
  /** answers by status; 0: none */
  readonly answers: Readonly<Record<string, number>>
}

const DEFAULT_RATE = 80
const PAUSE_MS = { least: 150, most: 1_200 }
const ABSENCE_MS = { least: 0, most: 2_500 }
/** Of three brokers two are away at times, and then nothing is acknowledged by brokers. */
const MOST_BROKERS_AWAY = 2
const BACK_WITHIN_MS = 60_000
/** Beacons that are taken when all is back. */
const AFTERWARDS = 40

function victimsOf({ aggregators, brokers, collectors }: Fleet, kind: Kind): readonly (readonly Victim[])[] {
  const member = (one: Fleet['collectors'][number]): Victim => ({
    name: one.name,
    kill: () => one.end('SIGKILL'),
    start: () => one.start(),
  })
  const nodes = brokers.nodes.map(
    (node): Victim => ({
      name: `broker ${String(node.id)}`,
      async kill() {
        if (!node.isAlive) return false
        await node.kill()
        return true
      },
      start: () => node.start(),
    }),
  )
  switch (kind) {
    case 'broker-kills':
      return [nodes]
    case 'collector-kills':
      return [collectors.map(member)]
    case 'aggregator-kills':
      return [aggregators.map(member)]
    case 'all-kills':
      return [nodes, collectors.map(member), aggregators.map(member)]
  }
}

/** Kills, and starts again; the restarts overlap with the next kills. @returns how many kills ended something */
async function killAll(
  groups: readonly (readonly Victim[])[],
  { kills, progress }: KillsOptions,
  chance: Chance,
): Promise<number> {
  const away = new Map<Victim, Promise<void>>()
  let done = 0
  for (let number = 0; number < kills; number++) {
    await sleep(chance.between(PAUSE_MS.least, PAUSE_MS.most))
    const group = groups[chance.below(groups.length)] as readonly Victim[]
    const victim = group[chance.below(group.length)] as Victim
    const absence = chance.between(ABSENCE_MS.least, ABSENCE_MS.most)
    // It may be on its way back from an earlier kill; and never are all of its kind away at once.
    await away.get(victim)
    const others = group.filter((other) => other !== victim && away.has(other))
    if (group.length > 2 && others.length >= MOST_BROKERS_AWAY)
      await Promise.race(others.map((other) => away.get(other)))
    if (await victim.kill()) done++
    progress?.(number + 1, victim.name)
    const back = sleep(absence)
      .then(() => victim.start())
      .then(() => void away.delete(victim))
    // Whoever does not come back fails the run at its end.
    back.catch(() => undefined)
    away.set(victim, back)
  }
  await Promise.all(away.values())
  return done
}

/** Waits until so many more beacons were answered with 204. @throws Error after a minute */
async function untilAnswered({ answers }: PacedLoad, more: number): Promise<void> {
  const taken = (): number => answers.get(204) ?? 0
  const wanted = taken() + more
  const until = performance.now() + BACK_WITHIN_MS
  while (taken() < wanted) {
    if (performance.now() > until) throw new Error('beacons are not answered with 204 any more')
    await sleep(20)
  }
}

/** Runs the kills on a fleet of its own, and judges what is left. @throws Error where something does not come back */
export async function runKills(options: KillsOptions): Promise<KillsResult> {
  const { dir, kind, seed } = options
  const chance = seededChance(seed)
  const fleet = await startFleet({ dir: join(dir, 'fleet'), nodes: 3, collectors: 2, aggregators: 2 })
  const sent: SentBeacon[] = []
  let load: PacedLoad | null = null
  try {
    load = startPacedLoad({
      origins: fleet.origins,
      source: createBeaconSource(fleet.setting, seededChance(seed + 1)),
      sent,
      rate: options.rate ?? DEFAULT_RATE,
      now: fleet.now,
    })
    const kills = await killAll(victimsOf(fleet, kind), options, chance)
    for (const origin of fleet.origins) await untilReady(origin, BACK_WITHIN_MS)
    // With all of them back it goes on as before.
    await untilAnswered(load, AFTERWARDS)
    await load.stop()
    const verdict = await settledVerdict(fleet, sent, join(dir, 'shared'))
    const answers = Object.fromEntries([...load.answers].map(([status, count]) => [String(status), count]))
    const wrong = load.wrong.length === 0 ? [] : [`wrong answers: ${load.wrong.slice(0, 5).join(', ')}`]
    return { ...verdict, findings: [...wrong, ...verdict.findings], seed, kills, answers }
  } finally {
    await load?.stop()
    await fleet.stop()
  }
}
