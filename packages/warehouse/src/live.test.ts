import { setTimeout as sleep } from 'node:timers/promises'
import { HOUR, MINUTE } from '@tacit/contracts'
import t from 'tap'
import { connect } from './connection.js'
import { DAY_START, openTables, PLAN, testServer } from './testing/rows.js'
import type { LiveNumber } from './types.js'
import { openWarehouse } from './warehouse.js'

const server = await testServer(t)
const NOON = DAY_START + 12 * HOUR
/** start of the window that is so many windows after noon */
const window = (at: number): number => NOON + at * 5 * MINUTE
/** when it has ended */
const after = (at: number): number => window(at + 1)

function number(statistic: string, users: number | null, windowStart = NOON): LiveNumber {
  return { statistic, windowStart, users, floor: 10, rulebook: 'a'.repeat(64) }
}

t.test('a number is there with its window until the next one overwrites it', async (t) => {
  const { w } = await openTables(t, server, 'live')
  t.same(await w.live(NOON), [])
  await w.putLive([number('live', 120), number("it's", null)])
  t.same(await w.live(after(0)), [number("it's", null), number('live', 120)])
  await w.putLive([number('live', 90, window(1))])
  t.same(await w.live(after(1)), [number('live', 90, window(1))], 'also a statistic that is no longer there')
  await w.putLive([])
  t.same(await w.live(after(1)), [])
})

t.test('a number is shown for ten minutes after its window, and not before its end', async (t) => {
  const { w } = await openTables(t, server, 'live_fresh')
  await w.putLive([number('live', 120)])
  const users = async (now: number) => (await w.live(now)).map((row) => row.users)
  t.same(await users(after(0) - 1), [null], 'by a clock that was set back')
  t.same(await users(after(0)), [120])
  t.same(await users(after(0) + 10 * MINUTE - 1), [120])
  t.same(await users(after(0) + 10 * MINUTE), [null])
})

t.test('nothing of an overwritten number is left, in whatever part', async (t) => {
  const { sql, w } = await openTables(t, server, 'live_gone')
  for (let at = 0; at < 4; at++) await w.putLive([number('live', 10 * at, window(at))])
  const parts = await sql.rows(
    "SELECT partition_id AS id, sum(rows) AS left FROM system.parts WHERE database = 'live_gone' AND table = 'live' AND (active OR rows > 0) GROUP BY id",
  )
  t.same(parts, [{ id: String(window(3) / 1_000), left: 1 }])
  t.same(
    await sql.rows("SELECT * FROM system.detached_parts WHERE database = 'live_gone' AND table = 'live'"),
    [],
  )
})

t.test(
  'after a kill between the two steps a reader finds the newer one, and the next call drops both',
  async (t) => {
    const { sql, w } = await openTables(t, server, 'live_killed')
    await w.putLive([number('live', 50)])
    const insert = (start: number, users: string): Promise<void> =>
      sql.command(
        `INSERT INTO live_killed.live VALUES ('live', ${String(start / 1_000)}, ${users}, 10, '${'a'.repeat(64)}')`,
      )
    await insert(window(1), '60')
    t.same(await w.live(after(1)), [number('live', 60, window(1))])
    await insert(window(1), 'NULL')
    t.same(
      await w.live(after(1)),
      [number('live', null, window(1))],
      'of two of one window the one that says less',
    )
    await w.putLive([number('live', 70, window(2))])
    t.same(await sql.rows('SELECT users FROM live_killed.live'), [{ users: 70 }])
  },
)

t.test('a former owner overwrites nothing', async (t) => {
  const { sql, w: first } = await openTables(t, server, 'live_owned')
  const second = openWarehouse(server.address, 'live_owned')
  t.teardown(() => second.close())
  await second.migrate([PLAN])
  await first.takeOver(1)
  await first.putLive([number('live', 50)])
  await second.takeOver(2)
  const fenced = { code: 'ERR_LOG_FENCED' }
  await t.rejects(first.putLive([number('live', 60, window(1))]), fenced)
  await t.rejects(first.putLive([]), fenced)
  t.same(await sql.rows('SELECT users FROM live_owned.live'), [{ users: 50 }])
  await second.putLive([number('live', 70, window(1))])
  t.same(await second.live(after(1)), [number('live', 70, window(1))])
})

t.test('a data directory of an older build gets the table', async (t) => {
  const { sql, w } = await openTables(t, server, 'live_old')
  await sql.command('DROP TABLE live_old.live SYNC')
  await w.migrate([PLAN])
  await w.putLive([number('live', 50)])
  t.same(await w.live(after(0)), [number('live', 50)])
})

t.test(
  'a reader who looks all the time never finds nothing, nor an older number after a newer one',
  async (t) => {
    const { w } = await openTables(t, server, 'live_read')
    const reader = connect(server.address, 'live_read')
    t.teardown(() => reader.close())
    await w.putLive([number('live', 10)])
    const seen: number[] = []
    let writing = true
    const reading = (async () => {
      while (writing) {
        const [row] = await w.live(after(8))
        seen.push(row?.windowStart ?? 0)
        await sleep(1)
      }
    })()
    for (let at = 1; at <= 8; at++) await w.putLive([number('live', 10, window(at))])
    writing = false
    await reading
    t.ok(new Set(seen).size > 2, 'it looked meanwhile')
    t.same(
      seen,
      seen.toSorted((a, b) => a - b),
    )
    t.notOk(seen.includes(0))
  },
)
