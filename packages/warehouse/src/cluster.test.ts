/** A cluster of two real servers, each a shard; and what is said to one whose hosts replicate, which needs Keeper. */
import { DAY, HOUR } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import t from 'tap'
import { type Connection, connect } from './connection.js'
import { tablesSql } from './schema.js'
import { BY, DAY_START, EPOCH, failureOf, line, PLAN, PRODUCER } from './testing/rows.js'
import { startShards } from './testing/servers.js'
import type { ServerAddress } from './types.js'
import { openWarehouse, type Warehouse } from './warehouse.js'

const address = await startShards(t)
const first: ServerAddress = { ...address, otherUrls: [] }
const second: ServerAddress = { ...first, url: address.otherUrls?.[0] ?? '' }
const HOURS = [DAY_START, DAY_START + HOUR]
const PEOPLE = 40

/** A shard itself, without what a cluster's connection adds. */
function shard({ url, username, password }: ServerAddress, database: string): Connection {
  const connection = connect({ url, username, password }, database)
  t.teardown(() => connection.close())
  return connection
}

function warehouse(database: string, at = address): Warehouse {
  const opened = openWarehouse(at, database, { retryWaitsMs: [20] })
  t.teardown(() => opened.close())
  return opened
}

/** Forty people in two hours, some of them twice. */
function rows(hour: number, batch: number): Buffer[] {
  return Array.from({ length: PEOPLE }, (_none, row) =>
    line({ batch, row, received: hour, hour, person: `person-${String(row)}` }),
  )
}

async function rowsOf(connection: Connection, table: string): Promise<number> {
  const [row] = await connection.rows<{ n: number }>(
    `SELECT count() AS n FROM ${connection.database}.${table}`,
  )
  return row?.n ?? 0
}

t.test('batches land on the shard that is spoken to, and every reader sees all', async (t) => {
  const [one, two] = [warehouse('landing', first), warehouse('landing', second)]
  await warehouse('landing').migrate([PLAN])
  for (const w of [one, two]) await w.migrate([PLAN])
  await one.land('day', rows(DAY_START, 0), 'zero', BY)
  await two.land('day', rows(DAY_START, 1), 'one', BY)
  const range = [{ producer: PRODUCER, from: 0, to: 1 }]
  for (const w of [one, two]) t.same(await w.landed('day', range), { rows: 80, distinct: 80 })
  t.equal(await rowsOf(shard(first, 'landing'), 'landing_day_local'), PEOPLE)
  t.equal(await rowsOf(shard(second, 'landing'), 'landing_day_local'), PEOPLE)
})

t.test(
  'a read-back finds what landed on the other shard before this one did not answer any more',
  async (t) => {
    const w = warehouse('failover', { ...address, url: 'http://127.0.0.1:1', otherUrls: [first.url] })
    await warehouse('failover').migrate([PLAN])
    await t.rejects(openWarehouse(second, 'failover').landingHours('week'), { code: 'ERR_WAREHOUSE_QUERY' })
    const other = warehouse('failover', second)
    await other.migrate([PLAN])
    await other.land('day', rows(DAY_START, 0), 'zero', BY)
    // The first host of this one is away: its next request goes to the next, and a read is repeated.
    t.same(await w.landed('day', [{ producer: PRODUCER, from: 0, to: 0 }]), {
      rows: PEOPLE,
      distinct: PEOPLE,
    })
  },
)

t.test('rows are settled, cleaned and dropped over both shards as on one', async (t) => {
  const w = warehouse('settled')
  await w.migrate([PLAN])
  // From here on what moves and deletes does so under the condition of an owner.
  await w.takeOver(1)
  const other = warehouse('settled', second)
  await other.migrate([PLAN])
  await w.land('day', rows(HOURS[0] as number, 0), 'zero', BY)
  await other.land('day', rows(HOURS[1] as number, 1), 'one', BY)
  const how = { deduplicate: false, queryId: 'settle' }
  t.same(await w.settle('day', HOURS, { ...how, resume: false }), [{ stream: 'day', epoch: EPOCH, rows: 80 }])
  t.same(
    await w.settle('day', HOURS, { ...how, resume: true }),
    [{ stream: 'day', epoch: EPOCH, rows: 80 }],
    'again: each row once',
  )
  const shards = [shard(first, 'settled'), shard(second, 'settled')]
  const parts = await Promise.all(shards.map((one) => rowsOf(one, 'staging_day_local')))
  t.equal(
    parts.reduce((sum, n) => sum + n, 0),
    80,
  )
  t.ok(
    parts.every((n) => n > 0),
    `people are on both shards: ${parts.join(' and ')}`,
  )
  await w.dropLanding('day', HOURS.slice(0, 1))
  t.same(
    (await w.landingHours('day')).map(({ hour }) => hour),
    HOURS.slice(1),
    'one hour goes, the other stays',
  )
  await w.dropLanding('day', HOURS, { completeUntil: DAY_START + DAY })
  t.same(await w.landingHours('day'), [])

  // A part that somebody detached on the other shard, and one whose name says nothing.
  await shards[1]?.command("ALTER TABLE settled.staging_day_local DETACH PARTITION ID '20261101'")
  t.ok((await w.stagedRows('day', EPOCH)) < 80, 'the fault was reached')
  await w.dropEpoch('day', EPOCH)
  for (const one of shards) {
    t.equal(await rowsOf(one, 'staging_day_local'), 0)
    t.same(await one.rows("SELECT name FROM system.detached_parts WHERE database = 'settled'"), [], 'V6')
    t.same(
      await one.rows(
        "SELECT name FROM system.parts WHERE database = 'settled' AND table = 'staging_day_local' AND rows > 0",
      ),
      [],
    )
  }
})

