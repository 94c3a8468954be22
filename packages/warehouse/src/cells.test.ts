import { DAY } from '@tacit/contracts'
import t from 'tap'
import { connect } from './connection.js'
import { DAY_START, failureOf, PLAN, testServer } from './testing/rows.js'
import type { StoredCell } from './types.js'
import { openWarehouse } from './warehouse.js'

const server = await testServer(t)

function cell(path: string, users: number | null, day = 0): StoredCell {
  return {
    statistic: 'pages',
    window: 'day',
    windowStart: DAY_START + day * DAY,
    dims: [path],
    users,
    events: users === null ? 17 : users * 3,
    floor: users === null ? null : 10,
    visits: null,
    time_s: null,
    share: null,
    users_error: null,
    events_error: null,
    rulebook: 'a'.repeat(64),
  }
}

const w = openWarehouse(server.address, 'cells')
const sql = connect(server.address, 'cells')
t.teardown(async () => {
  await w.close()
  await sql.close()
})
await w.migrate([PLAN])

t.test('cells come back as they went in, sorted the same for ever', async (t) => {
  const first = [cell("/it's", 20), cell('/b', 30), cell('/a', 20), cell('(other)', null)]
  await w.insertCells(new Map([['m1', first]]))
  await w.insertCells(new Map([['m2', [cell('/next', 10, 1)]]]))
  const query = { statistic: 'pages', window: 'day' }
  const expected = [
    cell('/b', 30),
    cell('/a', 20),
    cell("/it's", 20),
    cell('(other)', null),
    cell('/next', 10, 1),
  ]
  const answers = [await w.queryCells(query), await w.queryCells(query)]
  await sql.command('OPTIMIZE TABLE cells.cells FINAL')
  for (const answer of [...answers, await w.queryCells(query)]) {
    t.equal(JSON.stringify(answer.map(({ dims }) => dims)), JSON.stringify(expected.map(({ dims }) => dims)))
    t.same(answer, expected)
  }
  t.same(await w.queryCells({ ...query, window: 'week' }), [])
  t.same(await w.queryCells({ statistic: "x' OR 1=1 --", window: 'day' }), [])
})

t.test('both ends of a range are included', async (t) => {
  const days = async (from?: string, to?: string): Promise<number[]> => {
    const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
    const cells = await w.queryCells({ statistic: 'pages', window: 'day', ...range })
    return [...new Set(cells.map(({ windowStart }) => (windowStart - DAY_START) / DAY))]
  }
  t.same(await days('2026-11-01', '2026-11-02'), [0, 1])
  t.same(await days('2026-11-02'), [1])
  t.same(await days(undefined, '2026-11-01'), [0])
  t.same(await days('2026-11-03'), [])
  for (const date of ['2026-02-30', 'yesterday', "2026-11-01' OR 1"]) {
    await t.rejects(days(date), { code: 'ERR_QUERY_MALFORMED' })
  }
})

t.test('a manifest is inserted once, however often it is tried and whatever was left', async (t) => {
  const cells = [cell('/x', 10, 5), cell('/y', 20, 5), cell('/z', 30, 5)]
  const found = async (): Promise<readonly StoredCell[]> =>
    w.queryCells({ statistic: 'pages', window: 'day', from: '2026-11-06', to: '2026-11-06' })
  await w.insertCells(new Map([['m5', cells]]))
  await w.insertCells(new Map([['m5', cells.toReversed()]]))
  t.equal(await w.cellCount('m5'), 3)
  await sql.command("ALTER TABLE cells.cells DELETE WHERE manifest = 'm5' AND users = 20", {
    settings: { mutations_sync: '2' },
  })
  t.equal(await w.cellCount('m5'), 2, 'a part of it is left')
  await w.insertCells(new Map([['m5', cells]]))
  t.equal(await w.cellCount('m5'), 3)
  t.same(
    (await found()).map(({ dims }) => dims),
    [['/z'], ['/y'], ['/x']],
  )
  t.equal(await w.cellCount('m1'), 4, 'other manifests are untouched')
  await w.insertCells(new Map([['empty', []]]))
  t.equal(await w.cellCount('empty'), 0)
})

t.test('manifests of one window are whole afterwards, whatever was there of each', async (t) => {
  const manifests = new Map(
    ['whole', 'part', 'absent'].map((id, at) => [
      id,
      [cell(`/${id}/a`, 10, 7), cell(`/${id}/b`, 20 + at, 7)],
    ]),
  )
  await w.insertCells(new Map([...manifests].slice(0, 2)))
  await sql.command("ALTER TABLE cells.cells DELETE WHERE manifest = 'part' AND users = 10", {
    settings: { mutations_sync: '2' },
  })
  await w.insertCells(new Map([['nothing', []], ...manifests]))
  t.same(await Promise.all(['whole', 'part', 'absent', 'nothing'].map((id) => w.cellCount(id))), [2, 2, 2, 0])
  await sql.command("ALTER TABLE cells.cells DELETE WHERE manifest IN ('whole', 'part', 'absent')", {
    settings: { mutations_sync: '2' },
  })
})

t.test('an error in the middle of an answer is one, and no part of the answer is taken', async (t) => {
  const once = connect(server.address, 'cells', { retryWaitsMs: [] })
  t.teardown(() => once.close())
  for (const rows of [100, 100_000, 1_000_000]) {
    const last = String(rows - 1)
    const failure = await failureOf(
      once.rows(`SELECT throwIf(number = ${last}) FROM numbers(${String(rows)})`),
    )
    t.equal(failure.clickhouseCode, 395)
  }
})

t.test('released windows are listed', async (t) => {
  t.same(await w.releasedWindows(), [
    { statistic: 'pages', window: 'day', windowStart: DAY_START, cells: 4 },
    { statistic: 'pages', window: 'day', windowStart: DAY_START + DAY, cells: 1 },
    { statistic: 'pages', window: 'day', windowStart: DAY_START + 5 * DAY, cells: 3 },
  ])
})

t.test('a cell that no table takes is an error without its value', async (t) => {
  const failure = await failureOf(w.insertCells(new Map([['bad', [{ ...cell('/secret', 1), users: 1.5 }]]])))
  t.equal(failure.kind, 'data')
  t.notMatch(failure.message, /secret/)
  t.equal(await w.cellCount('bad'), 0)
})
