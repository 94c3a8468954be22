/**
 * Released cells: immutable, inserted from a committed manifest, read by everyone who may.
 *
 * Invariant: a manifest's cells are there once, or a repetition of `insertCells` makes them so. An insert whose outcome
 * is unknown runs under the manifest's own query id: the next try ends it before it looks. One that was sent by a
 * process that died may still arrive after that look; it brings the same cells, and a reader sees each of them once.
 */
import { createHash } from 'node:crypto'
import { DAY, rfc3339, TacitError } from '@tacit/contracts'
import type { Connection } from './connection.js'
import { CELLS } from './schema.js'
import { killQuery } from './staging.js'
import { tableName } from './sql.js'
import type { CellQuery, ReleasedWindow, StoredCell } from './types.js'

interface CellRow {
  statistic: string
  window: string
  start: number
  dims: string[]
  users: number | null
  events: number | null
  floor: number | null
  rulebook: string
}

const COLUMNS =
  'statistic, window, toUnixTimestamp(window_start) AS start, dims, users, events, floor, rulebook'

function toCell({ start, ...row }: CellRow): StoredCell {
  return { ...row, windowStart: start * 1_000 }
}

function fingerprint(cell: StoredCell): string {
  const { statistic, window, windowStart, dims, users, events, floor, rulebook } = cell
  return JSON.stringify([statistic, window, windowStart, dims, users, events, floor, rulebook])
}

function sameCells(a: readonly StoredCell[], b: readonly StoredCell[]): boolean {
  if (a.length !== b.length) return false
  const sorted = (cells: readonly StoredCell[]): string => cells.map(fingerprint).sort().join('\n')
  return sorted(a) === sorted(b)
}

async function cellsOf(connection: Connection, manifest: string): Promise<readonly StoredCell[]> {
  const rows = await connection.rows<CellRow>(
    `SELECT ${COLUMNS} FROM ${tableName(connection.database, CELLS)} WHERE manifest = {manifest:String}`,
    { manifest },
  )
  return rows.map(toCell)
}

/** How many cells of a manifest are there. */
export async function cellCount(connection: Connection, manifest: string): Promise<number> {
  const [row] = await connection.rows<{ cells: number }>(
    `SELECT count() AS cells FROM ${tableName(connection.database, CELLS)} WHERE manifest = {manifest:String}`,
    { manifest },
  )
  return row?.cells ?? 0
}

/**
 * Makes the cells of a manifest be there exactly once: nothing where they are, else whatever part of them is there goes
 * first. Call it again after any error.
 * @param manifest the manifest's id, never used for other cells
 */
export async function insertCells(
  connection: Connection,
  manifest: string,
  cells: readonly StoredCell[],
): Promise<void> {
  const table = tableName(connection.database, CELLS)
  const id = createHash('sha256').update(`${connection.database}\0${manifest}`).digest('hex').slice(0, 32)
  const queryId = `tacit-cells-${id}`
  await killQuery(connection, queryId)
  const found = await cellsOf(connection, manifest)
  if (sameCells(found, cells)) return
  if (found.length > 0) {
    await connection.command(`ALTER TABLE ${table} DELETE WHERE manifest = {manifest:String}`, {
      params: { manifest },
      settings: { mutations_sync: '2' },
      repeatable: true,
    })
  }
  if (cells.length === 0) return
  const lines = cells.map((cell) =>
    JSON.stringify([
      manifest,
      cell.statistic,
      cell.window,
      Math.floor(cell.windowStart / 1_000),
      cell.dims,
      cell.users,
      cell.events,
      cell.floor,
      cell.rulebook,
    ]),
  )
  await connection.insert(
    `INSERT INTO ${table} FORMAT JSONCompactEachRow`,
    Buffer.from(`${lines.join('\n')}\n`, 'utf8'),
    { queryId },
  )
}

function dayStart(date: string): number {
  const time = Date.parse(`${date}T00:00:00Z`)
  if (Number.isNaN(time) || rfc3339(time).slice(0, 10) !== date) {
    throw new TacitError('ERR_QUERY_MALFORMED', 'A date is written YYYY-MM-DD and exists.')
  }
  return time / 1_000
}

/**
 * Released cells of a statistic, the same bytes for ever: by window, then most people first, then by values.
 * @throws TacitError ERR_QUERY_MALFORMED where a date is none
 */
export async function queryCells(
  connection: Connection,
  { statistic, window, from, to }: CellQuery,
): Promise<readonly StoredCell[]> {
  const conditions = ['statistic = {statistic:String}', 'window = {window:String}']
  const params: Record<string, unknown> = { statistic, window }
  if (from !== undefined) {
    conditions.push('window_start >= toDateTime({from:UInt32})')
    params['from'] = dayStart(from)
  }
  if (to !== undefined) {
    conditions.push('window_start < toDateTime({until:UInt32})')
    params['until'] = dayStart(to) + DAY / 1_000
  }
  const rows = await connection.rows<CellRow>(
    `SELECT ${COLUMNS} FROM ${tableName(connection.database, CELLS)} WHERE ${conditions.join(' AND ')}
     ORDER BY window_start, users DESC NULLS LAST, events DESC NULLS LAST, dims
     LIMIT 1 BY window_start, dims`,
    params,
  )
  return rows.map(toCell)
}

/** Windows that have released cells, in order. */
export async function releasedWindows(connection: Connection): Promise<readonly ReleasedWindow[]> {
  const rows = await connection.rows<{ statistic: string; window: string; start: number; cells: number }>(
    `SELECT statistic, window, toUnixTimestamp(window_start) AS start, uniqExact(dims) AS cells
     FROM ${tableName(connection.database, CELLS)}
     GROUP BY statistic, window, window_start ORDER BY statistic, window, window_start`,
  )
  return rows.map(({ start, ...row }) => ({ ...row, windowStart: start * 1_000 }))
}
