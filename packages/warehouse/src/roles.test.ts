/** The roles on a real server: what each may do, exactly, by a users file that is made of the same grants as the SQL. */
import { DAY, HOUR } from '@tacit/contracts'
import t from 'tap'
import { type Connection, connect } from './connection.js'
import { land, landed } from './landing.js'
import { grantsOf, grantsXml, profileXml, ROLES, type Role, rolesSql } from './roles.js'
import { BY, DAY_START, EPOCH, failureOf, line, PLAN, PRODUCER } from './testing/rows.js'
import { startServers } from './testing/servers.js'
import type { StoredCell } from './types.js'
import { openWarehouse } from './warehouse.js'

const OPTIONS = { database: 'tacit', cluster: null }
const PASSWORD = 'of each role'

function user(name: string, profile: string, grants: readonly string[], network = '127.0.0.1'): string {
  return `<${name}><password>${PASSWORD}</password><networks><ip>${network}</ip></networks><profile>${profile}</profile><quota>default</quota><grants>${grants.join('')}</grants></${name}>`
}

const everything = '<query>GRANT ALL ON *.*</query>'
const USERS = `<clickhouse>
  <profiles>
    <default/>
    ${ROLES.map((role) => `<${role}>${profileXml(role).join('')}</${role}>`).join('')}
    <collecting><async_insert>1</async_insert><wait_for_async_insert>0</wait_for_async_insert><insert_deduplicate>1</insert_deduplicate></collecting>
    <insisting><async_insert>1</async_insert><constraints><async_insert><const/></async_insert></constraints></insisting>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default><no_password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    ${ROLES.map((role) => user(role, role, grantsXml([role], OPTIONS))).join('')}
    ${user('both', 'aggregator', grantsXml(['ingest', 'aggregator'], OPTIONS))}
    ${user('clustered', 'aggregator', grantsXml(['ingest', 'aggregator'], { database: 'spread', cluster: 'tacit' }))}
    ${user('collecting', 'collecting', [everything])}
    ${user('insisting', 'insisting', [everything])}
    ${user('elsewhere', 'aggregator', [everything], '10.0.0.0/8')}
  </users>
</clickhouse>`

const [url = ''] = await startServers(t, 1, USERS)
const addressOf = (username: string, password = PASSWORD) => ({ url, username, password })

/** What a client of nobody's in particular is answered: the error number, or null. */
async function codeOf(
  role: Role,
  statement: string,
  settings: Record<string, string> = {},
): Promise<number | null> {
  const authorization = `Basic ${Buffer.from(`${role}:${PASSWORD}`).toString('base64')}`
  const search = new URLSearchParams(settings).toString()
  const answer = await fetch(`${url}/?${search}`, {
    method: 'POST',
    body: statement,
    headers: { authorization },
  })
  await answer.text()
  const code = answer.headers.get('x-clickhouse-exception-code')
  return code === null ? null : Number(code)
}

function as(username: string): Connection {
  const connection = connect(addressOf(username), 'tacit', { retryWaitsMs: [] })
  t.teardown(() => connection.close())
  return connection
}

const CELLS: readonly StoredCell[] = [
  {
    statistic: 'pages',
    window: 'day',
    windowStart: DAY_START,
    dims: ['/invoices'],
    users: 20,
    events: 30,
    floor: 10,
    visits: null,
    time_s: null,
    share: null,
    users_error: null,
    events_error: null,
    rulebook: BY.rulebook,
  } as StoredCell,
]
const ROWS = [0, 1, 2, 3].map((row) => line({ row, received: DAY_START, hour: DAY_START }))

const owner = openWarehouse(addressOf('both'), 'tacit', { retryWaitsMs: [] })
t.teardown(() => owner.close())

