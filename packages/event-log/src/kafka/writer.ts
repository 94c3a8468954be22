/**
 * Appending to the log on Kafka: directly, or through the spool.
 *
 * Invariants
 * - An append resolves when all in-sync replicas have the record, or when it is on disk in the spool.
 * - While anything is in the spool, everything goes through it. So what was appended before lies before it in each part;
 *   only a record whose first answer came late may lie there a second time, further behind.
 * - Kafka knows a writer before its first record of reach `one`: until a record of reach `all` was acknowledged, nothing
 *   goes into the spool, and `one` is refused. A `last` that is on disk makes the next opening another writer.
 * - A `one` goes only into parts that an acknowledged `all` has reached.
 * - `width` changes only when an append of reach `all` ends.
 * Recovery: what a crash left in the spool is sent before anything new.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, TacitError } from '@tacit/contracts'
import type { Kafka } from 'kafkajs'
import type { Reach } from '../port.js'
import { kafkaErrorType, MAX_RECORD_BYTES, partitionCount, topicName } from './admin.js'
import type { KafkaOptions } from './connection.js'
import { Drain, inTurns } from './drain.js'
import { Producer } from './producer.js'
import { SPOOL_HEADER_BYTES, Spool, type SpooledRecord, type SpoolOptions } from './spool.js'
import type { TopicWatch } from './topic-watch.js'
import { within } from './within.js'
import { freshWriter, readWriter, type WriterState, writeWriter } from './writer-state.js'

/** How long a caller waits for Kafka before its record goes to disk. */
const ANSWER_MS = 2_000
const RETRY_MS = 50
const COPIES_AT_ONCE = 16
const MAX_APPEND_BYTES = MAX_RECORD_BYTES - SPOOL_HEADER_BYTES
const MAX_HOUR = 2 ** 48 - 1

export interface WriterOptions {
  readonly kafka: Kafka
  readonly connection: KafkaOptions
  readonly clock: Clock
  readonly alarm: (message: string) => void
  readonly spool: SpoolOptions
  readonly topic: TopicWatch
}

export class Writer {
  readonly id: string
  readonly #options: WriterOptions
  readonly #producer: Producer
  readonly #spool: Spool
  readonly #drain: Drain
  readonly #pending = new Set<Promise<void>>()
  #state: WriterState
  #width: number
  #turn = Math.floor(Math.random() * 65_536)
  #left = false
  #closing: Promise<void> | null = null

