/** Rows of a retention statistic: in which week of a cohort how many of it came back. Pure. */
import { DAY } from '@tacit/contracts'
import type { ReleasedCell } from './cell.js'

const MONTH = /^(\d{4})-(0[1-9]|1[0-2])$/

/** Whole weeks since the cohort's month began; null where the cohort is no month. */
export function weekOf(cohort: string, windowStart: number): number | null {
  const found = MONTH.exec(cohort)
  if (found === null) return null
  return Math.floor((windowStart - Date.UTC(Number(found[1]), Number(found[2]) - 1, 1)) / (7 * DAY))
}

/** Percent of the people of a cohort's first published window; null where that is not public. */
export function retainedShares(cells: readonly ReleasedCell[]): (cell: ReleasedCell) => number | null {
  const first = new Map<string, ReleasedCell>()
  for (const cell of cells) {
    const cohort = cell.dims[0] ?? ''
    const known = first.get(cohort)
    if (cell.users !== null && (known === undefined || cell.windowStart < known.windowStart))
      first.set(cohort, cell)
  }
  return ({ dims, users }) => {
    const base = first.get(dims[0] ?? '')?.users ?? null
    return users === null || base === null || base === 0 ? null : Math.round((100 * users) / base)
  }
}
