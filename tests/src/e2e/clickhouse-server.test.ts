/** Server mode: the way of rows through a server or a cluster that is not the embedded one, where one is given. */
import { randomBytes } from 'node:crypto'
import { DAY, HOUR, utcDay } from '@tacit/contracts'
import {
  type Cluster,
  dropDatabase,
  openWarehouse,
  type Role,
  rolesSql,
  type ServerAddress,
} from '@tacit/warehouse'
import t, { type Test } from 'tap'
import { findServer } from '../support/clickhouse/find-server.js'
import { query } from '../support/server-query.js'

t.setTimeout(240_000)
const { address, way, withoutCluster, withoutUsers } = await findServer(t)
const PLANS = [
  { stream: 'day', dimensions: ['path'] },
  { stream: 'week', dimensions: ['path'] },
] as const
const BY = { rulebook: 'ab'.repeat(32) }
const DAY_START = Date.UTC(2026, 10, 2)
const EPOCH = 'day:2026-11-02'
const PRODUCER = '0123456789abcdef'

/** One server, whatever else it is. */
const alone: ServerAddress = { url: address.url, username: address.username, password: address.password }

function ask(statement: string, as: Pick<ServerAddress, 'username' | 'password'> = alone): Promise<string> {
  return query({ server: { address: { ...alone, ...as } } }, statement)
}

function row(batch: number, number: number, hour: number): Buffer {
  const times = [hour / 1_000, utcDay(hour), hour / 1_000]
  const who = [
    'erp',
    'page_view',
    'established',
    'tenant',
    `person-${String(number)}`,
    '',
    `e${String(batch)}-${String(number)}`,
  ]
  return Buffer.from(`${JSON.stringify([PRODUCER, batch, number, ...times, ...who, '/items'])}\n`)
}

/** A database of this test's own, gone with it. */
async function open(t: Test, at: ServerAddress) {
  const database = `tacit_test_${randomBytes(6).toString('hex')}`
  const warehouse = openWarehouse(at, database)
  t.teardown(async () => {
    await warehouse.close()
    if (at.cluster === undefined) await dropDatabase(at, database)
    else await ask(`DROP DATABASE IF EXISTS ${database} ON CLUSTER \`${at.cluster.name}\` SYNC`)
  })
  await warehouse.migrate(PLANS)
  await warehouse.takeOver(1)
  return { database, warehouse }
}

/** From landing to the end of the epoch, with everything that is done twice. */
async function goesRound(t: Test, at: ServerAddress): Promise<void> {
  const { database, warehouse } = await open(t, at)
  const hours = [DAY_START, DAY_START + HOUR]
  for (const [batch, hour] of hours.entries()) {
    const rows = [0, 1, 2, 3].map((number) => row(batch, number, hour))
    for (const token of ['one', 'one', 'two'])
      await warehouse.land('day', rows, `${token}-${String(batch)}`, BY)
  }
  const range = [{ producer: PRODUCER, from: 0, to: 1 }]
  t.same(await warehouse.landed('day', range), { rows: 16, distinct: 8 }, 'a token lands once, another again')
  const how = { deduplicate: true, queryId: `${database}-settle` }
  for (const resume of [false, true, true]) {
    const settled = await warehouse.settle('day', hours, { ...how, resume })
    t.same(settled, [{ stream: 'day', epoch: EPOCH, rows: 8 }])
  }
  await warehouse.dropLanding('day', hours.slice(0, 1))
  t.same(
    (await warehouse.landingHours('day')).map(({ hour }) => hour),
    hours.slice(1),
  )
  await warehouse.dropLanding('day', hours, { completeUntil: DAY_START + DAY })
  t.same(await warehouse.landingHours('day'), [])
  const other = openWarehouse(at, database)
  await other.migrate(PLANS)
  await other.takeOver(2)
  await t.rejects(
    warehouse.dropEpoch('day', EPOCH),
    { code: 'ERR_LOG_FENCED' },
    'a former owner drops nothing',
  )
  t.equal(await other.stagedRows('day', EPOCH), 8)
  const storage = at.cluster === undefined ? 'staging_day' : 'staging_day_local'
  await ask(`ALTER TABLE ${database}.${storage} DETACH PARTITION ID '20261102'`)
  await other.dropEpoch('day', EPOCH)
  for (const table of ['parts', 'detached_parts']) {
    const rows = table === 'parts' ? 'AND rows > 0' : ''
    t.equal(
      (
        await ask(
          `SELECT name FROM system.${table} WHERE database = '${database}' AND table LIKE 'staging%' ${rows}`,
        )
      ).trim(),
      '',
      `V6: ${table}`,
    )
  }
  t.same(await other.releasedWindows(), [])
  await other.migrate([{ stream: 'day', dimensions: ['path', 'role'] }, ...PLANS.slice(1)])
  await other.close()
}

