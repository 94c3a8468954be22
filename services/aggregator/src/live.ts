/**
 * The people of the last whole five minutes (00:00 to 05:00, 05:00 to 10:00, …), for statistics of the shape `live`.
 *
 * Records tell hours only, so the minutes come from when a batch arrived: at each whole five minutes the end of every part
 * of the log is noted, and at the next the owner reads what lies between the two, counts the people in it in memory, and
 * forgets them. What is written is the floored number, in the place of the one before.
 *
 * Invariants
 * - A number is that of all batches between two ends, each noted within seconds after its five minutes, or there is none
 *   (null): where an end is not known (a start, brokers that do not answer), a batch cannot be opened, something is missing,
 *   or the counting takes too long. Every process of a group notes ends, so that the next owner goes on at once.
 * - Counted are batches whose hour of receipt is the window's: one that waited on a collector's disk for longer is not. One
 *   that is there again, of this window or the one before, counts once. Batches are believed as the stager believes them.
 * - No pseudonym outlives the count of its window (live-people.ts); of batches their numbers are kept for one window more.
 * Recovery: none is needed, the next window is counted anew.
 */
import { performance } from 'node:perf_hooks'
import { setImmediate as letOthers } from 'node:timers/promises'
import { hourOf, MINUTE, readBatchHeader, TacitError } from '@tacit/contracts'
import type { EventLog, LogPlace, LogRecord, LogTail } from '@tacit/event-log'
import type { LogKeys } from '@tacit/keyring'
import { type Rulebook, sameDeclaration, type Statistic } from '@tacit/rulebook'
import type { LiveNumber, Warehouse } from '@tacit/warehouse'
import { LivePeople } from './live-people.js'
import type { Membership } from './membership.js'
import { strangenessOfHour } from './provenance.js'
import type { Rulebooks } from './rulebooks.js'
import type { AggregatorState } from './state.js'

const WINDOW_MS = 5 * MINUTE
/** An end that is noted later than this is of other five minutes. */
const NOTED_WITHIN_MS = 5_000
/** A number that takes longer is given up: the next one is nearly due. */
const COUNTED_WITHIN_MS = 60_000
/** Beacons are taken in the same thread. */
const AT_ONCE_MS = 5

export interface LiveOptions {
  readonly rulebooks: Rulebooks
  readonly log: Pick<EventLog, 'tail'>
  readonly membership: Pick<Membership, 'isOwner'>
  readonly logKeys: Pick<LogKeys, 'open'>
  readonly state: AggregatorState
  readonly warehouse: Pick<Warehouse, 'putLive'>
  readonly alarm: (message: string) => void
}

/** Numbers of batches by producer. */
type Batches = Map<string, Set<number>>

/** What is known of one window while it is counted. */
interface Count {
  readonly people: LivePeople
  /** ms: the hour in which the window lies */
  readonly hour: number
  readonly batches: Batches
  /** whether batches of a rulebook are believed, by its hash */
  readonly believed: Map<string, boolean>
}

export class LiveCounter {
  readonly #options: LiveOptions
  /** the window that runs, as the last round saw it: whole five minutes since the Unix epoch; null before the first */
  #window: number | null = null
  /** where the log ended when that window began; null where it is not known */
  #began: LogPlace | null = null
  /** of the window before */
  #batches: Batches = new Map()
  #round: Promise<void> | null = null
  #tail: LogTail | null = null
  /** whether something of the round that runs failed, and whether that was said */
  #hasFailed = false
  #isSaid = false

  constructor(options: LiveOptions) {
    this.#options = options
  }