t.test('who has the roles of an aggregator does all that one does', async (t) => {
  await owner.migrate([PLAN, { stream: 'week', dimensions: ['path'] }])
  await owner.migrate([
    { ...PLAN, dimensions: ['device', 'path', 'role'] },
    { stream: 'week', dimensions: ['path', 'role'] },
  ])
  await owner.migrate([PLAN, { stream: 'week', dimensions: ['path'] }])
  await owner.latestTerm()
  await owner.takeOver(1)
  await owner.land('day', ROWS, 'rows', BY)
  t.match(await owner.landed('day', [{ producer: PRODUCER, from: 0, to: 0 }]), { rows: 4 })
  const how = { deduplicate: true, queryId: 'roles' }
  await owner.settle('day', [DAY_START], { ...how, resume: false })
  t.match(await owner.settle('day', [DAY_START], { ...how, resume: true }), [{ rows: 4 }])
  await owner.settle('week', [DAY_START], { ...how, resume: true })
  const cleaned = await owner.clean({
    stream: 'day',
    epoch: EPOCH,
    site: 'erp',
    identity: 'signed',
    maxEventsPerPerson: 5,
  })
  t.equal(cleaned.rows, 4)
  const tree = { kind: 'page_view', levels: ['device', 'path'] }
  t.equal((await cleaned.trees([tree, { kind: 'page_view', levels: ['path'], hourly: true }])).length, 2)
  t.equal((await cleaned.unions(tree, [{ hour: null, parent: [], parts: ['desktop', 'phone'] }])).length, 1)
  await cleaned.funnel([
    { of: 'page', value: '/invoices' },
    { of: 'page', value: '/items' },
  ])
  await cleaned.drop()
  await owner.insertCells(new Map([['manifest', CELLS]]))
  await owner.insertCells(new Map([['manifest', [...CELLS, ...CELLS]]]))
  await owner.insertCells(new Map([['manifest', CELLS]]))
  await owner.putLive([
    { statistic: 'live', windowStart: DAY_START, users: 20, floor: 10, rulebook: BY.rulebook },
  ])
  await owner.rowProvenance('day')
  await owner.dropLanding('day', [DAY_START])
  await owner.dropLanding('day', [DAY_START + HOUR], { completeUntil: DAY_START + DAY })
  await owner.dropEpoch('day', EPOCH)
  t.equal(await owner.stagedRows('day', EPOCH), 0)
})

t.test('ingest lands batches and reads them back, and nothing else', async (t) => {
  const ingest = as('ingest')
  await land(ingest, PLAN, ROWS, 'ingested', BY.rulebook)
  t.match(await landed(ingest, 'day', [{ producer: PRODUCER, from: 0, to: 0 }]), { rows: 4 })
})

t.test('dashboards read what is released, by the code that serves them', async (t) => {
  const reader = openWarehouse(addressOf('dashboards'), 'tacit', { retryWaitsMs: [] })
  t.teardown(() => reader.close())
  t.equal((await reader.queryCells({ statistic: 'pages', window: 'day' })).length, 1)
  t.equal((await reader.releasedWindows()).length, 1)
  t.equal((await reader.live(DAY_START + 6 * 60_000)).length, 1)
  t.equal((await reader.cellProvenance()).length, 1)
  t.equal(await reader.cellCount('manifest'), 1)
})

