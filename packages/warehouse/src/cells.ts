/**
 * Released cells: immutable, inserted from a committed manifest, read by everyone who may (cell-queries.ts).
 *
 * Invariant: a manifest's cells are there once, or a repetition of `insertCells` makes them so. An insert whose outcome
 * is unknown runs under a query id of its manifests': the next try ends it before it looks. One that was sent by a
 * process that died may still arrive after that look; it brings the same cells, and a reader sees each of them once.
 */
import { createHash } from 'node:crypto'
import { CELL_SELECTION, type CellRow, toCell } from './cell-queries.js'
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

interface Place {
  readonly condition: string
  readonly params: Record<string, unknown>
}

function fingerprint(cell: StoredCell): string {
  return JSON.stringify(valuesOf({ cell, depth: 0, rank: 0, listed: 0 }))
}

function sameCells(a: readonly StoredCell[], b: readonly StoredCell[]): boolean {
  if (a.length !== b.length) return false
  const sorted = (cells: readonly StoredCell[]): string => cells.map(fingerprint).sort().join('\n')
  return sorted(a) === sorted(b)
}

/** Which cells these are: where they lie in the table, for it is large, and whose they are. */
function placeOf(manifests: ReadonlyMap<string, readonly StoredCell[]>): Place {
  const cells = [...manifests.values()].flat()
  const starts = cells.map(({ windowStart }) => windowStart / 1_000)
  return {
    condition: `statistic IN {statistics:Array(String)} AND window IN {windows:Array(String)}
      AND window_start BETWEEN toDateTime({first:UInt32}) AND toDateTime({last:UInt32}) AND manifest IN {manifests:Array(String)}`,
    params: {
      statistics: [...new Set(cells.map(({ statistic }) => statistic))],
      windows: [...new Set(cells.map(({ window }) => window))],
      first: starts.reduce((least, start) => Math.min(least, start), Number.POSITIVE_INFINITY),
      last: starts.reduce((most, start) => Math.max(most, start), 0),
      manifests: [...manifests.keys()],
    },
  }
}

/** What is there of these manifests. */
async function cellsOf(
  connection: Connection,
  { condition, params }: Place,
): Promise<ReadonlyMap<string, readonly StoredCell[]>> {
  const rows = await connection.rows<
    CellRow & Pick<StoredCell, 'statistic' | 'window'> & { readonly manifest: string }
  >(
    `SELECT manifest, statistic, window, ${CELL_SELECTION} FROM ${tableName(connection.database, CELLS)} WHERE ${condition}`,
    params,
  )
  const found = new Map<string, StoredCell[]>()
  for (const row of rows) {
    const cell = toCell(row, row.statistic, row.window)
    const cells = found.get(row.manifest)
    if (cells === undefined) found.set(row.manifest, [cell])
    else cells.push(cell)
  }
  return found
}

/** How many cells of a manifest are there. */
export async function cellCount(connection: Connection, manifest: string): Promise<number> {
  const [row] = await connection.rows<{ cells: number }>(
    `SELECT count() AS cells FROM ${tableName(connection.database, CELLS)} WHERE manifest = {manifest:String}`,
    { manifest },
  )
  return row?.cells ?? 0
}

/** Cells that one statement inserts, or of one manifest that has more: what is held and sent is bounded. */
const MOST_CELLS = 100_000

/** Manifests in groups of so many cells; the same ones each time. */
function groupsOf(
  manifests: ReadonlyMap<string, readonly StoredCell[]>,
): readonly ReadonlyMap<string, readonly StoredCell[]>[] {
  const groups: Map<string, readonly StoredCell[]>[] = []
  let size = MOST_CELLS
  for (const [manifest, cells] of manifests) {
    if (cells.length === 0) continue
    if (size + cells.length > MOST_CELLS) {
      groups.push(new Map())
      size = 0
    }
    groups.at(-1)?.set(manifest, cells)
    size += cells.length
  }
  return groups
}

/**
 * Makes the cells of a window's manifests be there exactly once, as a rule by one insert: nothing of those that are there, else
 * whatever part of them is there goes first. Call it again after any error.
 * @param manifests cells by the manifest's id, which is never used for other cells
 */
export async function insertCells(
  connection: Connection,
  manifests: ReadonlyMap<string, readonly StoredCell[]>,
): Promise<void> {
  for (const group of groupsOf(manifests)) await insertGroup(connection, group)
}

async function insertGroup(
  connection: Connection,
  whole: ReadonlyMap<string, readonly StoredCell[]>,
): Promise<void> {
  const table = tableName(connection.database, CELLS)
  const id = createHash('sha256')
    .update([connection.database, ...whole.keys()].join('\0'))
    .digest('hex')
  const queryId = `tacit-cells-${id.slice(0, 32)}`
  await killQuery(connection, queryId)
  const found = await cellsOf(connection, placeOf(whole))
  const missing = new Map(
    [...whole].filter(([manifest, cells]) => !sameCells(found.get(manifest) ?? [], cells)),
  )
  if (missing.size === 0) return
  const parts = new Map([...missing].filter(([manifest]) => found.has(manifest)))
  if (parts.size > 0) {
    const { condition, params } = placeOf(parts)
    await connection.command(`ALTER TABLE ${table} DELETE WHERE ${condition}`, {
      params,
      settings: { mutations_sync: '2' },
      repeatable: true,
    })
  }
  const lines = [...missing].flatMap(([manifest, cells]) =>
    rankedCells(cells).map((ranked) => JSON.stringify([manifest, ...valuesOf(ranked)])),
  )
  await connection.insert(
    `INSERT INTO ${table} (${INSERTED}) FORMAT JSONCompactEachRow`,
    Buffer.from(`${lines.join('\n')}\n`, 'utf8'),
    { queryId },
  )
}