  /**
   * Counts the window that has ended since the last round, if one has; one round at a time. Call it as soon as five minutes
   * are over, and before the keys of an hour that is over may be destroyed. Never rejects.
   * @param now ms
   */
  round(now: number): Promise<void> {
    this.#round ??= this.#look(now).finally(() => {
      this.#round = null
    })
    return this.#round
  }

  async #look(now: number): Promise<void> {
    const window = Math.floor(now / WINDOW_MS)
    const last = this.#window
    // A clock that was set back by less than a window comes here again.
    if (last !== null && (window === last || window === last - 1)) return
    const from = last === window - 1 ? this.#began : null
    this.#window = window
    this.#began = null
    this.#hasFailed = false
    try {
      this.#began = await this.#end(now - window * WINDOW_MS)
      // What was before the first round is not known to have ended.
      if (last !== null) await this.#tell((window - 1) * WINDOW_MS, from, this.#began)
    } catch (error) {
      this.#failed(error)
    }
    if (!this.#hasFailed) this.#isSaid = false
  }

  /** The end of the log, if it can be noted in time; null where not. @param late ms since the window began */
  async #end(late: number): Promise<LogPlace | null> {
    const asked = performance.now()
    this.#tail ??= this.#options.log.tail()
    try {
      const place = await this.#tail.end()
      return late + performance.now() - asked <= NOTED_WITHIN_MS ? place : null
    } catch (error) {
      this.#failed(error)
      return null
    }
  }

  /** Writes the number of a window, or that it is not known, if this process is the owner. @param start ms */
  async #tell(start: number, from: LogPlace | null, to: LogPlace | null): Promise<void> {
    const { membership, rulebooks, warehouse } = this.#options
    if (!membership.isOwner) {
      this.#batches = new Map()
      return
    }
    const rulebook = rulebooks.current()
    const statistics = rulebook.statistics.filter(({ shape }) => shape.type === 'live')
    const count =
      from === null || to === null || statistics.length === 0
        ? null
        : await this.#count(rulebook, statistics, start, from, to)
    const numbers = statistics.map((statistic): LiveNumber => {
      const users = count === null ? null : this.#usersOf(rulebook, statistic, count)
      return {
        statistic: statistic.id,
        windowStart: start,
        users,
        floor: rulebook.release.step,
        rulebook: rulebook.hash,
      }
    })
    await warehouse.putLive(numbers)
  }

  /** Null also where some batches were decided by a rulebook in which the statistic is another one. */
  #usersOf(rulebook: Rulebook, { id, site }: Statistic, { believed, people }: Count): number | null {
    const { release } = rulebook
    // A number without noise is outside of what a budget promises.
    if (release.noise !== null) return null
    for (const [hash, isBelieved] of believed) {
      if (!isBelieved || hash === rulebook.hash) continue
      const former = this.#options.rulebooks.ofHash(hash)
      if (former === null || !sameDeclaration(former, rulebook, id)) return null
    }
    return people.floored(site, release)
  }

  /** Everybody between two ends; null where that is not known. */
  async #count(
    rulebook: Rulebook,
    statistics: readonly Statistic[],
    start: number,
    from: LogPlace,
    to: LogPlace,
  ): Promise<Count | null> {
    const sites = Object.values(rulebook.sites).filter(({ id }) => statistics.some(({ site }) => site === id))
    const count: Count = {
      people: new LivePeople(sites),
      hour: hourOf(start),
      batches: new Map(),
      believed: new Map(),
    }
    const until = performance.now() + COUNTED_WITHIN_MS
    const former = this.#batches
    this.#batches = count.batches
    try {
      let since = performance.now()
      for await (const { corrupt, records } of (this.#tail as LogTail).between(from, to)) {
        if (corrupt > 0) return null
        for (const record of records) {
          if (!(await this.#take(record, count, former))) return null
          if (performance.now() - since < AT_ONCE_MS) continue
          await letOthers()
          since = performance.now()
        }
        if (since > until) return null
      }
      return count
    } catch (error) {
      this.#failed(error)
      return null
    }
  }

  /** @returns false where a batch that counts cannot be read */
  async #take({ bytes }: LogRecord, count: Count, former: Batches): Promise<boolean> {
    const header = readBatchHeader(bytes)
    const { batch: number, hour, producer, rulebook, sections } = header
    if (hour !== count.hour || !sections.some(({ stream }) => stream === 'day')) return true
    const known = count.batches.get(producer) ?? new Set()
    if (known.has(number) || former.get(producer)?.has(number) === true) return true
    if (!this.#believes(rulebook, count)) return true
    const batch = await this.#options.logKeys.open(bytes)
    if (batch === null) return false
    // Only what is authentic stands for a batch that may come again.
    count.batches.set(producer, known.add(number))
    return batch.sections.every(({ rows, section }) => section.stream !== 'day' || count.people.add(rows))
  }

  #believes(hash: string, { believed, hour }: Count): boolean {
    const known = believed.get(hash)
    if (known !== undefined) return known
    const { rulebooks } = this.#options
    const isBelieved =
      strangenessOfHour(this.#options, hash, hour) === null && rulebooks.ofHash(hash) !== null
    believed.set(hash, isBelieved)
    return isBelieved
  }

  /** Says so once, until a round is done again. */
  #failed(error: unknown): void {
    const code = error instanceof TacitError ? error.code : 'ERR_INTERNAL'
    // Another owner tells it now.
    if (code === 'ERR_LOG_FENCED') return
    this.#hasFailed = true
    if (!this.#isSaid)
      this.#options.alarm(`the number of people of the last five minutes is not known (${code})`)
    this.#isSaid = true
  }
}
