/** A deployment under half of what it can take, for a while: nothing that a process holds may grow. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBeaconSource, type SentBeacon } from '../crash/beacons.js'
import { startLoad } from '../crash/load.js'
import { seededChance } from '../crash/setting.js'
import { type Fleet, startFleet } from './fleet.js'
import { type PacedLoad, startPacedLoad } from './paced-load.js'
import { heldBy, untilNoMore, vitalsOf } from './rest.js'
import { settledVerdict, untilArrived, type Verdict } from './verdict.js'

const MINUTE = 60_000
const CALIBRATION_MS = 8_000
/** While caches fill and code is compiled, things grow. */
const WARM_UP = 0.3
/** of the rate that is wanted */
const LEAST_OF_RATE = 0.9

export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  readonly dir: string
  readonly progress?: (seconds: number, rate: number) => void
}

export interface SoakResult extends Verdict {
  readonly seed: number
  /** beacons a second that were wanted: half of what the collectors can take */
  readonly rate: number
  /** beacons a second that were answered */
  readonly achieved: number
  /**
   * by process and measure: mean of the first and of the last quarter after warm-up; of descriptors and timers, what was
   * held at rest before and after
   */
  readonly growth: Readonly<Record<string, readonly [number, number]>>
}

/** What a mean may rise by: a share of it, and an amount that is no slope. */
const ALLOWED: Readonly<Record<'heapBytes' | 'rssBytes' | 'spoolBytes', readonly [number, number]>> = {
  heapBytes: [0.1, 4 * 1024 ** 2],
  rssBytes: [0.15, 24 * 1024 ** 2],
  spoolBytes: [0, 0],
}

function quarters(values: readonly number[]): readonly [number, number] {
  const settled = values.slice(Math.floor(values.length * WARM_UP))
  const quarter = Math.max(1, Math.floor(settled.length / 4))
  const mean = (some: readonly number[]): number => some.reduce((sum, value) => sum + value, 0) / some.length
  return [mean(settled.slice(0, quarter)), mean(settled.slice(-quarter))]
}

/** Beacons a second that all collectors together answer when they come as fast as each answers them. */
async function capacityOf({ origins, setting }: Fleet, sent: SentBeacon[], seed: number): Promise<number> {
  const source = createBeaconSource(setting, seededChance(seed))
  const started = performance.now()
  const loads = origins.map((origin) => startLoad({ origin, source, sent, most: Number.MAX_SAFE_INTEGER }))
  await sleep(CALIBRATION_MS)
  const answered = loads.reduce((sum, load) => sum + load.answered, 0)
  const capacity = (answered * 1_000) / (performance.now() - started)
  await Promise.all(loads.map((load) => load.stop()))
  return capacity
}

/** Beacons that were answered as they should be. */
function answeredBy({ answers }: PacedLoad): number {
  return (answers.get(204) ?? 0) + (answers.get(400) ?? 0)
}

/** @throws Error where the fleet does not start */
export async function runSoak({ dir, minutes, progress, seed }: SoakOptions): Promise<SoakResult> {
  const home = join(dir, 'fleet')
  const fleet = await startFleet({
    dir: home,
    nodes: 3,
    collectors: 2,
    aggregators: 2,
    vitals: true,
  })
  try {
    const sent: SentBeacon[] = []
    const rate = Math.round((await capacityOf(fleet, sent, seed)) / 2)
    await untilArrived(fleet, sent)
    const before = await heldBy(fleet, home)
    const source = createBeaconSource(fleet.setting, seededChance(seed + 1), { first: 100_000_000 })
    const load = startPacedLoad({ origins: fleet.origins, source, sent, rate, now: fleet.now })
    const spools: number[] = []
    const started = performance.now()
    while (performance.now() - started < minutes * MINUTE) {
      await sleep(3_000)
      spools.push(fleet.collectors.reduce((sum, { name }) => sum + spoolBytes(dir, name), 0))
      progress?.(Math.round((performance.now() - started) / 1_000), rate)
    }
    const achieved = (answeredBy(load) * 1_000) / (performance.now() - started)
    await load.stop()
    const growth: Record<string, readonly [number, number]> = { 'collectors spoolBytes': quarters(spools) }
    for (const { name } of [fleet.keeper, ...fleet.collectors, ...fleet.aggregators]) {
      const vitals = vitalsOf(home, name)
      for (const measure of ['heapBytes', 'rssBytes'] as const)
        growth[`${name} ${measure}`] = quarters(vitals.map((one) => one[measure]))
    }
    const slopes = slopesOf(growth)
    await untilArrived(fleet, sent)
    const { held, more } = await untilNoMore(fleet, home, before)
    for (const [name, count] of held) growth[name] = [before.get(name) ?? 0, count]
    const verdict = await settledVerdict(fleet, sent, join(dir, 'shared'))
    const findings = [...verdict.findings, ...pace(achieved, rate), ...slopes, ...more]
    return { ...verdict, findings, seed, rate, achieved, growth }
  } finally {
    await fleet.stop()
  }
}

/** A load that is not there shows nothing. */
function pace(achieved: number, rate: number): readonly string[] {
  if (achieved >= rate * LEAST_OF_RATE) return []
  return [`only ${achieved.toFixed(0)} of ${String(rate)} beacons/s were answered`]
}

function slopesOf(growth: SoakResult['growth']): readonly string[] {
  return Object.entries(growth).flatMap(([name, [from, to]]) => {
    const [share, amount] = ALLOWED[name.split(' ')[1] as keyof typeof ALLOWED]
    return to > from * (1 + share) + amount ? [`${name} grew from ${String(from)} to ${String(to)}`] : []
  })
}

/** Bytes of a collector's spool on the disk, beyond what an empty one takes. */
function spoolBytes(dir: string, name: string): number {
  try {
    return statSync(join(dir, 'fleet', name, 'main/spool/data.mdb')).size
  } catch {
    return 0
  }
}
