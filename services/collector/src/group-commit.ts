/**
 * Group commit: beacons that arrive together share one sealed batch and one flush.
 *
 * Invariants
 * - Rows and drop counts of a beacon go into the same batch, and every answer waits for that batch to be on disk:
 *   neither time nor a crash tells an accepted event from a dropped one.
 * - Batch numbers rise by one within a producer, whose id is random per boot: (producer, batch, row) names a row once.
 * - At most {@link MAX_IN_FLIGHT} batches are being written; what arrives meanwhile gathers in the next one, bounded.
 * - Records of a batch are shuffled before they are numbered.
 * Recovery: a batch whose append fails fails all its beacons (503); nothing was promised. Its number is not used again.
 */
import { randomBytes, randomFillSync } from 'node:crypto'
import type { RecordSink } from '@tacit/anonymizer'
import {
  type BatchHeader,
  HOUR,
  type HourCounts,
  hourOf,
  type Reason,
  rfc3339,
  type Stream,
  TacitError,
} from '@tacit/contracts'
import type { EventLog } from '@tacit/event-log'
import type { LogKeys } from '@tacit/keyring'

/** Enough to keep the processor busy while the disk flushes; more would only make batches smaller. */
const MAX_IN_FLIGHT = 4
/** Rows that may gather while the disk is slow; beyond it nothing durable can be promised. */
const MAX_GATHERED_ROWS = 100_000
/** How long a failed log is left alone before it is tried again. */
const RETRY_MS = 250

interface Section {
  readonly tails: string[]
  readonly rows: Record<string, number>
}

/** What gathers for one flush. */
class Gathering {
  readonly hour: number
  readonly sections = new Map<Stream, Section>()
  readonly counts = new Map<number, HourCounts>()
  rows = 0
  removedProps = 0
  readonly durable: Promise<void>
  resolve!: () => void
  reject!: (error: unknown) => void

  constructor(hour: number) {
    this.hour = hour
    this.durable = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // Whoever waits sees the failure; a batch that nobody waits for (a watermark) must not end the process.
    this.durable.catch(() => {})
  }
}

const shuffleBytes = Buffer.allocUnsafeSlow(65_536)
let shuffleAt = shuffleBytes.length

function randomBelow(bound: number): number {
  if (shuffleAt + 4 > shuffleBytes.length) {
    randomFillSync(shuffleBytes)
    shuffleAt = 0
  }
  const value = shuffleBytes.readUInt32LE(shuffleAt)
  shuffleAt += 4
  return value % bound
}

/** Fisher–Yates, from the system's random source. */
function shuffle(items: string[]): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = randomBelow(i + 1)
    const item = items[i] as string
    items[i] = items[j] as string
    items[j] = item
  }
}

export interface GroupCommitOptions {
  readonly log: EventLog
  readonly logKeys: LogKeys
  /** hash of the rulebook that decides */
  readonly rulebook: string
}

export class GroupCommit implements RecordSink {
  readonly producer = randomBytes(8).toString('hex')
  readonly #log: EventLog
  readonly #logKeys: LogKeys
  readonly #rulebook: string
  #batch = 0
  #gathering: Gathering | null = null
  #waiting: Gathering[] = []
  #scheduled = false
  readonly #inFlight = new Set<Promise<void>>()
  #failedAt: number | null = null

  constructor(options: GroupCommitOptions) {
    this.#log = options.log
    this.#logKeys = options.logKeys
    this.#rulebook = options.rulebook
  }

  /**
   * False after a failed append, but for one try every {@link RETRY_MS}: readiness is honest, and comes back by itself.
   * @param now ms
   */
  ready(now: number): boolean {
    return this.#failedAt === null || now >= this.#failedAt + RETRY_MS || now < this.#failedAt
  }

