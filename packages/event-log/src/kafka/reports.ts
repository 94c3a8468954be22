/**
 * What the aggregators tell the owner of the shared state: a topic of one partition, kept for a day, read by position.
 *
 * Invariants
 * - A report that was acknowledged is with all in-sync replicas; it may be there twice, and its reader recognises it.
 * - Positions are offsets + 1, of the topic that is named with them: one that was made anew begins again. Nobody's cursor
 *   is kept here: the reader's is part of the state that it writes.
 */
import { performance } from 'node:perf_hooks'
import { TacitError } from '@tacit/contracts'
import { ensureTopic, kafkaErrorType, topicName } from './admin.js'
import { type KafkaOptions, kafkaClient } from './connection.js'
import { committedOf, fetchFrom, outOfRange, rangeOf } from './fetch.js'
import { Link } from './link.js'
import { orRefusal } from './refusals.js'
import { Producer } from './producer.js'
import { Wakeable } from './wakeable.js'

const HOUR_MS = 3_600_000
/** How long an append, and a read that fails, are tried. */
const TRY_MS = 15_000
const BACK_OFF_MIN_MS = 50
const BACK_OFF_MAX_MS = 1_000
const FETCH_BYTES = 8 * 1024 * 1024
/** A broker answers nothing for no longer than this, so that closing need not wait. */
const FETCH_WAIT_MS = 500
/** A topic that seems to end before a position is believed after so many looks: a new leader may not know yet. */
const LOOKS = 3
const LOOK_MS = 500

export interface Report {
  readonly position: number
  readonly bytes: Buffer
}

/** What was read after a position. */
export interface ReportSlice {
  readonly records: readonly Report[]
  readonly last: number
  /** id of the topic of these positions; null where Kafka gives none */
  readonly topic: string | null
}

export interface Reports {
  /**
   * Resolves when all in-sync replicas have it. Rejects with ERR_LOG_UNAVAILABLE (retryable) where Kafka did not answer
   * within about 15 s; then it may be there all the same. RangeError where it is larger than the topic takes.
   */
  append(bytes: Uint8Array): Promise<void>
  /**
   * Up to `maxRecords` after a position, in order, and at most about 8 MiB; waits at most `waitMs` for the first. `last`
   * is the position of the last one looked at, `after` where there was none. Where the next ones have expired an alarm says
   * so, and the earliest that is there follows. Where the topic ends before `after` it is another one: then there are no
   * records, and `last` is before `after`, where to go on. One that is longer by now is told by `topic` alone. Rejects with
   * ERR_LOG_READ (retryable) where Kafka does not answer within about 15 s, ERR_LOG_CLOSED.
   */
  read(after: number, maxRecords: number, waitMs: number): Promise<ReportSlice>
  close(): Promise<void>
}

export interface ReportsOptions {
  readonly kafka: KafkaOptions
  /** never with values */
  readonly alarm: (message: string) => void
}

/** Opens the reports; rejects as the opening of the journal does. */
export async function openReports({ alarm, kafka }: ReportsOptions): Promise<Reports> {
  await orRefusal(() => ensureTopic(kafkaClient(kafka), kafka, 'reports'))
  return new TopicReports(kafka, alarm)
}

class TopicReports implements Reports {
  readonly #link: Link
  readonly #producer: Producer
  readonly #alarm: (message: string) => void
  #closed = false

  constructor(kafka: KafkaOptions, alarm: (message: string) => void) {
    const topic = topicName(kafka, 'reports')
    this.#link = new Link(kafka, topic)
    this.#producer = new Producer(kafka, topic)
    this.#alarm = alarm
  }

  async append(bytes: Uint8Array): Promise<void> {
    const until = performance.now() + TRY_MS
    for (let wait = BACK_OFF_MIN_MS; ; wait = Math.min(wait * 2, BACK_OFF_MAX_MS)) {
      if (this.#closed) throw new TacitError('ERR_LOG_CLOSED')
      try {
        // retention goes by it: nothing finer than the hour is written there
        await this.#producer.send(0, bytes, Math.floor(Date.now() / HOUR_MS) * HOUR_MS)
        return
      } catch (error) {
        if (kafkaErrorType(error) === 'MESSAGE_TOO_LARGE') {
          throw new RangeError('a report is larger than Kafka takes', { cause: error })
        }
        if (performance.now() + wait > until) {
          throw new TacitError('ERR_LOG_UNAVAILABLE', undefined, { cause: error })
        }
        await new Wakeable().sleep(wait)
      }
    }
  }

  async read(after: number, maxRecords: number, waitMs: number): Promise<ReportSlice> {
    const start = performance.now()
    let from = after
    let looks = 0
    for (let wait = BACK_OFF_MIN_MS; ; ) {
      if (this.#closed) throw new TacitError('ERR_LOG_CLOSED')
      try {
        const left = Math.max(0, start + waitMs - performance.now())
        const slice = await this.#fetch(from, maxRecords, Math.min(left, FETCH_WAIT_MS))
        const isOver = performance.now() - start >= waitMs
        if (slice.records.length > 0 || slice.last < after || isOver) return slice
        from = slice.last
        wait = BACK_OFF_MIN_MS
      } catch (error) {
        if (performance.now() - start > Math.max(waitMs, TRY_MS)) {
          throw new TacitError('ERR_LOG_READ', undefined, { cause: error })
        }
        if (outOfRange(error) === 0) {
          from = await this.#goOn(from, ++looks).catch(() => from)
          if (from < after) return { records: [], last: from, topic: await this.#topic().catch(() => null) }
        } else {
          this.#link.went(false)
          await this.#link.refresh().catch(() => undefined)
          await new Wakeable().sleep(wait)
          wait = Math.min(wait * 2, BACK_OFF_MAX_MS)
        }
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#producer.close()
    await this.#link.close()
  }

  async #fetch(after: number, maxRecords: number, waitMs: number): Promise<ReportSlice> {
    const wants = [{ partition: 0, offset: after, maxBytes: FETCH_BYTES }]
    const limits = { maxBytes: FETCH_BYTES, waitMs: Math.round(waitMs) }
    const [answer] = await fetchFrom(this.#link, this.#link.leaderOf(0) ?? -1, wants, limits)
    this.#link.went(true)
    // afterwards: what is still the same topic was it when it was read
    const topic = await this.#topic()
    if (answer === undefined) return { records: [], last: after, topic }
    const { messages, next } = committedOf(answer, after)
    const all = messages.map(({ offset, value }): Report => {
      return { position: Number(offset) + 1, bytes: value ?? Buffer.alloc(0) }
    })
    const records = all.slice(0, maxRecords)
    return { records, last: records.length < all.length ? (records.at(-1)?.position ?? after) : next, topic }
  }

  #topic(): Promise<string | null> {
    return this.#link.topicId(this.#link.leaderOf(0))
  }

  /** Where reading goes on when the next record is not there. */
  async #goOn(after: number, looks: number): Promise<number> {
    const { end, first } = await rangeOf(this.#link, 0)
    if (after < first) {
      this.#alarm(`${first - after} reports had expired before they were read`)
      return first
    }
    if (after <= end || looks < LOOKS) {
      await new Wakeable().sleep(LOOK_MS)
      return after
    }
    this.#alarm('the reports end before what was read of them: they are read from their beginning')
    return first
  }
}
