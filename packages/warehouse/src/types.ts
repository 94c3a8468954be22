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

/** A tree to be counted over cleaned rows: nodes of every depth from 1 to the number of levels. */
export interface TreeRequest {
  /** day stream: rows of this kind; absent: all kinds */
  readonly kind?: string
  /** week and month streams: rows of this statistic */
  readonly statistic?: string
  /** dimension columns, coarsest first */
  readonly levels: readonly string[]
  /** nodes per hour of the event instead of per day; the day stream's rows alone have hours */
  readonly hourly?: boolean
  /** count visits too: rows whose `visit_start` is 'true' */
  readonly visits?: boolean
  /** sum time too: seconds by label of `time_spent_s`; other labels count nothing */
  readonly seconds?: Readonly<Record<string, number>>
}

/** An additive measure of a node, and how much of it its largest tenant (0 on network sites) and person have. */
export interface Sum {
  readonly total: number
  /** distinct people who have any of it */
  readonly people: number
  readonly largestTenant: number
  readonly largestPerson: number
}

/**
 * A node counted exactly: the shape of `CountedNode` in @tacit/disclosure, which this room does not know.
 * On network sites everything about tenants is 0; on signed sites `networks` is 0.
 */
export interface NodeCount {
  /** values of the first levels: as many as the node is deep */
  readonly dims: readonly string[]
  /** 0 to 23, UTC; null where the tree has no hours */
  readonly hour: number | null
  /** distinct people */
  readonly users: number
  readonly events: number
  readonly tenants: number
  readonly networks: number
  readonly largestTenantUsers: number
  readonly largestTenantEvents: number
  readonly largestPersonEvents: number
  readonly visits?: Sum
  /** seconds */
  readonly time_s?: Sum
}

/** Sibling nodes of one parent that are counted together, each person once. */
export interface UnionRequest {
  /** of the nodes; null in a tree without hours */
  readonly hour: number | null
  readonly parent: readonly string[]
  /** values of the level below the parent */
  readonly parts: readonly string[]
}

/** A step of a funnel: page views of a path, or rows of an event name. */
export interface FunnelStepRequest {
  readonly of: 'page' | 'event'
  readonly value: string
}

/** Cleaned and capped rows of one (epoch, site), held until `drop`. staged = removed + deduplicated + capped + rows. */
export interface CleanedRows {
  readonly staged: number
  /** rows of tenants that are not established */
  readonly removed: number
  /** day: repetitions of an event id; week and month: of a (person, cell), which only a change of rulebook makes */
  readonly deduplicated: number
  /** rows beyond `maxEventsPerPerson`; 0 in a week or a month, whose rows are no events */
  readonly capped: number
  readonly rows: number
  /** rows by kind; week and month: by statistic */
  readonly kinds: Readonly<Record<string, number>>
  /**
   * Nodes of each tree, by depth, then hour, then values. One query per kind (or statistic), however many trees,
   * levels and cells it has.
   */
  trees(requests: readonly TreeRequest[]): Promise<readonly (readonly NodeCount[])[]>
  /**
   * Each union counted anew over rows, in the order asked; `dims` is the parent. One that no row belongs to is all 0.
   * One query per depth.
   */
  unions(tree: TreeRequest, unions: readonly UnionRequest[]): Promise<readonly NodeCount[]>
  /**
   * Node i, dims `page:<path>` or `event:<name>`: people who did steps 0 to i in order, by hour; steps in the same hour
   * count as in order. Its events are those people's rows of step i.
   */
  funnel(steps: readonly FunnelStepRequest[]): Promise<readonly NodeCount[]>
  /** Rows that a tree looks at. */
  total(request: { readonly kind?: string; readonly statistic?: string }): number
  drop(): Promise<void>
}

/** One immutable released cell as stored and queried. What is not public, or no measure of its statistic, is null. */
export interface StoredCell {
  readonly statistic: string
  readonly window: string
  /** ms; of an hour statistic the hour's own */
  readonly windowStart: number
  /** values of the statistic's levels, coarsest first; those of a drill are longer than the plain ones */
  readonly dims: readonly string[]
  readonly users: number | null
  /** the step that `users` was floored to */
  readonly floor: number | null
  readonly events: number | null
  readonly visits: number | null
  /** seconds */
  readonly time_s: number | null
  /** whole percent */
  readonly share: number | null
  /** half width of the 95 % interval, where noise is on */
  readonly users_error: number | null
  readonly events_error: number | null
  readonly rulebook: string
}

/** Cells of one level of a statistic. */
export interface LevelQuery {
  readonly statistic: string
  readonly window: string
  /** how many dimensions they have; absent: of every level */
  readonly depth?: number
  /** UTC date `YYYY-MM-DD`, included */
  readonly from?: string
  /** UTC date `YYYY-MM-DD`, included */
  readonly to?: string
}

export interface CellQuery extends LevelQuery {
  /** of each window only so many of the largest, and the pool of all the others */
  readonly top?: number
  /** only cells of these values */
  readonly dims?: readonly (readonly string[])[]
  /** so many cells at most */
  readonly limit?: number
}

/** How many cells of a level one window has, without pools and those of rows without a value. */
export interface CellCount {
  /** ms */
  readonly windowStart: number
  readonly rulebook: string
  readonly cells: number
}

export interface LatestWindow {
  readonly statistic: string
  readonly window: string
  /** ms */
  readonly windowStart: number
}

/** People of the last whole five minutes, of one statistic. */
export interface LiveNumber {
  readonly statistic: string
  /** ms, a whole five minutes */
  readonly windowStart: number
  /** a multiple of `floor`; null: fewer than that, or not known */
  readonly users: number | null
  /** step to which `users` is floored */
  readonly floor: number
  /** hash of the rulebook that declares the statistic */
  readonly rulebook: string
}

/** A window of a statistic that has released cells. */
export interface ReleasedWindow {
  readonly statistic: string
  readonly window: string
  /** ms */
  readonly windowStart: number
  readonly cells: number
}
