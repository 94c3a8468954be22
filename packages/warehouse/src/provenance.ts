/** Which rulebooks decided what is stored: the hashes that rows and released cells carry. */
import { epochOf, HOUR, type Stream } from '@tacit/contracts'
import { PROVENANCE_COLUMN } from '@tacit/rulebook'
import type { Connection } from './connection.js'
import { CELLS, HOUR_KEY, hasHours, landingTable, stagingTable } from './schema.js'
import { identifier, tableName } from './sql.js'
import type { CellProvenance, RowProvenance } from './types.js'

/** Every hash of rows in landing and staging, by hour of receipt, where they tell it, and epoch, in order of time. */
export async function rowProvenance(
  connection: Connection,
  stream: Stream,
): Promise<readonly RowProvenance[]> {
  const hashes = (table: string, hour = HOUR_KEY): string =>
    `SELECT ${identifier(PROVENANCE_COLUMN.name)} AS rulebook, ${hour} AS key, epoch AS day
     FROM ${tableName(connection.database, table)} GROUP BY rulebook, key, day`
  const staged = hashes(stagingTable(stream), hasHours(stream) ? HOUR_KEY : 'NULL')
  const rows = await connection.rows<{ rulebook: string; key: number | null; day: string }>(
    `SELECT DISTINCT rulebook, key, day FROM (${hashes(landingTable(stream))} UNION ALL ${staged})
     ORDER BY key, day, rulebook`,
  )
  return rows.map(({ day, key, rulebook }) => ({
    rulebook,
    received: key === null ? null : key * HOUR,
    epoch: epochOf(stream, Date.parse(day)).label,
  }))
}

/** Every hash of released cells, by window, in order of time. */
export async function cellProvenance(connection: Connection): Promise<readonly CellProvenance[]> {
  const rows = await connection.rows<{ rulebook: string; window: string; start: number }>(
    `SELECT DISTINCT rulebook, window, toUnixTimestamp(window_start) AS start
     FROM ${tableName(connection.database, CELLS)} ORDER BY start, window, rulebook`,
  )
  return rows.map(({ start, ...row }) => ({ ...row, windowStart: start * 1_000 }))
}
