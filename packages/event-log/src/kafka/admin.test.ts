import kafkajs, { type Admin } from 'kafkajs'
import t from 'tap'
import { brokersSkip, openBrokers } from '../testing/brokers/index.js'
import { endAll, openTestLog } from '../testing/kafka-log.js'
import { ensureTopic, partitionCount, type TopicRole, topicName } from './admin.js'
import { type KafkaOptions, kafkaClient } from './connection.js'
import { ownOptions } from '../testing/topics.js'
import { until } from '../testing/until.js'

const PLAIN = { tls: null, sasl: null }
const skip = await brokersSkip('use')

const RIGHT: Record<TopicRole, Record<string, string>> = {
  log: {
    'cleanup.policy': 'delete',
    'retention.ms': '86400000',
    'retention.bytes': '-1',
    'segment.ms': '3600000',
    'min.insync.replicas': '1',
    'max.message.bytes': '4259840',
    'message.timestamp.type': 'CreateTime',
    'unclean.leader.election.enable': 'false',
  },
  reports: { 'cleanup.policy': 'delete', 'retention.ms': '86400000', 'segment.ms': '3600000' },
  state: { 'cleanup.policy': 'compact', 'delete.retention.ms': '604800000' },
}

async function settings(admin: Admin, topic: string): Promise<Record<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  })
  const entries = resources.flatMap(({ configEntries }) => configEntries)
  return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]))
}

/** Replaces every setting of a topic, until the broker says so: `alterConfigs` keeps none of the others. */
async function set(admin: Admin, topic: string, values: Record<string, string>): Promise<void> {
  const configEntries = Object.entries(values).map(([name, value]) => ({ name, value }))
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  })
  // the controller takes it, and the broker that is asked hears of it a moment later
  await until(async () => {
    const now = await settings(admin, topic)
    return configEntries.every(({ name, value }) => now[name] === value)
  })
}

t.test('topics of the log', { skip, timeout: 120_000 }, async (t) => {
  const brokers = await openBrokers()
  t.teardown(() => endAll(brokers))
  const use = (others: Partial<KafkaOptions> = {}) => ({
    ...ownOptions({ brokers: brokers.brokers, ...PLAIN }, 3, 1),
    ...others,
  })
  const kafka = kafkaClient(use())
  const admin = kafka.admin()
  await admin.connect()
  t.teardown(() => admin.disconnect())

  await t.test('a missing topic is made as it must be', async (t) => {
    const options = use()
    for (const role of ['log', 'reports', 'state'] as const) {
      t.equal(await ensureTopic(kafka, options, role), role === 'log' ? 3 : 1)
      t.match(await settings(admin, topicName(options, role)), RIGHT[role])
      t.equal(
        await ensureTopic(kafka, options, role),
        role === 'log' ? 3 : 1,
        'and found right the next time',
      )
    }
  })

  await t.test('two that make it at once both find it', async (t) => {
    const options = use()
    const made = await Promise.all([1, 2, 3].map(() => ensureTopic(kafka, options, 'log')))
    t.same(made, [3, 3, 3])
  })

  const wrong: [TopicRole, string, string][] = [
    ['log', 'retention.ms', '604800000'],
    ['log', 'retention.bytes', '1000000'],
    ['log', 'segment.ms', '86400000'],
    ['log', 'cleanup.policy', 'compact'],
    ['log', 'min.insync.replicas', '2'],
    ['log', 'max.message.bytes', '1048588'],
    ['log', 'message.timestamp.type', 'LogAppendTime'],
    ['log', 'unclean.leader.election.enable', 'true'],
    ['reports', 'retention.ms', '1000'],
    ['state', 'cleanup.policy', 'delete'],
    ['state', 'delete.retention.ms', '86400000'],
  ]
  for (const [role, name, value] of wrong) {
    await t.test(
      `${name}=${value} of ${role} is refused, with what it must be and how to set it`,
      async (t) => {
        const options = use()
        await ensureTopic(kafka, options, role)
        const topic = topicName(options, role)
        const before = await settings(admin, topic)
        const kept = Object.keys({ ...RIGHT.log, ...RIGHT[role] }).map((key) => [key, before[key] ?? ''])
        await set(admin, topic, { ...Object.fromEntries(kept), [name]: value })
        const right = RIGHT[role][name] ?? ''
        // above the replicas, here 1, no write would ever be acknowledged
        const must =
          name === 'min.insync.replicas'
            ? String.raw`at most the number of its replicas \(1\)`
            : `(at least )?${right}`
        await t.rejects(ensureTopic(kafka, options, role), {
          code: 'ERR_LOG_TOPIC',
          message: new RegExp(
            `${topic} has ${name}=${value}, which must be ${must}\\. .*kafka-configs.sh .*--entity-name ${topic} --add-config ${name}=${right}$`,
          ),
        })
        if (role !== 'log') return
        await t.rejects(
          openTestLog(options, t.testdir()),
          { code: 'ERR_LOG_TOPIC' },
          'and a log does not open',
        )
      },
    )
  }

  await t.test('more partitions than configured are fine; too few replicas are not', async (t) => {
    const options = use()
    await ensureTopic(kafka, options, 'log')
    await admin.createPartitions({ topicPartitions: [{ topic: topicName(options, 'log'), count: 5 }] })
    t.equal(await ensureTopic(kafka, options, 'log'), 5)
    t.equal(await partitionCount(kafka, topicName(options, 'log')), 5)
    await t.rejects(ensureTopic(kafka, { ...options, replication: 2 }, 'log'), {
      code: 'ERR_LOG_TOPIC',
      message: /replication factor 1; it must be at least 2/,
    })
  })

  await t.test('a shared topic of two partitions has no order, and is refused', async (t) => {
    const options = use()
    await ensureTopic(kafka, options, 'state')
    await admin.createPartitions({ topicPartitions: [{ topic: topicName(options, 'state'), count: 2 }] })
    await t.rejects(ensureTopic(kafka, options, 'state'), {
      code: 'ERR_LOG_TOPIC',
      message: /has 2 partitions; it must have 1/,
    })
  })

  await t.test('a topic that is not there has no partitions', async (t) => {
    t.equal(await partitionCount(kafka, topicName(use(), 'log')), 0)
  })
})
