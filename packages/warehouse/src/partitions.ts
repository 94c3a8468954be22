/** Dropping partitions of personal data, and proof that nothing of what was dropped is left on the disk. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.js'
import { WarehouseError } from './failures.js'
import { requireOwner } from './owner.js'
import { tableName, text } from './sql.js'
import { storageName } from './topology.js'

const GONE_TIMEOUT_MS = 30_000
const POLL_FIRST_MS = 5
const POLL_LAST_MS = 500
const DROP_DETACHED = { settings: { allow_drop_detached: 1 }, repeatable: true } as const

interface Leftovers {
  readonly attached: number
  readonly detached: number
  /** detached parts whose names do not say of which partition they are: it could be one of these */
  readonly nameless: readonly string[]
}

/**
 * Parts of these partitions that are still there, on whatever replica. A drop leaves empty inactive parts for a while,
 * which cover the dropped ones so that a crash cannot bring them back; they hold no row and are not counted.
 */
async function leftovers(
  connection: Connection,
  table: string,
  partitionIds: readonly string[],
): Promise<Leftovers> {
  const here = 'database = {database:String} AND table = {table:String}'
  const where = `${here} AND partition_id IN {ids:Array(String)}`
  const hosts = await connection.rowsOfEach<Leftovers>(
    `SELECT (SELECT count() FROM system.parts WHERE ${where} AND (active OR rows > 0)) AS attached,
            (SELECT count() FROM system.detached_parts WHERE ${where}) AS detached,
            (SELECT groupUniqArray(name) FROM system.detached_parts WHERE ${here} AND partition_id IS NULL) AS nameless`,
    {
      database: connection.database,
      table: storageName(connection.topology, table),
      ids: partitionIds,
    },
  )
  return {
    attached: hosts.reduce((sum, { attached }) => sum + attached, 0),
    detached: hosts.reduce((sum, { detached }) => sum + detached, 0),
    nameless: [...new Set(hosts.flatMap(({ nameless }) => nameless))],
  }
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
    const { attached, detached, nameless } = await leftovers(connection, table, partitionIds)
    if (attached + detached + nameless.length === 0) return
    if (Date.now() > deadline) {
      throw new WarehouseError('unknown', null, `dropped parts of ${table} are still there`)
    }
    if (detached > 0) await dropDetached(connection, table, partitionIds)
    if (nameless.length > 0) await dropNameless(connection, table, nameless)
    if (attached > 0) await nudge(connection, table)
    await sleep(wait)
  }
}

/**
 * Makes the server clear replaced parts now: its own round comes within a minute, but it also clears after every
 * drop, of whatever partition. This day is beyond what a DateTime can hold.
 */
async function nudge(connection: Connection, table: string): Promise<void> {
  await alter(connection, table, "DROP PARTITION ID '99999999'")
}

function alter(connection: Connection, table: string, what: string): Promise<void> {
  const { database, topology } = connection
  const name = tableName(database, storageName(topology, table))
  return connection.everywhere((on) => `ALTER TABLE ${name}${on} ${what}`, { repeatable: true })
}

/** Each replica has its own, and a statement for all would be done by one replica of each shard. */
async function dropDetached(
  connection: Connection,
  table: string,
  partitionIds: readonly string[],
): Promise<void> {
  const name = tableName(connection.database, storageName(connection.topology, table))
  for (const id of partitionIds) {
    await connection.each(`ALTER TABLE ${name} DROP DETACHED PARTITION ID '${id}'`, DROP_DETACHED)
  }
}

async function dropNameless(connection: Connection, table: string, parts: readonly string[]): Promise<void> {
  const name = tableName(connection.database, storageName(connection.topology, table))
  for (const part of parts) {
    // A replica that has none of that name refuses; whether any is left is looked at afterwards.
    await connection
      .each(`ALTER TABLE ${name} DROP DETACHED PART ${text(part)}`, DROP_DETACHED)
      .catch(() => undefined)
  }
}

/**
 * Waits until the server has cleared the parts off the disk that others have replaced by now: they hold rows as they lay
 * before. By itself it does so in its own time, minutes later. Those that merges replace meanwhile are not waited for.
 * @throws WarehouseError where one is left after 30 s
 */
export async function awaitReplaced(connection: Connection, table: string): Promise<void> {
  const { database, topology } = connection
  const replaced = `SELECT name FROM system.parts
    WHERE database = {database:String} AND table = {table:String} AND NOT active AND rows > 0`
  const where = { database, table: storageName(topology, table) }
  const names = (await connection.rowsOfEach<{ name: string }>(replaced, where)).map(({ name }) => name)
  const deadline = Date.now() + GONE_TIMEOUT_MS
  for (let wait = POLL_FIRST_MS; ; wait = Math.min(wait * 2, POLL_LAST_MS)) {
    const left = await connection.rowsOfEach(`${replaced} AND name IN {names:Array(String)}`, {
      ...where,
      names,
    })
    if (left.length === 0) return
    if (Date.now() > deadline) {
      throw new WarehouseError('unknown', null, `replaced parts of ${table} are still there`)
    }
    await nudge(connection, table)
    await sleep(wait)
  }
}

function dropClauses(partitionIds: readonly string[]): string {
  return partitionIds.map((id) => `DROP PARTITION ID '${id}'`).join(', ')
}

/** The statement that drops these partitions on one server. */
export function dropPartitionsSql(database: string, table: string, partitionIds: readonly string[]): string {
  return `ALTER TABLE ${tableName(database, table)} ${dropClauses(partitionIds)}`
}

/**
 * Drops partitions and waits until no replica knows any row of them any more.
 * @throws WarehouseError where something is left after 30 s, or a replica does not answer
 */
export async function dropPartitions(
  connection: Connection,
  table: string,
  partitionIds: readonly string[],
): Promise<void> {
  if (partitionIds.length === 0) return
  await requireOwner(connection)
  await alter(connection, table, dropClauses(partitionIds))
  await awaitGone(connection, table, partitionIds)
}
