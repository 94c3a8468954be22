/**
 * Writes to one partition in transactions, as the one process that may.
 *
 * kafkajs's own transactional producer gives up a transaction, and itself, at the first coordinator that moved, and tries
 * for ever or not at all; so the protocol's steps are here, each repeated until it is answered or its time is over.
 *
 * Invariants
 * - `fence` gives this process a higher epoch of the transactional id and ends what a former one left open (committed if
 *   its commit had been taken, else aborted). From then on Kafka refuses every request of a lower epoch.
 * - One transaction at a time. Its messages carry sequence numbers, so a repeated request writes nothing twice.
 * - A transaction whose outcome was not learned ends the right to write, until `fence` is called anew: by then Kafka has
 *   either committed or aborted it.
 */
import { performance } from 'node:perf_hooks'
import { TacitError } from '@tacit/contracts'
import kafkajs from 'kafkajs'
import { type Broker, nameOf, type OutgoingMessage, answered } from './cluster.js'
import type { Link } from './link.js'
import { Wakeable } from './wakeable.js'

/** Kafka aborts a transaction that is open for longer, so that readers are not held up by a stopped process. */
const TRANSACTION_MS = 20_000
/** One step of a transaction, with all its repetitions. */
const STEP_MS = 12_000
const FENCE_MS = 30_000
const REQUEST_MS = 5_000
/** how long the leader waits for the other in-sync replicas */
const ACKNOWLEDGE_MS = 4_000
/** A transaction's markers are written a few milliseconds after its end was acknowledged: until then the next waits. */
const BACK_OFF_MIN_MS = 4
const BACK_OFF_MAX_MS = 500
/** Messages of one request; a larger one goes alone. */
const BATCH_BYTES = 1024 * 1024
/** below it compressing costs more than it saves */
const COMPRESS_BYTES = 1024
const MAX_SEQUENCE = 2 ** 31

/** A higher epoch was given out, or the id was forgotten. */
const FENCED = new Set(['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING', 'UNKNOWN_PRODUCER_ID'])
/** Repeating does not help. */
const FINAL = new Set([
  ...FENCED,
  'INVALID_TXN_STATE',
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TRANSACTION_TIMEOUT',
  'TOPIC_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
])
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

interface Identity {
  readonly transactionalId: string
  readonly producerId: string
  readonly producerEpoch: number
}

export class Transactor {
  readonly #link: Link
  readonly #transactionalId: string
  #identity: Identity | null = null
  #sequence = 0
  #coordinator: Broker['nodeId'] | null = null
  #closed = false

  constructor(link: Link, transactionalId: string) {
    this.#link = link
    this.#transactionalId = transactionalId
  }

  /** Whether a transaction may be begun, as far as is known here. */
  get usable(): boolean {
    return this.#identity !== null
  }

