/**
 * The place of each released cell among those of its window and level. Stored with it, so that cells lie in bands of ranks,
 * and the largest of each window are found without reading the others.
 */
import type { StoredCell } from './types.js'

const OTHER = '(other)'
const NONE = '(none)'

/** Highest ranks of the bands in which cells lie; those beyond are one more. */
const BAND_ENDS = [8, 64, 512, 4_096] as const

/**
 * A cell's band, in SQL. Cells of a level lie by band, then window, then rank: so the few largest of every window are
 * read without the others, and a window's thousands without those of other windows.
 */
export const BAND_SQL = `multiIf(${BAND_ENDS.map((end, band) => `rank <= ${String(end)}, ${String(band)}`).join(', ')}, ${String(BAND_ENDS.length)})`

/** Cells of a rank up to this one, and the bands that they lie in: the index knows bands, not ranks. */
export function rankedUpTo(rank: number): string {
  const band = BAND_ENDS.findIndex((end) => rank <= end)
  const bands = band === -1 ? '' : ` AND ${BAND_SQL} <= ${String(band)}`
  return `rank <= ${String(rank)}${bands}`
}

export interface RankedCell {
  readonly cell: StoredCell
  /** how many dimensions it has */
  readonly depth: number
  /**
   * 1: most people, then most events, then the first by its values; pools within a group come after all values, and the one
   * of the whole window, which stands for all that is not named, is 0
   */
  readonly rank: number
  /** how many cells of its window and level are values: no pools, and none of rows that have no value */
  readonly listed: number
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
  for (const cell of cells) {
    const { dims, statistic, window, windowStart } = cell
    const key = [statistic, window, String(windowStart), String(dims.length)].join('\0')
    const level = levels.get(key)
    if (level === undefined) levels.set(key, [cell])
    else level.push(cell)
  }
  return [...levels.values()].flatMap(rankedLevel)
}

function rankedLevel(level: readonly StoredCell[]): readonly RankedCell[] {
  const rest = level.filter(isRest)
  const values = level.filter(({ dims }) => !dims.includes(OTHER)).toSorted(bySize)
  const pools = level.filter((cell) => cell.dims.includes(OTHER) && !isRest(cell)).toSorted(bySize)
  const listed = values.filter(({ dims }) => !dims.includes(NONE)).length
  const depth = level[0]?.dims.length ?? 0
  return [
    ...[...values, ...pools].map((cell, at) => ({ cell, depth, rank: at + 1, listed })),
    ...rest.map((cell) => ({ cell, depth, rank: 0, listed })),
  ]
}

/** What is left of the whole window, beside its named values. */
function isRest({ dims }: StoredCell): boolean {
  return dims[0] === OTHER
}
