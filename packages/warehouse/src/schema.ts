/**
 * Tables of the warehouse, compiled from the rulebook's plans.
 *
 * `landing_<stream>`: rows as they come, by day of receipt, with the collector's row numbers. Not by hour: a part costs
 *   10 ms to write and as much to drop, and a driven clock fills a day in one insert.
 * `staging_<stream>`: rows of open epochs, by epoch, without them. Those of a week or a month say only that somebody is
 *   part of a number, not when or how often: such a table is a set, in the order of its content and of nothing else.
 * `cells`: released statistics; written once.
 * `live`: people of the last five minutes; overwritten (live.ts).
 * `clean_…`: cleaned rows of one release, dropped after it; left-overs of a killed release go when somebody takes over (owner.ts).
 */
import type { Stream } from '@tacit/contracts'
import {
  type Column,
  landingColumnsOf,
  PROVENANCE_COLUMN,
  recordColumns,
  type StreamPlan,
} from '@tacit/rulebook'
import type { Connection } from './connection.js'
import { BAND_SQL } from './rank.js'
import { identifiers, tableName } from './sql.js'
import { createSql, type Table, type Topology } from './topology.js'

export const CELLS = 'cells'
export const LIVE = 'live'
/** who owns the database: see owner.ts */
export const OWNERS = 'owners'
/** by which builds it was migrated: see migrations.ts */
export const VERSIONS = 'schema_versions'
/** prefix of scratch tables */
export const CLEAN = 'clean_'

/** Hours of receipt since the Unix epoch, the same in every time zone. */
export const HOUR_KEY = 'intDiv(toUnixTimestamp(received), 3600)'

/** Days of receipt since the Unix epoch: the partition key of landing tables. */
const DAY_KEY = 'intDiv(toUnixTimestamp(received), 86400)'

const DEDUPLICATION_WINDOW = 1_000
const ON_DISK = 'fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1'

/** Acknowledged means on disk, before a merge and after it; and what is dropped leaves the disk at once. */
export const DURABLE = `${ON_DISK}, old_parts_lifetime = 1`

/** Merged at each move, which waits until what the merge replaced is off the disk (staging.ts). */
const DURABLE_SET = `${ON_DISK}, old_parts_lifetime = 0`

const CELL_COLUMNS: readonly Column[] = [
  { name: 'manifest', type: 'String' },
  { name: 'statistic', type: 'LowCardinality(String)' },
  { name: 'window', type: 'LowCardinality(String)' },
  { name: 'window_start', type: 'DateTime' },
  { name: 'depth', type: 'UInt8' },
  { name: 'rank', type: 'UInt32' },
  { name: 'listed', type: 'UInt32' },
  { name: 'dims', type: 'Array(String)' },
  { name: 'users', type: 'Nullable(UInt64)' },
  { name: 'floor', type: 'Nullable(UInt64)' },
  { name: 'events', type: 'Nullable(UInt64)' },
  { name: 'visits', type: 'Nullable(UInt64)' },
  { name: 'time_s', type: 'Nullable(UInt64)' },
  { name: 'share', type: 'Nullable(UInt8)' },
  { name: 'users_error', type: 'Nullable(UInt64)' },
  { name: 'events_error', type: 'Nullable(UInt64)' },
  { name: 'rulebook', type: 'LowCardinality(String)' },
]

const LEVEL = 'PARTITION BY statistic, `window`, window_start, length(dims)'
const IS_REST = "dims[1] = '(other)'"

/** What rank.ts says, of cells that were released before they carried it. Copies of a cell have the same rank. */
const CELL_FILLS = {
  depth: 'length(dims)',
  rank:
    `if(${IS_REST}, 0, dense_rank() OVER (${LEVEL}, ${IS_REST} ORDER BY has(dims, '(other)'), ` +
    'users DESC NULLS LAST, events DESC NULLS LAST, arrayStringConcat(dims, char(0))))',
  listed: `uniqExactIf(dims, NOT has(dims, '(other)') AND NOT has(dims, '(none)')) OVER (${LEVEL})`,
} as const

