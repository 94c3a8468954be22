import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { brokersSkip, startBrokers } from '../testing/brokers/index.js'
import { Caller } from '../testing/caller.js'
import { becomeKnown, drained, openTestLog, thisHour } from '../testing/kafka-log.js'
import { numbered } from '../testing/lines.js'
import { numbersOf, readTopic, tally } from '../testing/topic.js'
import { topicName } from './admin.js'
import { ownOptions } from '../testing/topics.js'
import { until } from '../testing/until.js'

const skip = await brokersSkip()
const PARTS = 3
/** each way: an answer is later than a caller waits */
const DELAY_MS = 1_500

t.test('a log while Kafka is slow', { skip, timeout: 250_000 }, async (t) => {
  const brokers = await startBrokers({ proxied: true })
  t.teardown(() => brokers.stop())
  const proxy = brokers.nodes[0]?.proxy
  if (!proxy) throw new Error('no proxy')
  const use = () => ownOptions(brokers.access(), PARTS, 1)

  await t.test(
    'K6: the answer is lost after Kafka had the record, which is there twice and not lost',
    async (t) => {
      const kafka = use()
      const { log } = await openTestLog(kafka, t.testdir())
      await becomeKnown(log)
      await log.append(numbered(1), thisHour())
      proxy.delay(DELAY_MS)
      await log.append(numbered(2), thisHour())
      t.equal(log.facts().spooledRecords, 1, 'its caller has an answer before Kafka’s')
      // the request has arrived, the answer is on its way
      await delay(200)
      proxy.cut()
      await proxy.heal()
      await drained(log)
      await log.append(numbered(3), thisHour())
      await log.close()
      const found = numbersOf(await readTopic(kafka, topicName(kafka, 'log'))).filter((number) => number > 0)
      const { doubled, invented, lost } = tally([1, 2, 3], 3, found)
      t.same({ doubled, invented, lost }, { doubled: 1, invented: 0, lost: [] })
    },
  )

  await t.test('K6: nothing comes back from Kafka any more, until it does', async (t) => {
    const kafka = use()
    const { log } = await openTestLog(kafka, t.testdir())
    await becomeKnown(log)
    const caller = new Caller()
    await caller.append(log, 5)
    proxy.hang()
    await caller.append(log, 20)
    t.equal(log.facts().spooledRecords, 20)
    await proxy.heal()
    await drained(log)
    await log.close()
    t.equal(await caller.faults(kafka), null)
  })

  await t.test('K7: while Kafka is slow, callers wait for the disk and not for Kafka', async (t) => {
    const kafka = use()
    const { log } = await openTestLog(kafka, t.testdir())
    await becomeKnown(log)
    const caller = new Caller()
    proxy.delay(DELAY_MS)
    await caller.append(log, 1)
    const started = performance.now()
    await caller.append(log, 60)
    t.ok(performance.now() - started < 20_000, 'sixty answers of three seconds each would be 180')
    const { spooledRecords } = log.facts()
    await until(() => log.facts().spooledRecords < spooledRecords)
    t.pass('it drains even so')
    await proxy.heal()
    await drained(log)
    await caller.append(log, 10)
    await log.close()
    t.equal(await caller.faults(kafka), null)
  })
})
