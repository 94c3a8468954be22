/** The oracle of a fleet (faults.md): each 204 is an obligation, nothing is there twice, nothing was made up. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SentBeacon } from '../crash/beacons.js'
import { judge } from '../crash/oracle.js'
import type { StoredRow } from '../crash/stores.js'
import type { Fleet } from './fleet.js'
import { holdingsOf, landingRows, openShared, rowCount, type SharedView } from './holdings.js'

const HOUR = 3_600_000
const ARRIVES_WITHIN_MS = 120_000
const SETTLES_WITHIN_MS = 120_000
const LOOK_EVERY_MS = 200

/** Events, by what became of them. */
export interface Tally {
  /** events that must be there */
  readonly acknowledged: number
  readonly lost: number
  readonly doubled: number
  readonly invented: number
}

export interface Verdict extends Tally {
  /** what is wrong, in words; empty where every obligation is met */
  readonly findings: readonly string[]
}

/** @param rows at rest, of staging */
export function tallyOf(sent: readonly SentBeacon[], rows: readonly StoredRow[]): Tally {
  const counts = new Map<string, number>()
  for (const { marker } of rows) counts.set(marker, (counts.get(marker) ?? 0) + 1)
  const allowed = new Set<string>()
  let acknowledged = 0
  let lost = 0
  for (const beacon of sent) {
    if (beacon.status !== 204) continue
    for (const { marker, reason } of beacon.events) {
      if (reason !== null) continue
      allowed.add(marker)
      if (!beacon.acknowledged) continue
      acknowledged++
      if (!counts.has(marker)) lost++
    }
  }
  const doubled = [...counts.values()].reduce((sum, count) => sum + count - 1, 0)
  const invented = [...counts.keys()].filter((marker) => !allowed.has(marker)).length
  return { acknowledged, lost, doubled, invented }
}

/** Waits until all that was acknowledged is in landing or staging. @returns whether it came */
export async function untilArrived(
  fleet: Fleet,
  sent: readonly SentBeacon[],
  withinMs = ARRIVES_WITHIN_MS,
): Promise<boolean> {
  const until = performance.now() + withinMs
  const { acknowledged } = tallyOf(sent, [])
  for (;;) {
    // Rows are asked for when there are enough of them: after hours of kills there are hundreds of thousands.
    if ((await rowCount(fleet)) >= acknowledged) {
      const { landing, staging } = await holdingsOf(fleet)
      if (tallyOf(sent, [...landing, ...staging]).lost === 0) return true
    }
    if (performance.now() > until) return false
    await sleep(LOOK_EVERY_MS)
  }
}

/**
 * Lets the hour be over, waits until it is settled, and judges staging and the ledger. Every process runs, no load is on.
 */
export async function settledVerdict(
  fleet: Fleet,
  sent: readonly SentBeacon[],
  dir: string,
): Promise<Verdict> {
  const [arrived, shared] = await Promise.all([untilArrived(fleet, sent), openShared(fleet, dir)])
  try {
    const hour = Math.floor(fleet.now() / HOUR) * HOUR
    await fleet.passHour()
    const settled = await untilSettled(fleet, shared, hour + HOUR)
    const { landing, staging } = await holdingsOf(fleet)
    return {
      ...tallyOf(sent, staging),
      findings: [
        ...(arrived ? [] : ['not all that was acknowledged arrived in time']),
        ...(settled ? [] : ['not every hour was settled in time']),
        ...(landing.length === 0 ? [] : [`landing holds ${String(landing.length)} rows of settled hours`]),
        ...judge(sent, staging, shared.ledger()),
      ],
    }
  } finally {
    await shared.close()
  }
}

async function untilSettled(fleet: Fleet, { state }: SharedView, before: number): Promise<boolean> {
  const until = performance.now() + SETTLES_WITHIN_MS
  for (;;) {
    const isSettled = state.watermark >= before && state.receiptHours(before).length === 0
    if (isSettled && (await landingRows(fleet)) === 0) return true
    if (performance.now() > until) return false
    await sleep(LOOK_EVERY_MS)
  }
}
