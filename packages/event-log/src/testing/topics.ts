/** Topics of a test's own, filled by the plain client. */
import { randomBytes } from 'node:crypto'
import type { Admin } from 'kafkajs'
import { ensureTopic, topicName } from '../kafka/admin.js'
import { type KafkaOptions, kafkaClient } from '../kafka/connection.js'
import type { Access } from './brokers/index.js'
import { numbered } from './lines.js'

export interface TestTopic {
  readonly options: KafkaOptions
  readonly topic: string
  readonly admin: Admin
  /** Appends numbered records to one part; the first of them is `first`. */
  fill(part: number, count: number, first?: number, bytes?: number): Promise<void>
  close(): Promise<void>
}

export function ownOptions(access: Access, partitions: number, replication: number): KafkaOptions {
  const { brokers, sasl, tls } = access
  return { brokers, sasl, tls, prefix: `t${randomBytes(6).toString('hex')}`, partitions, replication }
}

/** Makes a log topic that no other test uses. */
export async function makeTopic(access: Access, partitions = 3, replication = 1): Promise<TestTopic> {
  const options = ownOptions(access, partitions, replication)
  const kafka = kafkaClient(options)
  await ensureTopic(kafka, options, 'log')
  const topic = topicName(options, 'log')
  const admin = kafka.admin()
  await admin.connect()
  const producer = kafka.producer({ allowAutoTopicCreation: false, metadataMaxAge: 1_000 })
  await producer.connect()
  return {
    options,
    topic,
    admin,
    async fill(partition, count, first = 1, bytes = 64) {
      const perSend = Math.max(1, Math.floor((1024 * 1024) / bytes))
      for (let from = 0; from < count; from += perSend) {
        const numbers = Array.from({ length: Math.min(perSend, count - from) }, (_, i) => first + from + i)
        await producer.send({
          topic,
          acks: -1,
          messages: numbers.map((number) => ({ partition, key: null, value: numbered(number, bytes) })),
        })
      }
    },
    async close() {
      await producer.disconnect()
      await admin.disconnect()
    },
  }
}
