/**
 * Makes a database what a build and its rulebooks need, whatever it was before.
 *
 * What is there is compared with what is wanted; each difference is one step, in order, that may be done twice. So a crash
 * between two steps, or within one, leaves nothing to be remembered: the next start finds what is still different.
 * - A table that is missing is made. On a cluster that is said to all hosts at each start, so that one that is set up anew
 *   joins.
 * - A column that is missing is added, and to the order of a table that is a set. Columns that no rulebook needs any more
 *   stay until their partitions are gone. A column of another type is refused: nothing is converted in place.
 * - Settings that a table was made without are said.
 * - Released cells in another order, or other partitions, are copied into a table beside, compared with it row by row, and the two change names
 *   in one step; only then the old one goes. Rows of landing and staging live for days: theirs is left as it is.
 * Versions: each build knows the version of the layout that it makes, and writes it down once it is reached. One that finds
 * a later version refuses before it changes anything, because it does not know what to leave alone.
 */
import { randomBytes } from 'node:crypto'
import { TacitError } from '@tacit/contracts'
import type { Column, StreamPlan } from '@tacit/rulebook'
import type { Connection } from './connection.js'
import { DURABLE, dropTable, tablesOf, VERSIONS } from './schema.js'
import { identifier, identifiers, tableName } from './sql.js'
import { createSql, isSharded, onCluster, rejoinSql, storageName, type Table } from './topology.js'

/** Rises with each change of the layout after which an older build must not touch the database. */
export const SCHEMA_VERSION = 1

/** The name of a copy, until it takes the place of its table and the old one has it; the rest is random, for others who start now. */
const COPY = '_copy_'

const VERSIONS_TABLE: Table = {
  name: VERSIONS,
  columns: [
    { name: 'version', type: 'UInt32' },
    { name: 'since', type: 'DateTime' },
  ],
  orderBy: 'version',
  settings: DURABLE,
}

/** A table as the server has it. */
interface Found {
  readonly columns: readonly Column[]
  /** '' where it stores nothing itself */
  readonly orderBy: string
  readonly partitionBy: string
  /** the statement that would make it as it is */
  readonly create: string
}

/** A table that only some hosts have is found, too: the others are to get it. */
async function found(connection: Connection): Promise<ReadonlyMap<string, Found>> {
  const params = { database: connection.database }
  const columns = await connection.rowsOfEach<{ table: string; name: string; type: string }>(
    'SELECT table, name, type FROM system.columns WHERE database = {database:String} ORDER BY table, position',
    params,
  )
  const tables = await connection.rowsOfEach<Omit<Found, 'columns'> & { readonly name: string }>(
    `SELECT name, sorting_key AS orderBy, partition_key AS partitionBy, create_table_query AS create
     FROM system.tables WHERE database = {database:String}`,
    params,
  )
  return new Map(
    tables.map(({ name, ...table }) => {
      const own = new Map(
        columns.flatMap((column) => (column.table === name ? [[column.name, columnOf(column)]] : [])),
      )
      return [name, { ...table, columns: [...own.values()] }]
    }),
  )
}

function columnOf({ name, type }: Column): Column {
  return { name, type }
}

/** @throws TacitError ERR_DATA_RULEBOOK where a column has another type */
function missingColumns(name: string, wanted: readonly Column[], { columns }: Found): readonly Column[] {
  const types = new Map(columns.map((column) => [column.name, column.type]))
  const other = wanted.filter((column) => types.has(column.name) && types.get(column.name) !== column.type)
  if (other.length > 0) {
    throw new TacitError(
      'ERR_DATA_RULEBOOK',
      `The table ${name} has other types: ${other.map((column) => column.name).join(', ')}. Use an empty data directory.`,
    )
  }
  return wanted.filter((column) => !types.has(column.name))
}

/** Rows that are there already read the type's default in a new column: nobody wrote it down yet. */
async function addColumns(
  connection: Connection,
  table: string,
  columns: readonly Column[],
  orderBy: string | null,
): Promise<void> {
  if (columns.length === 0) return
  const added = columns.map(({ name, type }) => `ADD COLUMN IF NOT EXISTS ${identifier(name)} ${type}`)
  if (orderBy !== null) {
    added.push(`MODIFY ORDER BY (${orderBy}, ${identifiers(columns.map(({ name }) => name))})`)
  }
  const name = tableName(connection.database, table)
  await connection.everywhere((on) => `ALTER TABLE ${name}${on} ${added.join(', ')}`, {
    settings: { alter_sync: '2' },
    repeatable: true,
  })
}

