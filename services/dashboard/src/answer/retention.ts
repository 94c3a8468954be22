/** Rows of a retention statistic: in which week of a cohort how many of it came back. Pure. */
import { DAY, epochOf, type Stream } from '@tacit/contracts'
import type { ReleasedCell } from './cell.js'

const MONTH = /^(\d{4})-(0[1-9]|1[0-2])$/

/** Whole weeks since the cohort's month began; null where the cohort is no month. */
export function weekOf(cohort: string, windowStart: number): number | null {
  const found = MONTH.exec(cohort)
  if (found === null) return null
  return Math.floor((windowStart - Date.UTC(Number(found[1]), Number(found[2]) - 1, 1)) / (7 * DAY))
}

/** When nobody joins a cohort any more (ms); 0 where it is no month. */
function joinedBy(cohort: string): number {
  const found = MONTH.exec(cohort)
  return found === null ? 0 : Date.UTC(Number(found[1]), Number(found[2]), 1)
}

/**
 * Percent of the people of the first published window by whose end everybody has joined; null before it, and where that is
 * not public. No later window changes it.
 */
export function retainedShares(
  cells: readonly ReleasedCell[],
  window: string,
): (cell: ReleasedCell) => number | null {
  const first = new Map<string, ReleasedCell>()
  for (const cell of cells) {
    const cohort = cell.dims[0] ?? ''
    const known = first.get(cohort)
    const hasAllJoined = epochOf(window as Stream, cell.windowStart).end >= joinedBy(cohort)
    if (cell.users !== null && hasAllJoined && (known === undefined || cell.windowStart < known.windowStart))
      first.set(cohort, cell)
  }
  return ({ dims, users, windowStart }) => {
    const base = first.get(dims[0] ?? '')
    if (users === null || base === undefined || base.users === null || base.users === 0) return null
    return windowStart < base.windowStart ? null : Math.round((100 * users) / base.users)
  }
}
