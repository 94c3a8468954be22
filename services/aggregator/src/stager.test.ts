/** From the log into landing and staging, under every outcome that an insert can have (facts.md, ClickHouse; C4, C7, C15). */
import { join } from 'node:path'
import { DAY, HOUR } from '@tacit/contracts'
import { WarehouseError } from '@tacit/warehouse'
import t from 'tap'
import { behind, type Hook } from './testing/interrupt.js'
import { erpRulebook, type TestProcess, TestStores, testServer } from './testing/stores.js'
import { NOON, ROWS, sendThree, settled } from './testing/three.js'
import { DAY_START, EPOCH, pageViews } from './testing/traffic.js'

const server = await testServer(t)
const rulebook = erpRulebook('pages')
const dir = t.testdir()

type LandArguments = Parameters<TestProcess['warehouse']['land']>

const unknown = () => new WarehouseError('unknown', null, 'no answer')
const refused = () => new WarehouseError('refused', 202, 'too many queries')

/** What one call of `warehouse.<name>` does the n-th time instead of its work; null where it does its work. */
function onCall(
  name: string,
  answers: readonly (((call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>) | null)[],
): Hook & { seen(): number } {
  let number = 0
  const hook: Hook = (called, call, args) => {
    if (called !== name) return call()
    const answer = answers[number++] ?? null
    return answer === null ? call() : answer(call, args)
  }
  return Object.assign(hook, { seen: () => number })
}

const fails = (error: () => Error) => async () => {
  throw error()
}

t.test('each row is staged once, whatever the insert into landing answers', async (t) => {
  const cases: Record<string, Parameters<typeof onCall>[1]> = {
    'an unknown outcome of an insert that did nothing': [fails(unknown)],
    'an unknown outcome of an insert that did its work': [
      async (call) => {
        await call()
        throw unknown()
      },
    ],
    'a refusal': [fails(refused)],
    'two failures in a row': [fails(unknown), fails(refused)],
    'a part of the rows, and no answer': [
      async (_call, args) => {
        await partly(args, 1)
        throw unknown()
      },
    ],
    'a part of the rows twice': [
      async (_call, args) => {
        await partly(args, 1)
        throw unknown()
      },
      async (_call, args) => {
        await partly(args, 2)
        throw unknown()
      },
    ],
  }
  /** Inserts the first batches of a call under its token. */
  async function partly(args: readonly unknown[], batches: number): Promise<void> {
    const [stream, rows, token, by] = args as LandArguments
    await current.warehouse.land(stream, rows.slice(0, batches), token, by)
  }
  let current: TestProcess
  for (const [number, [name, answers]] of Object.entries(cases).entries()) {
    const hook = onCall('warehouse.land', answers)
    const stores = new TestStores(
      join(dir, `outcome_${String(number)}`),
      server,
      `outcome_${String(number)}`,
      rulebook,
    )
    stores.keeper.openEpoch(EPOCH)
    current = await stores.open(behind(hook))
    await sendThree(current)
    await current.aggregator.stage()
    t.equal(await settled(current), ROWS.length, name)
    t.ok(hook.seen() >= answers.length, `${name}: the fault was reached`)
    t.match(current.state.window('day', EPOCH), { accepted: ROWS.length, quarantined: 0, expired: 0 }, name)
    t.same(await current.warehouse.landingHours('day'), [], name)
    await current.close()
  }
})

t.test('a token that ClickHouse took without its rows is never used again', async (t) => {
  const taken = new Set<unknown>()
  // What 1 in 127 killed inserts did: the token is logged, the rows are not, and the same token is then a no-op.
  const hook: Hook = async (name, call, args) => {
    if (name !== 'warehouse.land') return call()
    const token = args[2]
    if (taken.has(token)) return undefined
    if (taken.size < 2) {
      taken.add(token)
      throw unknown()
    }
    return call()
  }
  const stores = new TestStores(join(dir, 'token'), server, 'token', rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open(behind(hook))
  await sendThree(running)
  t.equal(await settled(running), ROWS.length)
  t.equal(taken.size, 2, 'both faults were reached')
  await running.close()
})

t.test(
  'a token taken without its rows is not used again for a batch that is landed alone, either',
  async (t) => {
    const taken = new Set<unknown>()
    const hook: Hook = async (name, call, args) => {
      if (name !== 'warehouse.land') return call()
      const token = args[2] as string
      if (taken.has(token)) return undefined
      if (token.includes('alone') && taken.size === 0) {
        taken.add(token)
        throw unknown()
      }
      return call()
    }
    const stores = new TestStores(join(dir, 'alone'), server, 'alone', rulebook)
    stores.keeper.openEpoch(EPOCH)
    const running = await stores.open(behind(hook))
    await sendThree(running)
    await running.log.append(await brokenBatch(running), DAY_START)
    await t.rejects(running.aggregator.stage(), { code: 'ERR_WAREHOUSE_QUERY' })
    t.equal(await settled(running), ROWS.length)
    t.equal(taken.size, 1, 'the fault was reached')
    await running.close()
  },
)

/** One row that ClickHouse refuses for its data. */
function brokenBatch({ collector }: TestProcess): Promise<Buffer> {
  const rows = pageViews({ tenants: 1, perTenant: 1, prefix: 'broken-' }, '/items')
  return collector.seal(DAY_START, rows, {}, (lines) => lines.replace('"2026-11-02"', '"no day"'))
}

t.test('rows that ClickHouse refuses are set aside sealed, and stop nothing', async (t) => {
  const stores = new TestStores(join(dir, 'data'), server, 'data', rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open()
  await running.collector.send(DAY_START, ROWS.slice(0, 8))
  const broken = await brokenBatch(running)
  await running.log.append(broken, DAY_START)
  await running.collector.send(DAY_START, ROWS.slice(8))
  await running.aggregator.stage()
  t.match(running.state.window('day', EPOCH), { accepted: ROWS.length + 1, quarantined: 1 })
  t.equal(stores.alarms.length, 1)
  t.notMatch(stores.alarms[0], /no day|broken|e\d/, 'the alarm carries nothing of the rows')
  t.equal(await settled(running), ROWS.length)
  t.same(stores.keeper.liveHours, [NOON], 'the key under which the batch lies is gone with its hour')
  await running.close()
})

t.test('a record that does not open is set aside and counted nowhere else', async (t) => {
  const stores = new TestStores(join(dir, 'forged'), server, 'forged', rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open()
  await sendThree(running)
  const sealed = await running.collector.seal(DAY_START, ROWS.slice(0, 3), {})
  sealed[sealed.length - 1] = (sealed.at(-1) as number) ^ 1
  await running.log.append(sealed, DAY_START)
  const header = await running.collector.seal(DAY_START, ROWS.slice(0, 3), {})
  await running.log.append(
    Buffer.from(header.toString('latin1').replace('"accepted":1', '"accepted":9'), 'latin1'),
    DAY_START,
  )
  await running.log.append(Buffer.from('TCB1'), DAY_START)
  t.equal(await settled(running), ROWS.length)
  t.equal(stores.alarms.length, 3)
  const accepted = running.aggregator.ledger().reduce((sum, row) => sum + row.accepted, 0)
  t.equal(accepted, ROWS.length)
  t.match(running.state.window('day', EPOCH), { accepted: ROWS.length, quarantined: 0 })
  await running.close()
})

t.test('a batch whose hour lost its key before it was read is counted as expired', async (t) => {
  const stores = new TestStores(join(dir, 'expired'), server, 'expired', rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open()
  await sendThree(running)
  await running.collector.send(DAY_START + HOUR, ROWS.slice(0, 5))
  await stores.keeper.destroyLogKey(DAY_START, true)
  t.equal(await settled(running), 5)
  t.match(running.state.window('day', EPOCH), {
    accepted: ROWS.length + 5,
    expired: ROWS.length,
    quarantined: 0,
  })
  t.equal(
    running.aggregator.ledger().reduce((sum, row) => sum + row.accepted, 0),
    ROWS.length + 5,
    'the ledger says what was accepted; the window says what became of it',
  )
  await running.close()
})

t.test('an insert that commits after its hour was settled is neither counted nor kept', async (t) => {
  let late: (() => Promise<unknown>) | undefined
  const hook = onCall('warehouse.land', [
    async (_call, args) => {
      const [stream, rows, token, by] = args as LandArguments
      late = () => running.warehouse.land(stream, rows, `${token}:late`, by)
      throw unknown()
    },
  ])
  const stores = new TestStores(join(dir, 'late'), server, 'late', rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open(behind(hook))
  await sendThree(running)
  t.equal(await settled(running), ROWS.length)
  await late?.()
  t.equal((await running.warehouse.landingHours('day')).length, 1, 'its rows are in landing')
  await running.collector.send(NOON, ROWS.slice(0, 2))
  await running.collector.watermark(NOON + HOUR)
  await running.advance(NOON + HOUR)
  t.same(await running.warehouse.landingHours('day'), [])
  t.equal(await running.warehouse.stagedRows('day', EPOCH), ROWS.length + 2)
  await running.close()
})

t.test('an insert that commits twice before its hour is settled is counted once', async (t) => {
  const hook = onCall('warehouse.land', [
    async (call, args) => {
      const [stream, rows, token, by] = args as LandArguments
      await call()
      await running.warehouse.land(stream, rows, `${token}:again`, by)
      return undefined
    },
  ])
  const stores = new TestStores(join(dir, 'twice'), server, 'twice', rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open(behind(hook))
  await sendThree(running)
  await running.aggregator.stage()
  t.equal((await running.warehouse.landingHours('day'))[0]?.rows, 2 * ROWS.length)
  t.equal(await settled(running), ROWS.length)
  await running.close()
})

t.test('a move into staging that fails half-way is made good by the next round', async (t) => {
  let running: TestProcess
  for (const [name, before] of [
    ['nothing moved', async () => {}],
    [
      'some hours moved',
      async (args: readonly unknown[]) => {
        const [stream, hours, options] = args as Parameters<TestProcess['warehouse']['settle']>
        await running.warehouse.settle(stream, hours.slice(0, 1), options)
      },
    ],
    [
      'all moved',
      async (args: readonly unknown[]) => {
        await running.warehouse.settle(...(args as Parameters<TestProcess['warehouse']['settle']>))
      },
    ],
  ] as const) {
    const hook = onCall('warehouse.settle', [
      async (_call, args) => {
        await before(args)
        throw unknown()
      },
    ])
    const database = `move_${name.replaceAll(' ', '_')}`
    const stores = new TestStores(join(dir, database), server, database, rulebook)
    stores.keeper.openEpoch(EPOCH)
    running = await stores.open(behind(hook))
    await sendThree(running)
    await running.collector.send(DAY_START + HOUR, ROWS)
    await running.collector.watermark(NOON)
    await t.rejects(running.advance(NOON), { code: 'ERR_WAREHOUSE_QUERY' }, name)
    await running.advance(NOON)
    t.equal(await running.warehouse.stagedRows('day', EPOCH), 2 * ROWS.length, name)
    await running.close()
  }
})

t.test(
  'an hour whose rows are not all there waits a day, and what never came is counted as expired',
  async (t) => {
    const lost: Hook = async (name, call, args) => {
      if (name !== 'warehouse.land' || lostOnce) return call()
      lostOnce = true
      const [stream, rows, token, by] = args as LandArguments
      await running.warehouse.land(stream, rows.slice(0, 2), token, by)
      return undefined
    }
    let lostOnce = false
    let dies = false
    const stores = new TestStores(join(dir, 'waits'), server, 'waits', rulebook)
    stores.keeper.openEpoch(EPOCH)
    const running = await stores.open(
      behind((name, call, args) => {
        if (dies && name === 'warehouse.dropLanding') {
          dies = false
          return call().then(() => Promise.reject(unknown()))
        }
        return lost(name, call, args)
      }),
    )
    await sendThree(running)
    await running.collector.watermark(DAY_START + HOUR)
    await running.advance(DAY_START + HOUR)
    t.equal(await running.warehouse.stagedRows('day', EPOCH), 0)
    t.match(stores.alarms, [/it waits/])
    await running.collector.watermark(DAY_START + DAY)
    dies = true
    await t.rejects(
      running.advance(DAY_START + DAY),
      { code: 'ERR_WAREHOUSE_QUERY' },
      'and a failure on the way forgets nothing',
    )
    await running.advance(DAY_START + DAY)
    t.equal(await running.warehouse.stagedRows('day', EPOCH), 16)
    t.match(running.state.window('day', EPOCH), { accepted: ROWS.length, expired: 8 })
    await running.close()
  },
)

t.test('rows that landed twice do not stand for rows that never came', async (t) => {
  const hook = onCall('warehouse.land', [
    async (_call, args) => {
      const [stream, rows, token, by] = args as LandArguments
      for (const time of [1, 2, 3, 4]) {
        await running.warehouse.land(stream, rows.slice(0, 1), `${token}:${String(time)}`, by)
      }
      return undefined
    },
  ])
  const stores = new TestStores(join(dir, 'doubled'), server, 'doubled', rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open(behind(hook))
  await sendThree(running)
  await running.collector.watermark(DAY_START + HOUR)
  await running.advance(DAY_START + HOUR)
  t.equal((await running.warehouse.landingHours('day'))[0]?.rows, 32, 'more than were accepted')
  t.equal(await running.warehouse.stagedRows('day', EPOCH), 0)
  t.match(stores.alarms, [/it waits/])
  await running.collector.watermark(DAY_START + DAY)
  await running.advance(DAY_START + DAY)
  t.equal(await running.warehouse.stagedRows('day', EPOCH), 8)
  t.match(running.state.window('day', EPOCH), { accepted: ROWS.length, expired: 16 })
  await running.close()
})
