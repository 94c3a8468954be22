import t, { type Test } from 'tap'
import { brokersSkip, openBrokers } from '../testing/brokers/index.js'
import { numbered, numberOf } from '../testing/lines.js'
import { ownOptions } from '../testing/topics.js'
import { until } from '../testing/until.js'
import { topicName } from './admin.js'
import { type KafkaOptions, kafkaClient } from './connection.js'
import { openReports, type Report, type Reports } from './reports.js'

const skip = await brokersSkip('use')
const brokers = skip ? null : await openBrokers()
t.teardown(() => brokers?.stop())
t.jobs = 4

interface Opened {
  readonly kafka: KafkaOptions
  readonly reports: Reports
  readonly alarms: string[]
}

async function open(t: Test): Promise<Opened> {
  const kafka = ownOptions(
    { brokers: brokers?.brokers ?? [], tls: null, sasl: null },
    1,
    brokers?.replication ?? 1,
  )
  const alarms: string[] = []
  const reports = await openReports({ kafka, alarm: (message) => alarms.push(message) })
  t.teardown(() => reports.close())
  return { kafka, reports, alarms }
}

const numbers = (records: readonly Report[]): number[] =>
  records.map(({ bytes, position }) => numberOf({ position, hour: 0, bytes }))

t.test('reports are read by position, bounded, and again', { skip }, async (t) => {
  const { alarms, reports } = await open(t)
  for (let number = 1; number <= 10; number++) await reports.append(numbered(number))
  const first = await reports.read(0, 4, 1_000)
  t.same(numbers(first.records), [1, 2, 3, 4])
  t.equal(first.last, 4)
  t.equal(first.records[3]?.position, 4)
  const rest = await reports.read(first.last, 100, 1_000)
  t.same([numbers(rest.records), rest.last], [[5, 6, 7, 8, 9, 10], 10])
  t.same(numbers((await reports.read(7, 100, 1_000)).records), [8, 9, 10])
  t.match(await reports.read(10, 100, 0), { records: [], last: 10, topic: /^[0-9a-f]{32}$/ })
  t.same(alarms, [])
})

t.test('a reader waits for the first report, and no longer than it wants to', { skip }, async (t) => {
  const { reports } = await open(t)
  await reports.read(0, 1, 0)
  const begun = performance.now()
  t.match(await reports.read(0, 1, 700), { records: [], last: 0 })
  t.ok(performance.now() - begun >= 690)
  const waiting = reports.read(0, 1, 20_000)
  await reports.append(numbered(1))
  t.same(numbers((await waiting).records), [1])
})

t.test('K13 reports that expired are counted, and reading goes on', { skip }, async (t) => {
  const { alarms, kafka, reports } = await open(t)
  for (let number = 1; number <= 10; number++) await reports.append(numbered(number))
  const admin = kafkaClient(kafka).admin()
  await admin.connect()
  t.teardown(() => admin.disconnect())
  const topic = topicName(kafka, 'reports')
  // kafkajs knows no leaders before
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] })
  const { last, records } = await reports.read(2, 100, 5_000)
  t.same([numbers(records), last], [[7, 8, 9, 10], 10])
  t.same(alarms, ['4 reports had expired before they were read'])
})

t.test('K14 reports of a topic that was made anew are known for such', { skip }, async (t) => {
  const { alarms, kafka, reports } = await open(t)
  await reports.append(numbered(1))
  await reports.append(numbered(2))
  const { topic: former } = await reports.read(0, 100, 5_000)
  const admin = kafkaClient(kafka).admin()
  await admin.connect()
  t.teardown(() => admin.disconnect())
  const topic = topicName(kafka, 'reports')
  await admin.deleteTopics({ topics: [topic] })
  await until(async () => !(await admin.listTopics()).includes(topic))
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: false })
  await until(() =>
    reports.append(numbered(3)).then(
      () => true,
      () => false,
    ),
  )
  const back = await reports.read(2, 100, 10_000)
  t.same([numbers(back.records), back.last], [[], 0], 'it says where to go on')
  t.match(alarms, [/read from their beginning/])
  const { last, records } = await reports.read(0, 100, 10_000)
  t.same([numbers(records), last], [[3], 1])

  for (const number of [4, 5]) await reports.append(numbered(number))
  const longer = await reports.read(2, 100, 10_000)
  t.same(
    [numbers(longer.records), longer.last],
    [[5], 3],
    'where it is longer by now, positions tell nothing',
  )
  t.match(longer.topic, /^[0-9a-f]{32}$/)
  t.not(longer.topic, former, 'but its id does')
})

t.test('what is too large is refused, and after closing nothing is taken', { skip }, async (t) => {
  const { reports } = await open(t)
  await t.rejects(reports.append(Buffer.alloc(5 * 1024 * 1024)), RangeError)
  await reports.close()
  await t.rejects(reports.append(numbered(1)), { code: 'ERR_LOG_CLOSED' })
  await t.rejects(reports.read(0, 1, 0), { code: 'ERR_LOG_CLOSED' })
})