/** Statements, and the roles that may send them. */
const MATRIX: readonly (readonly [string, ...Role[]])[] = [
  ['SELECT count() FROM tacit.cells', 'aggregator', 'dashboards', 'privacy'],
  ['SELECT count() FROM tacit.landing_day', 'ingest', 'aggregator'],
  ['SELECT count() FROM tacit.staging_day', 'aggregator'],
  ['SELECT count() FROM tacit.owners', 'aggregator'],
  ['SELECT count() FROM tacit.schema_versions', 'aggregator', 'privacy'],
  ['INSERT INTO tacit.landing_day (_row) VALUES (1)', 'ingest', 'aggregator'],
  ['INSERT INTO tacit.cells (manifest) SELECT manifest FROM tacit.cells WHERE 0', 'aggregator'],
  ['ALTER TABLE tacit.cells DELETE WHERE 0', 'aggregator'],
  ['ALTER TABLE tacit.cells UPDATE users = 1 WHERE 0'],
  ["ALTER TABLE tacit.staging_day DROP PARTITION ID '19700101'", 'aggregator'],
  ['CREATE TABLE tacit.of_mine (a UInt8) ENGINE = Memory'],
  // CREATE TABLE implies it.
  ['CREATE VIEW tacit.view AS SELECT 1', 'aggregator'],
  ['CREATE DATABASE another'],
  ['DROP DATABASE tacit'],
  ['TRUNCATE TABLE tacit.cells'],
  ['DROP TABLE tacit.spare', 'aggregator'],
  ['CREATE USER somebody'],
  ['GRANT SELECT ON tacit.staging_day TO dashboards'],
  ['SYSTEM FLUSH LOGS'],
  ['SELECT count() FROM system.parts', 'aggregator', 'privacy'],
  ['SELECT count() FROM system.detached_parts', 'aggregator', 'privacy'],
  ['SELECT count() FROM system.mutations', 'privacy'],
  ['SELECT count() FROM system.processes', 'aggregator'],
  ['SELECT count() FROM system.users'],
  ['SELECT count() FROM system.grants'],
  ['SELECT count() FROM system.dictionaries'],
  ['SELECT count() FROM system.merges'],
  ["SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')"],
  ["SELECT * FROM file('users.xml', 'LineAsString', 'a String')"],
  ["SELECT * FROM remote('127.0.0.1', 'system', 'one')"],
  ["SELECT * FROM cluster('tacit', 'system', 'one')"],
  ["SELECT * FROM clusterAllReplicas('tacit', 'tacit', 'staging_day')"],
  ["SELECT * FROM s3('http://127.0.0.1:1/bucket/key.csv', NOSIGN, 'CSV', 'a String')"],
  ["SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')"],
  ["SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')"],
  ["SELECT * FROM mongodb('127.0.0.1:1', 'd', 'c', 'u', 'p', 'a String')"],
  ["SELECT * FROM sqlite('x.db', 't')"],
  // CREATE TABLE implies it; the server has no such script.
  ["SELECT * FROM executable('id', 'CSV', 'a String')", 'aggregator'],
  ["INSERT INTO FUNCTION url('http://127.0.0.1:1/', 'CSV', 'a String') SELECT person FROM tacit.staging_day"],
  ["INSERT INTO FUNCTION file('x.csv') SELECT person FROM tacit.staging_day"],
]
/** What a refusal for want of rights looks like; a statement that fails otherwise got past it. */
const REFUSALS = new Set([164, 291, 392, 452, 497])

t.test('each role may send exactly what its row says', async (t) => {
  await owner.migrate([PLAN])
  for (const role of ROLES) {
    await as('both').command('CREATE TABLE IF NOT EXISTS tacit.spare (a UInt8) ENGINE = MergeTree ORDER BY a')
    const may: string[] = []
    for (const [statement] of MATRIX) {
      const code = await codeOf(role, statement)
      if (code === null || !REFUSALS.has(code)) may.push(statement)
    }
    t.same(
      may,
      MATRIX.flatMap(([statement, ...roles]) => (roles.includes(role) ? [statement] : [])),
      role,
    )
  }
})

t.test('who reads cannot raise its own bounds', async (t) => {
  const wanted = {
    readonly: '0',
    max_execution_time: '0',
    max_memory_usage: '0',
    max_result_bytes: '0',
    allow_ddl: '1',
  }
  for (const [setting, value] of Object.entries(wanted)) {
    for (const role of ['dashboards', 'privacy'] as const) {
      t.ok(REFUSALS.has((await codeOf(role, 'SELECT 1', { [setting]: value })) ?? 0), `${role} ${setting}`)
    }
  }
  t.ok(REFUSALS.has((await codeOf('privacy', 'SELECT 1', { log_queries: '0' })) ?? 0), 'nor look unseen')
  t.equal(
    await codeOf('dashboards', 'SELECT 1', { max_execution_time: '5' }),
    null,
    'control: tighter it may',
  )
})

t.test(
  'a wrong password, an unknown user and another network are refused, and say which setting it is',
  async (t) => {
    for (const address of [addressOf('both', 'another'), addressOf('nobody'), addressOf('elsewhere')]) {
      const connection = connect(address, 'tacit', { retryWaitsMs: [] })
      const failure = await failureOf(connection.rows('SELECT 1'))
      t.equal(failure.refuses, 'user', address.username)
      await connection.close()
    }
  },
)

