/**
 * Follows a topic of one partition from its beginning, transaction by transaction.
 *
 * Invariants
 * - What is handed over is what was committed, in the order of the commits, each transaction at once, and nothing of an
 *   aborted one: each transaction's messages wait for its control record.
 * - Compaction changes nothing of that: it keeps a transaction's control record as long as any of its messages.
 * - Recovery: whatever fails is tried again, with back-off. A topic that no longer has the next offset is another topic:
 *   then the following ends, because what was handed over cannot be taken back.
 */
import { TacitError } from '@tacit/contracts'
import { type FetchedMessage, type FetchedPartition, nameOf } from './cluster.js'
import { fetchFrom, outOfRange, rangeOf } from './fetch.js'
import type { Link } from './link.js'
import { Wakeable } from './wakeable.js'

const FETCH_BYTES = 8 * 1024 * 1024
/** More than any row of batches that compaction emptied takes before a message comes. */
const WIDE_FETCH_BYTES = 64 * 1024 * 1024
const FETCH_WAIT_MS = 500
const BACK_OFF_MIN_MS = 50
const BACK_OFF_MAX_MS = 2_000
/** A control record's key: version, then 0 for abort or 1 for commit, 16 bits each. */
const COMMIT = 1

export interface FollowerOptions {
  readonly link: Link
  readonly alarm: (message: string) => void
  /** Takes one committed transaction; called again with the same where it failed. */
  readonly committed: (messages: readonly FetchedMessage[]) => Promise<void>
}

interface Waiting {
  readonly offset: number
  resolve(): void
  reject(error: unknown): void
}

export class Follower {
  readonly #options: FollowerOptions
  readonly #open = new Map<string, FetchedMessage[]>()
  readonly #following: Promise<void>
  readonly #pause = new Wakeable()
  #waiting: Waiting[] = []
  #next = 0
  #empty = false
  #ended: TacitError | null = null

  constructor(options: FollowerOptions) {
    this.#options = options
    this.#following = this.#follow()
  }

  /** Whether nothing is handed over any more. */
  get hasEnded(): boolean {
    return this.#ended !== null
  }

  /** The offset after all that is committed now. */
  async end(): Promise<number> {
    const { link } = this.#options
    if (link.leaderOf(0) === null) await link.refresh()
    return (await rangeOf(link, 0)).end
  }

  /** Resolves when everything before an offset was handed over; rejects where the following ended. */
  reached(offset: number): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended)
    if (this.#next >= offset) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ offset, resolve, reject })
    })
  }

  async close(): Promise<void> {
    this.#end(new TacitError('ERR_LOG_CLOSED'))
    this.#pause.wake()
    await this.#following
  }

  async #follow(): Promise<void> {
    const { alarm, link } = this.#options
    let wait = BACK_OFF_MIN_MS
    while (!this.#ended) {
      try {
        const limits = { maxBytes: this.#empty ? WIDE_FETCH_BYTES : FETCH_BYTES, waitMs: FETCH_WAIT_MS }
        const wants = [{ partition: 0, offset: this.#next, maxBytes: limits.maxBytes }]
        const [answer] = await fetchFrom(link, link.leaderOf(0) ?? -1, wants, limits)
        link.went(true)
        if (answer) await this.#take(answer)
        wait = BACK_OFF_MIN_MS
      } catch (error) {
        if (outOfRange(error) !== null) {
          alarm('the shared state was deleted or cut off: start again, with its topic as it was')
          this.#end(new TacitError('ERR_LOG_TOPIC', `The topic ${link.topic} does not hold what it held`))
          return
        }
        link.went(false)
        await link.refresh().catch(() => undefined)
        await this.#pause.sleep(wait)
        wait = Math.min(wait * 2, BACK_OFF_MAX_MS)
      }
    }
  }

  async #take({ lastStableOffset, messages }: FetchedPartition): Promise<void> {
    const fresh = messages.filter(({ offset }) => Number(offset) >= this.#next)
    for (const message of fresh) {
      await this.#look(message)
      if (this.#ended) return
      this.#advance(Number(message.offset) + 1)
    }
    // Batches that compaction emptied hold offsets and no messages: past them nothing is left that is committed.
    const stable = Number(lastStableOffset)
    if (fresh.length > 0 || stable <= this.#next) this.#empty = false
    else if (this.#empty) this.#advance(stable)
    else this.#empty = true
  }

  async #look(message: FetchedMessage): Promise<void> {
    const producer = message.batchContext?.inTransaction === true ? message.batchContext.producerId : null
    if (producer === null) {
      this.#options.alarm('a record of the shared state that its owner did not write was ignored')
      return
    }
    const open = this.#open.get(producer)
    if (!message.isControlRecord) {
      if (open) open.push(message)
      else this.#open.set(producer, [message])
      return
    }
    if (open && message.key?.readInt16BE(2) === COMMIT) await this.#hand(open)
    this.#open.delete(producer)
  }

  async #hand(messages: readonly FetchedMessage[]): Promise<void> {
    for (let wait = BACK_OFF_MIN_MS; !this.#ended; wait = Math.min(wait * 2, BACK_OFF_MAX_MS)) {
      try {
        await this.#options.committed(messages)
        return
      } catch (error) {
        if (wait === BACK_OFF_MIN_MS) {
          this.#options.alarm(`the shared state could not be written down here (${nameOf(error)})`)
        }
        await this.#pause.sleep(wait)
      }
    }
  }

  #advance(next: number): void {
    this.#next = next
    const reached = this.#waiting.filter(({ offset }) => offset <= next)
    this.#waiting = this.#waiting.filter(({ offset }) => offset > next)
    for (const { resolve } of reached) resolve()
  }

  #end(error: TacitError): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting) reject(this.#ended)
    this.#waiting = []
  }
}
