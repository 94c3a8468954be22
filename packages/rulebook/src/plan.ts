/**
 * What a rulebook compiles to for the stores: one row layout per stream, shared by the collector (which writes rows),
 * the warehouse (which makes tables) and the release (which counts columns). Only columns that a declared statistic
 * needs exist; a field that no statistic reads never leaves memory.
 */
import type { Stream } from '@tacit/contracts'
import type { EventKind, Rulebook, Statistic } from './types.js'

export interface Column {
  readonly name: string
  /** ClickHouse type */
  readonly type: string
}

/** Given by the collector when a batch is sealed; they stay behind in the landing table. */
export const LANDING_COLUMNS: readonly Column[] = [
  { name: '_producer', type: 'LowCardinality(String)' },
  { name: '_batch', type: 'UInt64' },
  { name: '_row', type: 'UInt32' },
]

/**
 * Columns of every staged row.
 * `received`: hour of receipt. `epoch`: first UTC day of the row's epoch. `hour`: event time, coarsened.
 * `tenant`, `person`: pseudonyms (base64url, 22 characters; `tenant` is '' on network sites).
 * `network`: keyed value of the /24 or /48, '' on signed sites. `eid`: keyed hash of the event id, 11 characters.
 */
export const RECORD_COLUMNS: readonly Column[] = [
  { name: 'received', type: 'DateTime' },
  { name: 'epoch', type: 'Date' },
  { name: 'hour', type: 'DateTime' },
  { name: 'site', type: 'LowCardinality(String)' },
  { name: 'kind', type: 'LowCardinality(String)' },
  { name: 'standing', type: 'LowCardinality(String)' },
  { name: 'tenant', type: 'String' },
  { name: 'person', type: 'String' },
  { name: 'network', type: 'String' },
  { name: 'eid', type: 'String' },
]

export interface StreamPlan {
  readonly stream: Stream
  /** dimension columns, sorted by name, all `LowCardinality(String)`; '' where the event has no such value */
  readonly dimensions: readonly string[]
}

/** The dimensions a statistic reads: `by`, then `drill`. */
export function dimensionsOf(statistic: Statistic): readonly string[] {
  return [...statistic.by, ...statistic.drill]
}

/** The streams that declared statistics need, with their dimension columns. */
export function streamPlans(rulebook: Rulebook): readonly StreamPlan[] {
  const dimensions = new Set(rulebook.statistics.flatMap(dimensionsOf))
  return rulebook.statistics.length === 0 ? [] : [{ stream: 'day', dimensions: [...dimensions].sort() }]
}

/** Whether any statistic of `site` reads events of `kind`: only such events leave a record. */
export function isRecorded(rulebook: Rulebook, site: string, kind: EventKind): boolean {
  return rulebook.statistics.some(
    (statistic) =>
      statistic.site === site && (statistic.where.kind === undefined || statistic.where.kind === kind),
  )
}
