/** Dropping partitions of personal data, and proof that nothing of what was dropped is left on the disk. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.js'
import { WarehouseError } from './failures.js'
import { requireOwner } from './owner.js'
import { tableName } from './sql.js'

const GONE_TIMEOUT_MS = 30_000
const POLL_FIRST_MS = 5
const POLL_LAST_MS = 500

/**
 * Parts of these partitions that are still there. A drop leaves empty inactive parts for a while, which cover the
 * dropped ones so that a crash cannot bring them back; they hold no row and are not counted.
 */
async function leftovers(
  connection: Connection,
  table: string,
  partitionIds: readonly string[],
): Promise<{ readonly attached: number; readonly detached: number }> {
  const where =
    'database = {database:String} AND table = {table:String} AND partition_id IN {ids:Array(String)}'
  const condition = '(active OR rows > 0)'
  const [row] = await connection.rows<{ attached: number; detached: number }>(
    `SELECT (SELECT count() FROM system.parts WHERE ${where} AND ${condition}) AS attached,
            (SELECT count() FROM system.detached_parts WHERE ${where}) AS detached`,
    { database: connection.database, table, ids: partitionIds },
  )
  return row ?? { attached: 0, detached: 0 }
}

/**
 * Waits until no such part is left, in whatever state; detached ones are dropped.
 * @param partitionIds as in `system.parts.partition_id`: digits only
 * @throws WarehouseError where something is left after 30 s
 */
async function awaitGone(
  connection: Connection,
  table: string,
  partitionIds: readonly string[],
): Promise<void> {
  const deadline = Date.now() + GONE_TIMEOUT_MS
  for (let wait = POLL_FIRST_MS; ; wait = Math.min(wait * 2, POLL_LAST_MS)) {
    const left = await leftovers(connection, table, partitionIds)
    if (left.attached + left.detached === 0) return
    if (Date.now() > deadline) {
      throw new WarehouseError('unknown', null, `dropped parts of ${table} are still there`)
    }
    if (left.detached > 0) await dropDetached(connection, table, partitionIds)
    if (left.attached > 0) await nudge(connection, table)
    await sleep(wait)
  }
}

/**
 * Makes the server clear replaced parts now: its own round comes within a minute, but it also clears after every
 * drop, of whatever partition. This day is beyond what a DateTime can hold.
 */
async function nudge(connection: Connection, table: string): Promise<void> {
  await connection.command(
    `ALTER TABLE ${tableName(connection.database, table)} DROP PARTITION ID '99999999'`,
    { repeatable: true },
  )
}

async function dropDetached(
  connection: Connection,
  table: string,
  partitionIds: readonly string[],
): Promise<void> {
  for (const id of partitionIds) {
    await connection.command(
      `ALTER TABLE ${tableName(connection.database, table)} DROP DETACHED PARTITION ID '${id}'`,
      { settings: { allow_drop_detached: 1 }, repeatable: true },
    )
  }
}

/**
 * Waits until the server has cleared the parts off the disk that others have replaced by now: they hold rows as they lay
 * before. By itself it does so in its own time, minutes later. Those that merges replace meanwhile are not waited for.
 * @throws WarehouseError where one is left after 30 s
 */
export async function awaitReplaced(connection: Connection, table: string): Promise<void> {
  const replaced = `SELECT name FROM system.parts
    WHERE database = {database:String} AND table = {table:String} AND NOT active AND rows > 0`
  const where = { database: connection.database, table }
  const names = (await connection.rows<{ name: string }>(replaced, where)).map(({ name }) => name)
  const deadline = Date.now() + GONE_TIMEOUT_MS
  for (let wait = POLL_FIRST_MS; ; wait = Math.min(wait * 2, POLL_LAST_MS)) {
    const left = await connection.rows(`${replaced} AND name IN {names:Array(String)}`, { ...where, names })
    if (left.length === 0) return
    if (Date.now() > deadline) {
      throw new WarehouseError('unknown', null, `replaced parts of ${table} are still there`)
    }
    await nudge(connection, table)
    await sleep(wait)
  }
}

/** The statement that drops these partitions. */
export function dropPartitionsSql(database: string, table: string, partitionIds: readonly string[]): string {
  const drop = partitionIds.map((id) => `DROP PARTITION ID '${id}'`).join(', ')
  return `ALTER TABLE ${tableName(database, table)} ${drop}`
}

/**
 * Drops partitions and waits until the server knows no row of them any more.
 * @throws WarehouseError where something is left after 30 s
 */
export async function dropPartitions(
  connection: Connection,
  table: string,
  partitionIds: readonly string[],
): Promise<void> {
  if (partitionIds.length === 0) return
  await requireOwner(connection)
  await connection.command(dropPartitionsSql(connection.database, table, partitionIds), {
    repeatable: true,
  })
  await awaitGone(connection, table, partitionIds)
}
