/**
 * One partition of the log as this process reads it, from its assignment until it is taken away.
 *
 * Positions are offsets + 1, so the offset committed for the group equals the position that is done, and the boundary is
 * in the commit's metadata (topic-cursor.ts).
 *
 * Invariants
 * - What is buffered is everything after the cursor, so a reader may read again whatever it has not committed.
 * - Until it is revoked only this process of the group may commit; afterwards every commit is refused, here and (because
 *   it would name a generation that is over) by Kafka.
 * - While the group settles before a rebalance, steps under way may end and none begins.
 */
import { TacitError } from '@tacit/contracts'
import type { Cursor, LogPart, LogRecord, LogSlice } from '../port.js'
import type { Committed, Range } from './fetch.js'
import { TOPIC_LENGTH, type TopicCursor } from './topic-cursor.js'

/** Kafka keeps 4,096 characters of metadata with an offset (offset.metadata.max.bytes). */
const MAX_BOUNDARY_LENGTH = 4_096 - TOPIC_LENGTH

/** A new step waits for so much, or for all there is, so that who catches up makes few and large inserts. */
const STEP_BYTES = 4 * 1024 * 1024

/** Writes a cursor for the generation that the part belongs to. */
export type CommitCursor = (part: number, cursor: TopicCursor) => Promise<void>

export class Part implements LogPart {
  readonly part: number
  readonly #commit: CommitCursor
  /** said after each change that makes room, or ends a step */
  readonly #changed: () => void
  #cursor: Cursor
  /** of which topic all this is; null as long as that is not known */
  #topic: string | null
  #records: LogRecord[] = []
  #bytes = 0
  /** everything up to here was fetched: the next offset to fetch */
  #fetched: number
  /** where the part ended when it was fetched last */
  #end = 0
  #state: 'open' | 'settling' | 'revoked' = 'open'
  /** a step that may have inserted something, and has not yet committed what */
  #stepping = false
  #commits: Promise<unknown> = Promise.resolve()

  constructor(
    part: number,
    { boundary, position, topic }: TopicCursor,
    commit: CommitCursor,
    changed: () => void,
  ) {
    this.part = part
    this.#cursor = { position, boundary }
    this.#topic = topic
    this.#fetched = position
    this.#commit = commit
    this.#changed = changed
  }

  /** bytes that are buffered */
  get bytes(): number {
    return this.#bytes
  }

  /** the next offset to fetch */
  get next(): number {
    return this.#fetched
  }

  get topic(): string | null {
    return this.#topic
  }

  /** Whether this is of the topic that is there now; what was of none that is known is, from now on. */
  isOf(topic: string): boolean {
    this.#topic ??= topic
    return this.#topic === topic
  }

  get stepping(): boolean {
    return this.#stepping && this.#state !== 'revoked'
  }

  get revoked(): boolean {
    return this.#state === 'revoked'
  }

  /** No position beyond `after + maxRecords` is looked at, so that a reader who knows where to end never passes it. */
  read(after: number, maxRecords: number, maxBytes: number): LogSlice {
    const empty = { records: [], last: after, corrupt: 0 }
    if (this.#state === 'revoked' || after < this.#cursor.position) return empty
    // no new step begins while the group settles; one that is under way reads on
    if (this.#state === 'settling' && !this.#stepping) return empty
    if (!this.#stepping && this.#fetched < this.#end && this.#bytes < STEP_BYTES) return empty
    const end = Math.min(after + maxRecords, this.#fetched)
    const records: LogRecord[] = []
    let bytes = 0
    for (let index = this.#firstAfter(after); ; index++) {
      const record = this.#records[index]
      if (record === undefined || record.position > end) break
      if (records.length > 0 && bytes + record.bytes.length > maxBytes) {
        return this.#sliceOf(records, records.at(-1)?.position ?? after)
      }
      records.push(record)
      bytes += record.bytes.length
    }
    return this.#sliceOf(records, Math.max(end, after))
  }

  cursor(): Cursor {
    return this.#cursor
  }

  async commit({ boundary, position }: Cursor): Promise<void> {
    if ((boundary?.length ?? 0) > MAX_BOUNDARY_LENGTH) throw new RangeError('a boundary is too long')
    const previous = this.#commits
    const committed = previous.then(() => this.#commitNow({ position, boundary: boundary || null }))
    this.#commits = committed.catch(() => undefined)
    await committed
  }

  /** Takes what was fetched from `next` on. */
  add({ end, messages, next }: Committed): void {
    this.#end = end
    if (this.#state === 'revoked' || next <= this.#fetched) return
    for (const { offset, timestamp, value } of messages) {
      const position = Number(offset) + 1
      if (position <= this.#fetched || value === null) continue
      this.#records.push({ position, hour: Number(timestamp), bytes: value })
      this.#bytes += value.length
    }
    this.#fetched = next
  }

  /**
   * Goes on where records are again after retention deleted the next ones.
   * @returns how many were skipped, or null where the partition ends before what was read: it is another one now
   */
  skipTo({ first, end }: Range): number | null {
    if (this.#fetched > end) return null
    const skipped = Math.max(0, first - this.#fetched)
    this.#fetched = Math.max(this.#fetched, first)
    return skipped
  }

  /** Before a rebalance: nothing new begins. */
  settle(): void {
    if (this.#state === 'open') this.#state = 'settling'
  }

  revoke(): void {
    this.#state = 'revoked'
    this.#records = []
    this.#bytes = 0
  }

  async #commitNow(cursor: Cursor): Promise<void> {
    const begins = cursor.boundary !== null && !this.#stepping
    if (this.#state === 'revoked' || (this.#state === 'settling' && begins)) {
      throw new TacitError('ERR_LOG_FENCED')
    }
    if (cursor.boundary !== null) this.#stepping = true
    await this.#commit(this.part, { ...cursor, topic: this.#topic })
    // The cursor stands whether or not the part was taken away meanwhile: Kafka took it.
    this.#cursor = cursor
    if (cursor.boundary === null) this.#stepping = false
    const done = this.#firstAfter(cursor.position)
    for (const record of this.#records.splice(0, done)) this.#bytes -= record.bytes.length
    this.#changed()
  }

  #sliceOf(records: LogRecord[], last: number): LogSlice {
    // A step that a former process of the group left open begins again with its first read.
    if (this.#cursor.boundary !== null && last > this.#cursor.position) this.#stepping = true
    return { records, last, corrupt: 0 }
  }

  /** index of the first buffered record after a position */
  #firstAfter(position: number): number {
    let low = 0
    let high = this.#records.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#records[middle]?.position ?? Number.POSITIVE_INFINITY) <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}