t.test('a profile that collects inserts is not obeyed: rows are there when the insert is done', async (t) => {
  const collecting = as('collecting')
  const setting = "SELECT getSetting('async_insert') AS collects"
  const credentials = Buffer.from(`collecting:${PASSWORD}`).toString('base64')
  const answer = await fetch(url, {
    method: 'POST',
    body: setting,
    headers: { authorization: `Basic ${credentials}` },
  })
  t.equal((await answer.text()).trim(), 'true', 'control: that is its profile')
  t.same(await collecting.rows(setting), [{ collects: false }])
  const rows = ROWS.slice(0, 2)
  const range = [{ producer: PRODUCER, from: 9, to: 9 }]
  const own = rows.map((row) =>
    Buffer.from(row.toString('utf8').replace(`"${PRODUCER}",0`, `"${PRODUCER}",9`)),
  )
  await land(collecting, PLAN, own, 'collected', BY.rulebook)
  t.same(await landed(collecting, 'day', range), { rows: 2, distinct: 2 })
  await land(collecting, PLAN, own, 'collected', BY.rulebook)
  t.same(await landed(collecting, 'day', range), { rows: 2, distinct: 2 }, 'its token holds')
  const insert = "INSERT INTO tacit.cells (manifest) VALUES ('twice')"
  for (let time = 0; time < 2; time += 1) await collecting.command(insert)
  t.same(await collecting.rows("SELECT count() AS n FROM tacit.cells WHERE manifest = 'twice'"), [{ n: 2 }])
})

t.test('a profile that insists on collecting inserts is refused, not obeyed', async (t) => {
  const failure = await failureOf(land(as('insisting'), PLAN, ROWS, 'insisting', BY.rulebook))
  t.match(failure, { kind: 'refused', refuses: 'rights', clickhouseCode: 452 })
})

t.test('on a cluster an aggregator needs the grants for it, and they are enough', async (t) => {
  const cluster = { name: 'tacit', coordinated: false }
  const open = (name: string, database: string) => {
    const opened = openWarehouse({ ...addressOf(name), cluster }, database, { retryWaitsMs: [] })
    t.teardown(() => opened.close())
    return opened
  }
  t.equal((await failureOf(open('both', 'tacit').migrate([PLAN]))).refuses, 'rights', 'control')
  const w = open('clustered', 'spread')
  await w.migrate([PLAN])
  await w.takeOver(1)
  await w.land('day', ROWS, 'rows', BY)
  t.match(await w.settle('day', [DAY_START], { deduplicate: true, queryId: 'x', resume: true }), [
    { rows: 4 },
  ])
  await w.dropLanding('day', [DAY_START])
  await w.dropEpoch('day', EPOCH)
  t.equal(await w.stagedRows('day', EPOCH), 0)
})

t.test('the SQL grants what the users file does, and no source but the shards of a cluster', async (t) => {
  for (const cluster of [null, 'tacit']) {
    const options = { database: 'tacit', cluster }
    const statements = rolesSql(options)
    for (const role of ROLES) {
      const granted = statements.flatMap((statement) => {
        const [, grant] = /^GRANT(?: ON CLUSTER `tacit`)? (.+) TO `tacit_(?:\w+)`$/.exec(statement) ?? []
        return grant !== undefined && statement.endsWith(`TO \`tacit_${role}\``) ? [grant] : []
      })
      t.same(granted, grantsOf(role, options))
      t.equal(grantsXml([role], options).length, granted.length)
      for (const grant of granted) {
        const isOfShards = cluster !== null && role === 'aggregator' && grant.endsWith('ON REMOTE')
        if (!isOfShards)
          t.notMatch(
            grant,
            /URL|FILE|REMOTE|S3|MYSQL|POSTGRES|MONGO|SOURCES|READ|WRITE|\bALL\b|SYSTEM |ACCESS|dictGet/,
          )
        if (role === 'dashboards' || role === 'privacy')
          t.notMatch(grant, /landing|staging|INSERT|ALTER|DROP|`\.\*/)
      }
    }
    for (const statement of statements)
      t.equal(statement.includes(' ON CLUSTER `tacit`'), cluster !== null, statement)
  }
})