  private constructor(options: WriterOptions, spool: Spool, state: WriterState) {
    const { alarm, clock, connection, topic } = options
    this.id = state.writer
    this.#options = options
    this.#spool = spool
    this.#state = state
    this.#width = state.parts || topic.partitions || connection.partitions
    this.#producer = new Producer(connection, topicName(connection, 'log'))
    this.#drain = new Drain({
      spool,
      producer: this.#producer,
      clock,
      maxAgeMs: options.spool.maxAgeMs,
      alarm,
      parts: () => this.#parts(),
      partitions: () => topic.partitions,
      acknowledged: (record) => this.#copied(record),
      doubt: () => topic.again(),
    })
  }

  /** Opens the spool and starts to send what is in it. Rejects as `Spool.open`, and with ERR_DATA_DIRECTORY. */
  static async open(options: WriterOptions): Promise<Writer> {
    const { dir } = options.spool
    const spool = await Spool.open(options.spool, options.alarm)
    try {
      const found = await readWriter(dir)
      // after its `last` a writer is over, though its records may still wait here
      const state = found === null || spool.endsWith === 'last' ? freshWriter() : found
      if (state !== found) await writeWriter(dir, state)
      const writer = new Writer(options, spool, state)
      writer.#drain.wake()
      return writer
    } catch (error) {
      await spool.close()
      throw error
    }
  }

  get width(): number {
    return this.#width
  }

  get spooled(): { readonly records: number; readonly bytes: number } {
    return { records: this.#spool.records, bytes: this.#spool.bytes }
  }

  /** As {@link EventLog.append}. */
  append(bytes: Uint8Array, hour: number, reach: Reach): Promise<void> {
    if (bytes.length > MAX_APPEND_BYTES) throw new RangeError('a record of the log is too large')
    if (!Number.isSafeInteger(hour) || hour < 0 || hour > MAX_HOUR) {
      throw new RangeError('the hour of a record is no time')
    }
    const done = this.#append(bytes, hour, reach)
    const settled = done.then(
      () => undefined,
      () => undefined,
    )
    this.#pending.add(settled)
    settled.finally(() => this.#pending.delete(settled))
    return done
  }

  /** Something about the topic is known now. */
  topicChanged(): void {
    this.#drain.wake()
  }

  /** Ends when the appends under way have; what is in the spool stays there. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all(this.#pending)
    const drained = this.#drain.close()
    this.#producer.close()
    await drained
    await this.#spool.close()
  }

  async #append(bytes: Uint8Array, hour: number, reach: Reach): Promise<void> {
    if (this.#closing !== null || this.#left) throw new TacitError('ERR_LOG_CLOSED')
    const { wrong } = this.#options.topic
    if (wrong?.code === 'ERR_LOG_TOPIC') throw wrong
    if (reach === 'one') return this.#appendOne(bytes, hour)
    try {
      await this.#appendAll(bytes, hour, reach)
    } finally {
      this.#width = this.#options.topic.partitions || this.#width
    }
  }

  async #appendOne(bytes: Uint8Array, hour: number): Promise<void> {
    if (this.#state.parts === 0) throw new TacitError('ERR_LOG_UNAVAILABLE')
    if (this.#isDirect(bytes) && (await this.#sendDirect(bytes, hour))) return
    await this.#toSpool(bytes, hour, 'one')
  }

  /** `last` goes through the spool, so that a crash finds either it or a writer that goes on. */
  async #appendAll(bytes: Uint8Array, hour: number, reach: 'all' | 'last'): Promise<void> {
    const known = this.#state.parts > 0
    if (known && reach === 'last') return this.#leave(bytes, hour)
    if (this.#isDirect(bytes) && (await this.#sendCopies(bytes, hour))) {
      await this.#remember(reach === 'last' ? freshWriter() : { ...this.#state, parts: this.#width })
      if (reach === 'last') this.#left = true
      else await this.#lookAtWidth()
      return
    }
    if (!known) throw new TacitError('ERR_LOG_UNAVAILABLE')
    await this.#toSpool(bytes, hour, 'all')
  }

  async #leave(bytes: Uint8Array, hour: number): Promise<void> {
    this.#left = true
    try {
      await this.#toSpool(bytes, hour, 'last')
    } catch (error) {
      this.#left = false
      throw error
    }
    const drained = this.#drain.idle()
    await within(drained, ANSWER_MS, () => new Error('it stays in the spool')).catch(() => undefined)
  }

  #isDirect(bytes: Uint8Array): boolean {
    return (
      this.#spool.records === 0 && this.#options.topic.partitions > 0 && this.#producer.hasRoom(bytes.length)
    )
  }

  async #toSpool(bytes: Uint8Array, hour: number, reach: Reach): Promise<void> {
    await this.#spool.append(bytes, hour, reach, this.#width)
    if (reach !== 'last') this.#options.alarm('Kafka does not take records now: they wait on disk')
    this.#drain.wake()
  }

  /** Parts that a record of reach `one` may go into: an `all` has reached them, and they are still there. */
  #parts(): number {
    const { partitions } = this.#options.topic
    return Math.min(partitions, this.#state.parts || partitions)
  }

  /** @returns whether it was acknowledged; where the answer comes later, nobody hears it */
  async #sendDirect(bytes: Uint8Array, hour: number): Promise<boolean> {
    return this.#tryFor((ms) => this.#attempt(this.#turn++ % this.#parts(), bytes, hour, ms))
  }

  async #sendCopies(bytes: Uint8Array, hour: number): Promise<boolean> {
    const missing = new Set(Array.from({ length: this.#width }, (_, part) => part))
    return this.#tryFor((ms) =>
      inTurns([...missing], COPIES_AT_ONCE, async (part) => {
        await this.#attempt(part, bytes, hour, ms)
        missing.delete(part)
      }),
    )
  }

  /** Tries again, other than kafkajs with a choice where to, until the time of a caller is over. */
  async #tryFor(attempt: (ms: number) => Promise<void>): Promise<boolean> {
    const deadline = performance.now() + ANSWER_MS
    for (let pause = RETRY_MS; ; pause *= 2) {
      try {
        await attempt(deadline - performance.now())
        return true
      } catch (error) {
        if (kafkaErrorType(error) === 'MESSAGE_TOO_LARGE') throw tooLarge()
        if (performance.now() + pause >= deadline) return false
        await delay(pause)
      }
    }
  }

  #attempt(part: number, bytes: Uint8Array, hour: number, ms: number): Promise<void> {
    const late = () => new TacitError('ERR_LOG_UNAVAILABLE', 'Kafka does not answer')
    return within(this.#producer.send(part, bytes, hour), ms, late)
  }

  /** A copy of a spooled record is in every part. What a former writer left here says nothing of this one. */
  async #copied({ parts, reach }: SpooledRecord): Promise<void> {
    if (this.#state.parts === 0) return
    if (reach === 'last') await this.#remember(freshWriter())
    else {
      await this.#remember({ ...this.#state, parts })
      await this.#lookAtWidth()
    }
  }

  async #remember(state: WriterState): Promise<void> {
    const { parts, writer } = this.#state
    if (state.writer !== writer || state.parts !== parts) await writeWriter(this.#options.spool.dir, state)
    this.#state = state
  }

  /** Partitions may have been added. No answer is no harm: it is asked again with the next record of reach `all`. */
  async #lookAtWidth(): Promise<void> {
    const { connection, kafka, topic } = this.#options
    const count = partitionCount(kafka, topicName(connection, 'log'))
    const found = await within(count, ANSWER_MS, () => new Error('no answer')).catch(() => 0)
    if (found > 0) topic.found(found)
  }
}

function tooLarge(): TacitError {
  return new TacitError(
    'ERR_LOG_TOPIC',
    'The topic of the log does not take a record of this size: set its max.message.bytes to at least 4259840',
  )
}
