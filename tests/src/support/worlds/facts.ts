/**
 * What an attacker knows of a world, as ranges of linear sums over the columns of a {@link Space}. A fact that says
 * "this or that" has several alternatives, of which at least one holds.
 */
import type { Counts } from './space.js'

/** least ≤ Σ weight · column ≤ most */
export interface Range {
  readonly columns: readonly number[]
  /** absent: every weight is 1 */
  readonly weights?: readonly number[]
  readonly least: number
  /** Infinity: open */
  readonly most: number
}

export interface Fact {
  readonly name: string
  /** each is a list of ranges that hold together */
  readonly alternatives: readonly (readonly Range[])[]
}

function rangeHolds({ columns, weights, least, most }: Range, counts: Counts): boolean {
  let total = 0
  for (const [index, column] of columns.entries()) total += (counts[column] ?? 0) * (weights?.[index] ?? 1)
  return least <= total && total <= most
}

export const factHolds = ({ alternatives }: Fact, counts: Counts): boolean =>
  alternatives.some((ranges) => ranges.every((range) => rangeHolds(range, counts)))

/** One fact without alternatives: so many people are in these columns. */
export const known = (name: string, columns: readonly number[], least: number, most: number): Fact => ({
  name,
  alternatives: [[{ columns, least, most }]],
})
