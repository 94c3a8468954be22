/** A deployment under half of what it can take, for a while: nothing that a process holds may grow. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBeaconSource, type SentBeacon } from '../crash/beacons.js'
import { startLoad } from '../crash/load.js'
import { seededChance } from '../crash/setting.js'
import { type Fleet, startFleet } from './fleet.js'
import { startPacedLoad } from './paced-load.js'
import { settledVerdict, type Verdict } from './verdict.js'
import type { Vitals } from './vitals.js'

const MINUTE = 60_000
const CALIBRATION_MS = 8_000
/** While caches fill and code is compiled, things grow. */
const WARM_UP = 0.3

export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  readonly dir: string
  readonly progress?: (seconds: number, rate: number) => void
}

export interface SoakResult extends Verdict {
  readonly seed: number
  /** beacons a second */
  readonly rate: number
  /** by process and measure: mean of the first and of the last quarter after warm-up */
  readonly growth: Readonly<Record<string, readonly [number, number]>>
}

/** What a mean may rise by: a share of it, and an amount that is no slope. */
const ALLOWED: Readonly<Record<keyof Omit<Vitals, 'ms'> | 'spoolBytes', readonly [number, number]>> = {
  heapBytes: [0.1, 4 * 1024 ** 2],
  rssBytes: [0.15, 24 * 1024 ** 2],
  descriptors: [0, 4],
  timers: [0, 6],
  spoolBytes: [0, 0],
}

function quarters(values: readonly number[]): readonly [number, number] {
  const settled = values.slice(Math.floor(values.length * WARM_UP))
  const quarter = Math.max(1, Math.floor(settled.length / 4))
  const mean = (some: readonly number[]): number => some.reduce((sum, value) => sum + value, 0) / some.length
  return [mean(settled.slice(0, quarter)), mean(settled.slice(-quarter))]
}

function vitalsOf(file: string): readonly Vitals[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Vitals)
}

/** Beacons a second that one collector answers when they come as fast as it answers them. */
async function capacityOf(fleet: Fleet, sent: SentBeacon[], seed: number): Promise<number> {
  const [origin = ''] = fleet.origins
  const source = createBeaconSource(fleet.setting, seededChance(seed))
  const load = startLoad({ origin, source, sent, most: Number.MAX_SAFE_INTEGER })
  await sleep(CALIBRATION_MS)
  const { answered } = load
  await load.stop()
  return (answered * 1_000) / CALIBRATION_MS
}

/** @throws Error where the fleet does not start */
export async function runSoak({ dir, minutes, progress, seed }: SoakOptions): Promise<SoakResult> {
  const fleet = await startFleet({
    dir: join(dir, 'fleet'),
    nodes: 3,
    collectors: 2,
    aggregators: 2,
    vitals: true,
  })
  try {
    const sent: SentBeacon[] = []
    const rate = Math.round((await capacityOf(fleet, sent, seed)) / 2)
    const source = createBeaconSource(fleet.setting, seededChance(seed + 1), { first: 100_000_000 })
    const load = startPacedLoad({ origins: fleet.origins, source, sent, rate, now: fleet.now })
    const spools: number[] = []
    const started = performance.now()
    while (performance.now() - started < minutes * MINUTE) {
      await sleep(3_000)
      spools.push(fleet.collectors.reduce((sum, { name }) => sum + spoolBytes(dir, name), 0))
      progress?.(Math.round((performance.now() - started) / 1_000), rate)
    }
    await load.stop()
    const growth: Record<string, readonly [number, number]> = { 'collectors spoolBytes': quarters(spools) }
    for (const { name } of [fleet.keeper, ...fleet.collectors, ...fleet.aggregators]) {
      const vitals = vitalsOf(join(dir, 'fleet', `${name}.vitals`))
      for (const measure of ['heapBytes', 'rssBytes', 'descriptors', 'timers'] as const)
        growth[`${name} ${measure}`] = quarters(vitals.map((one) => one[measure]))
    }
    const verdict = await settledVerdict(fleet, sent, join(dir, 'shared'))
    return { ...verdict, findings: [...verdict.findings, ...slopes(growth)], seed, rate, growth }
  } finally {
    await fleet.stop()
  }
}

function slopes(growth: SoakResult['growth']): readonly string[] {
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
