/**
 * The parts of the log that this process reads for a consumer group: the group's membership, and a bounded buffer for each
 * part, filled ahead of its reader.
 *
 * Invariants
 * - A part is listed from the moment at which its cursor was read until it is taken away, and never while another process
 *   may read it (as far as this one can know: Kafka refuses its commits in any case).
 * - What is fetched is bounded for each part and for all of them, and never larger than a step may need: a former process's
 *   open boundary can always be read up to its end.
 * - Where records are missing that nobody read, an alarm says so, and reading goes on at the earliest record there is.
 * - K14: a cursor, and what is buffered after it, is of one topic, by the id that Kafka gave it. A topic that was made anew
 *   is read from its beginning, also where it is longer by now than what was read of the former one. For that a node is
 *   asked which topic it has before the first fetch, after each failed one, and where its answers do not follow one
 *   another closely: a fetch that is with a broker when the topic goes fails. Brokers before 2.8 give no ids: there a topic
 *   made anew is noticed only as long as it is the shorter one, and its first records are not read otherwise.
 * - Recovery: whatever fails is tried again, with back-off. Nothing is kept here that Kafka does not have.
 */
import { performance } from 'node:perf_hooks'
import { TacitError } from '@tacit/contracts'
import type { Cursor, LogPart } from '../port.js'
import type { KafkaOptions } from './connection.js'
import { committedOf, fetchFrom, outOfRange, rangeOf, type Want } from './fetch.js'
import { Link } from './link.js'
import { Member } from './member.js'
import { Part } from './part.js'
import { decodeCursor, encodeCursor, type TopicCursor } from './topic-cursor.js'
import { Wakeable } from './wakeable.js'

/** What a part's buffer holds before no more is fetched: more than the largest step of a reader (8 MiB). */
const PART_BYTES = 12 * 1024 * 1024
/** What all buffers hold; above it the parts get theirs one by one, so that each can go on. */
const TOTAL_BYTES = 128 * 1024 * 1024
/** One answer of a broker; a first record comes whole even if it is larger. */
const FETCH_BYTES = 16 * 1024 * 1024
const FETCH_PART_BYTES = 5 * 1024 * 1024
/** How long a broker waits for something to answer with; what makes room meanwhile waits for it. */
const FETCH_WAIT_MS = 250
const IDLE_MS = 500
const BACK_OFF_MIN_MS = 100
const BACK_OFF_MAX_MS = 2_000
/** A part that seems to end before what was read of it is believed after so many looks: a new leader may not know yet. */
const LOOKS = 3
const LOOK_MS = 500
/** A topic is not deleted, made anew and filled past a position in this time without a fetch that fails. */
const SURE_MS = 1_000

export interface ConsumerOptions {
  readonly topic: string
  readonly group: string
  /** says what was skipped, and that the group cannot be reached; never with values */
  readonly alarm: (message: string) => void
}

export interface Consumer {
  /** As {@link EventLog.parts}. */
  parts(): readonly LogPart[]
  /** As {@link KafkaLog.isOutside}. */
  readonly isOutside: boolean
  /** Leaves the group at once: what is under way can no longer be committed. */
  close(): Promise<void>
}

/** Joins a consumer group and reads ahead what it is assigned. */
export function createConsumer(kafka: KafkaOptions, options: ConsumerOptions): Consumer {
  return new GroupConsumer(kafka, options)
}

class GroupConsumer implements Consumer {
  readonly #link: Link
  readonly #options: ConsumerOptions
  readonly #member: Member
  readonly #filling: Promise<void>
  /** wakes the filling: there is room, or something to fill */
  readonly #room = new Wakeable()
  /** nodes that are asked now */
  readonly #asked = new Set<number>()
  /** failed requests in a row, by node */
  readonly #failures = new Map<number, number>()
  /** when a node last answered for the topic as it is known, of a monotonic clock */
  readonly #sure = new Map<number, number>()
  /** looks at a part that seems to end before what was read of it */
  readonly #looks = new Map<number, number>()
  #parts = new Map<number, Part>()
  #generation = -1
  #settled: (() => void) | null = null
  #closing = false

