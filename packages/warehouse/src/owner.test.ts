import { HOUR } from '@tacit/contracts'
import t from 'tap'
import { BY, DAY_START, EPOCH, line, openTables, PLAN, testServer } from './testing/rows.js'
import { openWarehouse } from './warehouse.js'

const server = await testServer(t)
const HOURS = [DAY_START, DAY_START + HOUR]

t.test('what a former owner does moves, deletes and drops nothing', async (t) => {
  const { w: first } = await openTables(t, server, 'owned')
  const second = openWarehouse(server.address, 'owned')
  t.teardown(() => second.close())
  await second.migrate([PLAN])
  const rows = HOURS.flatMap((received, batch) =>
    Array.from({ length: 20 }, (_none, row) => line({ batch, row, received, hour: received })),
  )
  await first.takeOver(1)
  await first.land('day', rows, 'rows', BY)
  await first.settle('day', [DAY_START], { deduplicate: false, resume: false, queryId: 'one' })
  t.equal(await first.stagedRows('day', EPOCH), 20)

  await second.takeOver(2)
  const fenced = { code: 'ERR_LOG_FENCED' }
  const move = (resume: boolean) => first.settle('day', HOURS, { deduplicate: false, resume, queryId: 'two' })
  await t.rejects(move(false), fenced, 'what was not moved is not taken for moved')
  t.equal(await second.stagedRows('day', EPOCH), 20, 'nothing moved a second time')
  await t.rejects(move(true), fenced)
  t.equal(await second.stagedRows('day', EPOCH), 20, 'nothing was taken back')
  await t.rejects(first.dropLanding('day', HOURS), fenced)
  t.equal((await second.landingHours('day')).length, 2, 'nothing of landing went')
  await t.rejects(first.dropEpoch('day', EPOCH), fenced)

  await second.settle('day', HOURS, { deduplicate: false, resume: true, queryId: 'two' })
  await second.dropLanding('day', HOURS)
  t.equal(await second.stagedRows('day', EPOCH), 40)
  t.same(await second.landingHours('day'), [])
  await second.dropEpoch('day', EPOCH)
  t.equal(await second.stagedRows('day', EPOCH), 0)
})

t.test('a term that is not the highest is refused, and the highest is known', async (t) => {
  const { w: first } = await openTables(t, server, 'terms')
  const second = openWarehouse(server.address, 'terms')
  t.teardown(() => second.close())
  t.equal(await second.latestTerm(), 0)
  await first.takeOver(2)
  await t.rejects(second.takeOver(1), { code: 'ERR_LOG_FENCED' })
  t.equal(await second.latestTerm(), 2)
  await second.takeOver(3)
  t.equal(await first.latestTerm(), 3)
})

t.test(
  'whoever takes over drops the scratch tables of a release that was cut off, and a member does not',
  async (t) => {
    const { sql, w } = await openTables(t, server, 'scratch')
    await sql.command('CREATE TABLE scratch.clean_day_20261101_aa (a UInt8) ENGINE = MergeTree ORDER BY a')
    const tables = () =>
      sql.rows("SELECT name FROM system.tables WHERE database = 'scratch' AND startsWith(name, 'clean_')")
    await w.migrate([PLAN])
    t.equal((await tables()).length, 1)
    await w.takeOver(1)
    t.same(await tables(), [])
  },
)
