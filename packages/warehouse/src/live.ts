/**
 * The live numbers: one row a statistic, of the last whole window, overwritten by the next one.
 *
 * A row's window is its partition. The next rows are inserted first, then the partitions of all others are dropped, so
 * that nothing of them is left on the disk.
 * Invariants
 * - A reader always finds the newest rows, also between the two steps and where a kill cut them apart: then two windows
 *   are there, and the next call drops both.
 * - What a former owner sends after another took over (owner.ts) inserts and drops nothing.
 * - A number is shown while it is fresh, and nothing afterwards: whoever writes it may be gone.
 */
import { MINUTE } from '@tacit/contracts'
import type { Connection } from './connection.js'
import { requireOwner, whileOwner } from './owner.js'
import { dropPartitions } from './partitions.js'
import { LIVE } from './schema.js'
import { tableName } from './sql.js'
import type { LiveNumber } from './types.js'

/** Length of a window. */
const WINDOW_MS = 5 * MINUTE
/** From the end of a window: its number is late by seconds, and the next one, five minutes later, may fail once. */
const FRESH_MS = 10 * MINUTE

/** Whether a number may be shown. One of a window that has not ended comes from a clock that was set back since. */
function isFresh(windowStart: number, now: number): boolean {
  const age = now - windowStart - WINDOW_MS
  return age >= 0 && age < FRESH_MS
}

/**
 * Puts these numbers in the place of all that are there.
 * @throws TacitError ERR_LOG_FENCED where another is the owner by now
 */
export async function putLive(connection: Connection, numbers: readonly LiveNumber[]): Promise<void> {
  const table = tableName(connection.database, LIVE)
  if (numbers.length > 0) {
    await connection.command(
      `INSERT INTO ${table} (statistic, window_start, users, floor, rulebook)
       SELECT statistic, toDateTime(start, 'UTC'), users, floor, rulebook FROM (SELECT 1)
       ARRAY JOIN {statistics:Array(String)} AS statistic, {starts:Array(UInt32)} AS start,
         {users:Array(Nullable(UInt64))} AS users, {floors:Array(UInt64)} AS floor,
         {rulebooks:Array(String)} AS rulebook
       WHERE true${whileOwner(connection)}`,
      {
        params: {
          statistics: numbers.map(({ statistic }) => statistic),
          starts: numbers.map(({ windowStart }) => secondsOf(windowStart)),
          users: numbers.map(({ users }) => users),
          floors: numbers.map(({ floor }) => floor),
          rulebooks: numbers.map(({ rulebook }) => rulebook),
        },
        // A second copy says the same.
        repeatable: true,
      },
    )
    // Its condition may have made it insert nothing.
    await requireOwner(connection)
  }
  const kept = new Set(numbers.map(({ windowStart }) => String(secondsOf(windowStart))))
  const parts = await connection.rows<{ id: string }>(
    `SELECT DISTINCT partition_id AS id FROM system.parts
     WHERE database = {database:String} AND table = {table:String} AND (active OR rows > 0)`,
    { database: connection.database, table: LIVE },
  )
  await dropPartitions(
    connection,
    LIVE,
    parts.flatMap(({ id }) => (kept.has(id) ? [] : [id])),
  )
}

/** The newest number of each statistic, by name. @param now ms: `users` of one that is no longer fresh is null */
export async function liveNumbers(connection: Connection, now: number): Promise<readonly LiveNumber[]> {
  // Two of one window are those of two owners, of whom one knew less: then the number is not known.
  const rows = await connection.rows<Omit<LiveNumber, 'windowStart'> & { start: number }>(
    `SELECT statistic, toUnixTimestamp(window_start) AS start, users, floor, rulebook
     FROM ${tableName(connection.database, LIVE)}
     ORDER BY statistic, window_start DESC, users NULLS FIRST LIMIT 1 BY statistic`,
  )
  return rows.map(({ start, users, ...row }) => {
    const windowStart = start * 1_000
    return { ...row, windowStart, users: isFresh(windowStart, now) ? users : null }
  })
}

function secondsOf(ms: number): number {
  return Math.floor(ms / 1_000)
}
