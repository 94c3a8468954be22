import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import t from 'tap'
import { brokersSkip, openBrokers } from '../testing/brokers/index.js'
import { becomeKnown, openTestLog, thisHour } from '../testing/kafka-log.js'
import { numbered } from '../testing/lines.js'
import { numbersOf, readTopic } from '../testing/topic.js'
import { topicName } from './admin.js'
import { kafkaClient } from './connection.js'
import { ownOptions } from '../testing/topics.js'

const skip = await brokersSkip('use')
const PARTS = 4

t.test('a writer on Kafka', { skip, timeout: 120_000 }, async (t) => {
  const brokers = await openBrokers()
  t.teardown(() => brokers.stop())
  const use = () => ownOptions({ brokers: brokers.brokers, tls: null, sasl: null }, PARTS, 1)

  await t.test('records go to every part in turn, with nothing beside them', async (t) => {
    const kafka = use()
    const { alarms, log } = await openTestLog(kafka, t.testdir())
    t.match(log.writer, /^[0-9a-f]{16}$/)
    t.equal(log.width(), PARTS)
    await log.append(numbered(1), thisHour(), 'all')
    for (let number = 2; number <= 13; number++) await log.append(numbered(number), thisHour())
    t.same(log.facts(), { topicReady: true, spooledRecords: 0, spooledBytes: 0 })
    await log.close()
    const found = await readTopic(kafka, topicName(kafka, 'log'))
    for (let part = 0; part < PARTS; part++) {
      const [mark, ...ones] = numbersOf(found.filter((each) => each.part === part))
      t.equal(mark, 1, 'a copy of `all` is in every part, before what follows it')
      t.equal(ones.length, 12 / PARTS)
      t.same(
        ones,
        [...ones].sort((a, b) => a - b),
        'in the order of the appends',
      )
    }
    t.ok(
      found.every(({ hasKey, headers, timestamp }) => !hasKey && headers === 0 && timestamp === thisHour()),
    )
    t.same(alarms, [])
    await t.rejects(log.append(numbered(14), thisHour()), { code: 'ERR_LOG_CLOSED' })
  })

  await t.test('Kafka knows a writer before its first record, over restarts, until its `last`', async (t) => {
    const kafka = use()
    const dir = t.testdir()
    const first = await openTestLog(kafka, dir)
    const { writer } = first.log
    await t.rejects(first.log.append(numbered(1), thisHour()), { code: 'ERR_LOG_UNAVAILABLE' })
    await first.log.close()

    const second = await openTestLog(kafka, dir)
    t.equal(second.log.writer, writer, 'it is the same one, and still unknown')
    await t.rejects(second.log.append(numbered(1), thisHour()), { code: 'ERR_LOG_UNAVAILABLE' })
    await second.log.append(numbered(2), thisHour(), 'all')
    await second.log.append(numbered(3), thisHour())
    await second.log.close()

    const third = await openTestLog(kafka, dir)
    t.equal(third.log.writer, writer)
    await third.log.append(numbered(4), thisHour())
    await third.log.append(numbered(5), thisHour(), 'last')
    t.equal(third.log.facts().spooledRecords, 0, 'it is with Kafka already')
    await t.rejects(third.log.append(numbered(6), thisHour()), { code: 'ERR_LOG_CLOSED' })
    await t.rejects(third.log.append(numbered(6), thisHour(), 'all'), { code: 'ERR_LOG_CLOSED' })
    await third.log.close()

    const fourth = await openTestLog(kafka, dir)
    t.not(fourth.log.writer, writer, 'after `last` it is another one')
    await t.rejects(fourth.log.append(numbered(7), thisHour()), { code: 'ERR_LOG_UNAVAILABLE' })
    await fourth.log.close()
    const counts = new Map<number, number>()
    for (const number of numbersOf(await readTopic(kafka, topicName(kafka, 'log')))) {
      counts.set(number, (counts.get(number) ?? 0) + 1)
    }
    t.same(Object.fromEntries(counts), { 2: PARTS, 3: 1, 4: 1, 5: PARTS })
  })

  await t.test('a damaged memory makes another writer, never one that Kafka might know', async (t) => {
    const kafka = use()
    const dir = t.testdir()
    const first = await openTestLog(kafka, dir)
    await becomeKnown(first.log)
    await first.log.close()
    const path = join(dir, 'writer.json')
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 20))
    const second = await openTestLog(kafka, dir)
    t.not(second.log.writer, first.log.writer)
    await t.rejects(second.log.append(numbered(1), thisHour()), { code: 'ERR_LOG_UNAVAILABLE' })
    await second.log.close()
  })

  await t.test('K15: new partitions get records after a record of reach `all`', async (t) => {
    const kafka = use()
    const { log } = await openTestLog(kafka, t.testdir())
    await becomeKnown(log)
    const admin = kafkaClient(kafka).admin()
    await admin.connect()
    const topic = topicName(kafka, 'log')
    await admin.createPartitions({ topicPartitions: [{ topic, count: PARTS + 2 }] })
    await admin.disconnect()
    t.equal(log.width(), PARTS, 'it changes only by such a record')
    await log.append(numbered(1), thisHour(), 'all')
    t.equal(log.width(), PARTS + 2)
    for (let number = 2; number < 12; number++) await log.append(numbered(number), thisHour())
    const before = await readTopic(kafka, topic)
    t.ok(
      before.every(({ part }) => part < PARTS),
      'no `all` has reached the new ones yet',
    )
    await log.append(numbered(12), thisHour(), 'all')
    for (let number = 13; number < 25; number++) await log.append(numbered(number), thisHour())
    await log.close()
    const found = await readTopic(kafka, topic)
    for (const part of [PARTS, PARTS + 1]) {
      const [mark, ...ones] = numbersOf(found.filter((each) => each.part === part))
      t.equal(mark, 12)
      t.equal(ones.length, 2)
    }
  })

  await t.test(
    'K16: a record that the topic does not take is refused with the setting, and no other',
    async (t) => {
      const kafka = use()
      const { log } = await openTestLog(kafka, t.testdir())
      await becomeKnown(log)
      await t.rejects(
        log.append(Buffer.alloc(4 * 1024 * 1024), thisHour()),
        RangeError,
        'beyond the log’s own bound',
      )
      await log.append(Buffer.alloc(4 * 1024 * 1024 - 3), thisHour())
      const admin = kafkaClient(kafka).admin()
      await admin.connect()
      const name = topicName(kafka, 'log')
      const configEntries = [{ name: 'max.message.bytes', value: '2000' }]
      const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries }]
      await admin.alterConfigs({ validateOnly: false, resources })
      await admin.disconnect()
      await t.rejects(log.append(Buffer.alloc(5_000), thisHour()), {
        code: 'ERR_LOG_TOPIC',
        message: /max\.message\.bytes/,
      })
      await log.append(numbered(1), thisHour())
      t.equal(log.facts().spooledRecords, 0)
      await log.close()
    },
  )

  await t.test('who only reads does not write', async (t) => {
    const { log } = await openTestLog(use(), t.testdir(), { spool: undefined as never })
    t.equal(log.writer, '')
    await t.rejects(log.append(numbered(1), thisHour()), { code: 'ERR_LOG_UNAVAILABLE' })
    await log.close()
  })
})
