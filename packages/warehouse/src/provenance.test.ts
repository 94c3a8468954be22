/** The hash of the rulebook goes with each row: landed with it, moved with it, and added to tables that lack it. */
import { HOUR } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { BY, DAY_START, EPOCH, line, openTables, PLAN, testServer } from './testing/rows.js'

const server = await testServer(t)
const OTHER = { rulebook: 'cd'.repeat(32) }
const plain = (queryId: string) => ({ deduplicate: false, resume: false, queryId })

const open = (t: Test, database: string) => openTables(t, server, database)

function lines(batch: number, count: number, received: number): Buffer[] {
  return Array.from({ length: count }, (_none, row) => line({ batch, row, received, hour: DAY_START }))
}

t.test('rows carry the hash of their own insert, in landing and in staging', async (t) => {
  const { w, sql } = await open(t, 'prov_rows')
  await w.land('day', lines(0, 3, DAY_START), 'a', BY)
  await w.land('day', lines(1, 2, DAY_START), 'b', { ...OTHER, dimensions: PLAN.dimensions })
  await w.land('day', lines(2, 4, DAY_START + HOUR), 'c', OTHER)
  const both = [
    { ...BY, received: DAY_START, epoch: EPOCH },
    { ...OTHER, received: DAY_START, epoch: EPOCH },
    { ...OTHER, received: DAY_START + HOUR, epoch: EPOCH },
  ]
  t.same(await w.rowProvenance('day'), both)
  await w.settle('day', [DAY_START], plain('p1'))
  t.same(await w.rowProvenance('day'), both, 'in landing and in staging alike, and said once')
  await w.dropLanding('day', [DAY_START])
  t.same(await w.rowProvenance('day'), both)
  const counts = await sql.rows(
    'SELECT _rulebook AS rulebook, count() AS rows FROM prov_rows.staging_day GROUP BY rulebook ORDER BY rulebook',
  )
  t.same(counts, [
    { ...BY, rows: 3 },
    { ...OTHER, rows: 2 },
  ])
  t.same(await w.cellProvenance(), [])
})

t.test('a large insert is one part, and its token keeps it from landing twice', async (t) => {
  const { w, sql } = await open(t, 'prov_large')
  const rows = lines(0, 150_000, DAY_START)
  await w.land('day', rows, 'large', BY)
  await w.land('day', rows, 'large', BY)
  await w.land('day', rows, 'large', OTHER)
  t.same(
    await sql.rows(
      "SELECT count() AS parts, sum(rows) AS total FROM system.parts WHERE database = 'prov_large' AND table = 'landing_day' AND active AND rows > 0",
    ),
    [{ parts: 1, total: 150_000 }],
  )
  t.same(await w.rowProvenance('day'), [{ ...BY, received: DAY_START, epoch: EPOCH }])
})

t.test(
  'tables of an older data directory get the column, and their rows say that nobody wrote it down',
  async (t) => {
    const { w, sql } = await open(t, 'prov_old')
    await w.land('day', lines(0, 2, DAY_START), 'before', BY)
    await w.settle('day', [DAY_START], plain('o1'))
    for (const table of ['landing_day', 'staging_day'])
      await sql.command(`ALTER TABLE prov_old.${table} DROP COLUMN _rulebook`, {
        settings: { alter_sync: '2' },
      })
    await w.migrate([PLAN])
    await w.land('day', lines(1, 2, DAY_START + HOUR), 'after', BY)
    await w.settle('day', [DAY_START + HOUR], plain('o2'))
    t.same(await w.rowProvenance('day'), [
      { rulebook: '', received: DAY_START, epoch: EPOCH },
      { ...BY, received: DAY_START + HOUR, epoch: EPOCH },
    ])
    t.equal(await w.stagedRows('day', EPOCH), 4)
  },
)

t.test('cells are told by their window', async (t) => {
  const { w } = await open(t, 'prov_cells')
  const UNSAID = { visits: null, time_s: null, share: null, users_error: null, events_error: null }
  const cell = { statistic: 'pages', windowStart: DAY_START, users: 10, events: 12, floor: 10, ...UNSAID }
  await w.insertCells(
    new Map([
      [
        'm1',
        [
          { ...cell, window: 'day', dims: ['/a'], ...BY },
          { ...cell, window: 'day', dims: ['/b'], ...BY },
          { ...cell, window: 'week', dims: ['/a'], ...OTHER },
        ],
      ],
    ]),
  )
  t.same(await w.cellProvenance(), [
    { ...BY, window: 'day', windowStart: DAY_START },
    { ...OTHER, window: 'week', windowStart: DAY_START },
  ])
})
