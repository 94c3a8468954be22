import { setTimeout as delay } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { brokersSkip, openBrokers } from '../testing/brokers/index.js'
import { numberOf } from '../testing/lines.js'
import { makeTopic, type TestTopic } from '../testing/topics.js'
import { until } from '../testing/until.js'
import type { LogPart } from '../port.js'
import { kafkaClient } from './connection.js'
import { type Consumer, createConsumer } from './consumer.js'
import { Link } from './link.js'
import { Member } from './member.js'

const skip = await brokersSkip('use')
const LONG_INSERT_MS = process.env['TACIT_TEST_FULL'] === '1' ? 40_000 : 13_000
const brokers = skip ? null : await openBrokers()
t.teardown(() => brokers?.stop())
t.jobs = 8

interface Reading {
  readonly consumer: Consumer
  readonly alarms: string[]
}

async function topicOf(t: Test, partitions = 3): Promise<TestTopic> {
  const access = { brokers: brokers?.brokers ?? [], tls: null, sasl: null }
  const topic = await makeTopic(access, partitions)
  t.teardown(() => topic.close())
  return topic
}

function join(t: Test, { options, topic }: TestTopic, group = 'readers'): Reading {
  const alarms: string[] = []
  const consumer = createConsumer(options, { topic, group, alarm: (message) => alarms.push(message) })
  t.teardown(() => consumer.close())
  return { consumer, alarms }
}

async function holding(consumer: Consumer, count: number, withinMs?: number): Promise<readonly LogPart[]> {
  await until(() => consumer.parts().length === count, withinMs)
  return consumer.parts()
}