  constructor(kafka: KafkaOptions, options: ConsumerOptions) {
    this.#link = new Link(kafka, options.topic)
    this.#options = options
    this.#member = new Member({
      link: this.#link,
      // two deployments on one cluster are two groups
      group: `${kafka.prefix}.${options.group}`,
      alarm: options.alarm,
      assigned: (cursors, generation) => {
        this.#assigned(cursors, generation)
      },
      settle: () => this.#settle(),
      revoked: () => {
        this.#revoked()
      },
    })
    this.#filling = this.#fill()
  }

  get isOutside(): boolean {
    return this.#member.isOutside
  }

  parts(): readonly LogPart[] {
    return this.#member.alive ? [...this.#parts.values()] : []
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#room.wake()
    await Promise.all([this.#member.close(), this.#filling])
    await this.#link.close()
  }

  #assigned(cursors: ReadonlyMap<number, Cursor>, generation: number): void {
    this.#generation = generation
    this.#looks.clear()
    this.#sure.clear()
    this.#parts = new Map(
      [...cursors]
        .sort(([a], [b]) => a - b)
        .map(([part, cursor]) => [part, this.#partOf(part, decodeCursor(cursor))]),
    )
    this.#room.wake()
  }

  #partOf(part: number, cursor: TopicCursor): Part {
    const generation = this.#generation
    const commit = (of: number, done: TopicCursor): Promise<void> =>
      this.#closing
        ? Promise.reject(new TacitError('ERR_LOG_CLOSED'))
        : this.#member.commit(generation, of, encodeCursor(done))
    return new Part(part, cursor, commit, () => {
      this.#room.wake()
      this.#checkSettled()
    })
  }

  #settle(): Promise<void> {
    for (const part of this.#parts.values()) part.settle()
    return new Promise((resolve) => {
      this.#settled = resolve
      this.#checkSettled()
    })
  }

  #checkSettled(): void {
    if (this.#settled === null || [...this.#parts.values()].some((part) => part.stepping)) return
    this.#settled()
    this.#settled = null
  }

  #revoked(): void {
    for (const part of this.#parts.values()) part.revoke()
    this.#parts = new Map()
    this.#checkSettled()
  }

  async #fill(): Promise<void> {
    while (!this.#closing) {
      for (const [nodeId, parts] of this.#wanted()) {
        if (this.#asked.has(nodeId)) continue
        this.#asked.add(nodeId)
        void this.#ask(nodeId, parts).finally(() => {
          this.#asked.delete(nodeId)
          this.#room.wake()
        })
      }
      await this.#room.sleep(IDLE_MS)
    }
  }

  /** The parts that have room, by the node that leads them. */
  #wanted(): Map<number, Part[]> {
    const parts = [...this.#parts.values()]
    const total = parts.reduce((sum, part) => sum + part.bytes, 0)
    let open = parts.filter((part) => part.bytes < PART_BYTES)
    // The one that is nearest to a step of its reader: when it is read there is room for the others.
    if (total >= TOTAL_BYTES) open = open.toSorted((a, b) => b.bytes - a.bytes).slice(0, 1)
    const byNode = new Map<number, Part[]>()
    for (const part of open) {
      // no node has the number -1: asking it fails, and it is looked up anew who leads
      const node = this.#link.leaderOf(part.part) ?? -1
      byNode.set(node, [...(byNode.get(node) ?? []), part])
    }
    return byNode
  }

  /** One fetch; after a failure nothing more is asked of the node for a while. */
  async #ask(nodeId: number, parts: readonly Part[]): Promise<void> {
    const wants = parts.map(
      ({ next, part }): Want => ({ partition: part, offset: next, maxBytes: FETCH_PART_BYTES }),
    )
    try {
      if (!this.#sure.has(nodeId)) await this.#check(nodeId, parts)
      if (parts.some(({ revoked }) => revoked)) return
      const limits = { maxBytes: FETCH_BYTES, waitMs: FETCH_WAIT_MS }
      const answers = await fetchFrom(this.#link, nodeId, wants, limits)
      const now = performance.now()
      if (now - (this.#sure.get(nodeId) ?? 0) > SURE_MS) await this.#check(nodeId, parts)
      else this.#sure.set(nodeId, now)
      this.#link.went(true)
      this.#failures.delete(nodeId)
      for (const answer of answers) {
        const asked = parts.findIndex(({ part }) => part === answer.partition)
        const want = wants[asked]
        if (want !== undefined) parts[asked]?.add(committedOf(answer, want.offset))
      }
    } catch (error) {
      await this.#recover(nodeId, parts, error)
    }
  }

  /** Begins anew with parts of a topic that is gone; what is fetched for those is not taken. */
  async #check(nodeId: number, parts: readonly Part[]): Promise<void> {
    const asked = performance.now()
    const topic = await this.#link.topicId(nodeId)
    this.#sure.set(nodeId, asked)
    if (topic === null) return
    for (const part of parts) {
      if (part.revoked || part.isOf(topic)) continue
      this.#beginAnew(part, { position: 0, boundary: null, topic })
      this.#options.alarm(
        `the topic of part ${part.part} of the log was made anew: it is read again from its beginning, and what was not read of the former one is lost`,
      )
    }
  }

  async #recover(nodeId: number, parts: readonly Part[], error: unknown): Promise<void> {
    this.#sure.delete(nodeId)
    if (this.#closing) return
    const lost = parts.find(({ part }) => part === outOfRange(error))
    this.#link.went(lost !== undefined)
    try {
      if (lost === undefined) await this.#link.refresh()
      else if (await this.#goOn(lost)) return
    } catch {
      // said by the wait below
    }
    const failures = (this.#failures.get(nodeId) ?? 0) + 1
    this.#failures.set(nodeId, failures)
    await new Wakeable().sleep(Math.min(BACK_OFF_MIN_MS * 2 ** failures, BACK_OFF_MAX_MS))
  }

  /**
   * K13 and K14: the next record is not there. Retention overtook the reader, or the topic is another one now.
   * @returns whether reading can go on at once
   */
  async #goOn(part: Part): Promise<boolean> {
    const { alarm } = this.#options
    const range = await rangeOf(this.#link, part.part)
    if (part.revoked) return true
    const skipped = part.skipTo(range)
    if (skipped !== null) {
      this.#looks.delete(part.part)
      if (skipped > 0) alarm(`${skipped} records of part ${part.part} had expired before they were read`)
      return skipped > 0
    }
    const looks = (this.#looks.get(part.part) ?? 0) + 1
    this.#looks.set(part.part, looks)
    if (looks < LOOKS) {
      await new Wakeable().sleep(LOOK_MS)
      return true
    }
    alarm(`part ${part.part} of the log ends before what was read of it: it is read again from its beginning`)
    this.#beginAnew(part, { position: range.first, boundary: null, topic: part.topic })
    return true
  }

  #beginAnew({ part }: Part, cursor: TopicCursor): void {
    this.#looks.delete(part)
    this.#parts.get(part)?.revoke()
    this.#parts.set(part, this.#partOf(part, cursor))
    this.#checkSettled()
  }
}
