/** Rows of a week: what staging keeps of them says neither when nor how often. */
import { HOUR } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import t, { type Test } from 'tap'
import { BY, DAY_START, openTables, PRODUCER, testServer } from './testing/rows.js'

const server = await testServer(t)
const PLAN: StreamPlan = { stream: 'week', dimensions: ['path'] }
const HOURS = [DAY_START + 9 * HOUR, DAY_START + 10 * HOUR, DAY_START + 11 * HOUR]
/** A Monday, and the label of its week. */
const WEEK = 'week:2026-10-26'

const how = (queryId: string, resume = false) => ({ deduplicate: false, resume, queryId })

/** A line of the week as a collector writes it. */
function line(
  batch: number,
  row: number,
  received: number,
  person: string,
  path: string,
  more: string[] = [],
) {
  const own = ['2026-10-26', 'erp', 'pages', 'established', 'tenant-1', person, '']
  return Buffer.from(`${JSON.stringify([PRODUCER, batch, row, received / 1_000, ...own, path, ...more])}\n`)
}

/** Twenty people an hour, each of whom comes twice, and most of them in every hour. */
async function open(t: Test, database: string) {
  const tables = await openTables(t, server, database)
  await tables.w.migrate([PLAN])
  for (const [batch, hour] of HOURS.entries()) {
    const people = Array.from({ length: 40 }, (_none, row) => `person-${String(20 - (row % 20) + 3 * batch)}`)
    const rows = people.map((person, row) => line(batch, row, hour, person, '/invoices'))
    await tables.w.land('week', rows, String(batch), BY)
  }
  return tables
}

t.test(
  'a row is there once however often its person came, and no move can be told from another',
  async (t) => {
    const { w, sql } = await open(t, 'sets_once')
    for (const hour of HOURS) {
      await w.settle('week', [hour], how(String(hour)))
      await w.dropLanding('week', [hour])
    }
    t.same(await w.stagedEpochs('week'), [{ stream: 'week', epoch: WEEK, rows: 26 }])
    const rows = await sql.rows<{ person: string }>(
      'SELECT person FROM sets_once.staging_week ORDER BY _part_offset',
    )
    const people = rows.map(({ person }) => person)
    t.same(people, [...people].sort(), 'in the order of content')
    const parts = await sql.rows(
      `SELECT active, rows FROM system.parts WHERE database = 'sets_once' AND table = 'staging_week' AND rows > 0`,
    )
    t.same(parts, [{ active: 1, rows: 26 }], 'one part, and none on the disk that it was made of')
    const columns = await sql.rows<{ name: string }>(
      "SELECT name FROM system.columns WHERE database = 'sets_once' AND table = 'staging_week' ORDER BY position",
    )
    t.same(
      columns.map(({ name }) => name),
      ['epoch', 'site', 'statistic', 'standing', 'tenant', 'person', 'network', 'path', '_rulebook'],
    )
  },
)

t.test('a move that is done again gives each row once, whatever the first try left', async (t) => {
  const { w, sql } = await open(t, 'sets_again')
  await w.settle('week', HOURS, how('a'))
  await w.settle('week', HOURS, how('a', true))
  const whole = [{ stream: 'week', epoch: WEEK, rows: 26 }]
  t.same(await w.stagedEpochs('week'), whole, 'after a whole first try')
  await sql.command("ALTER TABLE sets_again.staging_week DELETE WHERE person < 'person-2'", {
    settings: { mutations_sync: '2' },
  })
  t.same(await w.settle('week', HOURS, how('a', true)), whole, 'after a part of it')
  await w.dropLanding('week', HOURS.slice(0, 2))
  t.same(await w.settle('week', HOURS, how('a', true)), whole, 'after landing was partly dropped')
})

t.test('a column that a later rulebook adds is kept apart, and in order too', async (t) => {
  const { w, sql } = await open(t, 'sets_column')
  await w.settle('week', HOURS, how('a'))
  await w.dropLanding('week', HOURS)
  await w.migrate([{ stream: 'week', dimensions: ['path', 'role'] }])
  const rows = ['sales', 'admin', 'other'].map((role, row) =>
    line(9, row, HOURS[0] ?? 0, 'person-1', '/invoices', [role]),
  )
  await w.land('week', rows, '9', BY)
  await w.settle('week', HOURS.slice(0, 1), how('b'))
  const stored = await sql.rows<{ role: string }>(
    "SELECT role FROM sets_column.staging_week WHERE person = 'person-1' ORDER BY _part_offset",
  )
  t.same(
    stored.map(({ role }) => role),
    ['', 'admin', 'other', 'sales'],
  )
})

t.test('rows that tell no hour are looked up by their epoch alone', async (t) => {
  const { w } = await open(t, 'sets_hash')
  await w.settle('week', HOURS.slice(0, 2), how('a'))
  await w.dropLanding('week', HOURS.slice(0, 2))
  t.same(await w.rowProvenance('week'), [
    { ...BY, received: HOURS[2], epoch: WEEK },
    { ...BY, received: null, epoch: WEEK },
  ])
})
