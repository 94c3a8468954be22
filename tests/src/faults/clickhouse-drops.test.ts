/** V6: staging partitions go on time, in whatever state their parts are and whoever dies meanwhile. */
import { join } from 'node:path'
import { DAY, HOUR } from '@tacit/contracts'
import {
  behind,
  DAY_START,
  EPOCH,
  erpRulebook,
  type Hook,
  pageViews,
  type TestProcess,
  TestStores,
  testServer,
} from '@tacit/aggregator/testing'
import t, { type Test } from 'tap'
import { query } from '../support/server-query.js'

const server = await testServer(t)
const NOON = DAY_START + 12 * HOUR
const ROWS = pageViews({ tenants: 6, perTenant: 4 }, '/items')
/** End of the day, and the 48 hours until its root dies. */
const DESTROYED = DAY_START + 3 * DAY

/** Rows of one day in staging, and none in landing. */
async function staged(t: Test, database: string): Promise<{ stores: TestStores; running: TestProcess }> {
  const stores = new TestStores(join(t.testdir(), database), server, database, erpRulebook('pages'))
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open()
  await running.collector.send(DAY_START, ROWS)
  await running.collector.watermark(NOON)
  await running.advance(NOON)
  t.equal(await running.warehouse.stagedRows('day', EPOCH), ROWS.length)
  return { stores, running }
}

/** What the server still has of staging: parts with rows, in whatever state. */
async function left(database: string): Promise<string> {
  const where = `database = '${database}' AND table = 'staging_day'`
  const parts = await query({ server }, `SELECT name FROM system.parts WHERE ${where} AND rows > 0`)
  return parts + (await query({ server }, `SELECT name FROM system.detached_parts WHERE ${where}`))
}

/** The root is gone: its partition goes in that very round, not before. */
async function dropsOnTime(t: Test, { keeper }: TestStores, running: TestProcess): Promise<void> {
  keeper.now = DESTROYED - 1
  t.same(await running.aggregator.dropDestroyed(), [], 'not a millisecond early')
  keeper.now = DESTROYED
  t.same(await running.aggregator.dropDestroyed(), [EPOCH])
  t.equal(running.state.window('day', EPOCH).dropped, true)
}

t.test('V6: at the destruction of its root an epoch is dropped whole', async (t) => {
  const { running, stores } = await staged(t, 'v6')
  await dropsOnTime(t, stores, running)
  t.equal(await left('v6'), '')
  await running.close()
})

t.test('V6: a process that dies between the drop and its record says so when it is back', async (t) => {
  const deaths: readonly string[] = ['warehouse.dropEpoch', 'state.putWindow']
  for (const [at, call] of deaths.entries()) {
    const database = `v6_death_${String(at)}`
    const { running, stores } = await staged(t, database)
    await running.close()
    let reached = 0
    const hook: Hook = async (name, task) => {
      if (name !== call) return task()
      reached += 1
      // The drop is done and nobody is told; or nothing is written down of it.
      if (name === 'warehouse.dropEpoch') await task()
      throw new Error('died')
    }
    const dying = await stores.open(behind(hook))
    stores.keeper.now = DESTROYED
    await t.rejects(dying.aggregator.dropDestroyed(), { message: 'died' })
    t.equal(reached, 1, 'the fault was reached')
    t.notOk(dying.state.window('day', EPOCH).dropped)
    await dying.close()
    t.equal(await left(database), '', 'the rows are gone')
    const next = await stores.open()
    t.same(await next.aggregator.dropDestroyed(), [EPOCH], 'it is said by the next')
    t.equal(next.state.window('day', EPOCH).dropped, true)
    t.ok(
      stores.evidence.some(({ action }) => /drop/.test(action)),
      'and is on record',
    )
    await next.close()
  }
})

t.test('V6: detached parts of the epoch go too', async (t) => {
  const { running, stores } = await staged(t, 'v6_detached')
  await query({ server }, "ALTER TABLE v6_detached.staging_day DETACH PARTITION ID '20261102'")
  t.not(await left('v6_detached'), '', 'the fault was reached')
  t.equal(await running.warehouse.stagedRows('day', EPOCH), 0, 'no query sees them')
  await dropsOnTime(t, stores, running)
  t.equal(await left('v6_detached'), '')
  await running.close()
})

t.test('V6: an epoch is not taken for dropped while a part of it is there', async (t) => {
  const { running, stores } = await staged(t, 'v6_stays')
  await running.close()
  const hook: Hook = (name, task) =>
    name === 'warehouse.dropEpoch' ? Promise.reject(new Error('stays')) : task()
  const failing = await stores.open(behind(hook))
  stores.keeper.now = DESTROYED
  for (let round = 0; round < 2; round += 1) {
    await t.rejects(failing.aggregator.dropDestroyed(), { message: 'stays' })
    t.notOk(failing.state.window('day', EPOCH).dropped)
  }
  t.not(await left('v6_stays'), '')
  await failing.close()
  const next = await stores.open()
  t.same(await next.aggregator.dropDestroyed(), [EPOCH])
  t.equal(await left('v6_stays'), '')
  await next.close()
})
