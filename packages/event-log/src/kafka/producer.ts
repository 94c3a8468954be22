/**
 * Sends single records to Kafka. kafkajs 2.2.4 loses acknowledged records when one `send` spans partitions while leaders
 * move, and when a retry chooses a partition anew (docs/distributed.md); so here:
 *
 * Invariants
 * - One `send` carries one record with an explicit partition, and waits for all in-sync replicas. Never `sendBatch`.
 * - It counts as sent only if the answer names exactly that topic and partition, without an error.
 * - kafkajs never tries again by itself: whether and where to is the caller's to decide.
 * - Not idempotent: a record whose answer was lost may be there twice, and readers recognise it by its number.
 * - An attempt ends within {@link ATTEMPT_MS}, whatever the client does. A client that did not answer one, or that has
 *   failed for that long, is dropped with its sockets and replaced: kafkajs goes on asking a broker that hangs, and waits
 *   for ever where a connection breaks while it authenticates.
 */
import { setMaxListeners } from 'node:events'
import { TacitError } from '@tacit/contracts'
import type { Producer as KafkaProducer, RecordMetadata } from 'kafkajs'
import { type KafkaOptions, kafkaClient, Sockets } from './connection.js'
import { within } from './within.js'

const ATTEMPT_MS = 10_000
/** how long the leader waits for the other in-sync replicas */
const ACKNOWLEDGE_MS = 8_000
/** metadata older than this is asked for again before the next record */
const METADATA_MS = 30_000
/** What may be on its way: beyond it the caller waits, or keeps the record on disk. */
const MAX_IN_FLIGHT = 256
const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024

interface Client {
  readonly producer: KafkaProducer
  readonly sockets: Sockets
  connected: Promise<void> | null
}

export class Producer {
  readonly #options: KafkaOptions
  readonly #topic: string
  #client: Client | null = null
  #inFlight = 0
  #inFlightBytes = 0
  /** of the first attempt of a row of failed ones; null after a success */
  #failingSince: number | null = null
  readonly #closing = new AbortController()

  constructor(options: KafkaOptions, topic: string) {
    this.#options = options
    this.#topic = topic
    // one listener for each attempt under way
    setMaxListeners(0, this.#closing.signal)
  }

  /** Whether a record of so many bytes may be sent now. */
  hasRoom(bytes: number): boolean {
    return this.#inFlight < MAX_IN_FLIGHT && this.#inFlightBytes + bytes <= MAX_IN_FLIGHT_BYTES
  }

  /**
   * One attempt to write a record into a part; resolves when all in-sync replicas have it. Rejects with ERR_LOG_CLOSED,
   * ERR_LOG_UNAVAILABLE (no answer, or not the right one), or what kafkajs throws; then it may be there or come later.
   * @param hour hour of receipt, ms: retention goes by it, so nothing finer is written there
   */
  async send(part: number, bytes: Uint8Array, hour: number): Promise<void> {
    if (this.#closing.signal.aborted) throw new TacitError('ERR_LOG_CLOSED')
    this.#client ??= this.#create()
    const client = this.#client
    this.#inFlight++
    this.#inFlightBytes += bytes.length
    try {
      const attempt = this.#attempt(client, part, bytes, hour)
      const { signal } = this.#closing
      await within(
        attempt,
        ATTEMPT_MS,
        () => new TacitError('ERR_LOG_UNAVAILABLE', 'Kafka does not answer'),
        signal,
      )
      this.#failingSince = null
    } catch (error) {
      this.#failed(client, error)
      throw error
    } finally {
      this.#inFlight--
      this.#inFlightBytes -= bytes.length
    }
  }

  /** Drops the client; attempts under way are rejected. */
  close(): void {
    this.#closing.abort()
    if (this.#client) drop(this.#client)
    this.#client = null
  }

  async #attempt(client: Client, part: number, bytes: Uint8Array, hour: number): Promise<void> {
    client.connected ??= client.producer.connect()
    try {
      await client.connected
    } catch (error) {
      client.connected = null
      throw error
    }
    const answer = await client.producer.send({
      topic: this.#topic,
      acks: -1,
      timeout: ACKNOWLEDGE_MS,
      messages: [{ key: null, value: asBuffer(bytes), partition: part, timestamp: String(hour) }],
    })
    if (!names(answer, this.#topic, part)) {
      throw new TacitError('ERR_LOG_UNAVAILABLE', 'Kafka acknowledged something else')
    }
  }

  #create(): Client {
    const sockets = new Sockets()
    // a new client starts with the first seed: not always with the same one, which may hang
    const brokers = [...this.#options.brokers].sort(() => Math.random() - 0.5)
    const kafka = kafkaClient({ ...this.#options, brokers }, sockets)
    const producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: () => explicitPartition,
      idempotent: false,
      metadataMaxAge: METADATA_MS,
      retry: { retries: 0 },
    })
    return { producer, sockets, connected: null }
  }

  #failed(client: Client, error: unknown): void {
    if (client !== this.#client) return
    const now = performance.now()
    this.#failingSince ??= now
    const unanswered = error instanceof TacitError
    if (!unanswered && now - this.#failingSince < ATTEMPT_MS) return
    drop(client)
    this.#client = null
    this.#failingSince = null
  }
}

/** Not awaited: where kafkajs waits for ever, it is without sockets and timers, and so garbage. */
function drop({ producer, sockets }: Client): void {
  producer.disconnect().catch(() => undefined)
  sockets.cut()
}

/** The partition of a message that names one; kafkajs' own partitioners would choose for others, anew on each retry. */
function explicitPartition({ message }: { message: { partition?: number } }): number {
  if (message.partition === undefined) throw new TypeError('a record without its partition')
  return message.partition
}

function names(answer: readonly RecordMetadata[], topic: string, part: number): boolean {
  const [only, ...others] = answer
  return others.length === 0 && only?.topicName === topic && only.partition === part && only.errorCode === 0
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
