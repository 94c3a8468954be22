/** What the aggregator and the dashboard ask of the warehouse. */
import type { Stream } from '@tacit/contracts'

/** Where a ClickHouse server is. The adapter sees only this, embedded or not. */
export interface ServerAddress {
  readonly url: string
  readonly username: string
  readonly password: string
}

/** A run of batches of one producer, both ends included. */
export interface BatchRange {
  readonly producer: string
  readonly from: number
  readonly to: number
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

export interface StagedCount {
  readonly stream: Stream
  /** epoch label */
  readonly epoch: string
  readonly rows: number
}
