import t, { type Test } from 'tap'
import { brokersSkip, openBrokers, startBrokers } from '../testing/brokers/index.js'
import { numberOf } from '../testing/lines.js'
import { makeTopic, type TestTopic } from '../testing/topics.js'
import { until } from '../testing/until.js'
import type { LogPlace } from '../port.js'
import { ensureTopic } from './admin.js'
import { kafkaClient } from './connection.js'
import { createConsumer } from './consumer.js'
import { TopicTail } from './tail.js'

const skip = await brokersSkip('use')
const skipOwn = await brokersSkip()
const brokers = skip ? null : await openBrokers()
t.teardown(() => brokers?.stop())
t.jobs = 4

const lost = { code: 'ERR_LOG_READ' }

async function topicOf(t: Test, partitions = 3): Promise<TestTopic & { readonly tail: TopicTail }> {
  const access = { brokers: brokers?.brokers ?? [], tls: null, sasl: null }
  const topic = await makeTopic(access, partitions)
  const tail = new TopicTail(topic.options, topic.topic)
  t.teardown(async () => {
    await tail.close()
    await topic.close()
  })
  return { ...topic, tail }
}

/** Numbers between two places, in the order in which they were handed over. */
async function between(tail: TopicTail, from: LogPlace, to: LogPlace): Promise<number[]> {
  const numbers: number[] = []
  for await (const { records } of tail.between(from, to)) numbers.push(...records.map(numberOf))
  return numbers
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_none, at) => first + at)

t.test(
  'what came into all partitions between two ends is there once, and nothing else',
  { skip },
  async (t) => {
    const { fill, tail } = await topicOf(t)
    const empty = await tail.end()
    t.match(empty, { topic: /^[0-9a-f]{32}$/, positions: [0, 0, 0] })
    await fill(0, 5)
    await fill(2, 3, 101)
    const first = await tail.end()
    t.same(first.positions, [5, 0, 3])
    // more than one answer of a broker takes
    await fill(1, 1_200, 1_001, 10 * 1024)
    await fill(2, 2, 104)
    const second = await tail.end()
    await fill(0, 4, 900)
    t.same(await between(tail, empty, first), [1, 2, 3, 4, 5, 101, 102, 103])
    t.same(await between(tail, first, second), [...range(1_001, 2_200), 104, 105])
    t.same(await between(tail, second, second), [])
  },
)

t.test('who looks at the end takes no part from those who read', { skip }, async (t) => {
  const topic = await topicOf(t)
  const alarms: string[] = []
  const consumer = createConsumer(topic.options, {
    topic: topic.topic,
    group: 'readers',
    alarm: (message) => alarms.push(message),
  })
  t.teardown(() => consumer.close())
  await until(() => consumer.parts().length === 3)
  const parts = consumer.parts()
  const start = await topic.tail.end()
  await topic.fill(1, 10)
  t.same(await between(topic.tail, start, await topic.tail.end()), range(1, 10))
  t.ok(consumer.parts().every((part, at) => part === parts[at]))
  const part = parts[1]
  await until(() => part?.read(0, 100, 1024).records.length === 10)
  t.same(part?.cursor(), { position: 0, boundary: null }, 'what was looked at is still to be read')
  t.same(alarms, [])
})

t.test('where records between two ends are deleted the reading says so', { skip }, async (t) => {
  const { admin, fill, tail, topic } = await topicOf(t)
  const start = await tail.end()
  await fill(0, 10)
  const end = await tail.end()
  // kafkajs knows no leaders before
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] })
  await t.rejects(between(tail, start, end), lost)
  t.same(await tail.end(), end)
})

t.test(
  'an end of fewer partitions is of another log, and so is a later one before it',
  { skip },
  async (t) => {
    const { admin, fill, tail, topic } = await topicOf(t)
    const start = await tail.end()
    await fill(0, 2)
    const end = await tail.end()
    await t.rejects(between(tail, end, start), lost)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
    await until(async () => (await tail.end()).positions.length === 4)
    await t.rejects(between(tail, end, await tail.end()), lost)
  },
)

t.test('K14 of a topic that was made anew nothing is read on, also of a longer one', { skip }, async (t) => {
  const topic = await topicOf(t, 1)
  const { admin, fill, options, tail } = topic
  await fill(0, 5)
  const former = await tail.end()
  await admin.deleteTopics({ topics: [topic.topic] })
  await until(async () => !(await admin.listTopics()).includes(topic.topic))
  await ensureTopic(kafkaClient(options), options, 'log')
  await until(() =>
    fill(0, 20).then(
      () => true,
      () => false,
    ),
  )
  let latter = former
  await until(async () => {
    latter = await tail.end().catch(() => former)
    return latter.topic !== former.topic
  })
  t.ok((latter.positions[0] ?? 0) >= 20)
  await t.rejects(between(tail, former, latter), lost)
  await t.rejects(
    between(tail, former, { ...latter, topic: former.topic }),
    lost,
    'also where only the second look shows it',
  )
})

t.test(
  'while brokers are away the end is not known, and it is when they are back',
  { skip: skipOwn, timeout: 120_000 },
  async (t) => {
    const own = await startBrokers({})
    t.teardown(() => own.stop())
    const [node] = own.nodes
    const topic = await makeTopic(own.access(), 2)
    const tail = new TopicTail(topic.options, topic.topic)
    t.teardown(() => tail.close())
    await topic.fill(0, 3)
    const start = await tail.end()
    await topic.close()
    await node?.kill()
    const asked = performance.now()
    await t.rejects(tail.end(), lost)
    await t.rejects(between(tail, { ...start, positions: [0, 0] }, start), lost)
    t.ok(performance.now() - asked < 45_000, 'nobody waits for long')
    await node?.start()
    await until(
      () =>
        tail.end().then(
          ({ positions }) => positions[0] === 3,
          () => false,
        ),
      60_000,
    )
    t.same(await between(tail, { ...start, positions: [0, 0] }, start), [1, 2, 3])
  },
)

t.test('a tail that is closed answers no more', { skip }, async (t) => {
  const { tail } = await topicOf(t)
  const end = await tail.end()
  await tail.close()
  await t.rejects(tail.end(), { code: 'ERR_LOG_CLOSED' })
  await t.rejects(
    between(tail, { ...end, positions: end.positions.map(() => 0) }, { ...end, positions: [1, 1, 1] }),
    { code: 'ERR_LOG_CLOSED' },
  )
})