  /** Starts (or goes on with) the batch of the hour that holds `now`; call before each beacon is processed. */
  open(now: number): void {
    const hour = now - (now % HOUR)
    const current = this.#gathering
    if (current !== null) {
      if (current.hour === hour) {
        if (current.rows > MAX_GATHERED_ROWS) throw new TacitError('ERR_LOG_UNAVAILABLE')
        return
      }
      this.#waiting.push(current)
    }
    this.#gathering = new Gathering(hour)
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#flushSoon)
    }
  }

  row(stream: Stream, epoch: string, tail: string): void {
    const gathering = this.#gathering as Gathering
    let section = gathering.sections.get(stream)
    if (section === undefined) {
      section = { tails: [], rows: {} }
      gathering.sections.set(stream, section)
    }
    section.tails.push(tail)
    section.rows[epoch] = (section.rows[epoch] ?? 0) + 1
    gathering.rows++
  }

  accepted(hour: number): void {
    const counts = this.#countsOf(hour)
    counts.received++
    counts.accepted++
  }

  dropped(hour: number, reason: Reason): void {
    const counts = this.#countsOf(hour)
    counts.received++
    counts.dropped[reason] = (counts.dropped[reason] ?? 0) + 1
  }

  removedProps(count: number): void {
    ;(this.#gathering as Gathering).removedProps += count
  }

  /** Resolves when everything since `open` is on disk; rejects with a TacitError where that cannot be promised. */
  durable(): Promise<void> {
    return this.#gathering === null ? Promise.resolve() : this.#gathering.durable
  }

  /** Flushes what has gathered and waits until nothing is in flight. */
  async drain(): Promise<void> {
    const open = this.#gathering?.durable
    this.#flush()
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight)
    await open
  }

  /** Says in the log that nothing of an hour before `hour` follows. @param now ms */
  async watermark(now: number): Promise<void> {
    await this.drain()
    const hour = hourOf(now)
    await this.#write(new Gathering(hour), true)
  }

  #countsOf(hour: number): HourCounts {
    const { counts } = this.#gathering as Gathering
    let found = counts.get(hour)
    if (found === undefined) {
      found = { received: 0, accepted: 0, dropped: {} }
      counts.set(hour, found)
    }
    return found
  }

  readonly #flushSoon = (): void => {
    this.#scheduled = false
    this.#flush()
  }

  #flush(): void {
    if (this.#gathering !== null) {
      this.#waiting.push(this.#gathering)
      this.#gathering = null
    }
    while (this.#waiting.length > 0 && this.#inFlight.size < MAX_IN_FLIGHT) {
      const next = this.#waiting.shift() as Gathering
      const written = this.#write(next, false).then(
        () => next.resolve(),
        (error: unknown) => next.reject(error),
      )
      const done = written.finally(() => {
        this.#inFlight.delete(done)
        this.#flush()
      })
      this.#inFlight.add(done)
    }
  }

  async #write(gathering: Gathering, watermark: boolean): Promise<void> {
    const batch = this.#batch++
    const parts: string[] = []
    const sections = [...gathering.sections].map(([stream, { tails, rows }]) => {
      shuffle(tails)
      const prefix = `["${this.producer}",${batch},`
      let text = ''
      for (let i = 0; i < tails.length; i++) text += `${prefix}${i},${tails[i]}\n`
      parts.push(text)
      return { stream, bytes: Buffer.byteLength(text), rows }
    })
    const counts: Record<string, HourCounts> = {}
    for (const [hour, found] of gathering.counts) counts[rfc3339(hour)] = found
    const header: BatchHeader = {
      v: 1,
      hour: gathering.hour,
      producer: this.producer,
      batch,
      rulebook: this.#rulebook,
      sections,
      counts,
      removedProps: gathering.removedProps,
      ...(watermark ? { watermark: true as const } : {}),
    }
    try {
      const sealed = await this.#logKeys.seal(header, Buffer.from(parts.join('')))
      if (sealed === null) throw new TacitError('ERR_LOG_UNAVAILABLE')
      await this.#log.append(sealed, gathering.hour)
      this.#failedAt = null
    } catch (error) {
      this.#failedAt = Date.now()
      throw error instanceof TacitError ? error : new TacitError('ERR_LOG_UNAVAILABLE', undefined, { cause: error })
    }
  }
}
