/**
 * What the processes of a fleet hold at rest, and whether load raised it for good. Under load it cannot be told: each
 * connection of a client is a descriptor, too.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from './fleet.js'
import type { Member } from './member.js'
import type { Vitals } from './vitals.js'

const ANSWERS_WITHIN_MS = 20_000
/** Idle connections are closed after some seconds. */
const RESTS_WITHIN_MS = 40_000
const LOOK_EVERY_MS = 250
/** What is no leak: a connection or two more, and their timers. */
const ALLOWED = { descriptors: 4, timers: 6 } as const
const MEASURES = ['descriptors', 'timers'] as const

/** By process and measure. */
export type Held = ReadonlyMap<string, number>

/** All that a process wrote down so far. @param dir the fleet's, started with `vitals` */
export function vitalsOf(dir: string, name: string): readonly Vitals[] {
  const file = join(dir, `${name}.vitals`)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Vitals)
}

async function askVitals(dir: string, member: Member): Promise<Vitals> {
  const before = vitalsOf(dir, member.name).length
  member.signal('SIGUSR2')
  const until = performance.now() + ANSWERS_WITHIN_MS
  while (performance.now() < until) {
    const last = vitalsOf(dir, member.name).slice(before).at(-1)
    if (last !== undefined) return last
    await sleep(20)
  }
  throw new Error(`${member.name} does not say what it holds`)
}

/** What every process holds now. */
export async function heldBy(fleet: Fleet, dir: string): Promise<Held> {
  const members = [fleet.keeper, ...fleet.collectors, ...fleet.aggregators]
  const each = await Promise.all(
    members.map(async (member) => {
      const vitals = await askVitals(dir, member)
      return MEASURES.map((measure) => [`${member.name} ${measure}`, vitals[measure]] as const)
    }),
  )
  return new Map(each.flat())
}

/** Waits until no process holds more than before. @returns what each holds then, and what is more, in words */
export async function untilNoMore(
  fleet: Fleet,
  dir: string,
  before: Held,
): Promise<{ held: Held; more: readonly string[] }> {
  const until = performance.now() + RESTS_WITHIN_MS
  for (;;) {
    const held = await heldBy(fleet, dir)
    const more = [...held].flatMap(([name, now]) => {
      const then = before.get(name) ?? 0
      const allowed = ALLOWED[name.split(' ')[1] as keyof typeof ALLOWED]
      return now > then + allowed ? [`${name} grew from ${String(then)} to ${String(now)}`] : []
    })
    if (more.length === 0 || performance.now() > until) return { held, more }
    await sleep(LOOK_EVERY_MS)
  }
}