async function make(connection: Connection, table: Table, as?: string): Promise<void> {
  const { database, topology } = connection
  for (const sql of createSql(topology, database, table, as)) {
    await connection.everywhere(() => sql, { repeatable: true })
  }
}

/** Makes a table on the hosts that lack it, as it is on the others. */
async function rejoin(connection: Connection, { create }: Found): Promise<void> {
  const sql = rejoinSql(connection.topology, create)
  await connection.everywhere(() => sql, { repeatable: true })
}

/** Partitions and order, without what ClickHouse and we write differently. */
function layoutOf({ orderBy, partitionBy = '' }: Pick<Table, 'orderBy' | 'partitionBy'>): string {
  return `${partitionBy} ${orderBy}`.replace(/[`()\s]/g, '')
}

/** Adds what a table that is there lacks. */
async function amend(
  connection: Connection,
  table: Table,
  tables: ReadonlyMap<string, Found>,
): Promise<void> {
  const storage = storageName(connection.topology, table.name)
  const there = tables.get(storage)
  if (there === undefined) return
  const missing = missingColumns(table.name, table.columns, there)
  const isReplaced = !isSharded(table.name) && layoutOf(there) !== layoutOf(table)
  // What is copied gets its new columns, with their values, on the way.
  if (isReplaced) return replace(connection, table, there)
  await addColumns(connection, storage, missing, table.isSet === true ? there.orderBy : null)
  await setSettings(connection, storage, table, there)
  const front = tables.get(table.name)
  if (storage !== table.name && front !== undefined) {
    await addColumns(connection, table.name, missingColumns(table.name, table.columns, front), null)
  }
}

/** Settings that a table keeps from its making on. */
const FIXED = /^index_granularity\b/

/** Says the settings that a table was made without. */
async function setSettings(
  connection: Connection,
  storage: string,
  { settings }: Table,
  { create }: Found,
): Promise<void> {
  const said = new Set(create.replace(/^.* SETTINGS /s, '').split(', '))
  const missing = settings.split(', ').filter((setting) => !FIXED.test(setting) && !said.has(setting))
  if (missing.length === 0) return
  const name = tableName(connection.database, storage)
  await connection.everywhere((on) => `ALTER TABLE ${name}${on} MODIFY SETTING ${missing.join(', ')}`, {
    repeatable: true,
  })
}

/** Copies a table into one of the wanted order, compares the two, and lets them change names. */
async function replace(connection: Connection, table: Table, there: Found): Promise<void> {
  const { database, topology } = connection
  const copy = `${table.name}${COPY}${randomBytes(8).toString('hex')}`
  const [from, to] = [tableName(database, table.name), tableName(database, copy)]
  const names = new Set(table.columns.map(({ name }) => name))
  const former = there.columns.filter(({ name }) => !names.has(name))
  await make(connection, { ...table, columns: [...table.columns, ...former] }, copy)
  await connection.command(copySql(table, there, from, to))
  await requireSame(connection, from, to, identifiers(there.columns.map(({ name }) => name)))
  await connection.everywhere(() => `EXCHANGE TABLES ${from} AND ${to}${onCluster(topology)}`)
  await dropCopies(connection, table)
}

/**
 * Drops what a replacement left: the old table, or a copy that was not finished. Whatever is in it alone is taken over
 * first: whoever still ran meanwhile may have inserted into the old one.
 */
async function dropCopies(connection: Connection, table: Table): Promise<void> {
  const to = tableName(connection.database, table.name)
  for (const [copy, there] of await found(connection)) {
    if (!copy.startsWith(`${table.name}${COPY}`)) continue
    const from = tableName(connection.database, copy)
    const row = rowHash(identifiers(there.columns.map(({ name }) => name)))
    await connection.command(
      `${copySql(table, there, from, to)} WHERE ${row} NOT IN (SELECT ${row} FROM ${to})`,
    )
    await dropTable(connection, copy)
  }
}

/** Inserts what one table has into another that has the same columns, and more. */
function copySql(table: Table, { columns }: Found, from: string, to: string): string {
  const kept = columns.map(({ name }) => name)
  const filled = Object.entries(table.fills ?? {}).filter(([name]) => !kept.includes(name))
  const names = [...kept, ...filled.map(([name]) => name)]
  const values = [identifiers(kept), ...filled.map(([, value]) => value)]
  return `INSERT INTO ${to} (${identifiers(names)}) SELECT ${values.join(', ')} FROM ${from}`
}

/** As a text: a hash of values of which one is NULL would be NULL. */
function rowHash(columns: string): string {
  return `sipHash64(toString(tuple(${columns})))`
}

/** @throws TacitError ERR_WAREHOUSE_QUERY where a row of one is not in the other */
async function requireSame(connection: Connection, a: string, b: string, columns: string): Promise<void> {
  const hash = rowHash(columns)
  const sum = (table: string): string =>
    `SELECT count() AS rows, sum(${hash}) AS sum, groupBitXor(${hash}) AS xor FROM ${table}`
  const [row] = await connection.rows<{ kinds: number }>(
    `SELECT uniqExact(rows, sum, xor) AS kinds FROM (${sum(a)} UNION ALL ${sum(b)})`,
  )
  if (row?.kinds !== 1)
    throw new TacitError('ERR_WAREHOUSE_QUERY', 'A copy of released cells differs from them.')
}

async function requireKnownVersion(connection: Connection): Promise<number> {
  await make(connection, VERSIONS_TABLE)
  const [row] = await connection.rows<{ version: number }>(
    `SELECT max(version) AS version FROM ${tableName(connection.database, VERSIONS)}`,
  )
  const version = row?.version ?? 0
  if (version > SCHEMA_VERSION) {
    throw new TacitError(
      'ERR_DATA_VERSION',
      `The ClickHouse database is of version ${String(version)}, and this Tacit knows ${String(SCHEMA_VERSION)}: start the newer Tacit again, nothing was changed.`,
    )
  }
  return version
}

/** @throws TacitError ERR_CONFIG_INVALID where the cluster is not set up as its settings say */
async function requireCluster(connection: Connection): Promise<void> {
  const { topology } = connection
  if (topology?.coordinated !== true) return
  const [row] = await connection.rows<{ hosts: number; macros: number }>(
    `SELECT (SELECT count() FROM system.clusters WHERE cluster = {name:String}) AS hosts,
            (SELECT count() FROM system.macros WHERE macro IN ('shard', 'replica')) AS macros`,
    { name: topology.name },
  )
  if (row?.hosts !== connection.hosts || row.macros !== 2) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      `ClickHouse knows ${String(row?.hosts ?? 0)} hosts of the cluster of TACIT_CLICKHOUSE_CLUSTER and CLICKHOUSE_URL names ${String(connection.hosts)}: name each of them; each needs the macros shard and replica.`,
    )
  }
}

/**
 * Makes the database and its tables, and brings those that exist forward.
 * @param wanted the tables of the plans; others in tests
 * @throws TacitError ERR_DATA_RULEBOOK where a column has another type than the plans need; ERR_DATA_VERSION where a newer
 * build was here; ERR_CONFIG_INVALID where a cluster is not the one that is named
 */
export async function migrate(
  connection: Connection,
  plans: readonly StreamPlan[],
  wanted = tablesOf(plans),
): Promise<void> {
  const { database, topology } = connection
  await requireCluster(connection)
  await connection.everywhere((on) => `CREATE DATABASE IF NOT EXISTS ${identifier(database)}${on}`, {
    repeatable: true,
  })
  const version = await requireKnownVersion(connection)
  const tables = await found(connection)
  for (const table of wanted) {
    for (const name of new Set([storageName(topology, table.name), table.name])) {
      const there = tables.get(name)
      if (there === undefined) await make(connection, table)
      else if (topology !== null) await rejoin(connection, there)
    }
    await amend(connection, table, tables)
    if ([...tables.keys()].some((name) => name.startsWith(`${table.name}${COPY}`))) {
      await dropCopies(connection, table)
    }
  }
  if (version === SCHEMA_VERSION) return
  await connection.command(
    `INSERT INTO ${tableName(database, VERSIONS)} (version, since) VALUES ({version:UInt32}, now())`,
    { params: { version: SCHEMA_VERSION }, repeatable: true },
  )
}
