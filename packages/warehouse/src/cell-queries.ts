/**
 * Reading released cells. They lie by statistic, window and level, there by bands of ranks (rank.ts), then by window: a
 * chart of the largest over two years reads those few and nothing else, and so does a table of one day.
 *
 * Invariant: a cell is seen once, although a manifest that two processes inserted is there twice.
 */
import { DAY, rfc3339, TacitError } from '@tacit/contracts'
import type { Connection } from './connection.js'
import { rankedUpTo } from './rank.js'
import { CELLS } from './schema.js'
import { tableName } from './sql.js'
import type { CellCount, CellQuery, LatestWindow, LevelQuery, ReleasedWindow, StoredCell } from './types.js'

/** A row of {@link CELL_SELECTION}. */
export interface CellRow extends Omit<StoredCell, 'statistic' | 'window' | 'windowStart'> {
  /** seconds */
  readonly start: number
}

/** Columns of {@link toCell}'s rows, beside the statistic and the window. */
export const CELL_SELECTION =
  'toUnixTimestamp(window_start) AS start, dims, users, floor, events, visits, time_s, share, ' +
  'users_error, events_error, rulebook'

/** So often a read is tried with twice as many rows, where copies of cells took the place of others. */
const MOST_DOUBLINGS = 4

/** Field by field: answers have thousands of cells, and to copy the row's would take longer than to read it. */
export function toCell(row: CellRow, statistic: string, window: string): StoredCell {
  return {
    statistic,
    window,
    windowStart: row.start * 1_000,
    dims: row.dims,
    users: row.users,
    floor: row.floor,
    events: row.events,
    visits: row.visits,
    time_s: row.time_s,
    share: row.share,
    users_error: row.users_error,
    events_error: row.events_error,
    rulebook: row.rulebook,
  }
}

function dayStart(date: string): number {
  const time = Date.parse(`${date}T00:00:00Z`)
  if (Number.isNaN(time) || rfc3339(time).slice(0, 10) !== date) {
    throw new TacitError('ERR_QUERY_MALFORMED', 'A date is written YYYY-MM-DD and exists.')
  }
  return time / 1_000
}

interface Condition {
  readonly conditions: string[]
  readonly params: Record<string, unknown>
}

function levelCondition({ depth, from, statistic, to, window }: LevelQuery): Condition {
  const conditions = ['statistic = {statistic:String}', 'window = {window:String}']
  const params: Record<string, unknown> = { statistic, window }
  if (depth !== undefined) {
    conditions.push('depth = {depth:UInt8}')
    params['depth'] = depth
  }
  if (from !== undefined) {
    conditions.push('window_start >= toDateTime({from:UInt32})')
    params['from'] = dayStart(from)
  }
  if (to !== undefined) {
    conditions.push('window_start < toDateTime({until:UInt32})')
    params['until'] = dayStart(to) + DAY / 1_000
  }
  return { conditions, params }
}

/** Neighbours in the order of the query that are the same cell are one. */
function withoutCopies(cells: readonly StoredCell[]): StoredCell[] {
  return cells.filter((cell, at) => {
    const former = cells[at - 1]
    return (
      former === undefined ||
      former.windowStart !== cell.windowStart ||
      former.dims.length !== cell.dims.length ||
      former.dims.some((value, place) => value !== cell.dims[place])
    )
  })
}

/**
 * Released cells of a statistic, the same bytes for ever: by window and level, then most people first, pools last.
 * @throws TacitError ERR_QUERY_MALFORMED where a date is none
 */
export async function queryCells(connection: Connection, query: CellQuery): Promise<readonly StoredCell[]> {
  const { dims, limit, statistic, top, window } = query
  const { conditions, params } = levelCondition(query)
  if (top !== undefined) {
    conditions.push(rankedUpTo(top))
  }
  if (dims !== undefined) {
    conditions.push('dims IN (SELECT arrayJoin({dims:Array(Array(String))}))')
    params['dims'] = dims
  }
  const read = async (most?: number): Promise<readonly StoredCell[]> => {
    // No window can give more than its first so many: those of a higher rank need not be read.
    const where = most === undefined ? conditions : [...conditions, rankedUpTo(most)]
    const rows = await connection.rows<CellRow>(
      `SELECT ${CELL_SELECTION} FROM ${tableName(connection.database, CELLS)} WHERE ${where.join(' AND ')}
       ORDER BY window_start, depth, rank = 0, rank, dims ${most === undefined ? '' : `LIMIT ${String(most)}`}`,
      params,
    )
    return rows.map((row) => toCell(row, statistic, window))
  }
  if (limit === undefined) return withoutCopies(await read())
  for (let doublings = 0; ; doublings += 1) {
    const asked = limit * 2 ** doublings
    const rows = await read(asked)
    const cells = withoutCopies(rows)
    if (cells.length >= limit || rows.length < asked || doublings === MOST_DOUBLINGS)
      return cells.slice(0, limit)
  }
}

/** By window how many cells of a level are published that are neither a pool nor of rows without a value. */
export async function cellCounts(connection: Connection, query: LevelQuery): Promise<readonly CellCount[]> {
  const { conditions, params } = levelCondition(query)
  // Each cell says it of its window: the largest, or a pool, will do.
  const rows = await connection.rows<{ start: number; rulebook: string; cells: number }>(
    `SELECT toUnixTimestamp(window_start) AS start, any(rulebook) AS rulebook, any(listed) AS cells
     FROM ${tableName(connection.database, CELLS)} WHERE ${conditions.join(' AND ')} AND ${rankedUpTo(1)}
     GROUP BY window_start ORDER BY window_start`,
    params,
  )
  return rows.map(({ start, ...row }) => ({ ...row, windowStart: start * 1_000 }))
}

/** By statistic and window the newest that has released cells. */
export async function latestWindows(connection: Connection): Promise<readonly LatestWindow[]> {
  const rows = await connection.rows<{ statistic: string; window: string; start: number }>(
    // Whatever has cells has a largest one, or a pool.
    `SELECT statistic, window, toUnixTimestamp(max(window_start)) AS start
     FROM ${tableName(connection.database, CELLS)} WHERE ${rankedUpTo(1)}
     GROUP BY statistic, window ORDER BY statistic, window`,
  )
  return rows.map(({ start, ...row }) => ({ ...row, windowStart: start * 1_000 }))
}

/** The id of the manifest that the cells of a window were inserted from; null where it has none. */
export async function manifestOfWindow(
  connection: Connection,
  { statistic, window, windowStart }: LatestWindow,
): Promise<string | null> {
  const [row] = await connection.rows<{ manifest: string }>(
    `SELECT manifest FROM ${tableName(connection.database, CELLS)}
     WHERE statistic = {statistic:String} AND window = {window:String} AND window_start = toDateTime({start:UInt32}) AND ${rankedUpTo(1)}
     ORDER BY depth, rank LIMIT 1`,
    { statistic, window, start: windowStart / 1_000 },
  )
  return row?.manifest ?? null
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
