import t, { type Test } from 'tap'
import { type BrokerNode, brokersSkip, startBrokers } from '../testing/brokers/index.js'
import { Caller } from '../testing/caller.js'
import { becomeKnown, drained, endAll, openTestLog } from '../testing/kafka-log.js'
import { leadersOf } from '../testing/leaders.js'
import { topicName } from './admin.js'
import { kafkaClient } from './connection.js'
import { ownOptions } from '../testing/topics.js'
import { until } from '../testing/until.js'

const PARTS = 6
const isFull = process.env['TACIT_TEST_FULL'] === '1'
const skip = isFull
  ? await brokersSkip()
  : 'tests/faults/kafka-outages does it with whole processes: npm run test:full'
const ROUNDS = 5

t.test('three brokers', { skip, timeout: 900_000 }, async (t) => {
  const brokers = await startBrokers({ nodes: 3 })
  t.teardown(() => endAll(brokers))

  async function survives(t: Test, down: (node: BrokerNode) => void | Promise<void>, up: typeof down) {
    const kafka = ownOptions(brokers.access(), PARTS, 3)
    const { alarms, log } = await openTestLog(kafka, t.testdir())
    await becomeKnown(log)
    const admin = kafkaClient(kafka).admin()
    await admin.connect()
    const caller = new Caller()
    for (let round = 0; round < ROUNDS; round++) {
      await caller.append(log, 15)
      const [leader = 1] = await leadersOf(admin, topicName(kafka, 'log'))
      const node = brokers.nodes.find(({ id }) => id === leader)
      if (node === undefined) throw new Error('no leader')
      await down(node)
      await caller.append(log, 25)
      // without that broker: the others lead its parts, and what waited is sent
      await drained(log)
      await caller.append(log, 25)
      await up(node)
      await caller.append(log, 10)
      await drained(log)
      await brokers.whole()
    }
    await admin.disconnect()
    await log.close()
    t.equal(await caller.faults(kafka), null)
    t.ok(caller.slowest < 15_000, `no caller waited longer than ${Math.round(caller.slowest)} ms`)
    t.ok(alarms.every((text) => !text.includes('127.0.0.1')))
  }

  await t.test('K3: one of three is killed, no append is refused, and nothing is lost', (t) =>
    survives(
      t,
      (node) => node.kill(),
      (node) => node.start(),
    ),
  )

  await t.test('K3: one of three hangs, no append is refused, and nothing is lost', (t) =>
    survives(
      t,
      (node) => node.pause(),
      (node) => node.resume(),
    ),
  )

  await t.test(
    'K2: two of three hang, so nothing is acknowledged; it waits on disk and is sent later',
    async (t) => {
      const kafka = ownOptions(brokers.access(), PARTS, 3)
      const { log } = await openTestLog(kafka, t.testdir())
      await becomeKnown(log)
      const caller = new Caller()
      await caller.append(log, 15)
      const [first, second] = brokers.nodes
      first?.pause()
      second?.pause()
      await caller.append(log, 25)
      await until(() => log.facts().spooledRecords >= 20)
      first?.resume()
      second?.resume()
      await caller.append(log, 10)
      await drained(log)
      await log.close()
      t.equal(await caller.faults(kafka), null)
    },
  )
})