t.test(`rows go their way on one server (${way})`, (t) => goesRound(t, alone))

t.test(
  `rows go their way on a cluster, in Replicated engines (${way})`,
  { skip: withoutCluster },
  async (t) => {
    await goesRound(t, address)
    const { database } = await open(t, address)
    const engines = await ask(
      `SELECT DISTINCT engine FROM system.tables WHERE database = '${database}' ORDER BY engine`,
    )
    t.equal(engines.trim(), 'Distributed\nReplicatedMergeTree')
  },
)

/** Of a database with rows and cells: what each role may read, and what nobody may. */
const MAY: Readonly<Record<string, readonly Role[]>> = {
  'SELECT count() FROM DB.cells': ['aggregator', 'dashboards', 'privacy'],
  'SELECT count() FROM DB.landing_day': ['ingest', 'aggregator'],
  'SELECT count() FROM DB.staging_day': ['aggregator'],
  'SELECT count() FROM system.parts': ['aggregator', 'privacy'],
  'SELECT count() FROM system.users': [],
  'INSERT INTO DB.cells (manifest) SELECT manifest FROM DB.cells WHERE 0': ['aggregator'],
  "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')": [],
  "SELECT * FROM s3('http://127.0.0.1:1/bucket/key.csv', NOSIGN, 'CSV', 'a String')": [],
  "SELECT * FROM file('users.xml', 'LineAsString', 'a String')": [],
  "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')": [],
}
const ROLES: readonly Role[] = ['ingest', 'aggregator', 'dashboards', 'privacy']

t.test(`each role by SQL may do what it may, and no more (${way})`, { skip: withoutUsers }, async (t) => {
  const { database } = await open(t, alone)
  for (const statement of rolesSql({ database, cluster: null })) await ask(statement)
  const password = randomBytes(12).toString('hex')
  for (const role of ROLES) {
    const username = `${database}_user_${role}`
    t.teardown(() => ask(`DROP USER IF EXISTS ${username}`))
    await ask(`CREATE USER ${username} IDENTIFIED BY '${password}' SETTINGS PROFILE '${database}_${role}'`)
    await ask(`GRANT ${database}_${role} TO ${username}`)
    for (const [statement, roles] of Object.entries(MAY)) {
      const sent = ask(statement.replaceAll('DB', database), { username, password })
      if (roles.includes(role)) await t.resolves(sent, `${role}: ${statement}`)
      else await t.rejects(sent, { message: /ACCESS_DENIED|READONLY/ }, `${role}: ${statement}`)
    }
  }
  for (const role of ROLES) {
    t.teardown(() => ask(`DROP ROLE IF EXISTS ${database}_${role}`))
    t.teardown(() => ask(`DROP SETTINGS PROFILE IF EXISTS ${database}_${role}`))
  }
})

t.test(
  `the roles are made on every host of a cluster (${way})`,
  { skip: withoutUsers || withoutCluster },
  async (t) => {
    const { name } = address.cluster as Cluster
    const database = `tacit_test_${randomBytes(6).toString('hex')}`
    for (const statement of rolesSql({ database, cluster: name })) await ask(statement)
    for (const role of ROLES) {
      t.match(await ask(`SHOW GRANTS FOR ${database}_${role}`), database)
      await ask(`DROP ROLE ${database}_${role} ON CLUSTER \`${name}\``)
      await ask(`DROP SETTINGS PROFILE ${database}_${role} ON CLUSTER \`${name}\``)
    }
  },
)
