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
import { type Stream, TacitError } from '@tacit/contracts'
import {
  type Column,
  landingColumnsOf,
  PROVENANCE_COLUMN,
  recordColumns,
  type StreamPlan,
} from '@tacit/rulebook'
import type { Connection } from './connection.js'
import { identifier, identifiers, tableName } from './sql.js'

export const CELLS = 'cells'
export const LIVE = 'live'
/** prefix of scratch tables */
export const CLEAN = 'clean_'

/** Hours of receipt since the Unix epoch, the same in every time zone. */
export const HOUR_KEY = 'intDiv(toUnixTimestamp(received), 3600)'

/** Days of receipt since the Unix epoch: the partition key of landing tables. */
const DAY_KEY = 'intDiv(toUnixTimestamp(received), 86400)'

const DEDUPLICATION_WINDOW = 1_000
/** Acknowledged means on disk; and what is dropped leaves the disk at once. */
export const DURABLE = 'fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 1'

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

interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  /** rows lie in the order of all columns: of those that are added too */
  readonly isSet?: boolean
  /** everything after the column list */
  readonly engine: string
}

function tablesOf(plans: readonly StreamPlan[]): readonly Table[] {
  const streams = plans.flatMap((plan) => [
    {
      name: landingTable(plan.stream),
      columns: landingColumns(plan),
      engine:
        `ENGINE = MergeTree PARTITION BY ${DAY_KEY} ORDER BY (_producer, _batch, _row) ` +
        `SETTINGS ${DURABLE}, non_replicated_deduplication_window = ${String(DEDUPLICATION_WINDOW)}`,
    },
    stagingOf(plan),
  ])
  const cells = {
    name: CELLS,
    columns: CELL_COLUMNS,
    engine:
      `ENGINE = MergeTree PARTITION BY toYYYYMM(window_start, 'UTC') ` +
      // the largest of every window together: a chart of them over two years reads a few thousand rows (cell-queries.ts)
      `ORDER BY (statistic, window, depth, rank, window_start) SETTINGS ${DURABLE}`,
  }
  const live = {
    name: LIVE,
    columns: LIVE_COLUMNS,
    engine: `ENGINE = MergeTree PARTITION BY toUnixTimestamp(window_start) ORDER BY statistic SETTINGS ${DURABLE}`,
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
      engine: `ENGINE = MergeTree PARTITION BY epoch ORDER BY (site, tenant, person, eid) SETTINGS ${DURABLE}`,
    }
  }
  // Were a column left out, rows that differ in it alone would lie in the order in which they came.
  const order = ['site', 'statistic', 'tenant', 'person']
  const others = columns.map((column) => column.name).filter((column) => !order.includes(column))
  return {
    name,
    columns,
    isSet: true,
    engine: `ENGINE = MergeTree PARTITION BY epoch ORDER BY (${identifiers([...order, ...others])}) SETTINGS ${DURABLE}`,
  }
}

/** The statements that make every table of these plans, in order. */
export function tablesSql(database: string, plans: readonly StreamPlan[]): readonly string[] {
  return tablesOf(plans).map((table) => createTable(database, table))
}

function createTable(database: string, table: Table): string {
  const columns = table.columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(', ')
  return `CREATE TABLE IF NOT EXISTS ${tableName(database, table.name)} (${columns}) ${table.engine}`
}

async function existingColumns(connection: Connection): Promise<Map<string, Column[]>> {
  const rows = await connection.rows<{ table: string; name: string; type: string }>(
    'SELECT table, name, type FROM system.columns WHERE database = {database:String} ORDER BY table, position',
    { database: connection.database },
  )
  const tables = new Map<string, Column[]>()
  for (const { table, name, type } of rows) {
    const columns = tables.get(table)
    if (columns === undefined) tables.set(table, [{ name, type }])
    else columns.push({ name, type })
  }
  return tables
}

/**
 * Columns that a table lacks. It may have more than the plans need: those of former rulebooks stay until their
 * partitions are gone. @throws TacitError ERR_DATA_RULEBOOK where a column has another type
 */
function missingColumns(table: Table, existing: readonly Column[]): readonly Column[] {
  const found = new Map(existing.map(({ name, type }) => [name, type]))
  const other = table.columns.filter(({ name, type }) => found.has(name) && found.get(name) !== type)
  if (other.length > 0) {
    throw new TacitError(
      'ERR_DATA_RULEBOOK',
      `The table ${table.name} has other types: ${other.map(({ name }) => name).join(', ')}. Use an empty data directory.`,
    )
  }
  return table.columns.filter(({ name }) => !found.has(name))
}

/** Rows that are there already read '' in a new column: their rulebook did not keep it, or nobody wrote it down yet. */
async function addColumns(connection: Connection, table: Table, columns: readonly Column[]): Promise<void> {
  if (columns.length === 0) return
  const added = columns.map(({ name, type }) => `ADD COLUMN IF NOT EXISTS ${identifier(name)} ${type}`)
  if (table.isSet === true) {
    const order = await sortingKey(connection, table.name)
    added.push(`MODIFY ORDER BY (${order}, ${identifiers(columns.map(({ name }) => name))})`)
  }
  await connection.command(`ALTER TABLE ${tableName(connection.database, table.name)} ${added.join(', ')}`, {
    settings: { alter_sync: '2' },
    repeatable: true,
  })
}

async function sortingKey(connection: Connection, table: string): Promise<string> {
  const [row] = await connection.rows<{ sorting_key: string }>(
    'SELECT sorting_key FROM system.tables WHERE database = {database:String} AND name = {table:String}',
    { database: connection.database, table },
  )
  return row?.sorting_key ?? ''
}

/**
 * Makes the database and its tables, and adds the columns that those that exist lack.
 * @throws TacitError ERR_DATA_RULEBOOK where a column has another type than the plans need
 */
export async function migrate(connection: Connection, plans: readonly StreamPlan[]): Promise<void> {
  const { database } = connection
  await connection.command(`CREATE DATABASE IF NOT EXISTS ${identifier(database)}`, { repeatable: true })
  const existing = await existingColumns(connection)
  for (const table of tablesOf(plans)) {
    const columns = existing.get(table.name)
    if (columns !== undefined) await addColumns(connection, table, missingColumns(table, columns))
    else await connection.command(createTable(database, table), { repeatable: true })
  }
}

/** Drops a table and its files, now. */
export async function dropTable(connection: Connection, table: string): Promise<void> {
  await connection.command(`DROP TABLE IF EXISTS ${tableName(connection.database, table)} SYNC`, {
    repeatable: true,
  })
}
