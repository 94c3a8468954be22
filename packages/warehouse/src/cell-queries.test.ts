import { DAY, HOUR } from '@tacit/contracts'
import t from 'tap'
import { DAY_START, openTables, PLAN, testServer } from './testing/rows.js'
import type { StoredCell } from './types.js'

const server = await testServer(t)
const { w, sql } = await openTables(t, server, 'reading')

function cell(dims: readonly string[], users: number | null, start = DAY_START, window = 'day'): StoredCell {
  return {
    statistic: 'pages',
    window,
    windowStart: start,
    dims,
    users,
    floor: users === null ? null : 10,
    events: users === null ? null : users * 2,
    visits: users,
    time_s: 90,
    share: 40,
    users_error: 6,
    events_error: 13,
    rulebook: 'a'.repeat(64),
  }
}

const days = [0, 1, 2].map((day) => DAY_START + day * DAY)
for (const [at, start] of days.entries()) {
  await w.insertCells(
    new Map([
      [
        `day-${String(at)}`,
        [
          cell(['/a'], 30, start),
          cell(['/b'], 40, start),
          cell(['(none)'], 20, start),
          cell(['(other)'], 90, start),
          ...(at === 1 ? [] : [cell(['/a', 'mobile'], 10, start), cell(['/a', '(other)'], 20, start)]),
        ],
      ],
    ]),
  )
}
await w.insertCells(
  new Map([
    [
      'hours',
      [
        cell(['/a'], 10, DAY_START + 9 * HOUR, 'hour'),
        cell(['/b'], 20, DAY_START + 9 * HOUR, 'hour'),
        cell(['/a'], 10, DAY_START + 10 * HOUR, 'hour'),
      ],
    ],
  ]),
)
const level = { statistic: 'pages', window: 'day', depth: 1 }
const names = (cells: readonly StoredCell[]) =>
  cells.map(({ dims, windowStart }) => `${String((windowStart - DAY_START) / DAY)} ${dims.join('>')}`)

t.test('a cell keeps every measure', async (t) => {
  t.same(await w.queryCells({ ...level, to: '2026-11-01', top: 1 }), [
    cell(['/b'], 40),
    cell(['(other)'], 90),
  ])
})

t.test('cells are of the level that was asked, and without one of every level', async (t) => {
  t.same(names(await w.queryCells({ ...level, depth: 2 })), [
    '0 /a>mobile',
    '0 /a>(other)',
    '2 /a>mobile',
    '2 /a>(other)',
  ])
  t.equal((await w.queryCells({ statistic: 'pages', window: 'day' })).length, 16)
})

t.test('the largest of each window come with the pool of all others, and with no other pool', async (t) => {
  t.same(names(await w.queryCells({ ...level, top: 2 })), [
    '0 /b',
    '0 /a',
    '0 (other)',
    '1 /b',
    '1 /a',
    '1 (other)',
    '2 /b',
    '2 /a',
    '2 (other)',
  ])
  t.same(names(await w.queryCells({ ...level, depth: 2, top: 1 })), ['0 /a>mobile', '2 /a>mobile'])
  t.same(names(await w.queryCells({ ...level, window: 'hour', top: 1 })), [
    `${String(9 / 24)} /b`,
    `${String(10 / 24)} /a`,
  ])
  t.equal((await w.queryCells({ ...level, top: 9 })).length, 12)
})

t.test('a limit keeps the first windows, the largest of a window first', async (t) => {
  t.same(names(await w.queryCells({ ...level, limit: 6 })), [
    '0 /b',
    '0 /a',
    '0 (none)',
    '0 (other)',
    '1 /b',
    '1 /a',
  ])
})

t.test('cells of named values alone', async (t) => {
  t.same(names(await w.queryCells({ ...level, dims: [['/a'], ["/it's"]] })), ['0 /a', '1 /a', '2 /a'])
  t.same(names(await w.queryCells({ ...level, depth: 2, dims: [['/a', 'mobile']] })), [
    '0 /a>mobile',
    '2 /a>mobile',
  ])
  const many = Array.from({ length: 3_000 }, (_, at) => [`/no/such/page/${String(at)}`])
  t.same(names(await w.queryCells({ ...level, dims: [...many, ['/b']], from: '2026-11-03' })), ['2 /b'])
})

