/**
 * How tables lie: on one server, or on each host of a cluster.
 *
 * On one server a table is a MergeTree of its name. On a cluster there are two kinds.
 * - Of pseudonymous rows (`landing_…`, `staging_…`) each shard holds its own, in `<name>_local`, a ReplicatedMergeTree;
 *   under the plain name a Distributed table reads all shards. Batches land on the shard that is spoken to; rows of staging
 *   go to the shard of their person, because equal rows must meet to be one.
 * - All others (`cells`, `live`, `owners`, `schema`) are small, and the same on every host: one ReplicatedMergeTree whose
 *   replicas all hosts are, so that a dashboard asks the nearest, and a fence holds on every shard.
 * Scratch tables of a release (`clean_…`) are on the host that is spoken to alone.
 *
 * Invariants: an insert is done when a majority of a shard's replicas have it, one after the other
 * (`insert_quorum_parallel=0`), and a read that a replica without it would answer fails (`select_sequential_consistency`);
 * so a read-back that finds nothing is true of every replica. Paths in Keeper are names, not UUIDs: a host that is set up
 * anew joins by the same `CREATE TABLE IF NOT EXISTS … ON CLUSTER` that made the others.
 */
import { createHash } from 'node:crypto'
import type { ClickHouseSettings } from '@clickhouse/client'
import { identifier, identifiers, tableName, text } from './sql.js'
import type { Column } from '@tacit/rulebook'

/** A cluster as `system.clusters` knows it. */
export interface Cluster {
  readonly name: string
  /**
   * False: its hosts have neither Keeper nor a queue of DDL (embedded servers in tests): plain engines, each shard one
   * replica, and each statement sent to each host. Then `cells` and `owners` are those of the first host.
   */
  readonly coordinated: boolean
}

/** Of one server: null. */
export type Topology = Cluster | null

/** What a table is beside its name and columns. */
export interface Layout {
  /** an expression; absent: one partition */
  readonly partitionBy?: string
  /** columns, without brackets */
  readonly orderBy: string
  readonly settings: string
}

export interface Table extends Layout {
  readonly name: string
  readonly columns: readonly Column[]
  /** rows lie in the order of all columns: of those that are added too */
  readonly isSet?: boolean
  /** values of columns in rows from before there were these columns, where the type's default is not right: SQL by name */
  readonly fills?: Readonly<Record<string, string>>
}

/** Seconds within which a host must have done a statement that was sent to all: less than a request may take. */
const DDL_TIMEOUT_S = 90

/** Sent with every request to a cluster, beside those of every request. */
export const CLUSTER_SETTINGS: ClickHouseSettings = {
  insert_quorum: 'auto',
  insert_quorum_parallel: 0,
  insert_quorum_timeout: 60_000,
  select_sequential_consistency: '1',
  // An insert through a Distributed table is done when the shards have it, and each row goes where its key says.
  distributed_foreground_insert: 1,
  parallel_distributed_insert_select: '0',
  skip_unavailable_shards: 0,
  // The condition of an owner is evaluated once, by the host that takes the statement, and not by each replica in its time.
  mutations_execute_subqueries_on_initiator: 1,
  allow_nondeterministic_mutations: 1,
  alter_sync: '2',
  distributed_ddl_task_timeout: String(DDL_TIMEOUT_S),
  distributed_ddl_output_mode: 'throw',
}

const REPLICATED =
  'replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 86400, ' +
  // A part of another replica is on disk like one's own.
  'min_compressed_bytes_to_fsync_after_fetch = 1, ' +
  // What was dropped or replaced is cleared off every replica within seconds, not minutes.
  'cleanup_delay_period = 1, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0'

/** Whether each shard has rows of its own. */
export function isSharded(table: string): boolean {
  return /^(landing|staging)_/.test(table)
}

/** The name under which a table's parts lie: what is altered, dropped, optimised, and looked for in `system.parts`. */
export function storageName(topology: Topology, table: string): string {
  return topology !== null && isSharded(table) ? `${table}_local` : table
}

/** ` ON CLUSTER …` where statements go to one host and reach all; else nothing. */
export function onCluster(topology: Topology): string {
  return topology?.coordinated === true ? ` ON CLUSTER ${identifier(topology.name)}` : ''
}

/** The statement that made a table, for hosts that are set up anew: a replica must be made as it is by now, not as it was planned. */
export function rejoinSql(topology: Topology, createQuery: string): string {
  return createQuery.replace(/^CREATE TABLE (\S+)/, `CREATE TABLE IF NOT EXISTS $1${onCluster(topology)}`)
}

/** A name of its own for each way a table may lie: one that is made anew with another order must not meet the old in Keeper. */
function keeperPath(database: string, { name, orderBy, partitionBy = '' }: Table): string {
  const layout = createHash('sha256').update(`${partitionBy}\n${orderBy}`).digest('hex').slice(0, 8)
  return `/clickhouse/tables/${isSharded(name) ? '{shard}' : 'everywhere'}/${database}/${name}-${layout}`
}

function engineOf(topology: Topology, database: string, table: Table): string {
  const { name, orderBy, partitionBy, settings } = table
  const partition = partitionBy === undefined ? '' : ` PARTITION BY ${partitionBy}`
  const order = ` ORDER BY (${orderBy})`
  if (topology?.coordinated !== true) return `ENGINE = MergeTree${partition}${order} SETTINGS ${settings}`
  const replica = isSharded(name) ? '{replica}' : '{shard}-{replica}'
  const engine = `ReplicatedMergeTree(${text(keeperPath(database, table))}, ${text(replica)})`
  return `ENGINE = ${engine}${partition}${order} SETTINGS ${settings}, ${REPLICATED}`
}

function columnList(columns: readonly Column[]): string {
  return columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(', ')
}

/**
 * The statements that make a table where it is missing, in order.
 * @param as another name for its storage, for a table that is to take its place
 */
export function createSql(
  topology: Topology,
  database: string,
  table: Table,
  as = storageName(topology, table.name),
): readonly string[] {
  const on = onCluster(topology)
  const columns = columnList(table.columns)
  const storage = `CREATE TABLE IF NOT EXISTS ${tableName(database, as)}${on} (${columns}) ${engineOf(topology, database, table)}`
  if (topology === null || !isSharded(table.name)) return [storage]
  const key = table.columns.some(({ name }) => name === 'person')
    ? `cityHash64(${identifiers(['person'])})`
    : 'rand()'
  return [
    storage,
    `CREATE TABLE IF NOT EXISTS ${tableName(database, table.name)}${on} (${columns}) ` +
      `ENGINE = Distributed(${[topology.name, database, as].map(text).join(', ')}, ${key})`,
  ]
}
