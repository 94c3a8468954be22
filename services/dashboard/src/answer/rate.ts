/** Rates: events per 100 events of another statistic, of published numbers alone. Pure. */
import type { Rulebook, Statistic } from '@tacit/rulebook'
import { dimsKey, isPooled, levelsOf, type ReleasedCell } from './cell.js'

/** The statistic that the events of this one are counted per; null where none is declared. */
export function perStatistic(rulebook: Rulebook, statistic: Statistic): Statistic | null {
  if (statistic.per === undefined) return null
  return rulebook.statistics.find(({ id, site }) => id === statistic.per && site === statistic.site) ?? null
}

/**
 * How many dimensions of the other statistic's cells stand for the same thing as the first `depth` of this one's: the
 * same level where both have it, else its plain rows.
 * @returns 0 where no level does
 */
export function perDepth(statistic: Statistic, per: Statistic, depth: number): number {
  const [mine, others] = [levelsOf(statistic).slice(0, depth), levelsOf(per)]
  const isPrefix = (count: number): boolean =>
    count <= others.length && others.slice(0, count).every((name, at) => name === mine[at])
  if (isPrefix(depth)) return depth
  return depth === statistic.by.length && isPrefix(per.by.length) ? per.by.length : 0
}

/** Finds the rate of a cell: one decimal; null where a number of it is not public, or it is hidden. */
export function rateOf(
  rulebook: Rulebook,
  statistic: Statistic,
  others: readonly ReleasedCell[],
): (cell: ReleasedCell) => number | null {
  const depth = others[0]?.dims.length ?? 0
  const key = (cell: ReleasedCell): string =>
    `${String(cell.windowStart)}\u0000${dimsKey(cell.dims.slice(0, depth))}`
  const events = new Map(others.map((cell) => [key(cell), cell.events]))
  return (cell) => {
    // A pool is of other values in each statistic: a rate of one to the other would be of nothing.
    if (isPooled(cell)) return null
    const base = events.get(key(cell)) ?? null
    if (cell.events === null || base === null || base <= 0) return null
    const rate = Math.round((1_000 * cell.events) / base) / 10
    return isTelling(rate) && isSensitive(rulebook, statistic, cell.dims) ? null : rate
  }
}

/** Of nobody or of everybody: it tells of each of them. */
export function isTelling(percent: number): boolean {
  return percent <= 0 || percent >= 100
}

/** Whether a cell is of an event that the rules declare sensitive; of a statistic of a kind, whether one of its events is. */
export function isSensitive(rulebook: Rulebook, { by, where }: Statistic, dims: readonly string[]): boolean {
  const at = by.indexOf('event_name')
  const name = dims[at]
  if (name !== undefined && Object.hasOwn(rulebook.events, name))
    return rulebook.events[name]?.sensitive === true
  return Object.values(rulebook.events).some(
    ({ kind, sensitive }) => sensitive === true && kind === where.kind,
  )
}
