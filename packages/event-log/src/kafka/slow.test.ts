import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { brokersSkip, startBrokers } from '../testing/brokers/index.js'
import { Caller } from '../testing/caller.js'
import { becomeKnown, drained, endAll, openTestLog, thisHour } from '../testing/kafka-log.js'
import { numbered } from '../testing/lines.js'
import { numbersOf, readTopic, tally } from '../testing/topic.js'
import { topicName } from './admin.js'
import { kafkaClient } from './connection.js'
import { createConsumer } from './consumer.js'
import { setQuotas } from '../testing/quotas.js'
import { makeTopic, ownOptions } from '../testing/topics.js'
import { until } from '../testing/until.js'

const skip = await brokersSkip()
const PARTS = 3
/** each way: an answer is later than a caller waits */
const DELAY_MS = 1_500
/** three seconds, in which a quota's worth may come at once; eleven by default */
const SHORT_QUOTA_WINDOWS = { 'quota.window.num': '3' }

t.test('a log while Kafka is slow', { skip, timeout: 250_000 }, async (t) => {
  const brokers = await startBrokers({ proxied: true, properties: SHORT_QUOTA_WINDOWS })
  t.teardown(() => endAll(brokers))
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

  await t.test('K8: while Kafka throttles the writer, callers wait for the disk and it drains', async (t) => {
    const kafka = use()
    const { log } = await openTestLog(kafka, t.testdir())
    await becomeKnown(log)
    const caller = new Caller()
    const append = async () => {
      const started = performance.now()
      await caller.append(log, 28, 1_024)
      await drained(log)
      return performance.now() - started
    }
    const before = await append()
    await setQuotas(kafkaClient(kafka), { producer_byte_rate: 6_144 })
    const throttled = await append()
    await setQuotas(kafkaClient(kafka), { producer_byte_rate: null })
    t.ok(throttled > before + 1_500, `it was throttled: ${String(throttled)} ms after ${String(before)}`)
    t.ok(caller.slowest < 4_000, `callers were not: ${String(caller.slowest)} ms`)
    await caller.append(log, 10)
    await drained(log)
    await log.close()
    t.equal(await caller.faults(kafka), null)
  })

  await t.test('K8: while Kafka throttles a reader, it stays in its group and reads all', async (t) => {
    const topic = await makeTopic(brokers.access(), 1)
    t.teardown(() => topic.close())
    for (let first = 1; first <= 140; first += 20) await topic.fill(0, 20, first, 1_024)
    const alarms: string[] = []
    const read = async (group: string) => {
      const started = performance.now()
      const consumer = createConsumer(topic.options, {
        topic: topic.topic,
        group,
        alarm: (message) => alarms.push(message),
      })
      await until(() => consumer.parts().length === 1)
      const [part] = consumer.parts()
      if (part === undefined) throw new Error('no part')
      let last = 0
      await until(() => {
        last = part.read(last, 1_000, Number.POSITIVE_INFINITY).last
        return last === 140
      })
      await part.commit({ position: last, boundary: null })
      t.equal(consumer.parts()[0], part, 'it was its own all the while')
      await consumer.close()
      return performance.now() - started
    }
    const before = await read('before')
    await setQuotas(kafkaClient(topic.options), { consumer_byte_rate: 36 * 1_024 })
    const throttled = await read('throttled')
    await setQuotas(kafkaClient(topic.options), { consumer_byte_rate: null })
    t.ok(throttled > before + 1_500, `it was throttled: ${String(throttled)} ms after ${String(before)}`)
    t.same(alarms, [])
  })
})
