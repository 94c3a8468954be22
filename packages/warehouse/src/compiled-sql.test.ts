/** What is shown to the privacy team is what runs. */
import { createClient } from '@clickhouse/client'
import { storedPlans } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { compiledSql, sqlText } from './compiled-sql.js'
import { treesOf } from './requests.js'
import { testServer } from './testing/rows.js'
import { openWarehouse } from './warehouse.js'

const rulebook = shippedRulebook('erp')

const streams = ['day', 'week', 'month'] as const

/** A value of a parameter's type. */
function someValue(type: string): unknown {
  if (type.startsWith('Array(String')) return ['one', 'two']
  if (type.startsWith('Array(')) return [1, 2]
  if (type === 'Date') return '2026-11-01'
  return type === 'String' ? 'erp' : 1
}

t.test('every table and every released statistic is there, with its conditions', async (t) => {
  const statements = compiledSql(rulebook, 'tacit')
  const text = sqlText(statements)
  for (const table of ['landing_day', 'staging_day', 'cells', 'live']) {
    t.match(text, `CREATE TABLE IF NOT EXISTS \`tacit\`.\`${table}\``)
  }
  for (const statistic of rulebook.statistics) {
    const { id, shape } = statistic
    const own = statements.filter(({ about }) => about.split(':')[0]?.split(', ').includes(id) === true)
    const trees = streams.flatMap((stream) => treesOf(rulebook, statistic, stream))
    const streamsOf = new Set(trees.map((tree) => (tree.statistic === undefined ? 'day' : 'week')))
    // A query of its trees (with those of others of its kind) for each stream, and unions of nodes at each depth.
    const unions = trees.flatMap(({ levels }) => levels).length
    t.equal(own.length, shape.type === 'funnel' ? 1 : streamsOf.size + unions, id)
    for (const level of trees.flatMap(({ levels }) => levels)) {
      t.match(own.map(({ sql }) => sql).join(), `\`r.${level}\``, `${id}: ${level}`)
    }
  }
  t.match(text, `--   cap: ${String(rulebook.release.maxEventsPerPerson)}\n`)
  t.match(text, "standing = 'established'", 'people of trials are not counted')
  t.notMatch(text, /\n\n\n|;;/)
})

t.test('what is known only when a statement runs is said in words', async (t) => {
  const params = compiledSql(rulebook, 'tacit').flatMap((statement) => Object.entries(statement.params))
  t.same([...new Set(params.flatMap(([name, words]) => (name === words ? [name] : [])))], [])
  t.ok(params.some(([name]) => name === 'event_name_shift'))
})

t.test('a statistic that this version does not release has no SQL', async (t) => {
  const [first, ...others] = rulebook.statistics
  if (first === undefined) throw new Error('no statistic')
  const recent = { ...rulebook, statistics: [{ ...first, windows: ['5m' as const] }, ...others] }
  const named = compiledSql(recent, 'tacit').filter(({ about }) => about.includes(first.id))
  t.same(named, [])
  t.same(
    compiledSql({ ...rulebook, statistics: [] }, 'tacit').length,
    2,
    'only the tables of cells and of live numbers are left',
  )
})

t.test('a server takes each statement as it is shown, and makes the tables that a start makes', async (t) => {
  const server = await testServer(t)
  const columns = async (database: string): Promise<unknown> => {
    const answer = await client.query({
      query:
        "SELECT table, name, type, position FROM system.columns WHERE database = {database:String} AND table != 'schema_versions' ORDER BY ALL",
      query_params: { database },
      format: 'JSONCompactEachRow',
    })
    return answer.json()
  }
  const client = createClient({ ...server.address })
  t.teardown(() => client.close())
  await client.command({ query: 'CREATE DATABASE shown' })
  const statements = compiledSql(rulebook, 'shown')
  const tables = statements.filter(({ sql }) => sql.startsWith('CREATE TABLE IF NOT EXISTS'))
  const others = statements.filter((statement) => !tables.includes(statement))
  for (const { sql } of tables) await client.command({ query: sql })

  const warehouse = openWarehouse(server.address, 'started')
  await warehouse.migrate(storedPlans(rulebook))
  await warehouse.close()
  t.same(await columns('shown'), await columns('started'))

  for (const { params, sql } of others) {
    const query = sql.replace('YYYYMMDD', '20261101')
    const types = [...sql.matchAll(/\{(\w+):([^}]+)\}/g)].map(
      ([, name, type]) => [name ?? '', type ?? ''] as const,
    )
    t.same([...new Set(types.map(([name]) => name))].sort(), Object.keys(params).sort(), 'each is explained')
    const query_params = Object.fromEntries(types.map(([name, type]) => [name, someValue(type)]))
    await t.resolves(client.command({ query, query_params }), sql)
  }
})
