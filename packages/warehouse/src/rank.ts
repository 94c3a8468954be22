/**
 * The place of each released cell among those of its window and level. Stored with it, so that the largest of each window
 * lie together and are found without reading the others.
 */
import type { StoredCell } from './types.js'

const OTHER = '(other)'
const NONE = '(none)'

export interface RankedCell {
  readonly cell: StoredCell
  /** how many dimensions it has */
  readonly depth: number
  /** 1: most people, then most events, then the first by its values; 0: a pool */
  readonly rank: number
  /** whether it holds rows that have no value in a dimension: it is none of the declared ones */
  readonly none: boolean
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** What is not public counts as least; cells of a histogram have neither, so that buckets of a place stay together. */
function bySize(a: StoredCell, b: StoredCell): number {
  return (
    (b.users ?? -1) - (a.users ?? -1) ||
    (b.events ?? -1) - (a.events ?? -1) ||
    compareText(a.dims.join('\0'), b.dims.join('\0'))
  )
}

/** A function of the cells alone: a manifest that is inserted again has the same ranks. @param cells of whole windows */
export function rankedCells(cells: readonly StoredCell[]): readonly RankedCell[] {
  const levels = new Map<string, StoredCell[]>()
  const ranked: RankedCell[] = []
  for (const cell of cells) {
    const depth = cell.dims.length
    if (cell.dims.includes(OTHER)) {
      ranked.push({ cell, depth, rank: 0, none: false })
      continue
    }
    const key = `${cell.statistic}\0${cell.window}\0${String(cell.windowStart)}\0${String(depth)}`
    const level = levels.get(key)
    if (level === undefined) levels.set(key, [cell])
    else level.push(cell)
  }
  for (const level of levels.values()) {
    for (const [at, cell] of level.toSorted(bySize).entries()) {
      ranked.push({ cell, depth: cell.dims.length, rank: at + 1, none: cell.dims.includes(NONE) })
    }
  }
  return ranked
}
