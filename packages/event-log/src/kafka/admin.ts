/**
 * The topics of the log: made where they are missing, and checked before anything is written to them. A topic whose
 * settings would lose what was acknowledged, or keep it longer than promised, is refused.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import type { Admin, ITopicMetadata, Kafka } from 'kafkajs'
// CommonJS: its constants are not seen as named exports
import kafkajs from 'kafkajs'
import { type KafkaOptions, requireLoopback } from './connection.js'

export type TopicRole = 'log' | 'reports' | 'state'

interface Setting {
  readonly name: string
  readonly value: string
  /** whether more than `value` will do */
  readonly orMore?: true
}

/** The largest record of the log: as the lmdb adapter's. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024
/** a record and the batch around it, with room to spare */
const MAX_MESSAGE_BYTES = MAX_RECORD_BYTES + 64 * 1024
const NEWS_MS = 10_000
const NEWS_POLL_MS = 50

const SAFE: readonly Setting[] = [
  { name: 'unclean.leader.election.enable', value: 'false' },
  { name: 'max.message.bytes', value: String(MAX_MESSAGE_BYTES), orMore: true },
  // retention goes by the hour that the record brings
  { name: 'message.timestamp.type', value: 'CreateTime' },
]
const DAY_LONG: readonly Setting[] = [
  { name: 'cleanup.policy', value: 'delete' },
  { name: 'retention.ms', value: '86400000' },
  // by time alone: a bound in bytes would drop what was acknowledged
  { name: 'retention.bytes', value: '-1' },
  // a record lives until its whole segment is old
  { name: 'segment.ms', value: '3600000' },
  ...SAFE,
]
const COMPACTED: readonly Setting[] = [
  { name: 'cleanup.policy', value: 'compact' },
  // who follows the state may be away for a week and still see what was removed
  { name: 'delete.retention.ms', value: '604800000', orMore: true },
  ...SAFE,
]
const SETTINGS: Record<TopicRole, readonly Setting[]> = {
  log: DAY_LONG,
  reports: DAY_LONG,
  state: COMPACTED,
}

export function topicName({ prefix }: Pick<KafkaOptions, 'prefix'>, role: TopicRole): string {
  return `${prefix}.${role}`
}

/**
 * Makes a topic where it is missing, checks it, and gives the number of its partitions.
 * Rejects with ERR_LOG_TOPIC for a topic that is set up otherwise than it must be, ERR_CONFIG_INVALID where an
 * unencrypted cluster advertises brokers beyond loopback, and with what kafkajs throws where Kafka does not answer.
 */
export async function ensureTopic(kafka: Kafka, options: KafkaOptions, role: TopicRole): Promise<number> {
  const topic = topicName(options, role)
  return withAdmin(kafka, async (admin) => {
    try {
      return await ensure(admin, options, role)
    } catch (cause) {
      if (!kafkaErrorType(cause)?.endsWith('AUTHORIZATION_FAILED')) throw cause
      throw new TacitError(
        'ERR_LOG_TOPIC',
        `Kafka’s ACLs do not let this user set up topic ${topic}: allow it Describe, DescribeConfigs and Create on the topic, beside Write or Read`,
        { cause },
      )
    }
  })
}

async function ensure(admin: Admin, options: KafkaOptions, role: TopicRole): Promise<number> {
  if (options.tls === null) {
    const { brokers } = await admin.describeCluster()
    requireLoopback(
      brokers.map(({ host }) => host),
      options,
    )
  }
  const found = (await describe(admin, topicName(options, role))) ?? (await create(admin, options, role))
  await check(admin, found, options, role)
  return found.partitions.length
}

/** How many partitions a topic has now; 0 where there is none. Rejects where Kafka does not answer. */
export async function partitionCount(kafka: Kafka, topic: string): Promise<number> {
  return withAdmin(kafka, async (admin) => (await describe(admin, topic))?.partitions.length ?? 0)
}

async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await use(admin)
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

/** null where there is no such topic */
async function describe(admin: Admin, topic: string): Promise<ITopicMetadata | null> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const found = topics.find(({ name }) => name === topic)
    return found && found.partitions.length > 0 ? found : null
  } catch (error) {
    if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return null
    throw error
  }
}

