/**
 * Landing: rows as they come from the log, by hour of receipt.
 *
 * A batch is one insert of the bytes as they are. Its outcome may stay unknown; then the caller reads its range back
 * (`landed`) and, where it is absent, sends it again under another token: a token alone is not crash-safe.
 */
import { DAY, HOUR, type Stream } from '@tacit/contracts'
import { PROVENANCE_COLUMN, type StreamPlan } from '@tacit/rulebook'
import type { Connection } from './connection.js'
import { requireOwner, whileOwner } from './owner.js'
import { awaitReplaced, dropPartitions } from './partitions.js'
import { HOUR_KEY, landingTable, lineColumns } from './schema.js'
import { identifier, identifiers, tableName, text } from './sql.js'
import { storageName } from './topology.js'
import type { BatchRange, LandedCount, LandingHour } from './types.js'

/** Days of receipt in one insert: one live, many where a driven clock runs through a quiet site. */
const MAX_DAYS_PER_INSERT = 1_000
const HOURS_OF_DAY = DAY / HOUR

/**
 * What times of a line are read as before they become the column's type: its own parser makes another time of one that it
 * cannot hold, silently, while these conversions refuse it. `date_time_overflow_behavior` is heeded by `toDate` alone.
 */
const READ_AS: Readonly<Record<string, string>> = { DateTime: 'Int64', Date: 'Date32' }
const CHECKED: Readonly<Record<string, (column: string) => string>> = {
  DateTime: (column) => `accurateCast(${column}, 'DateTime')`,
  Date: (column) => `toDate(${column})`,
}

/**
 * The statement under which lines land. Their rulebook is a parameter of the whole insert (`input` takes the lines as
 * they are), so that it costs no byte of theirs and no second pass; deduplication by token is the same.
 */
function landSql({ database, topology }: Connection, plan: StreamPlan): string {
  const columns = lineColumns(plan)
  const names = identifiers([...columns.map(({ name }) => name), PROVENANCE_COLUMN.name])
  const structure = columns.map(({ name, type }) => `${identifier(name)} ${READ_AS[type] ?? type}`).join(', ')
  const values = columns.map(({ name, type }) => (CHECKED[type] ?? String)(identifier(name)))
  return (
    `INSERT INTO ${tableName(database, storageName(topology, landingTable(plan.stream)))} (${names}) ` +
    `SELECT ${values.join(', ')}, {rulebook:String} FROM input(${text(structure)}) FORMAT JSONCompactEachRow`
  )
}

/**
 * Inserts JSONCompactEachRow lines, each with its line end, in the order of `lineColumns`.
 * @param token names stream and range: the same token within the last 1,000 inserts is not inserted again
 * @param rulebook hash of the one that decided all of them
 * @throws WarehouseError with its `kind`
 */
export async function land(
  connection: Connection,
  plan: StreamPlan,
  rows: readonly Buffer[],
  token: string,
  rulebook: string,
): Promise<void> {
  const bytes = Buffer.concat(rows)
  if (bytes.length === 0) return
  await connection.insert(landSql(connection, plan), bytes, {
    params: { rulebook },
    settings: {
      insert_deduplicate: 1,
      insert_deduplication_token: token,
      max_partitions_per_insert_block: String(MAX_DAYS_PER_INSERT),
      // Fail closed: a value that is missing or null is an error, never a default, and so is a time that no column holds.
      input_format_null_as_default: 0,
      date_time_overflow_behavior: 'throw',
    },
  })
}

/** How many rows of these ranges are there: what is read after an unknown outcome. */
export async function landed(
  connection: Connection,
  stream: Stream,
  ranges: readonly BatchRange[],
): Promise<LandedCount> {
  if (ranges.length === 0) return { rows: 0, distinct: 0 }
  const table = tableName(connection.database, landingTable(stream))
  const [row] = await connection.rows<LandedCount>(
    `SELECT count() AS rows, uniqExact(_producer, _batch, _row) AS distinct FROM ${table}
     WHERE _producer IN {producers:Array(String)}
       AND arrayExists((p, f, t) -> p = _producer AND _batch BETWEEN f AND t,
                       {producers:Array(String)}, {froms:Array(UInt64)}, {tos:Array(UInt64)})`,
    {
      producers: ranges.map(({ producer }) => producer),
      froms: ranges.map(({ from }) => from),
      tos: ranges.map(({ to }) => to),
    },
  )
  return row ?? { rows: 0, distinct: 0 }
}

