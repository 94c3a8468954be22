import type { StreamPlan } from '@tacit/rulebook'
import t, { type Test } from 'tap'
import { type Connection, connect } from './connection.js'
import { migrate, SCHEMA_VERSION } from './migrations.js'
import { CELLS, DURABLE, tablesOf } from './schema.js'
import { createSql, type Table } from './topology.js'
import { DAY_START, testServer } from './testing/rows.js'

const server = await testServer(t)
const BEFORE: readonly StreamPlan[] = [
  { stream: 'day', dimensions: ['device'] },
  { stream: 'week', dimensions: ['device'] },
]
const AFTER: readonly StreamPlan[] = [
  { stream: 'day', dimensions: ['path', 'device'] },
  { stream: 'week', dimensions: ['device', 'role'] },
  { stream: 'month', dimensions: ['cohort'] },
]
/** Cells as an early build kept them: in the order of their manifests, without a rulebook and with a column that is gone. */
const EARLY_CELLS: Table = {
  name: CELLS,
  columns: [
    { name: 'manifest', type: 'String' },
    { name: 'statistic', type: 'LowCardinality(String)' },
    { name: 'window', type: 'LowCardinality(String)' },
    { name: 'window_start', type: 'DateTime' },
    { name: 'dims', type: 'Array(String)' },
    { name: 'users', type: 'Nullable(UInt64)' },
    { name: 'events', type: 'Nullable(UInt64)' },
    { name: 'floor', type: 'Nullable(UInt64)' },
    { name: 'gone', type: 'String' },
  ],
  partitionBy: "toYYYYMM(window_start, 'UTC')",
  orderBy: 'manifest, dims',
  settings: DURABLE,
}
const CELL = 'manifest, statistic, window, window_start, dims, users, events, floor'

function open(t: Test, database: string): Connection {
  const connection = connect(server.address, database)
  t.teardown(() => connection.close())
  return connection
}

/** A database as an earlier build and rulebook left it: 200 cells of 30 months, and rows in staging. */
async function early(t: Test, database: string): Promise<Connection> {
  const connection = open(t, database)
  await connection.command(`CREATE DATABASE ${database}`)
  const streams = tablesOf(BEFORE).filter(({ name }) => name !== CELLS)
  for (const table of [...streams, EARLY_CELLS]) {
    for (const sql of createSql(null, database, table)) await connection.command(sql)
  }
  await connection.command(
    `INSERT INTO ${database}.cells (${CELL}, gone) SELECT concat('m', toString(number % 30)), 'pages', 'day',
       toDateTime({start:UInt32}) - INTERVAL number % 30 MONTH, [concat('/p', toString(number)), 'it\\'s'],
       if(number % 3 = 0, NULL, number), if(number % 5 = 0, NULL, number), 10, 'x' FROM numbers(200)`,
    { params: { start: DAY_START / 1_000 } },
  )
  for (const table of ['staging_day', 'staging_week']) {
    await connection.command(
      `INSERT INTO ${database}.${table} (epoch, site, person, device) SELECT '2026-11-02', 'erp', toString(number), 'desktop' FROM numbers(50)`,
    )
  }
  return connection
}

/** What must be the same before and after, as text. */
async function kept(connection: Connection): Promise<string> {
  const { database } = connection
  const texts = await Promise.all([
    connection.rows(`SELECT ${CELL} FROM ${database}.cells ORDER BY ALL`),
    connection.rows(`SELECT site, person, device FROM ${database}.staging_day ORDER BY ALL`),
    connection.rows(`SELECT site, person, device FROM ${database}.staging_week ORDER BY ALL`),
  ])
  return JSON.stringify(texts)
}

/** Names, columns and order of what a database has. */
async function layout(connection: Connection): Promise<unknown> {
  const params = { database: connection.database }
  return Promise.all([
    connection.rows(
      'SELECT name, sorting_key, partition_key FROM system.tables WHERE database = {database:String} ORDER BY name',
      params,
    ),
    connection.rows(
      'SELECT table, name, type FROM system.columns WHERE database = {database:String} ORDER BY ALL',
      params,
    ),
  ])
}

const DIED = { message: 'died' }

/** A connection whose process dies before its n-th statement that changes something. @returns it, and how many there were */
function dying(connection: Connection, before: number): Connection & { readonly said: string[] } {
  const said: string[] = []
  const count = (sql: string): void => {
    if (said.length === before) throw new Error(DIED.message)
    said.push(sql)
  }
  return {
    ...connection,
    said,
    async command(sql, how) {
      count(sql)
      await connection.command(sql, how)
    },
    async everywhere(statement, how) {
      count(statement(''))
      await connection.everywhere(statement, how)
    },
  }
}

t.test('an earlier database is brought forward, and nothing that it holds changes', async (t) => {
  const connection = await early(t, 'forward')
  const before = await kept(connection)
  await migrate(connection, AFTER)
  t.equal(await kept(connection), before, 'released cells and staged rows are the same to the byte')
  const [cells] = await connection.rows<{ key: string }>(
    "SELECT sorting_key AS key FROM system.tables WHERE database = 'forward' AND name = 'cells'",
  )
  const wanted = tablesOf(AFTER).find(({ name }) => name === CELLS)
  t.equal(cells?.key, wanted?.orderBy, 'cells lie in the new order')
  t.same(
    await connection.rows('SELECT DISTINCT gone, rulebook FROM forward.cells'),
    [{ gone: 'x', rulebook: '' }],
    'a column of a former build stays, a new one is empty',
  )
  const [week] = await connection.rows<{ key: string }>(
    "SELECT sorting_key AS key FROM system.tables WHERE database = 'forward' AND name = 'staging_week'",
  )
  t.match(week?.key, /role$/, 'a set lies in the order of what was added, too')
  const once = await layout(connection)
  await migrate(connection, AFTER)
  t.same(await layout(connection), once, 'a second start changes nothing')
  await migrate(connection, BEFORE)
  t.equal(await kept(connection), before, 'nor does a rulebook that goes back')
})

