/** What an answer about one statistic looks like; interface.md says what each member means. */
import type { Rulebook, Statistic } from '@tacit/rulebook'
import type { LiveNumber, ReleasedCell } from './cell.js'
import type { WindowCount } from './withheld.js'

/** One published value of one window: `window_start`, the dimensions by name, then the measures. */
export type AnswerRow = Readonly<Record<string, string | number | null>>

export interface StatisticAnswer {
  readonly statistic: string
  readonly window: string
  /** hash of the rules under which the newest of the rows was released */
  readonly rulebook: string
  readonly site: string
  readonly sample: boolean
  readonly rows: readonly AnswerRow[]
  /** values that were declared and are not published, over the windows of the answer; null for open domains */
  readonly withheld: { readonly cells: number | null }
  /** of histograms: `window_start`, the dimensions, `p50`, `p75`, `p95` */
  readonly percentiles?: readonly AnswerRow[]
  /** there are more rows than the limit */
  readonly truncated?: true
}

/** What was asked, once it is known to make sense. */
export interface Asked {
  /** the present rules */
  readonly rulebook: Rulebook
  /** the rules of a hash; null where they are not known here */
  readonly ruled: (hash: string) => Rulebook | null
  readonly statistic: Statistic
  readonly window: string
  readonly sample: boolean
  /** a declared drill: rows of that level; null: the plain rows */
  readonly drill: string | null
  /** rows at most */
  readonly limit: number
  /** of each window only so many of the largest values, and the pool of all the others; null: all */
  readonly top: number | null
  readonly compare: boolean
  /** IANA name of the zone that `window_local` is written in; null: no such column */
  readonly timezone: string | null
  /** first UTC day of the rows; null: from the beginning. Retention is computed from earlier cells, too */
  readonly from: string | null
}

/** What was read for it. */
export interface Gathered {
  /** of the level asked; more than the limit where there are more */
  readonly cells: readonly ReleasedCell[]
  /** published declared values by window, where `cells` are only some; null: count them */
  readonly counts: readonly WindowCount[] | null
  /** of the windows before, where they are to be compared */
  readonly before: readonly ReleasedCell[]
  /** of the statistic that a rate is per: the same windows */
  readonly per: readonly ReleasedCell[]
  readonly live: LiveNumber | null
}