const LIVE_COLUMNS: readonly Column[] = [
  { name: 'statistic', type: 'LowCardinality(String)' },
  { name: 'window_start', type: 'DateTime' },
  { name: 'users', type: 'Nullable(UInt64)' },
  { name: 'floor', type: 'UInt64' },
  { name: 'rulebook', type: 'LowCardinality(String)' },
]

function dimensionColumns(plan: StreamPlan): readonly Column[] {
  return plan.dimensions.map((name) => ({ name, type: 'LowCardinality(String)' }))
}

/** The order of the values in a JSONCompactEachRow line, as a collector writes it. */
export function lineColumns(plan: StreamPlan): readonly Column[] {
  return [...landingColumnsOf(plan.stream), ...recordColumns(plan.stream), ...dimensionColumns(plan)]
}

/** Columns of a staging table. */
export function stagingColumns(plan: StreamPlan): readonly Column[] {
  return [...recordColumns(plan.stream), ...dimensionColumns(plan), PROVENANCE_COLUMN]
}

/** Columns of a landing table: a line's, and what the insert says of all its lines. */
export function landingColumns(plan: StreamPlan): readonly Column[] {
  return [...landingColumnsOf(plan.stream), ...stagingColumns(plan)]
}

export function landingTable(stream: string): string {
  return `landing_${stream}`
}

export function stagingTable(stream: string): string {
  return `staging_${stream}`
}

/** Whether rows of a stream tell their hour of receipt in staging too. */
export function hasHours(stream: Stream): boolean {
  return recordColumns(stream).some(({ name }) => name === 'received')
}

/** Every table of these plans, in the order in which they are made. */
export function tablesOf(plans: readonly StreamPlan[]): readonly Table[] {
  const streams = plans.flatMap((plan) => [
    {
      name: landingTable(plan.stream),
      columns: landingColumns(plan),
      partitionBy: DAY_KEY,
      orderBy: '_producer, _batch, _row',
      settings: `${DURABLE}, non_replicated_deduplication_window = ${String(DEDUPLICATION_WINDOW)}`,
    },
    stagingOf(plan),
  ])
  const cells = {
    name: CELLS,
    columns: CELL_COLUMNS,
    // A chart over two years opens three parts, not twenty-six: that is what it would wait for.
    partitionBy: "toYear(window_start, 'UTC')",
    orderBy: `statistic, window, depth, ${BAND_SQL}, window_start, rank`,
    // Most queries want a few rows here and there.
    settings: `${DURABLE}, index_granularity = 512`,
    fills: CELL_FILLS,
  }
  const live = {
    name: LIVE,
    columns: LIVE_COLUMNS,
    partitionBy: 'toUnixTimestamp(window_start)',
    orderBy: 'statistic',
    settings: DURABLE,
  }
  return [...streams, cells, live]
}

function stagingOf(plan: StreamPlan): Table {
  const name = stagingTable(plan.stream)
  const columns = stagingColumns(plan)
  if (hasHours(plan.stream)) {
    return {
      name,
      columns,
      // A release reads one site of one epoch and groups by person, then by event id.
      partitionBy: 'epoch',
      orderBy: 'site, tenant, person, eid',
      settings: DURABLE,
    }
  }
  // Were a column left out, rows that differ in it alone would lie in the order in which they came.
  const order = ['site', 'statistic', 'tenant', 'person']
  const others = columns.map((column) => column.name).filter((column) => !order.includes(column))
  return {
    name,
    columns,
    isSet: true,
    partitionBy: 'epoch',
    orderBy: identifiers([...order, ...others]),
    settings: DURABLE_SET,
  }
}

/** The statements that make every table of these plans, in order. */
export function tablesSql(
  database: string,
  plans: readonly StreamPlan[],
  topology: Topology = null,
): readonly string[] {
  return tablesOf(plans).flatMap((table) => createSql(topology, database, table))
}

/** Drops a table and its files, now, on every host. */
export async function dropTable(connection: Connection, table: string): Promise<void> {
  const name = tableName(connection.database, table)
  await connection.everywhere((on) => `DROP TABLE IF EXISTS ${name}${on} SYNC`, { repeatable: true })
}