/** Hours of receipt that have rows, in order. @param distinctOf only these (ms), and their distinct (producer, batch, row) */
export async function landingHours(
  connection: Connection,
  stream: Stream,
  distinctOf: readonly number[] | null,
): Promise<readonly LandingHour[]> {
  const table = tableName(connection.database, landingTable(stream))
  const rows = await connection.rows<{ key: number; rows: number; distinct: number | null }>(
    `SELECT ${HOUR_KEY} AS key, count() AS rows,
            ${distinctOf === null ? 'NULL' : 'uniqExact(_producer, _batch, _row)'} AS distinct
     FROM ${table} ${distinctOf === null ? '' : `WHERE ${HOUR_KEY} IN {hours:Array(UInt32)}`}
     GROUP BY key ORDER BY key`,
    { hours: (distinctOf ?? []).map((hour) => hour / HOUR) },
  )
  return rows.map((row) => ({ hour: row.key * HOUR, rows: row.rows, distinct: row.distinct }))
}

/** Days (since the Unix epoch) of which all hours are given, and the hours of the others. */
export function wholeDays(hours: readonly number[]): {
  readonly days: readonly number[]
  readonly hours: readonly number[]
} {
  const byDay = new Map<number, Set<number>>()
  for (const hour of hours) {
    const key = Math.floor(hour / HOUR)
    const day = Math.floor(key / HOURS_OF_DAY)
    const keys = byDay.get(day)
    if (keys === undefined) byDay.set(day, new Set([key]))
    else keys.add(key)
  }
  const days = [...byDay].filter(([, keys]) => keys.size === HOURS_OF_DAY).map(([day]) => day)
  const rest = [...byDay].filter(([, keys]) => keys.size < HOURS_OF_DAY).flatMap(([, keys]) => [...keys])
  return { days, hours: rest }
}

/** Days before `completeUntil` in which landing has rows of no other hour. */
async function daysWithoutOthers(
  connection: Connection,
  table: string,
  hours: readonly number[],
  completeUntil: number,
): Promise<readonly number[]> {
  const days = [...new Set(hours.map((key) => Math.floor(key / HOURS_OF_DAY)))].filter(
    (day) => (day + 1) * DAY <= completeUntil,
  )
  if (days.length === 0) return []
  const others = await connection.rows<{ day: number }>(
    `SELECT DISTINCT intDiv(${HOUR_KEY}, ${String(HOURS_OF_DAY)}) AS day
     FROM ${tableName(connection.database, table)}
     WHERE day IN {days:Array(UInt32)} AND ${HOUR_KEY} NOT IN {hours:Array(UInt32)}`,
    { days, hours },
  )
  const shared = new Set(others.map(({ day }) => day))
  return days.filter((day) => !shared.has(day))
}

/**
 * Drops whole hours of receipt (ms), into which nothing is inserted afterwards. A UTC day of which nothing else is or
 * will be there goes at once, as a partition; single hours are cut out of theirs, and the parts that had them are off the
 * disk when this resolves: they say which rows came in one batch. An hour that is not given is never touched, even if
 * rows of it arrive meanwhile.
 * @param completeUntil ms: nothing is inserted any more whose hour of receipt is before it
 */
export async function dropLanding(
  connection: Connection,
  stream: Stream,
  hours: readonly number[],
  completeUntil: number,
): Promise<void> {
  const table = landingTable(stream)
  const whole = wholeDays(hours)
  const quiet = await daysWithoutOthers(connection, table, whole.hours, completeUntil)
  await dropPartitions(connection, table, [...whole.days, ...quiet].map(String))
  const single = whole.hours.filter((key) => !quiet.includes(Math.floor(key / HOURS_OF_DAY)))
  if (single.length === 0) return
  const storage = tableName(connection.database, storageName(connection.topology, table))
  await connection.everywhere(
    (on) =>
      `ALTER TABLE ${storage}${on} DELETE WHERE ${HOUR_KEY} IN {hours:Array(UInt32)}${whileOwner(connection)}`,
    { params: { hours: single }, settings: { mutations_sync: '2' }, repeatable: true },
  )
  await requireOwner(connection)
  await awaitReplaced(connection, table)
}
