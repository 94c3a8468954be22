/**
 * Staging: rows of open epochs.
 *
 * Rows of whole hours of receipt move in from landing by one INSERT SELECT, in random order and without the
 * collector's row numbers. The statement may be cut off anywhere, and may have committed a part of its rows; so may the
 * drop of landing that follows it.
 * Recovery: the caller wrote the hours and the query id down first. `resume` ends a query that still runs and compares
 * hour by hour: where staging has fewer rows than landing, the move was cut off, and that hour is deleted from staging
 * (rows keep their hour of receipt) and moved again; where it has as many or more, the move was whole, and what landing
 * lacks was already dropped. So a redo gives each row exactly once.
 *
 * Rows of a week or a month have no hour, and their table is a set: moved twice, they are there once. In which move a
 * row came would tell when its person was there, so each move ends with one part of an epoch, in the order of content,
 * and the parts it was made of are off the disk: who looks at the table sees no moves, however often a person came.
 */
import { epochFromLabel, epochOf, HOUR, type Stream, utcDay } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import type { Connection } from './connection.js'
import { dropScratch, requireOwner, whileOwner } from './owner.js'
import { awaitReplaced, dropPartitions } from './partitions.js'
import { CLEAN, hasHours, HOUR_KEY, landingTable, stagingColumns, stagingTable } from './schema.js'
import { identifiers, tableName } from './sql.js'
import { storageName } from './topology.js'
import type { SettleOptions, StagedCount } from './types.js'

const OF_HOURS = `${HOUR_KEY} IN {hours:Array(UInt32)}`
/** Epochs in one statement: hours of receipt hold few, but an import may bring years. */
const MAX_EPOCHS_PER_INSERT = 1_000

function hourKeys(hours: readonly number[]): readonly number[] {
  return hours.map((hour) => Math.floor(hour / HOUR))
}

/** `YYYYMMDD` of the epoch's first day: the partition id of a Date. */
export function epochPartition(epoch: string): string {
  return utcDay(epochFromLabel(epoch).start).replaceAll('-', '')
}

/** Ends a query and waits until it is gone; no such query is fine. */
export async function killQuery(connection: Connection, queryId: string): Promise<void> {
  // What a query started on other shards has an id of its own there.
  await connection.everywhere(
    (on) => `KILL QUERY${on} WHERE query_id = {id:String} OR initial_query_id = {id:String} SYNC`,
    { params: { id: queryId }, repeatable: true },
  )
}

/** Rows by hour key. @param counted what is counted */
async function rowsByHour(
  connection: Connection,
  table: string,
  hours: readonly number[],
  counted: string,
): Promise<ReadonlyMap<number, number>> {
  const rows = await connection.rows<{ key: number; rows: number }>(
    `SELECT ${HOUR_KEY} AS key, ${counted} AS rows FROM ${tableName(connection.database, table)}
     WHERE ${OF_HOURS} GROUP BY key`,
    { hours: hourKeys(hours) },
  )
  return new Map(rows.map(({ key, rows: count }) => [key, count]))
}

/** Hours whose earlier move was cut off; what it had moved of them is deleted. */
async function takeBack(
  connection: Connection,
  stream: Stream,
  hours: readonly number[],
  options: SettleOptions,
): Promise<readonly number[]> {
  await killQuery(connection, options.queryId)
  const counted = options.deduplicate ? 'uniqExact(_producer, _batch, _row)' : 'count()'
  const landing = await rowsByHour(connection, landingTable(stream), hours, counted)
  const staging = await rowsByHour(connection, stagingTable(stream), hours, 'count()')
  const unfinished = hours.filter((hour) => {
    const key = Math.floor(hour / HOUR)
    return (staging.get(key) ?? 0) < (landing.get(key) ?? 0)
  })
  if (unfinished.some((hour) => staging.has(Math.floor(hour / HOUR)))) {
    const storage = tableName(connection.database, storageName(connection.topology, stagingTable(stream)))
    await connection.everywhere(
      (on) => `ALTER TABLE ${storage}${on} DELETE WHERE ${OF_HOURS}${whileOwner(connection)}`,
      { params: { hours: hourKeys(unfinished) }, settings: { mutations_sync: '2' }, repeatable: true },
    )
  }
  return unfinished
}

async function stagedOfHours(
  connection: Connection,
  stream: Stream,
  hours: readonly number[],
): Promise<readonly StagedCount[]> {
  const table = tableName(connection.database, stagingTable(stream))
  const rows = await connection.rows<{ day: string; rows: number }>(
    `SELECT epoch AS day, count() AS rows FROM ${table} WHERE ${OF_HOURS} GROUP BY epoch ORDER BY epoch`,
    { hours: hourKeys(hours) },
  )
  return rows.map(({ day, rows: count }) => ({
    stream,
    epoch: epochOf(stream, Date.parse(day)).label,
    rows: count,
  }))
}

