/**
 * Group commit: beacons that arrive together share one sealed batch and one flush.
 *
 * Invariants
 * - Rows and drop counts of a beacon go into the same batch, and every answer waits for that batch to be on disk:
 *   neither time nor a crash tells an accepted event from a dropped one.
 * - Batch numbers rise by one within a producer, whose id is random per boot: (producer, batch, row) names a row once.
 * - At most {@link MAX_IN_FLIGHT} batches are being written; what arrives meanwhile gathers in the next one, bounded.
 * - A batch holds what one rulebook decided; its hash stands in the authenticated header.
 * - Records of a batch are shuffled before they are numbered.
 * - The hour of receipt is the fourth column of every row: a day's record begins with it, the others are given it here.
 * Recovery: a batch whose append fails fails all its beacons (503); nothing was promised. Its number is not used again.
 */
import { randomBytes, randomFillSync } from 'node:crypto'
import type { RecordSink } from '@tacit/anonymizer'
import {
  type BatchHeader,
  type Clock,
  HOUR,
  type HourCounts,
  hourOf,
  type Reason,
  rfc3339,
  type Stream,
  TacitError,
} from '@tacit/contracts'
import type { EventLog, Reach } from '@tacit/event-log'
import type { LogKeys } from '@tacit/keyring'
import type { Detector } from '@tacit/rulebook'

/** One: what arrives during a flush gathers for the next. A second in flight halves the batches and doubles their cost. */
const MAX_IN_FLIGHT = 1
/** A batch gathers while requests keep arriving, but no longer than this. */
const MAX_LINGER_MS = 5
/** Under load: nothing has come for this long, so nothing more is on its way. */
const QUIET_MS = 0.05
/** How fast the number of beacons that are waited for follows a falling load, per batch. */
const EXPECTED_DECAY = 0.8
/** Characters of rows after which another batch is begun; the log takes records of 4 MiB. */
const MAX_BATCH_CHARS = 1_048_576
/** Characters of rows that may gather while the disk is slow; beyond it nothing durable can be promised. */
const MAX_GATHERED_CHARS = 64 * MAX_BATCH_CHARS
/** How long a failed log is left alone before it is tried again, with an empty batch. */
const RETRY_MS = 250

interface Section {
  readonly tails: string[]
  readonly rows: Record<string, number>
}

/** What gathers for one flush. */
class Gathering {
  readonly hour: number
  /** hash of the rulebook that decided everything in it */
  readonly rulebook: string
  readonly sections = new Map<Stream, Section>()
  readonly counts = new Map<number, HourCounts>()
  readonly since = performance.now()
  beacons = 1
  chars = 0
  removedProps = 0
  readonly detected: Record<string, number> = {}
  /** called once with the outcome; plain functions, because a promise for each beacon is what the hot path would pay */
  readonly waiting: ((error: unknown) => void)[] = []

  constructor(hour: number, rulebook: string) {
    this.hour = hour
    this.rulebook = rulebook
  }

  /** @param error null where everything is on disk */
  settle(error: unknown): void {
    for (const tell of this.waiting) tell(error)
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
  readonly clock: Clock
  /** hash of the rulebook that decides */
  readonly rulebook: string
}

export class GroupCommit implements RecordSink {
  readonly producer = randomBytes(8).toString('hex')
  readonly #log: EventLog
  readonly #logKeys: LogKeys
  readonly #clock: Clock
  #rulebook: string
  #batch = 0
  #gathering: Gathering | null = null
  #waiting: Gathering[] = []
  #scheduled = false
  /** beacons that lately came together */
  #expected = 1
  /** beacons of the gathering at the last turn of the event loop that brought one, and when that was */
  #seen = 0
  #lastArrival = 0
  readonly #inFlight = new Set<Promise<void>>()
  /** of rows that are not yet being written */
  #gatheredChars = 0
  #failed = false
  /** of a batch since the last drain */
  #failure: unknown = null
  #probe: NodeJS.Timeout | undefined

  constructor(options: GroupCommitOptions) {
    this.#log = options.log
    this.#logKeys = options.logKeys
    this.#clock = options.clock
    this.#rulebook = options.rulebook
  }

  /** False from a failed append until one is on disk again: readiness is honest, and comes back without a request. */
  ready(): boolean {
    return !this.#failed
  }