t.test('counts of a window are those of its values: no pool, and nothing without a value', async (t) => {
  t.same(
    await w.cellCounts(level),
    days.map((windowStart) => ({ windowStart, rulebook: 'a'.repeat(64), cells: 2 })),
  )
  t.same(
    (await w.cellCounts({ ...level, depth: 2 })).map(({ cells }) => cells),
    [1, 1],
  )
})

t.test('the newest window of each statistic is known, and the manifest of a window', async (t) => {
  t.same(await w.latestWindows(), [
    { statistic: 'pages', window: 'day', windowStart: days[2] },
    { statistic: 'pages', window: 'hour', windowStart: DAY_START + 10 * HOUR },
  ])
  const of = { statistic: 'pages', window: 'day' }
  t.equal(await w.manifestOfWindow({ ...of, windowStart: days[1] ?? 0 }), 'day-1')
  t.equal(await w.manifestOfWindow({ ...of, windowStart: DAY_START - DAY }), null)
})

t.test('a manifest that is there twice is seen once, whatever the limit', async (t) => {
  const before = await Promise.all([
    w.queryCells(level),
    w.queryCells({ ...level, limit: 5 }),
    w.queryCells({ ...level, top: 1 }),
    w.cellCounts(level),
  ])
  // What a process that died had sent, and arrives late.
  await sql.command('INSERT INTO reading.cells SELECT * FROM reading.cells')
  const after = await Promise.all([
    w.queryCells(level),
    w.queryCells({ ...level, limit: 5 }),
    w.queryCells({ ...level, top: 1 }),
    w.cellCounts(level),
  ])
  t.equal(JSON.stringify(after), JSON.stringify(before))
  t.equal(await w.cellCount('day-0'), 12, 'it was there twice')
})

t.test('cells from before they had ranks are ranked as if they were released now', async (t) => {
  const { w: older, sql: old } = await openTables(t, server, 'older')
  const columns = 'manifest, statistic, window, window_start, dims, users, events, floor, rulebook'
  await old.command('DROP TABLE older.cells SYNC')
  await old.command(
    `CREATE TABLE older.cells (manifest String, statistic LowCardinality(String), window LowCardinality(String),
     window_start DateTime, dims Array(String), users Nullable(UInt64), events Nullable(UInt64), floor Nullable(UInt64),
     rulebook LowCardinality(String)) ENGINE = MergeTree PARTITION BY toYYYYMM(window_start, 'UTC')
     ORDER BY (statistic, window, window_start, dims)`,
  )
  // As after a crash: all cells are there twice.
  await old.command(`INSERT INTO older.cells (${columns}) SELECT ${columns} FROM reading.cells`)
  await older.migrate([PLAN])
  const ranks = (database: string) =>
    sql.rows(
      `SELECT DISTINCT window, window_start, dims, depth, rank, listed FROM ${database}.cells ORDER BY window, window_start, dims`,
    )
  t.same(await ranks('older'), await ranks('reading'))
  t.same(names(await older.queryCells({ ...level, top: 1 })), names(await w.queryCells({ ...level, top: 1 })))
})

t.test('cells beyond each band of ranks are found, and no others', async (t) => {
  const { w: many } = await openTables(t, server, 'bands')
  const paths = Array.from({ length: 5_000 }, (_none, at) => `/p${String(at).padStart(4, '0')}`)
  await many.insertCells(new Map([['many', paths.map((path, at) => cell([path], 60_000 - at, DAY_START))]]))
  for (const top of [1, 8, 9, 64, 65, 512, 513, 4_096, 4_097, 4_999, 5_001]) {
    const wanted = paths.slice(0, top)
    for (const query of [{ top }, { limit: top }]) {
      const found = await many.queryCells({ ...level, ...query })
      t.same(
        found.map(({ dims }) => dims[0]),
        wanted,
        JSON.stringify(query),
      )
    }
  }
})
