/** Released cells as the reader gets them, and the levels that their dimensions are values of. */
import type { Rulebook, Statistic } from '@tacit/rulebook'

/** The dimension value of cells pooled because each alone covers too few people. */
export const OTHER = '(other)'
/** The dimension value of rows that have none. */
export const NONE = '(none)'

/** One immutable released cell. A measure that is not public is null or absent. */
export interface ReleasedCell {
  readonly statistic: string
  readonly window: string
  /** ms; of an hour statistic the hour's own */
  readonly windowStart: number
  /** values of the first levels, coarsest first; pooled ones read {@link OTHER} */
  readonly dims: readonly string[]
  readonly users: number | null
  /** the step that `users` was floored to; null where people are exact */
  readonly floor: number | null
  readonly events: number | null
  readonly visits?: number | null
  /** seconds */
  readonly time_s?: number | null
  /** whole percent */
  readonly share?: number | null
  /** half width of the 95 % interval, where noise is on */
  readonly users_error?: number | null
  readonly events_error?: number | null
  /** hash of the rules that it was released under */
  readonly rulebook: string
}

/** How many people there were in the last whole 5 minutes. */
export interface LiveNumber {
  readonly statistic: string
  /** ms */
  readonly windowStart: number
  /** null: too few, or too long ago */
  readonly users: number | null
  readonly floor: number
  readonly rulebook: string
}

/** Names of a statistic's levels: `dims` of its cells are values of the first of them. */
export function levelsOf({ by, drill, shape }: Statistic): readonly string[] {
  switch (shape.type) {
    case 'counts':
      return [...by, ...drill]
    case 'histogram':
      return [...by, shape.field]
    case 'funnel':
      return ['step']
    case 'retention':
      return [shape.cohort]
    case 'live':
      return []
    default: {
      const never: never = shape
      throw new TypeError(`unknown shape ${String(never)}`)
    }
  }
}

/** How an answer names the levels: a histogram's last is `bucket`, a retention's `cohort`. */
export function columnNames(statistic: Statistic): readonly string[] {
  const levels = levelsOf(statistic)
  const named = { histogram: 'bucket', retention: 'cohort' } as Readonly<Record<string, string>>
  const last = named[statistic.shape.type]
  return levels.map((name, at) => (last !== undefined && at === levels.length - 1 ? last : name))
}

/** Length of `dims` of the plain rows, or of those of a drill. @param drill its name; null: the plain rows */
export function depthOf(statistic: Statistic, drill: string | null): number {
  if (statistic.shape.type !== 'counts') return levelsOf(statistic).length
  return statistic.by.length + (drill === null ? 0 : statistic.drill.indexOf(drill) + 1)
}

/** The label of a funnel's step, e.g. `page:/invoices/new`. */
export const stepLabel = ({ of, value }: { readonly of: string; readonly value: string }): string =>
  `${of}:${value}`

/** The statistic as the rules declared it that the cell was released under; the present one where they are not known. */
export function declaredUnder(
  ruled: (hash: string) => Rulebook | null,
  statistic: Statistic,
  hash: string,
): Statistic {
  const former = ruled(hash)?.statistics.find(
    ({ id, site }) => id === statistic.id && site === statistic.site,
  )
  return former !== undefined && former.shape.type === statistic.shape.type ? former : statistic
}

export function isPooled({ dims }: Pick<ReleasedCell, 'dims'>): boolean {
  return dims.includes(OTHER)
}

/** One text for a tuple of values. */
export const dimsKey = (dims: readonly string[]): string => dims.join('\u0000')

export function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