t.test('partitions and settings of an earlier build are brought forward, too', async (t) => {
  const connection = open(t, 'settings')
  await connection.command('CREATE DATABASE settings')
  for (const table of tablesOf(AFTER)) {
    const former = table.name === CELLS ? { partitionBy: "toYYYYMM(window_start, 'UTC')" } : {}
    for (const sql of createSql(null, 'settings', {
      ...table,
      ...former,
      settings: 'old_parts_lifetime = 7',
    }))
      await connection.command(sql)
  }
  await connection.command(
    `INSERT INTO settings.cells (${CELL}) SELECT 'm', 'pages', 'day',
       toDateTime({start:UInt32}) - INTERVAL number MONTH, ['/a'], 10, NULL, 10 FROM numbers(30)`,
    { params: { start: DAY_START / 1_000 } },
  )
  const cells = () => connection.rows(`SELECT ${CELL} FROM settings.cells ORDER BY ALL`)
  const before = await cells()
  await migrate(connection, AFTER)
  t.same(await cells(), before)
  const tables = await connection.rows<{ name: string; partitions: string; made: string }>(
    "SELECT name, partition_key AS partitions, create_table_query AS made FROM system.tables WHERE database = 'settings'",
  )
  for (const { name, partitionBy = '', settings } of tablesOf(AFTER)) {
    const found = tables.find((table) => table.name === name)
    t.equal(found?.partitions, partitionBy.replace(/^\((.*)\)$/, '$1'), name)
    for (const setting of settings.split(', ').filter((one) => !one.startsWith('index_granularity')))
      t.ok(found?.made.includes(setting), `${name}: ${setting}`)
  }
})

t.test('killed before each of its steps, it is finished by the next start', async (t) => {
  const whole = dying(await early(t, 'whole'), -1)
  await migrate(whole, AFTER)
  const wanted = await layout(whole)
  const before = await kept(whole)
  t.ok(whole.said.length >= 12, `${String(whole.said.length)} steps`)
  for (const step of whole.said.keys()) {
    const connection = await early(t, `killed_${String(step)}`)
    await t.rejects(migrate(dying(connection, step), AFTER), DIED)
    await migrate(connection, AFTER)
    t.same(await layout(connection), wanted, `killed before: ${whole.said[step]?.slice(0, 60) ?? ''}`)
    t.equal(await kept(connection), before)
  }
})

t.test('cells that a process of the former build inserts meanwhile are not lost', async (t) => {
  const connection = await early(t, 'late_cells')
  const late = `INSERT INTO late_cells.cells (${CELL}) VALUES ('late', 'pages', 'day', 1793577600, ['/late'], 20, NULL, 10)`
  const meanwhile: Connection = {
    ...connection,
    async everywhere(statement, how) {
      if (statement('').startsWith('EXCHANGE')) await connection.command(late)
      await connection.everywhere(statement, how)
    },
  }
  await migrate(meanwhile, AFTER)
  t.same(
    await connection.rows("SELECT count() AS n, countIf(manifest = 'late') AS late FROM late_cells.cells"),
    [{ n: 201, late: 1 }],
  )
})

t.test('two that start at once end with one database', async (t) => {
  const connection = await early(t, 'at_once')
  const before = await kept(connection)
  const second = open(t, 'at_once')
  const ended = await Promise.allSettled([migrate(connection, AFTER), migrate(second, AFTER)])
  // One may have pulled the other's copy away from under it: it is started again, as whoever waits for ClickHouse does.
  for (const { status } of ended) if (status === 'rejected') await migrate(second, AFTER)
  await migrate(connection, AFTER)
  t.equal(await kept(connection), before)
  t.same(
    await connection.rows("SELECT name FROM system.tables WHERE database = 'at_once' AND name LIKE '%copy%'"),
    [],
  )
})

t.test('an older build refuses the database of a newer one, and changes nothing', async (t) => {
  const connection = await early(t, 'newer')
  await migrate(connection, BEFORE)
  t.same(await connection.rows('SELECT version FROM newer.schema_versions'), [{ version: SCHEMA_VERSION }])
  await connection.command(`INSERT INTO newer.schema_versions VALUES (${String(SCHEMA_VERSION + 1)}, now())`)
  const before = await layout(connection)
  await t.rejects(migrate(connection, AFTER), { code: 'ERR_DATA_VERSION', message: /start the newer Tacit/ })
  t.same(await layout(connection), before)
})

t.test('columns that the order begins to need are filled in for the cells that are there', async (t) => {
  const connection = await early(t, 'filled')
  const ranked = tablesOf(AFTER).map((table) =>
    table.name === CELLS
      ? {
          ...table,
          columns: [...table.columns, { name: 'length', type: 'UInt8' }, { name: 'place', type: 'UInt32' }],
          orderBy: 'statistic, length, place',
          fills: {
            length: 'length(dims)',
            place: 'row_number() OVER (ORDER BY users DESC NULLS LAST, dims)',
          },
        }
      : table,
  )
  const before = await kept(connection)
  await migrate(connection, AFTER, ranked)
  t.equal(await kept(connection), before)
  t.same(await connection.rows('SELECT users, length, place FROM filled.cells ORDER BY place LIMIT 2'), [
    { users: 199, length: 2, place: 1 },
    { users: 197, length: 2, place: 2 },
  ])
})