/** Makes one part of each epoch that has several, each row in it once. */
async function mergeSet(connection: Connection, table: string): Promise<void> {
  await requireOwner(connection)
  const { database, topology } = connection
  const storage = storageName(topology, table)
  const epochs = await connection.rowsOfEach<{ id: string }>(
    `SELECT partition_id AS id FROM system.parts
     WHERE database = {database:String} AND table = {table:String} AND active
     GROUP BY id HAVING count() > 1 ORDER BY id`,
    { database, table: storage },
  )
  for (const id of new Set(epochs.map((epoch) => epoch.id))) {
    await connection.everywhere(
      (on) => `OPTIMIZE TABLE ${tableName(database, storage)}${on} PARTITION ID '${id}' FINAL DEDUPLICATE`,
      // A merge of the server's own may be under way: without waiting for it nothing would be done, silently.
      { settings: { optimize_throw_if_noop: 1 }, repeatable: true },
    )
  }
  await awaitReplaced(connection, table)
}

/** Moves rows of a week or a month: see the head of this file. */
async function settleSet(
  connection: Connection,
  plan: StreamPlan,
  hours: readonly number[],
  { queryId, resume }: SettleOptions,
): Promise<readonly StagedCount[]> {
  const { database } = connection
  const table = stagingTable(plan.stream)
  const columns = identifiers(stagingColumns(plan).map(({ name }) => name))
  if (resume) await killQuery(connection, queryId)
  await connection.command(
    `INSERT INTO ${tableName(database, table)} (${columns})
     SELECT DISTINCT ${columns} FROM ${tableName(database, landingTable(plan.stream))} WHERE ${OF_HOURS}${whileOwner(connection)} ORDER BY rand()`,
    {
      params: { hours: hourKeys(hours) },
      queryId,
      settings: { max_partitions_per_insert_block: String(MAX_EPOCHS_PER_INSERT) },
    },
  )
  await mergeSet(connection, table)
  return stagedEpochs(connection, plan.stream)
}

/**
 * Moves whole hours of receipt from landing to staging; landing keeps its copy until `dropLanding`.
 * @param hours ms, whole UTC hours
 * @returns rows in staging by epoch: of those hours, and of all hours where rows tell none
 * @throws WarehouseError; then call again with `resume`. TacitError ERR_LOG_FENCED where another is the owner by now: then
 * nothing was moved, or not all
 */
export async function settle(
  connection: Connection,
  plan: StreamPlan,
  hours: readonly number[],
  options: SettleOptions,
): Promise<readonly StagedCount[]> {
  if (hours.length === 0) return []
  if (!hasHours(plan.stream)) return settleSet(connection, plan, hours, options)
  const { database } = connection
  const due = options.resume ? await takeBack(connection, plan.stream, hours, options) : hours
  const columns = identifiers(stagingColumns(plan).map(({ name }) => name))
  if (due.length > 0) {
    await connection.command(
      `INSERT INTO ${tableName(database, stagingTable(plan.stream))} (${columns})
       SELECT ${columns} FROM ${tableName(database, landingTable(plan.stream))} WHERE ${OF_HOURS}${whileOwner(connection)}
       ORDER BY rand()${options.deduplicate ? ' LIMIT 1 BY _producer, _batch, _row' : ''}`,
      {
        params: { hours: hourKeys(due) },
        queryId: options.queryId,
        settings: { max_partitions_per_insert_block: String(MAX_EPOCHS_PER_INSERT) },
      },
    )
  }
  // Its condition may have made it move nothing.
  await requireOwner(connection)
  return stagedOfHours(connection, plan.stream, hours)
}

/** Rows of an epoch in staging. */
export async function stagedRows(connection: Connection, stream: Stream, epoch: string): Promise<number> {
  const table = tableName(connection.database, stagingTable(stream))
  const [row] = await connection.rows<{ rows: number }>(
    `SELECT count() AS rows FROM ${table} WHERE epoch = {day:Date}`,
    { day: utcDay(epochFromLabel(epoch).start) },
  )
  return row?.rows ?? 0
}

/** Every epoch that has rows in staging, in order. */
export async function stagedEpochs(connection: Connection, stream: Stream): Promise<readonly StagedCount[]> {
  const table = tableName(connection.database, stagingTable(stream))
  const rows = await connection.rows<{ day: string; rows: number }>(
    `SELECT epoch AS day, count() AS rows FROM ${table} GROUP BY epoch ORDER BY epoch`,
  )
  return rows.map(({ day, rows: count }) => ({
    stream,
    epoch: epochOf(stream, Date.parse(day)).label,
    rows: count,
  }))
}

/**
 * Drops an epoch: its partition, in whatever state its parts are, and scratch tables of its releases.
 * @throws WarehouseError where something is left after 30 s
 */
export async function dropEpoch(connection: Connection, stream: Stream, epoch: string): Promise<void> {
  const partition = epochPartition(epoch)
  await dropPartitions(connection, stagingTable(stream), [partition])
  await dropScratch(connection, `${CLEAN}${stream}_${partition}_`)
}
