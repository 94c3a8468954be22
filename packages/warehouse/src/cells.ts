/**
 * Released cells: immutable, inserted from a committed manifest, read by everyone who may (cell-queries.ts).
 *
 * Invariant: a manifest's cells are there once, or a repetition of `insertCells` makes them so. An insert whose outcome
 * is unknown runs under the manifest's own query id: the next try ends it before it looks. One that was sent by a
 * process that died may still arrive after that look; it brings the same cells, and a reader sees each of them once.
 */
import { createHash } from 'node:crypto'
import { CELL_SELECTION, toCell } from './cell-queries.js'
import type { Connection } from './connection.js'
import { type RankedCell, rankedCells } from './rank.js'
import { CELLS } from './schema.js'
import { killQuery } from './staging.js'
import { tableName } from './sql.js'
import type { StoredCell } from './types.js'

const INSERTED =
  'manifest, statistic, window, window_start, depth, rank, listed, dims, users, floor, events, visits, time_s, share, ' +
  'users_error, events_error, rulebook'

/** What is inserted after the manifest's id. */
function valuesOf({ cell, depth, listed, rank }: RankedCell): readonly unknown[] {
  return [
    cell.statistic,
    cell.window,
    Math.floor(cell.windowStart / 1_000),
    depth,
    rank,
    listed,
    cell.dims,
    cell.users,
    cell.floor,
    cell.events,
    cell.visits,
    cell.time_s,
    cell.share,
    cell.users_error,
    cell.events_error,
    cell.rulebook,
  ]
}

function fingerprint(cell: StoredCell): string {
  return JSON.stringify(valuesOf({ cell, depth: 0, rank: 0, listed: 0 }))
}

function sameCells(a: readonly StoredCell[], b: readonly StoredCell[]): boolean {
  if (a.length !== b.length) return false
  const sorted = (cells: readonly StoredCell[]): string => cells.map(fingerprint).sort().join('\n')
  return sorted(a) === sorted(b)
}

async function cellsOf(connection: Connection, manifest: string): Promise<readonly StoredCell[]> {
  const rows = await connection.rows<Parameters<typeof toCell>[0]>(
    `SELECT ${CELL_SELECTION} FROM ${tableName(connection.database, CELLS)} WHERE manifest = {manifest:String}`,
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
  const lines = rankedCells(cells).map((ranked) => JSON.stringify([manifest, ...valuesOf(ranked)]))
  await connection.insert(
    `INSERT INTO ${table} (${INSERTED}) FORMAT JSONCompactEachRow`,
    Buffer.from(`${lines.join('\n')}\n`, 'utf8'),
    { queryId },
  )
}
