/** Declared values minus published ones: a function of what is public, never of how many people were too few. Pure. */
import type { Rulebook, Statistic } from '@tacit/rulebook'
import { declaredUnder, type ReleasedCell } from './cell.js'
import { domainsOf, isDeclared, sizeOf } from './domain.js'

/** How many declared values of a level a window has published. */
export interface WindowCount {
  /** ms */
  readonly windowStart: number
  /** hash of the rules that they were released under */
  readonly rulebook: string
  readonly cells: number
}

export interface WithheldInput {
  /** the present rules */
  readonly rulebook: Rulebook
  readonly statistic: Statistic
  /** length of `dims` of the level */
  readonly depth: number
  /** the rules of a hash; null where they are not known here */
  readonly ruled: (hash: string) => Rulebook | null
}

/** Published declared values by window, counted from the cells themselves. */
export function countedWindows(
  { statistic, depth, ruled }: WithheldInput,
  cells: readonly ReleasedCell[],
): readonly WindowCount[] {
  const counts = new Map<number, { rulebook: string; cells: number }>()
  for (const { windowStart, rulebook: hash, dims } of cells) {
    const count = counts.get(windowStart) ?? { rulebook: hash, cells: 0 }
    counts.set(windowStart, count)
    const rulebook = ruled(hash)
    if (rulebook === null) continue
    const domains = domainsOf(rulebook, declaredUnder(ruled, statistic, hash)).slice(0, depth)
    if (isDeclared(domains, dims)) count.cells += 1
  }
  return [...counts].map(([windowStart, count]) => ({ windowStart, ...count }))
}

/**
 * Over the windows of an answer.
 * @returns null where a domain is open, or the rules of a window are not known here
 */
export function withheldCells(input: WithheldInput, counts: readonly WindowCount[]): number | null {
  const { depth, rulebook: present, ruled, statistic } = input
  let withheld = 0
  for (const { cells, rulebook: hash } of counts) {
    const rulebook = ruled(hash)
    if (rulebook === null) return null
    const domains = domainsOf(rulebook, declaredUnder(ruled, statistic, hash)).slice(0, depth)
    const declared = sizeOf(domains)
    if (declared === null) return null
    withheld += Math.max(0, declared - cells)
  }
  // Where there is no window, the present rules say whether the domain is open.
  const isClosed = sizeOf(domainsOf(present, statistic).slice(0, depth)) !== null
  return counts.length > 0 || isClosed ? withheld : null
}