t.test('a person of a week is there once, wherever the rows came in', async (t) => {
  const plan: StreamPlan = { stream: 'week', dimensions: ['path'] }
  const w = warehouse('sets')
  await w.migrate([plan])
  const both = [shard(first, 'sets'), shard(second, 'sets')]
  const columns = await both[0]?.rows<{ name: string }>(
    "SELECT name FROM system.columns WHERE database = 'sets' AND table = 'landing_week' ORDER BY position",
  )
  const names = (columns ?? []).map(({ name }) => name)
  const known: Record<string, string> = {
    _row: 'number',
    received: `toDateTime(${String(DAY_START / 1_000)})`,
    epoch: "toDate('2026-10-26')",
    site: "'erp'",
    tenant: "'t'",
    person: "concat('p', toString(number))",
    path: "'/a'",
  }
  for (const [at, one] of both.entries()) {
    const given = names.filter((name) => name in known)
    await one.command(
      `INSERT INTO sets.landing_week_local (_batch, ${given.join(', ')}) SELECT ${String(at)}, ${given.map((name) => known[name]).join(', ')} FROM numbers(30)`,
    )
  }
  const settled = await w.settle('week', [DAY_START], { deduplicate: false, resume: false, queryId: 'set' })
  t.match(settled, [{ rows: 30 }], 'sixty rows of thirty people')
  const stored = await Promise.all(both.map((one) => rowsOf(one, 'staging_week_local')))
  t.ok(
    stored.every((n) => n > 0),
    stored.join(' and '),
  )
})

t.test('an epoch is not taken for dropped while a host does not answer', async (t) => {
  const w = warehouse('away')
  await w.migrate([PLAN])
  await w.land('day', rows(DAY_START, 0), 'zero', BY)
  await w.settle('day', [DAY_START], { deduplicate: false, resume: false, queryId: 'away' })
  const blind = warehouse('away', { ...address, otherUrls: ['http://127.0.0.1:1'] })
  await blind.migrate([PLAN]).catch(() => undefined)
  t.equal((await failureOf(blind.dropEpoch('day', EPOCH))).kind, 'refused')
  await w.dropEpoch('day', EPOCH)
  t.equal(await w.stagedRows('day', EPOCH), 0)
})

t.test('what is said to replicas is ON CLUSTER, in engines that ClickHouse takes', async (t) => {
  const sql = connect({ url: first.url, username: first.username, password: first.password }, 'said', {
    retryWaitsMs: [],
  })
  t.teardown(() => sql.close())
  await sql.command('CREATE DATABASE said')
  const plans: StreamPlan[] = [PLAN, { stream: 'week', dimensions: ['path'] }]
  const statements = tablesSql('said', plans, { name: 'tacit', coordinated: true })
  const replicated = statements.filter((statement) => statement.includes('ReplicatedMergeTree'))
  t.equal(replicated.length, 2 * plans.length + 2)
  for (const statement of statements) {
    t.match(statement, / ON CLUSTER `tacit` /)
    const alone = statement.replace(' ON CLUSTER `tacit`', '')
    if (!replicated.includes(statement)) {
      await t.resolves(sql.command(alone), statement)
      continue
    }
    // It wants macros first, then a Keeper: without them nothing else is wrong with it.
    t.match((await failureOf(sql.command(alone))).clickhouseCode, 139, statement)
    const withoutMacros = alone.replaceAll('{shard}', '1').replaceAll('{replica}', 'a')
    t.match((await failureOf(sql.command(withoutMacros))).clickhouseCode, 225, statement)
  }
  const paths = replicated.map((statement) =>
    /ReplicatedMergeTree\('([^']+)', '([^']+)'\)/.exec(statement)?.slice(1),
  )
  t.equal(new Set(paths.map((path) => path?.[0])).size, paths.length, 'no two tables meet in Keeper')
  for (const [path, replica] of paths as [string, string][]) {
    const isOfAll = /\/(cells|live)-/.test(path)
    t.equal(path.includes('{shard}'), !isOfAll, path)
    t.equal(
      replica,
      isOfAll ? '{shard}-{replica}' : '{replica}',
      'a table of all hosts has a replica of each',
    )
  }
})
