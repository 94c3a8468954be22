/**
 * Sends on what waits in the spool, by itself, until it is empty.
 *
 * Invariants
 * - In each part records keep their order: one is in flight a part, a record keeps its part (its position in the spool
 *   names it, also after a restart) until it is acknowledged, and what follows it there waits.
 * - A record of reach `all` or `last` is a barrier: it is sent when everything before it was acknowledged, and nothing
 *   behind it before all its copies were.
 * - A record leaves the spool after it was acknowledged (a crash in between sends it again), or when it is older than
 *   the bound, with an alarm that counts such records.
 * - A failure pauses, at most {@link MAX_PAUSE_MS}, with jitter, and never ends the draining.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@tacit/contracts'
import { kafkaErrorType } from './admin.js'
import type { Producer } from './producer.js'
import type { Spool, SpooledRecord } from './spool.js'

const MIN_PAUSE_MS = 100
const MAX_PAUSE_MS = 5_000
/** failures in a row after which the topic itself is looked at again */
const DOUBT_AFTER = 8
/** copies of one record that are sent at once */
const COPIES_AT_ONCE = 16
/** what only an operator can put right */
const ADVICE = new Map([
  ['MESSAGE_TOO_LARGE', 'A record that waits on disk is too large for its topic: raise max.message.bytes'],
  ['INVALID_TIMESTAMP', 'Kafka refuses the hour of a record that waits on disk: one of the clocks is wrong'],
  ['TOPIC_AUTHORIZATION_FAILED', 'Kafka’s ACLs let this user no longer write: allow it Write on the topic'],
])

export interface DrainOptions {
  readonly spool: Spool
  readonly producer: Producer
  readonly clock: Clock
  readonly maxAgeMs: number
  readonly alarm: (message: string) => void
  /** parts that a record of reach `one` may go into now; 0 while that is not known or the topic is not right */
  readonly parts: () => number
  /** parts that there are now; 0 as above */
  readonly partitions: () => number
  /** a record of reach `all` or `last` is in all its parts */
  readonly acknowledged: (record: SpooledRecord) => Promise<void>
  /** sending failed again and again: is the topic still what it was? */
  readonly doubt: () => void
}

export class Drain {
  readonly #options: DrainOptions
  #running: Promise<void> | null = null
  #wanted = false
  readonly #closing = new AbortController()
  /** copies of the record at the barrier that are acknowledged */
  #copied: { position: number; parts: Set<number> } = { position: 0, parts: new Set() }

  constructor(options: DrainOptions) {
    this.#options = options
  }

  /** Starts draining where it does not run; call when something may wait. */
  wake(): void {
    this.#wanted = true
    if (this.#running !== null || this.#closing.signal.aborted) return
    this.#running = this.#run().finally(() => {
      this.#running = null
      // called between its last look and here
      if (this.#wanted) this.wake()
    })
  }

  /** Resolves when it is not draining; it drains as long as anything waits. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** Ends it after the sends under way; what is left stays in the spool. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { doubt, spool } = this.#options
    const { signal } = this.#closing
    let failures = 0
    while (!signal.aborted && (this.#wanted || spool.records > 0)) {
      this.#wanted = false
      if (await this.#round().catch(() => false)) {
        failures = 0
        continue
      }
      this.#wanted = true
      failures++
      if (failures % DOUBT_AFTER === 0) doubt()
      const pause = Math.min(MIN_PAUSE_MS * 2 ** Math.min(failures - 1, 10), MAX_PAUSE_MS)
      await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
    }
  }

  /** Sends what is first in the spool, up to the next barrier. @returns whether all of it was acknowledged */
  async #round(): Promise<boolean> {
    const { clock, maxAgeMs, parts, spool } = this.#options
    const waiting = await this.#withoutOld(await spool.read())
    const [first] = waiting
    if (first === undefined) {
      await spool.tidy(clock.now() - maxAgeMs)
      // what is counted and not found must not be looked for without a pause
      return spool.records === 0
    }
    const width = parts()
    if (width === 0) return false
    if (first.reach !== 'one') return this.#sendCopies(first)
    const barrier = waiting.findIndex(({ reach }) => reach !== 'one')
    return this.#sendOnes(barrier < 0 ? waiting : waiting.slice(0, barrier), width)
  }

  async #withoutOld(records: readonly SpooledRecord[]): Promise<readonly SpooledRecord[]> {
    const { alarm, clock, maxAgeMs, spool } = this.#options
    const oldest = clock.now() - maxAgeMs
    const old = records.filter(({ hour }) => hour <= oldest)
    if (old.length === 0) return records
    await spool.remove(old)
    alarm(`${old.length} records waited for Kafka longer than they may be kept, and were dropped`)
    return records.filter(({ hour }) => hour > oldest)
  }

  async #sendOnes(records: readonly SpooledRecord[], width: number): Promise<boolean> {
    const lanes = new Map<number, SpooledRecord[]>()
    for (const record of records) {
      const part = record.position % width
      const lane = lanes.get(part)
      if (lane) lane.push(record)
      else lanes.set(part, [record])
    }
    const sent: SpooledRecord[] = []
    const outcomes = [...lanes].map(async ([part, lane]) => {
      for (const record of lane) {
        if (this.#closing.signal.aborted || !(await this.#send(part, record))) return
        sent.push(record)
      }
    })
    await Promise.all(outcomes)
    await this.#options.spool.remove(sent)
    return sent.length === records.length
  }

  async #sendCopies(record: SpooledRecord): Promise<boolean> {
    const { acknowledged, partitions, spool } = this.#options
    // fewer than when it was appended only where somebody made the topic anew
    const width = Math.min(record.parts, partitions())
    if (this.#copied.position !== record.position) {
      this.#copied = { position: record.position, parts: new Set() }
    }
    const { parts } = this.#copied
    const missing = Array.from({ length: width }, (_, part) => part).filter((part) => !parts.has(part))
    await inTurns(missing, COPIES_AT_ONCE, async (part) => {
      if (!this.#closing.signal.aborted && (await this.#send(part, record))) parts.add(part)
    })
    if (width === 0 || parts.size < width) return false
    await acknowledged(record)
    await spool.remove([record])
    return true
  }

  async #send(part: number, { bytes, hour }: SpooledRecord): Promise<boolean> {
    try {
      await this.#options.producer.send(part, bytes, hour)
      return true
    } catch (error) {
      const advice = ADVICE.get(kafkaErrorType(error) ?? '')
      if (advice !== undefined) this.#options.alarm(`${advice}; until then it and what follows it wait`)
      return false
    }
  }
}

/** Calls `work` for every item, at most `atOnce` at a time. */
export async function inTurns<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}