/** Everything from a position on, once `count` records are there. */
async function readAll(part: LogPart, count: number, after = part.cursor().position): Promise<number[]> {
  let found: number[] = []
  await until(() => {
    found = part.read(after, 1_000_000, Number.POSITIVE_INFINITY).records.map(numberOf)
    return found.length >= count
  })
  return found
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function only(parts: readonly LogPart[]): LogPart {
  const [part] = parts
  if (part === undefined) throw new Error('no part')
  return part
}

t.test('a part brings the cursor and the boundary that its group committed', { skip }, async (t) => {
  const topic = await topicOf(t, 2)
  await topic.fill(1, 10)
  const first = join(t, topic)
  const [, part] = await holding(first.consumer, 2)
  t.same(part?.cursor(), { position: 0, boundary: null }, 'a new group begins before everything')
  if (part) t.same(await readAll(part, 10), range(1, 10))
  await part?.commit({ position: 4, boundary: '{"last":9}' })
  t.same(part?.cursor(), { position: 4, boundary: '{"last":9}' })
  const slice = part?.read(4, 3, 1024)
  t.same(slice?.records.map(numberOf), [5, 6, 7], 'what is not committed can be read again')
  t.equal(slice?.last, 7)
  await first.consumer.close()
  await t.rejects(part?.commit({ position: 9, boundary: null }) ?? Promise.resolve(), {
    code: 'ERR_LOG_FENCED',
  })
  const second = join(t, topic)
  const parts = await holding(second.consumer, 2, 5_000)
  t.same(parts[1]?.cursor(), { position: 4, boundary: '{"last":9}' })
  t.same(second.alarms, [])
})

t.test('a record comes with its hour, and large ones come whole', { skip }, async (t) => {
  const topic = await topicOf(t, 1)
  const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000
  const producer = kafkaClient(topic.options).producer()
  await producer.connect()
  const value = Buffer.alloc(4 * 1024 * 1024 - 100, 7)
  const messages = [{ partition: 0, value, timestamp: String(hour) }]
  for (let i = 0; i < 8; i++) await producer.send({ topic: topic.topic, messages })
  await producer.disconnect()
  const part = only(await holding(join(t, topic).consumer, 1))
  await until(() => part.read(0, 8, Number.POSITIVE_INFINITY).records.length >= 3)
  let position = 0
  let most = 0
  for (let count = 0; count < 8; count++) {
    await until(() => part.read(position, 1, 1).records.length === 1)
    most = Math.max(most, part.read(position, 100, Number.POSITIVE_INFINITY).records.length)
    const { last, records } = part.read(position, 1, 1)
    t.match(records, [{ position: position + 1, hour }])
    t.equal(records[0]?.bytes.length, value.length)
    await part.commit({ position: last, boundary: null })
    position = last
  }
  t.ok(most >= 3 && most <= 5, `what is ahead is bounded: ${most} records of 4 MiB`)
})

t.test('control records and aborted transactions do not hold up a reader', { skip }, async (t) => {
  const topic = await topicOf(t, 1)
  const kafka = kafkaClient(topic.options)
  const producer = kafka.producer({ transactionalId: topic.topic, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  for (const ends of ['abort', 'commit', 'abort'] as const) {
    const transaction = await producer.transaction()
    const messages = [{ partition: 0, value: ends }]
    await transaction.send({ topic: topic.topic, messages })
    await transaction[ends]()
  }
  await producer.disconnect()
  const part = only(await holding(join(t, topic).consumer, 1))
  await until(() => part.read(0, 100, 1024).last === 6)
  t.same(
    part.read(0, 100, 1024).records.map(({ bytes, position }) => [position, bytes.toString()]),
    [[3, 'commit']],
  )
  t.equal(part.read(0, 2, 1024).last, 2, 'a reader that wants two positions is not taken past them')
})

t.test('K11 a member whose insert takes longer than a session keeps its parts', { skip }, async (t) => {
  const topic = await topicOf(t)
  await topic.fill(0, 5)
  const { alarms, consumer } = join(t, topic)
  const [part] = await holding(consumer, 3)
  if (part === undefined) return
  await readAll(part, 5)
  await part.commit({ position: 0, boundary: '5' })
  await delay(LONG_INSERT_MS)
  t.equal(consumer.parts()[0], part, 'it is the same part, of the same generation')
  await part.commit({ position: 5, boundary: null })
  t.same(alarms, [])
})

t.test('K10 in a rebalance a step under way ends, and none begins', { skip }, async (t) => {
  const topic = await topicOf(t, 2)
  await topic.fill(0, 10)
  await topic.fill(1, 10)
  const first = join(t, topic)
  const [stepping, idle] = await holding(first.consumer, 2)
  if (stepping === undefined || idle === undefined) return
  await Promise.all([readAll(stepping, 10), readAll(idle, 10)])
  await stepping.commit({ position: 0, boundary: '5' })
  const second = join(t, topic)
  await until(() => idle.read(0, 10, 1024).last === 0)
  t.ok(first.consumer.parts().includes(idle), 'the rebalance waits for the step')
  await t.rejects(idle.commit({ position: 0, boundary: '5' }), { code: 'ERR_LOG_FENCED' })
  t.equal(stepping.read(0, 5, 1024).last, 5, 'the step under way can read what it is about')
  await stepping.commit({ position: 5, boundary: null })
  const taken = await until(() => second.consumer.parts().length === 1)
  t.ok(taken < 3_000, `then it goes on at once: ${Math.round(taken)} ms`)
  await t.rejects(stepping.commit({ position: 6, boundary: null }), { code: 'ERR_LOG_FENCED' })
  const all = [...(await holding(first.consumer, 1)), ...second.consumer.parts()]
  const cursors = Object.fromEntries(all.map((part) => [part.part, part.cursor().position]))
  t.same(cursors, { 0: 5, 1: 0 })
  t.equal(only(first.consumer.parts()).part, 0, 'what was read stays where it was')
})

t.test('K10 a step that was not ended is taken over with its boundary', { skip }, async (t) => {
  const topic = await topicOf(t, 1)
  await topic.fill(0, 10)
  const first = join(t, topic)
  const part = only(await holding(first.consumer, 1))
  await readAll(part, 10)
  await part.commit({ position: 2, boundary: '{"last":7}' })
  await first.consumer.close()
  const second = join(t, topic)
  const taken = only(await holding(second.consumer, 1))
  t.same(taken.cursor(), { position: 2, boundary: '{"last":7}' })
  const error = await part.commit({ position: 7, boundary: null }).catch((reason: unknown) => reason)
  t.ok(error instanceof TacitError && error.code === 'ERR_LOG_FENCED' && error.retryable)
})

t.test('K13 records that expired unread are counted, and reading goes on', { skip }, async (t) => {
  const topic = await topicOf(t, 1)
  await topic.fill(0, 100)
  const first = join(t, topic)
  const part = only(await holding(first.consumer, 1))
  await readAll(part, 100)
  await part.commit({ position: 10, boundary: null })
  await first.consumer.close()
  // kafkajs knows no leaders before
  await topic.admin.fetchTopicOffsets(topic.topic)
  await topic.admin.deleteTopicRecords({ topic: topic.topic, partitions: [{ partition: 0, offset: '40' }] })
  const second = join(t, topic)
  const again = only(await holding(second.consumer, 1))
  t.same(await readAll(again, 60, 10), range(41, 100))
  t.same(second.alarms, ['30 records of part 0 had expired before they were read'])
  t.equal(again.read(10, 5, 1024).last, 15, 'the gap is passed by as many positions as were asked for')
  await again.commit({ position: 100, boundary: null })
})

/** Makes the topic anew, with so many records, the first of them 1,000. */
async function makeAnew({ admin, fill, topic }: TestTopic, records: number, bytes = 64): Promise<void> {
  await admin.deleteTopics({ topics: [topic] })
  await until(async () => !(await admin.listTopics()).includes(topic))
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false })
  await until(async () => (await admin.listTopics()).includes(topic))
  await until(() =>
    fill(0, records, 1_000, bytes).then(
      () => true,
      () => false,
    ),
  )
}

t.test('K14 a topic that was made anew is read from its beginning', { skip }, async (t) => {
  const topic = await topicOf(t, 1)
  await topic.fill(0, 50)
  const { alarms, consumer } = join(t, topic)
  const part = only(await holding(consumer, 1))
  await readAll(part, 50)
  await part.commit({ position: 50, boundary: null })
  await makeAnew(topic, 3)
  await until(() => consumer.parts()[0]?.cursor().position === 0)
  const again = only(consumer.parts())
  t.same(await readAll(again, 3), range(1_000, 1_002))
  t.ok(alarms.some((alarm) => alarm.includes('read again from its beginning')))
  await again.commit({ position: 3, boundary: null })
  t.same(again.cursor(), { position: 3, boundary: null })
})

t.test(
  'K14 a topic that was made anew is read from its beginning, also a longer one',
  { skip },
  async (t) => {
    const topic = await topicOf(t, 1)
    const bytes = 256 * 1024
    const full = 100
    await topic.fill(0, full, 1, bytes)
    const { alarms, consumer } = join(t, topic)
    const part = only(await holding(consumer, 1))
    // more than is read ahead: so nothing is being fetched when the topic goes, and no fetch fails
    await readAll(part, 40)
    const { last } = part.read(0, full, Number.POSITIVE_INFINITY)
    await delay(1_500)
    t.ok(last < full, `${last} records are ahead, and no more are fetched`)
    await makeAnew(topic, 130)
    const began = (): LogPart | undefined => consumer.parts().find((one) => one !== part)
    // one that did not notice would go on at the old position
    await part.commit({ position: last, boundary: null }).catch(() => undefined)
    await until(() => began() !== undefined || part.read(last, 1, 1).records.length > 0)
    const again = began()
    t.ok(again, 'the part begins anew')
    if (again === undefined) return
    t.same(again.cursor(), { position: 0, boundary: null })
    t.same((await readAll(again, 30)).slice(0, 30), range(1_000, 1_029))
    t.equal(alarms.filter((alarm) => alarm.includes('read again from its beginning')).length, 1)
    await t.rejects(part.commit({ position: last, boundary: null }), { code: 'ERR_LOG_FENCED' })

    await again.commit({ position: 30, boundary: '{"last":40}' })
    await consumer.close()
    const second = join(t, topic)
    const taken = only(await holding(second.consumer, 1))
    t.same(taken.cursor(), { position: 30, boundary: '{"last":40}' }, 'its cursor is of the new topic')
    await delay(500)
    t.ok(second.consumer.parts().includes(taken))
    t.same(second.alarms, [])
  },
)

t.test('K14 a cursor that was committed for a topic that is gone is of no use', { skip }, async (t) => {
  const topic = await topicOf(t, 1)
  await topic.fill(0, 5)
  const link = new Link(topic.options, topic.topic)
  await new Promise<void>((resolve, reject) => {
    const member = new Member({
      link,
      group: `${topic.options.prefix}.readers`,
      alarm: () => undefined,
      assigned: (_cursors, generation) => {
        const cursor = { position: 3, boundary: `${'ab'.repeat(16)} {"last":5}` }
        void member
          .commit(generation, 0, cursor)
          .then(() => member.close())
          .then(resolve, reject)
      },
      settle: async () => undefined,
      revoked: () => undefined,
    })
  })
  await link.close()
  const { alarms, consumer } = join(t, topic)
  await until(() => alarms.length > 0)
  const again = only(consumer.parts())
  t.same(again.cursor(), { position: 0, boundary: null })
  t.same(await readAll(again, 5), range(1, 5))
})

t.test('K15 partitions that are added are read within a minute', { skip }, async (t) => {
  const topic = await topicOf(t, 2)
  const { consumer } = join(t, topic)
  await holding(consumer, 2)
  await topic.admin.createPartitions({ topicPartitions: [{ topic: topic.topic, count: 4 }] })
  const taken = await until(() => consumer.parts().length === 4, 60_000)
  t.comment(`new partitions were read after ${Math.round(taken)} ms`)
  await until(() =>
    topic.fill(3, 5).then(
      () => true,
      () => false,
    ),
  )
  const part = consumer.parts()[3]
  t.same(part && (await readAll(part, 5)), range(1, 5))
})