  /** Ends what others may write, and what they had open. Rejects with ERR_LOG_WRITE where Kafka does not answer in 30 s. */
  async fence(): Promise<void> {
    this.#identity = null
    const transactionalId = this.#transactionalId
    const { producerEpoch, producerId } = await this.#step(FENCE_MS, (coordinator) =>
      coordinator.initProducerId({ transactionalId, transactionTimeout: TRANSACTION_MS }),
    )
    this.#sequence = 0
    this.#identity = { transactionalId, producerId, producerEpoch }
  }

  /**
   * One transaction.
   * @returns the offset of its last message
   * @throws TacitError ERR_LOG_FENCED where this process may not write (any more); ERR_LOG_WRITE where the outcome is not
   * known; then it may be committed until `fence` was called anew. RangeError where a message is too large: then nothing
   * was written.
   */
  async write(messages: readonly OutgoingMessage[]): Promise<number> {
    const identity = this.#identity
    if (identity === null) throw new TacitError('ERR_LOG_FENCED')
    try {
      const topics = [{ topic: this.#link.topic, partitions: [0] }]
      await this.#step(STEP_MS, (coordinator) => coordinator.addPartitionsToTxn({ ...identity, topics }))
      let last = -1
      for (const batch of batchesOf(messages)) last = await this.#produce(identity, batch)
      await this.#end(identity, true)
      return last
    } catch (error) {
      if (TOO_LARGE.has(nameOf(error)) && (await this.#aborts(identity))) {
        throw new RangeError('a change of the shared state is larger than Kafka takes', { cause: error })
      }
      // whatever became of it: only a new epoch tells
      if (this.#identity === identity) this.#identity = null
      const fenced = FENCED.has(nameOf(error))
      throw new TacitError(fenced ? 'ERR_LOG_FENCED' : 'ERR_LOG_WRITE', undefined, { cause: error })
    }
  }

  close(): void {
    this.#closed = true
    this.#identity = null
  }

  async #produce(identity: Identity, messages: readonly OutgoingMessage[]): Promise<number> {
    const { topic } = this.#link
    const firstSequence = this.#sequence
    const { None, GZIP } = kafkajs.CompressionTypes
    const compression = sizeOf(messages) < COMPRESS_BYTES ? None : GZIP
    const topicData = [{ topic, partitions: [{ partition: 0, firstSequence, messages }] }]
    const answer = await this.#repeat(STEP_MS, async () => {
      const leader = this.#link.leaderOf(0)
      if (leader === null) await this.#link.refresh()
      const broker = await this.#link.broker(this.#link.leaderOf(0) ?? -1)
      return await broker.produce({ ...identity, acks: -1, timeout: ACKNOWLEDGE_MS, compression, topicData })
    })
    const written = answer.topics.find(({ topicName }) => topicName === topic)?.partitions
    if (written?.length !== 1 || written[0]?.partition !== 0)
      throw new Error('Kafka acknowledged something else')
    this.#sequence = (firstSequence + messages.length) % MAX_SEQUENCE
    return Number(written[0].baseOffset) + messages.length - 1
  }

  async #end(identity: Identity, transactionResult: boolean): Promise<void> {
    await this.#step(STEP_MS, (coordinator) => coordinator.endTxn({ ...identity, transactionResult }))
  }

  async #aborts(identity: Identity): Promise<boolean> {
    try {
      await this.#end(identity, false)
      return true
    } catch {
      return false
    }
  }

  /** One step at the transactions' coordinator, wherever it is now. */
  #step<T>(ms: number, request: (coordinator: Broker) => Promise<T>): Promise<T> {
    return this.#repeat(ms, async () => {
      this.#coordinator ??= (await this.#link.coordinator(this.#transactionalId, 1)).nodeId
      return await request(await this.#link.broker(this.#coordinator))
    })
  }

  /** Repeats a request until it is answered for good; every request here may be repeated. */
  async #repeat<T>(ms: number, request: () => Promise<T>): Promise<T> {
    const until = performance.now() + ms
    for (let wait = BACK_OFF_MIN_MS; ; wait = Math.min(wait * 2, BACK_OFF_MAX_MS)) {
      try {
        const answer = await answered(REQUEST_MS, request())
        this.#link.went(true)
        return answer
      } catch (error) {
        const name = nameOf(error)
        const busy = name === 'CONCURRENT_TRANSACTIONS'
        this.#link.went(busy || FINAL.has(name))
        if (FINAL.has(name)) throw error
        if (this.#closed || performance.now() + wait > until) {
          throw new TacitError('ERR_LOG_WRITE', undefined, { cause: error })
        }
        if (!busy) {
          this.#coordinator = null
          await this.#link.refresh().catch(() => undefined)
        }
        await new Wakeable().sleep(wait)
      }
    }
  }
}

function* batchesOf(messages: readonly OutgoingMessage[]): Generator<readonly OutgoingMessage[]> {
  let batch: OutgoingMessage[] = []
  let bytes = 0
  for (const message of messages) {
    const size = sizeOf([message])
    if (batch.length > 0 && bytes + size > BATCH_BYTES) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(message)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

function sizeOf(messages: readonly OutgoingMessage[]): number {
  return messages.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
}
