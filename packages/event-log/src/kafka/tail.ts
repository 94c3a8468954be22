/**
 * The end of all partitions of the log, for one who looks at what comes without being the one who reads it: no group is
 * joined, no offset committed, and the members of a group notice nothing.
 *
 * Invariants
 * - A place is of one topic, by the id that Kafka gave it (K14), looked up after its offsets: of one that was made anew
 *   nothing is read on. Brokers before 2.8 give no ids: there that is noticed only where the new one is shorter.
 * - What is handed over between two places is all that was committed there, or the reading ends with ERR_LOG_READ: where
 *   retention deleted some of it, a partition was added, or no answer comes in time.
 * - Positions are offsets + 1, so an end is the position of the last record.
 * Recovery: whatever fails is tried again for a while, with back-off. Nothing is kept here.
 */
import { performance } from 'node:perf_hooks'
import { TacitError } from '@tacit/contracts'
import type { LogPlace, LogSlice, LogTail } from '../port.js'
import type { KafkaOptions } from './connection.js'
import { committedOf, fetchFrom, outOfRange, rangeOf } from './fetch.js'
import { Link } from './link.js'
import { Wakeable } from './wakeable.js'

/** A new leader takes a few seconds; who asks wants to know soon or not at all. */
const TRY_MS = 5_000
const BACK_OFF_MIN_MS = 50
const BACK_OFF_MAX_MS = 500
const FETCH_BYTES = 4 * 1024 * 1024
const FETCH_WAIT_MS = 250

export class TopicTail implements LogTail {
  readonly #link: Link
  #closed = false

  constructor(kafka: KafkaOptions, topic: string) {
    this.#link = new Link(kafka, topic)
  }

  end(): Promise<LogPlace> {
    return this.#tried(async () => {
      // Partitions may have been added since, and leaders have moved.
      await this.#link.refresh()
      const partitions = Array.from({ length: this.#link.width }, (_none, partition) => partition)
      if (partitions.length === 0) throw new Error('the topic is not known')
      const ranges = await Promise.all(partitions.map((partition) => rangeOf(this.#link, partition)))
      return { topic: await this.#topic(), positions: ranges.map(({ end }) => end) }
    })
  }

  async *between(from: LogPlace, to: LogPlace): AsyncGenerator<LogSlice> {
    if (from.topic !== to.topic || from.positions.length !== to.positions.length) throw lost()
    for (const [partition, end] of to.positions.entries()) {
      const start = from.positions[partition] ?? 0
      if (end < start) throw lost()
      for (let last = start; last < end; ) {
        const slice = await this.#tried(() => this.#fetch(partition, last, end))
        last = slice.last
        yield slice
      }
    }
    if (to.topic !== null && (await this.#tried(() => this.#topic())) !== to.topic) throw lost()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#link.close()
  }

  /** At least one message, or what is known to be none, after `last`; nothing beyond `end`. */
  async #fetch(partition: number, last: number, end: number): Promise<LogSlice> {
    const wants = [{ partition, offset: last, maxBytes: FETCH_BYTES }]
    const limits = { maxBytes: FETCH_BYTES, waitMs: FETCH_WAIT_MS }
    const [answer] = await fetchFrom(this.#link, this.#link.leaderOf(partition) ?? -1, wants, limits)
    const { messages, next } = answer === undefined ? { messages: [], next: last } : committedOf(answer, last)
    // Its leader said that they are there: another one may not have them yet.
    if (next === last) throw new Error('nothing came')
    const records = messages
      .filter(({ offset }) => Number(offset) < end)
      .map(({ offset, timestamp, value }) => {
        return { position: Number(offset) + 1, hour: Number(timestamp), bytes: value ?? Buffer.alloc(0) }
      })
    return { records, last: Math.min(next, end), corrupt: 0 }
  }

  #topic(): Promise<string | null> {
    return this.#link.topicId(this.#link.leaderOf(0))
  }

  async #tried<T>(once: () => Promise<T>): Promise<T> {
    const until = performance.now() + TRY_MS
    for (let wait = BACK_OFF_MIN_MS; ; wait = Math.min(wait * 2, BACK_OFF_MAX_MS)) {
      if (this.#closed) throw new TacitError('ERR_LOG_CLOSED')
      try {
        const result = await once()
        this.#link.went(true)
        return result
      } catch (cause) {
        if (this.#closed) throw new TacitError('ERR_LOG_CLOSED')
        if (outOfRange(cause) !== null || performance.now() + wait > until) throw lost(cause)
        this.#link.went(false)
        await new Wakeable().sleep(wait)
        await this.#link.refresh().catch(() => undefined)
      }
    }
  }
}

function lost(cause?: unknown): TacitError {
  return new TacitError('ERR_LOG_READ', undefined, { cause })
}
