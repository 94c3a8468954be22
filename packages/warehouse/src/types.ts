/** What the aggregator and the dashboard ask of the warehouse. */
import type { Stream } from '@tacit/contracts'
import type { Cluster } from './topology.js'

/** Where a ClickHouse server is, or a cluster. The adapter sees only this, embedded or not. */
export interface ServerAddress {
  readonly url: string
  readonly username: string
  readonly password: string
  /** the other hosts of its cluster */
  readonly otherUrls?: readonly string[]
  /** absent: it is one server */
  readonly cluster?: Cluster
}

/** Under what rows were decided. */
export interface DecidedBy {
  /** hash of the rulebook */
  readonly rulebook: string
  /** dimensions of the rows, where that rulebook had others than the plan; absent columns read '' */
  readonly dimensions?: readonly string[]
}

/** A hash that rows of one hour of receipt carry. */
export interface RowProvenance {
  /** '' on rows that landed before it was written down */
  readonly rulebook: string
  /** ms, hour of receipt; null where rows tell none */
  readonly received: number | null
  /** epoch label */
  readonly epoch: string
}

/** A hash that released cells of one window carry. */
export interface CellProvenance {
  readonly rulebook: string
  readonly window: string
  /** ms */
  readonly windowStart: number
}

/** A run of batches of one producer, both ends included. */
export interface BatchRange {
  readonly producer: string
  readonly from: number
  readonly to: number
}

/** What a read-back found: `rows` with repetitions, `distinct` by (producer, batch, row). */
export interface LandedCount {
  readonly rows: number
  readonly distinct: number
}

/** An hour of receipt that has rows in a landing table. */
export interface LandingHour {
  /** ms, a whole UTC hour */
  readonly hour: number
  readonly rows: number
  /** distinct by (producer, batch, row); null where nobody asked for it */
  readonly distinct: number | null
}

export interface StagedCount {
  readonly stream: Stream
  /** epoch label */
  readonly epoch: string
  readonly rows: number
}

export interface SettleOptions {
  /** keep one row per (producer, batch, row): for hours whose count differs from their boundary */
  readonly deduplicate: boolean
  /** an earlier try with this `queryId` may have moved some or all rows, or may still be running */
  readonly resume: boolean
  /** written down by the caller before the first try, the same in every try of these hours */
  readonly queryId: string
}

/** Which rows of which site are cleaned for a release. */
export interface CleanRequest {
  readonly stream: Stream
  /** epoch label, e.g. `day:2026-08-05` */
  readonly epoch: string
  readonly site: string
  readonly identity: 'signed' | 'network'
  /** rows of one person that count, per kind and epoch */
  readonly maxEventsPerPerson: number
}

/** What a statistic counts: the tuples of `by` over the rows of `kind` (every kind where absent). */
export interface CountRequest {
  readonly by: readonly string[]
  readonly kind?: string
}

/**
 * A node counted exactly: the shape of `CountedNode` in @tacit/disclosure, which this room does not know.
 * On network sites everything about tenants is 0; on signed sites `networks` is 0.
 */
export interface NodeCount {
  /** values of `by`, in their order; each `(other)` in a pool */
  readonly dims: readonly string[]
  /** distinct people */
  readonly users: number
  readonly events: number
  readonly tenants: number
  readonly networks: number
  readonly largestTenantUsers: number
  readonly largestTenantEvents: number
  readonly largestPersonEvents: number
}

/** Cleaned and capped rows of one (epoch, site), held until `drop`. staged = removed + deduplicated + capped + rows. */
export interface CleanedRows {
  readonly staged: number
  /** rows of tenants that are not established */
  readonly removed: number
  readonly deduplicated: number
  /** rows beyond `maxEventsPerPerson` */
  readonly capped: number
  readonly rows: number
  /** rows by kind */
  readonly kinds: Readonly<Record<string, number>>
  /** One node per tuple that occurs, sorted by the tuple. */
  count(request: CountRequest): Promise<readonly NodeCount[]>
  /** The union of all tuples that are not in `passing`, counted again over rows; null where it is empty. */
  pool(request: CountRequest, passing: readonly (readonly string[])[]): Promise<NodeCount | null>
  /** Rows that the statistic looks at. */
  total(request: CountRequest): number
  drop(): Promise<void>
}

/** One immutable released cell as stored and queried. */
export interface StoredCell {
  readonly statistic: string
  readonly window: string
  /** ms */
  readonly windowStart: number
  readonly dims: readonly string[]
  readonly users: number | null
  readonly events: number | null
  readonly floor: number | null
  readonly rulebook: string
}

export interface CellQuery {
  readonly statistic: string
  readonly window: string
  /** UTC date `YYYY-MM-DD`, included */
  readonly from?: string
  /** UTC date `YYYY-MM-DD`, included */
  readonly to?: string
}

/** A window of a statistic that has released cells. */
export interface ReleasedWindow {
  readonly statistic: string
  readonly window: string
  /** ms */
  readonly windowStart: number
  readonly cells: number
}
