import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DAY, HOUR } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { BY, DAY_START, EPOCH, line, openTables, PLAN, testServer } from './testing/rows.js'
import type { Warehouse } from './warehouse.js'

const server = await testServer(t)
const HOURS = [DAY_START, DAY_START + HOUR]

const open = (t: Test, database: string) => openTables(t, server, database)

/** `count` rows in each of three hours of receipt; the last one is of the next epoch's first hour. */
async function fill(w: Warehouse, count: number): Promise<void> {
  const hours = [...HOURS, DAY_START + DAY]
  for (const [batch, hour] of hours.entries()) {
    const rows = Array.from({ length: count }, (_none, row) => line({ batch, row, received: hour, hour }))
    await w.land('day', rows, String(batch), BY)
  }
}

const plain = (queryId: string) => ({ deduplicate: false, resume: false, queryId })

t.test('whole hours move, other hours stay, and landing keeps its copy until it is dropped', async (t) => {
  const { w, sql } = await open(t, 'settle_plain')
  await fill(w, 50)
  t.same(await w.settle('day', HOURS, plain('s1')), [{ stream: 'day', epoch: EPOCH, rows: 100 }])
  t.equal(await w.stagedRows('day', EPOCH), 100)
  t.equal((await w.landingHours('day')).length, 3)
  await w.dropLanding('day', HOURS)
  t.same(
    (await w.landingHours('day')).map(({ hour }) => hour),
    [DAY_START + DAY],
  )
  t.same(await w.settle('day', [], plain('s2')), [])
  const columns = await sql.rows<{ name: string }>(
    "SELECT name FROM system.columns WHERE database = 'settle_plain' AND table = 'staging_day' AND startsWith(name, '_')",
  )
  t.same(columns, [{ name: '_rulebook' }], 'staging knows nothing of producers and batches')
})

t.test('repetitions move once where that is asked', async (t) => {
  const { w } = await open(t, 'settle_twice')
  await fill(w, 20)
  const again = Array.from({ length: 5 }, (_none, row) =>
    line({ batch: 0, row, received: DAY_START, hour: DAY_START }),
  )
  await w.land('day', again, 'again', BY)
  const moved = await w.settle('day', HOURS, { deduplicate: true, resume: false, queryId: 'd1' })
  t.same(moved, [{ stream: 'day', epoch: EPOCH, rows: 40 }])
})

t.test('a settle that is done again gives each row once, whatever the first try left', async (t) => {
  const { w, sql } = await open(t, 'settle_again')
  await fill(w, 30)
  await w.settle('day', [DAY_START + DAY], plain('other'))
  await w.settle('day', HOURS, plain('r1'))
  const redo = { deduplicate: false, resume: true, queryId: 'r1' }
  t.same(
    await w.settle('day', HOURS, redo),
    [{ stream: 'day', epoch: EPOCH, rows: 60 }],
    'after a whole first try',
  )
  await sql.command(
    'ALTER TABLE settle_again.staging_day DELETE WHERE rand() % 2 = 0 AND epoch = {day:Date}',
    {
      params: { day: '2026-11-01' },
      settings: { mutations_sync: '2' },
    },
  )
  t.same(
    await w.settle('day', HOURS, redo),
    [{ stream: 'day', epoch: EPOCH, rows: 60 }],
    'after a part of it',
  )
  t.same(await w.stagedEpochs('day'), [
    { stream: 'day', epoch: EPOCH, rows: 60 },
    { stream: 'day', epoch: 'day:2026-11-02', rows: 30 },
  ])
  const distinct = await sql.rows('SELECT uniqExact(eid) AS n FROM settle_again.staging_day')
  t.same(distinct, [{ n: 90 }])
})

t.test('a settle that is done again after landing was partly dropped loses nothing', async (t) => {
  const { w, sql } = await open(t, 'settle_dropped')
  await fill(w, 30)
  await w.settle('day', HOURS, plain('p1'))
  await sql.command('ALTER TABLE settle_dropped.landing_day DELETE WHERE _row % 2 = 0 AND _batch = 0', {
    settings: { mutations_sync: '2' },
  })
  for (const deduplicate of [false, true]) {
    const redo = { deduplicate, resume: true, queryId: 'p1' }
    t.same(await w.settle('day', HOURS, redo), [{ stream: 'day', epoch: EPOCH, rows: 60 }])
  }
  t.same(await sql.rows('SELECT uniqExact(eid) AS n FROM settle_dropped.staging_day'), [{ n: 60 }])
})

t.test('a first try that still runs is ended before the second', async (t) => {
  const { w, sql } = await open(t, 'settle_running')
  await fill(w, 10)
  const slow = sql
    .command(
      `INSERT INTO settle_running.staging_day
       SELECT * EXCEPT (_producer, _batch, _row) FROM settle_running.landing_day WHERE sleepEachRow(0.1) = 0
       SETTINGS max_block_size = 1, min_insert_block_size_rows = 1, max_threads = 1`,
      { queryId: 'slow' },
    )
    .then(
      () => 'finished',
      () => 'ended',
    )
  await new Promise((resolve) => setTimeout(resolve, 500))
  const moved = await w.settle('day', HOURS, { deduplicate: false, resume: true, queryId: 'slow' })
  t.equal(await slow, 'ended')
  t.same(moved, [{ stream: 'day', epoch: EPOCH, rows: 20 }])
})

