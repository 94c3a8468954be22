/**
 * The event log on Kafka: for many collectors and many aggregators.
 *
 * Invariants: those of its parts. Nothing is sent before the topic was found to be right (`topic-watch.ts`); what is
 * acknowledged is with all in-sync replicas or on disk (`writer.ts`); each part is read by one process of a group
 * (`consumer.ts`).
 */
import { type Clock, TacitError } from '@tacit/contracts'
import type { EventLog } from '../port.js'
import { topicName } from './admin.js'
import { type KafkaOptions, kafkaClient, Sockets } from './connection.js'
import { type Consumer, createConsumer } from './consumer.js'
import type { SpoolOptions } from './spool.js'
import { TopicTail } from './tail.js'
import { TopicWatch } from './topic-watch.js'
import { seldom } from './within.js'
import { Writer } from './writer.js'

export interface KafkaLogOptions {
  readonly kafka: KafkaOptions
  readonly clock: Clock
  /** takes fixed words, without addresses */
  readonly alarm: (message: string) => void
  /** for who appends: where records wait while Kafka does not answer */
  readonly spool?: SpoolOptions
}

export interface KafkaLogFacts {
  /** whether Kafka answered and the topic is right */
  readonly topicReady: boolean
  /** what waits on disk for Kafka */
  readonly spooledRecords: number
  /** of those records */
  readonly spooledBytes: number
}

export interface KafkaLog extends EventLog {
  facts(): KafkaLogFacts
  /**
   * Whether a group goes on without this process: it was not taken in yet, or for longer than a session and a rebalance
   * last it is in no generation. Who is in without any part, because there are more processes than parts, is not outside.
   */
  isOutside(group: string): boolean
}

/**
 * Opens the log. It opens, too, while Kafka is down, and finds it later by itself.
 * Rejects with ERR_CONFIG_INVALID (plaintext beyond loopback, a user that Kafka refuses), ERR_LOG_TOPIC (a topic that is
 * set up otherwise than it must be), ERR_DATA_IN_USE and what else the spool's directory is refused for.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const { clock, kafka: connection, spool } = options
  const alarm = seldom(options.alarm)
  const sockets = new Sockets()
  const kafka = kafkaClient(connection, sockets)
  const topic = new TopicWatch(kafka, connection, alarm, () => writer?.topicChanged())
  let writer: Writer | null = null
  try {
    await topic.open()
    if (spool !== undefined) writer = await Writer.open({ kafka, connection, clock, alarm, spool, topic })
  } catch (error) {
    topic.close()
    sockets.cut()
    throw error
  }
  const consumers = new Map<string, Consumer>()
  let tail: TopicTail | null = null
  let closed: Promise<void> | null = null
  const close = async () => {
    topic.close()
    await Promise.all([
      writer?.close(),
      tail?.close(),
      ...[...consumers.values()].map((each) => each.close()),
    ])
    // what still asks for the topic
    sockets.cut()
  }
  return {
    writer: writer?.id ?? '',
    width: () => writer?.width ?? (topic.partitions || connection.partitions),
    async append(bytes, hour, reach = 'one') {
      if (writer === null) throw new TacitError('ERR_LOG_UNAVAILABLE', 'This process only reads the log')
      await writer.append(bytes, hour, reach)
    },
    parts(group) {
      if (closed !== null) throw new TacitError('ERR_LOG_CLOSED')
      let consumer = consumers.get(group)
      if (consumer === undefined) {
        consumer = createConsumer(connection, { topic: topicName(connection, 'log'), group, alarm })
        consumers.set(group, consumer)
      }
      return consumer.parts()
    },
    tail() {
      if (closed !== null) throw new TacitError('ERR_LOG_CLOSED')
      tail ??= new TopicTail(connection, topicName(connection, 'log'))
      return tail
    },
    // the topic's retention does it
    expire: () => Promise.resolve(0),
    facts: () => ({
      topicReady: topic.partitions > 0,
      spooledRecords: writer?.spooled.records ?? 0,
      spooledBytes: writer?.spooled.bytes ?? 0,
    }),
    isOutside: (group) => consumers.get(group)?.isOutside ?? true,
    close() {
      closed ??= close()
      return closed
    },
  }
}
