/** Ledger and detections as they are shown: closed hours, and all choices of people as one reason. Pure. */
import { epochOf, shownReason } from '@tacit/contracts'
import type { DetectionRow, LedgerRow } from '../realm.js'
import { compareText } from './cell.js'

export interface LedgerAnswer {
  readonly rows: readonly LedgerRow[]
}

export interface DetectionsAnswer {
  readonly rows: readonly DetectionRow[]
}

/**
 * Ledger rows as shown: all choices of people are one reason, `refused`, and reasons with zero are left out.
 * @param closedBefore leaves out hours whose day window is open at this time (ms), see {@link isClosedHour}
 */
export function ledgerAnswer(
  rows: readonly LedgerRow[],
  closedBefore?: { readonly now: number; readonly latenessMs: number },
): LedgerAnswer {
  const shown = rows.filter(
    ({ hour }) =>
      closedBefore === undefined || isClosedHour(Date.parse(hour), closedBefore.now, closedBefore.latenessMs),
  )
  return {
    rows: shown.map(({ hour, received, accepted, dropped }) => ({
      hour,
      received,
      accepted,
      dropped: shownReasons(dropped),
    })),
  }
}

/**
 * Whether an hour's counts can no longer change: an event counts in the hour it happened, and is taken until its day
 * has closed. An hour that still moves would tell, by subtraction, what one person did between two looks.
 */
export function isClosedHour(hour: number, now: number, latenessMs: number): boolean {
  return epochOf('day', hour).end + latenessMs <= now
}

function shownReasons(dropped: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const sums = new Map<string, number>()
  for (const [reason, count] of Object.entries(dropped)) {
    if (count > 0) sums.set(shownReason(reason), (sums.get(shownReason(reason)) ?? 0) + count)
  }
  return Object.fromEntries([...sums].sort(([a], [b]) => compareText(a, b)))
}
