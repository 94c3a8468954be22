/**
 * Who may move, delete and drop in a database that several aggregators share: the owner of the latest term.
 *
 * Invariant: a statement that a former owner sends after another took over (it was paused, say) moves and deletes nothing:
 * its condition is evaluated by the server when it runs. Partitions cannot be dropped under a condition, so the term is
 * looked at before that. One that is alone has term 0, and no condition.
 * What moved or deleted nothing for that reason is never taken for done: after each such statement the owner is asked
 * again (terms only rise, so who is the owner afterwards was it before), and rejects with ERR_LOG_FENCED.
 */
import { TacitError } from '@tacit/contracts'
import type { Connection } from './connection.js'
import { CLEAN, dropTable, DURABLE, OWNERS } from './schema.js'
import { tableName } from './sql.js'
import { createSql } from './topology.js'

const TABLE = {
  name: OWNERS,
  columns: [{ name: 'term', type: 'UInt64' }],
  orderBy: 'term',
  settings: DURABLE,
}

/** The highest term in which anybody took this database over; 0 where nobody did. */
export async function latestTerm(connection: Connection): Promise<number> {
  for (const sql of createSql(connection.topology, connection.database, TABLE)) {
    await connection.everywhere(() => sql, { repeatable: true })
  }
  return highest(connection)
}

/**
 * Becomes the owner: former ones are fenced, and scratch tables that they left go.
 * @param term higher than every former owner's, and nobody else's; 0 where nobody else has this database
 * @throws TacitError ERR_LOG_FENCED where it is not the highest
 */
export async function takeOver(connection: Connection, term: number): Promise<void> {
  const { database } = connection
  if (term > 0) {
    if ((await latestTerm(connection)) > term) throw new TacitError('ERR_LOG_FENCED')
    await connection.command(`INSERT INTO ${tableName(database, OWNERS)} VALUES ({term:UInt64})`, {
      params: { term },
      repeatable: true,
    })
    connection.owner.term = term
    await requireOwner(connection)
  }
  await dropScratch(connection, CLEAN)
}

/** Drops the scratch tables whose names begin so, wherever a former owner left them. */
export async function dropScratch(connection: Connection, prefix: string): Promise<void> {
  const { database } = connection
  const scratch = await connection.rowsOfEach<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = {database:String} AND startsWith(name, {prefix:String})`,
    { database, prefix },
  )
  for (const name of new Set(scratch.map((table) => table.name))) await dropTable(connection, name)
}

/** A condition to be added to others: true for as long as nobody took over. */
export function whileOwner({ database, owner }: Connection): string {
  return owner.term === 0
    ? ''
    : ` AND (SELECT max(term) FROM ${tableName(database, OWNERS)}) <= ${String(owner.term)}`
}

/** @throws TacitError ERR_LOG_FENCED where another took over */
export async function requireOwner(connection: Connection): Promise<void> {
  const { term } = connection.owner
  if (term > 0 && (await highest(connection)) > term) throw new TacitError('ERR_LOG_FENCED')
}

async function highest(connection: Connection): Promise<number> {
  const [row] = await connection.rows<{ term: number }>(
    `SELECT max(term) AS term FROM ${tableName(connection.database, OWNERS)}`,
  )
  return row?.term ?? 0
}