t.test('rows of one person do not lie in the order in which they came', async (t) => {
  const { w, sql } = await open(t, 'settle_order')
  const rows = Array.from({ length: 200 }, (_none, row) =>
    line({ row, eid: 'same', path: `/${String(row)}` }),
  )
  await w.land('day', rows, 'o', BY)
  await w.settle('day', [DAY_START + 9 * HOUR], plain('o'))
  const found = await sql.rows<{ path: string }>(
    'SELECT path FROM settle_order.staging_day SETTINGS max_threads = 1',
  )
  const order = found.map(({ path }) => Number(path.slice(1)))
  const rising = order.filter((value, at) => at > 0 && value > (order[at - 1] ?? 0)).length
  t.equal(order.length, 200)
  t.ok(rising > 60 && rising < 140, `${String(rising)} of 199 steps rise; half would be chance`)
})

t.test('V6: of a dropped epoch no part is left, and other epochs are whole', async (t) => {
  const { w, sql } = await open(t, 'drop_epoch')
  await fill(w, 40)
  await w.settle('day', [DAY_START], plain('a'))
  await w.settle('day', [DAY_START + HOUR, DAY_START + DAY], plain('b'))
  await sql.command('OPTIMIZE TABLE drop_epoch.staging_day FINAL')
  await sql.command("ALTER TABLE drop_epoch.staging_day DETACH PARTITION ID '20261101'")
  await sql.command("ALTER TABLE drop_epoch.staging_day ATTACH PARTITION ID '20261101'")
  const cleaned = await w.clean({
    stream: 'day',
    epoch: EPOCH,
    site: 'erp',
    identity: 'signed',
    maxEventsPerPerson: 5,
  })
  t.equal(cleaned.rows, 5)
  await w.dropEpoch('day', EPOCH)
  const parts = await sql.rows(
    `SELECT name FROM system.parts WHERE database = 'drop_epoch' AND rows > 0
       AND (partition_id = '20261101' OR startsWith(table, 'clean_'))
     UNION ALL SELECT name FROM system.detached_parts WHERE database = 'drop_epoch'`,
  )
  t.same(parts, [])
  t.same(await w.stagedEpochs('day'), [{ stream: 'day', epoch: 'day:2026-11-02', rows: 40 }])
  await w.dropEpoch('day', EPOCH)
})

t.test(
  'V6: a detached part of the epoch goes too, and one whose name does not say of which it is',
  async (t) => {
    const { w, sql } = await open(t, 'drop_detached')
    await fill(w, 10)
    await w.settle('day', HOURS, plain('c'))
    await sql.command("ALTER TABLE drop_detached.staging_day DETACH PARTITION ID '20261101'")
    const [table] = await sql.rows<{ path: string }>(
      "SELECT data_paths[1] AS path FROM system.tables WHERE database = 'drop_detached' AND name = 'staging_day'",
    )
    await mkdir(join(table?.path ?? '', 'detached', 'kept by hand'))
    t.match(
      await sql.rows(
        "SELECT partition_id FROM system.detached_parts WHERE database = 'drop_detached' ORDER BY ALL",
      ),
      [{ partition_id: '20261101' }, { partition_id: null }],
      'control',
    )
    await w.dropEpoch('day', EPOCH)
    t.same(await sql.rows("SELECT name FROM system.detached_parts WHERE database = 'drop_detached'"), [])
  },
)

t.test(
  'tables grow with the rulebook and keep what they have, and scratch tables of a killed release go',
  async (t) => {
    const { w, sql } = await open(t, 'migrate_check')
    await fill(w, 3)
    await w.settle('day', HOURS, plain('m'))
    await w.clean({ stream: 'day', epoch: EPOCH, site: 'erp', identity: 'signed', maxEventsPerPerson: 5 })
    await w.migrate([PLAN])
    await w.takeOver(0)
    t.same(await sql.rows("SELECT name FROM system.tables WHERE database = 'migrate_check' ORDER BY name"), [
      { name: 'cells' },
      { name: 'landing_day' },
      { name: 'live' },
      { name: 'schema_versions' },
      { name: 'staging_day' },
    ])
    t.equal(await w.stagedRows('day', EPOCH), 6)
    await w.migrate([{ stream: 'day', dimensions: ['browser', 'path'] }])
    const columns = await sql.rows<{ name: string }>(
      "SELECT name FROM system.columns WHERE database = 'migrate_check' AND table = 'staging_day' ORDER BY position",
    )
    const names = columns.map(({ name }) => name)
    t.ok(names.includes('device'), 'what a former rulebook kept stays until its partition goes')
    t.equal(names.at(-1), 'browser', 'what the new one keeps is added')
    t.ok(names.includes('_rulebook'))
    t.equal(await w.stagedRows('day', EPOCH), 6, 'and no row is touched')
    t.same(
      await sql.rows('SELECT DISTINCT browser FROM migrate_check.staging_day'),
      [{ browser: '' }],
      'rows of before have no such value',
    )
    await sql.command('ALTER TABLE migrate_check.landing_day MODIFY COLUMN path UInt64', { repeatable: true })
    await t.rejects(w.migrate([PLAN]), { code: 'ERR_DATA_RULEBOOK', message: /other types: path/ })
  },
)