async function create(admin: Admin, options: KafkaOptions, role: TopicRole): Promise<ITopicMetadata> {
  const topic = topicName(options, role)
  const settings = [...SETTINGS[role], minInSync(options)]
  await admin.createTopics({
    topics: [
      {
        topic,
        numPartitions: role === 'log' ? options.partitions : 1,
        replicationFactor: options.replication,
        configEntries: settings.map(({ name, value }) => ({ name, value })),
      },
    ],
    // with `true` kafkajs 2.2.4 sometimes throws on three nodes
    waitForLeaders: false,
  })
  return untilKnown(async () => {
    const found = await describe(admin, topic)
    return found?.partitions.every(({ leader }) => leader >= 0) ? found : null
  })
}

/** What the brokers say of a new topic, once it is more than that they do not know it yet: each learns of it by itself. */
async function untilKnown<T>(look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + NEWS_MS
  for (;;) {
    const found = await look().catch((error: unknown) => {
      const type = kafkaErrorType(error)
      if (type === 'LEADER_NOT_AVAILABLE' || type === 'UNKNOWN_TOPIC_OR_PARTITION') return null
      throw error
    })
    if (found !== null) return found
    if (performance.now() > deadline) throw new Error('not all brokers know the new topic yet')
    await delay(NEWS_POLL_MS)
  }
}

/** Two of three: one broker may be down, and what was acknowledged outlives the loss of another. */
function minInSync({ replication }: KafkaOptions): Setting {
  return { name: 'min.insync.replicas', value: replication >= 2 ? '2' : '1', orMore: true }
}

async function check(
  admin: Admin,
  found: ITopicMetadata,
  options: KafkaOptions,
  role: TopicRole,
): Promise<void> {
  const { name: topic, partitions } = found
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length))
  if (replicas < options.replication) {
    throw new TacitError(
      'ERR_LOG_TOPIC',
      `The topic ${topic} has replication factor ${replicas}; it must be at least ${options.replication} (TACIT_KAFKA_REPLICATION). Add replicas with kafka-reassign-partitions.sh, or delete the topic while it is empty`,
    )
  }
  if (role !== 'log' && partitions.length !== 1) {
    throw new TacitError(
      'ERR_LOG_TOPIC',
      `The topic ${topic} has ${partitions.length} partitions; it must have 1. Delete it while it is empty: kafka-topics.sh --bootstrap-server BROKER --delete --topic ${topic}`,
    )
  }
  const actual = await untilKnown(() => settingsOf(admin, topic))
  const minimum = Number(actual.get('min.insync.replicas'))
  if (minimum > replicas) {
    // no broker would ever acknowledge
    const most = { must: `at most the number of its replicas (${replicas})`, actual: String(minimum) }
    throw wrongSettings(topic, [{ ...minInSync(options), ...most }])
  }
  const wrong = [...SETTINGS[role], minInSync(options)]
    .map((setting) => ({ ...setting, actual: actual.get(setting.name) ?? '' }))
    .filter(({ orMore, value, actual: is }) => (orMore ? !(Number(is) >= Number(value)) : is !== value))
  if (wrong.length > 0) throw wrongSettings(topic, wrong)
}

async function settingsOf(admin: Admin, topic: string): Promise<Map<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  })
  const entries = resources.flatMap(({ configEntries }) => configEntries)
  return new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
}

/** @param wrong `must` is said where it is not the value alone */
function wrongSettings(
  topic: string,
  wrong: readonly (Setting & { readonly actual: string; readonly must?: string })[],
): TacitError {
  const is = wrong.map(
    ({ actual, name, orMore, value, must = `${orMore ? 'at least ' : ''}${value}` }) =>
      `${name}=${actual}, which must be ${must}`,
  )
  const set = wrong.map(({ name, value }) => `${name}=${value}`)
  return new TacitError(
    'ERR_LOG_TOPIC',
    `The topic ${topic} has ${is.join('; ')}. Set it right with: kafka-configs.sh --bootstrap-server BROKER --alter --entity-type topics --entity-name ${topic} --add-config ${set.join(',')}`,
  )
}

/** Kafka's name of an error, such as MESSAGE_TOO_LARGE, however deep kafkajs wrapped it; null for what is none. */
export function kafkaErrorType(error: unknown): string | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('type' in at && typeof at.type === 'string') return at.type
    if ('errors' in at && Array.isArray(at.errors) && at.errors.length > 0)
      return kafkaErrorType(at.errors[0])
  }
  return null
}