  /** Starts (or goes on with) the batch of the hour that holds `now`; call before each beacon is processed. */
  open(now: number): void {
    const hour = now - (now % HOUR)
    const current = this.#gathering
    if (current !== null) {
      if (this.#gatheredChars >= MAX_GATHERED_CHARS) throw new TacitError('ERR_LOG_UNAVAILABLE')
      if (current.hour === hour && current.chars < MAX_BATCH_CHARS) {
        current.beacons++
        return
      }
      this.#waiting.push(current)
    }
    this.#gathering = new Gathering(hour, this.#rulebook)
    this.#schedule()
  }

  /** From now on another rulebook decides: what gathers next is sealed under its hash. */
  ruleBy(rulebook: string): void {
    if (rulebook === this.#rulebook) return
    this.#rulebook = rulebook
    if (this.#gathering === null) return
    this.#waiting.push(this.#gathering)
    this.#gathering = null
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#flushWhenGathered)
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
    gathering.chars += tail.length
    this.#gatheredChars += tail.length
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

  detected(detector: Detector, field: string): void {
    const { detected } = this.#gathering as Gathering
    const key = `${detector} ${field}`
    detected[key] = (detected[key] ?? 0) + 1
  }

  /** Calls back when everything since `open` is on disk, or with a TacitError where that cannot be promised. */
  whenDurable(tell: (error: unknown) => void): void {
    if (this.#gathering === null) tell(null)
    else this.#gathering.waiting.push(tell)
  }

  /** {@link GroupCommit.whenDurable} as a promise. */
  durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.whenDurable((error) => (error === null ? resolve() : reject(error)))
    })
  }

  /**
   * Flushes what has gathered and waits until all of it is on disk; what comes meanwhile is not waited for, because
   * under load something always comes.
   * @throws TacitError where any batch since the last drain is not on disk: `import` asks only here
   */
  async drain(): Promise<void> {
    await this.#written()
    const failure = this.#failure
    this.#failure = null
    if (failure !== null) throw failure
  }

  /** Flushes what has gathered and waits until all of it is on disk or refused. */
  async #written(): Promise<void> {
    this.#flush()
    // Batches are written one after the other, so the last one's end is the end of all.
    const last = this.#gathering ?? this.#waiting.at(-1)
    if (last === undefined) await Promise.allSettled(this.#inFlight)
    else await new Promise<void>((resolve) => last.waiting.push(() => resolve()))
  }

  /**
   * Says in the log that nothing of an hour before the one of `now` follows.
   * @param now ms @param reach `last`: this collector stops for good, and nothing of it follows at all
   */
  async watermark(now: number, reach: 'all' | 'last' = 'all'): Promise<void> {
    // What was refused was promised to nobody, and does not keep an hour from being over.
    await this.#written()
    const hour = hourOf(now)
    await this.#write(new Gathering(hour, this.#rulebook), reach)
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

  /**
   * Once a turn of the event loop: flush when as many beacons are here as lately came together, or when no more come.
   * A flush costs about the same for one beacon as for a hundred; a lone beacon after a quiet time does not wait.
   */
  readonly #flushWhenGathered = (): void => {
    const gathering = this.#gathering
    // While one is in flight its end looks again.
    if (gathering !== null && this.#waiting.length === 0 && this.#inFlight.size < MAX_IN_FLIGHT) {
      const now = performance.now()
      const arrived = gathering.beacons > this.#seen
      if (arrived) {
        this.#seen = gathering.beacons
        this.#lastArrival = now
      }
      const loaded = this.#expected > 1
      const complete = loaded && gathering.beacons >= this.#expected
      const quiet = !arrived && (!loaded || now >= this.#lastArrival + QUIET_MS)
      if (!complete && !quiet && now < gathering.since + MAX_LINGER_MS) {
        setImmediate(this.#flushWhenGathered)
        return
      }
    }
    this.#scheduled = false
    this.#flush()
  }

  #flush(): void {
    while (this.#inFlight.size < MAX_IN_FLIGHT) {
      const next = this.#waiting.shift() ?? this.#gathering
      if (next === null) return
      if (next === this.#gathering) this.#gathering = null
      this.#seen = 0
      this.#expected = Math.max(next.beacons, Math.floor(this.#expected * EXPECTED_DECAY))
      this.#gatheredChars -= next.chars
      // Nothing in it: its beacon waits for a key, and comes again.
      if (next.counts.size === 0) next.settle(null)
      else this.#start(next)
    }
  }

  #start(next: Gathering): void {
    const written = this.#write(next, 'one').then(
      () => next.settle(null),
      (error: unknown) => {
        this.#failure = error
        next.settle(error)
      },
    )
    const done = written.finally(() => {
      this.#inFlight.delete(done)
      if (this.#waiting.length > 0) this.#flush()
      else if (this.#gathering !== null) this.#schedule()
    })
    this.#inFlight.add(done)
  }

  /** Tries an empty batch, again and again, until one is on disk. A closed log is not tried again. */
  #fail(error: TacitError): void {
    this.#failed = true
    if (this.#probe !== undefined || error.code === 'ERR_LOG_CLOSED') return
    this.#probe = setTimeout(() => {
      this.#probe = undefined
      if (this.#failed) this.#start(new Gathering(hourOf(this.#clock.now()), this.#rulebook))
    }, RETRY_MS)
    this.#probe.unref()
  }

  async #write(gathering: Gathering, reach: Reach): Promise<void> {
    const batch = this.#batch++
    const parts: string[] = []
    const sections = [...gathering.sections].map(([stream, { tails, rows }]) => {
      shuffle(tails)
      const prefix = `["${this.producer}",${batch},`
      const received = stream === 'day' ? '' : `${gathering.hour / 1000},`
      let text = ''
      for (let i = 0; i < tails.length; i++) text += `${prefix}${i},${received}${tails[i]}\n`
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
      rulebook: gathering.rulebook,
      sections,
      counts,
      removedProps: gathering.removedProps,
      ...(Object.keys(gathering.detected).length > 0 ? { detected: gathering.detected } : {}),
      ...this.#markOf(reach),
    }
    try {
      const sealed = await this.#logKeys.seal(header, Buffer.from(parts.join('')))
      if (sealed === null) throw new TacitError('ERR_LOG_UNAVAILABLE')
      await this.#log.append(sealed, gathering.hour, reach)
      this.#failed = false
    } catch (cause) {
      const error =
        cause instanceof TacitError ? cause : new TacitError('ERR_LOG_UNAVAILABLE', undefined, { cause })
      this.#fail(error)
      throw error
    }
  }

  /** What makes a batch a watermark; nothing where it is none. */
  #markOf(reach: Reach): Pick<BatchHeader, 'watermark' | 'mark'> {
    if (reach === 'one') return {}
    const { writer } = this.#log
    if (writer === '') return { watermark: true }
    const mark = { writer, parts: this.#log.width(), ...(reach === 'last' ? { last: true as const } : {}) }
    return { watermark: true, mark }
  }
}
