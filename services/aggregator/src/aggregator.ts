/**
 * The aggregator: log → landing → staging → release, in the order that the clock asks for. One call at a time; each
 * call is complete in itself, so a crash at any point is repaired by the next one. Of several on one log each stages, and
 * one, their owner, does the rest.
 */
import { epochFromLabel, HOUR, hourOf, type Stream, TacitError, utcDay } from '@tacit/contracts'
import type { EventLog, LogPart } from '@tacit/event-log'
import type { KeeperPort, LogKeys } from '@tacit/keyring'
import { storedPlans } from '@tacit/rulebook'
import type { Warehouse } from '@tacit/warehouse'
import { addDetected, type DetectionRow, detectionRows } from './detections.js'
import { dropEvent, type Evidence, failedCheckEvent } from './evidence.js'
import { LiveCounter } from './live.js'
import { differenceOf, type ReleasedStatistic, Releaser } from './release.js'
import { checkProvenance } from './provenance.js'
import { CONSUMER_GROUP, type Membership } from './membership.js'
import type { CheckResult, CommittedManifest, LedgerRow } from './records.js'
import { closingTime, type Rulebooks } from './rulebooks.js'
import { Settler } from './settler.js'
import { Stager } from './stager.js'
import { addCounts, type AggregatorState } from './state.js'

export interface AggregatorOptions {
  readonly rulebooks: Rulebooks
  readonly log: EventLog
  readonly membership: Membership
  readonly logKeys: LogKeys
  readonly keeper: KeeperPort
  readonly evidence: Evidence
  readonly state: AggregatorState
  readonly warehouse: Warehouse
  readonly alarm: (message: string) => void
}

/** Parts of the log that are staged at once: each holds one insert in memory. */
const PARTS_AT_ONCE = 3
const ONE_RECORD_BYTES = 16 * 1024 * 1024
/** Hours whose keys may still live when this process begins. */
const SETTLED_HOURS = 25

/** What refuses a release for good; anything else is tried again. */
const WITHHELD: ReadonlySet<string> = new Set(['ERR_RELEASE_REFUSED', 'ERR_RELEASE_BUDGET'])

export class Aggregator {
  readonly #options: AggregatorOptions
  readonly #stagers = new Map<LogPart, Stager>()
  readonly #settler: Settler
  readonly #releaser: Releaser
  readonly #live: LiveCounter
  readonly #streams: readonly Stream[]
  /** hours (ms) of which this member said that it needs no key any more */
  readonly #letGoOf = new Set<number>()

  constructor(options: AggregatorOptions) {
    this.#options = options
    this.#streams = storedPlans(options.rulebooks.current()).map(({ stream }) => stream)
    this.#settler = new Settler({
      ...options,
      streams: this.#streams,
      isAlone: options.membership.isAlone,
    })
    this.#releaser = new Releaser(options)
    this.#live = new LiveCounter(options)
  }

  /** See {@link Settler.finishMoves}. @throws WarehouseError, and what the keeper throws */
  finishMoves(from?: number): Promise<void> {
    return this.#settler.finishMoves(from)
  }

  /** Stages what is in the parts of the log that this process reads; the owner counts what all staged. @returns batches taken */
  async stage(): Promise<number> {
    // What a part reported is counted while others are staged; what other members reported, once at least.
    let counting: Promise<void> | null = null
    const count = (): void => {
      counting = (counting ?? Promise.resolve()).then(() => this.#count())
      // Whether it failed is looked at when everything is staged.
      counting.catch(() => undefined)
    }
    const batches = await this.#stageParts(count).finally(() => counting?.catch(() => undefined))
    if (counting === null) count()
    await counting
    return batches
  }

  async #count(): Promise<void> {
    const { membership } = this.#options
    if (await membership.own()) await membership.collect()
  }

  /** @param staged called after each part of which something was taken */
  async #stageParts(staged: () => void): Promise<number> {
    const parts = this.#options.log.parts(CONSUMER_GROUP)
    for (const part of this.#stagers.keys()) if (!parts.includes(part)) this.#stagers.delete(part)
    let batches = 0
    const queue = [...parts]
    const work = async (): Promise<void> => {
      for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
        const taken = await this.#stage(part)
        batches += taken
        if (taken > 0) staged()
      }
    }
    // While the rows of one part are inserted, those of another are read and opened.
    const ended = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, work))
    const failed = ended.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return batches
  }

  async #stage(part: LogPart): Promise<number> {
    const stager = this.#stagers.get(part) ?? new Stager(part, this.#options)
    this.#stagers.set(part, stager)
    try {
      return await stager.drain()
    } catch (error) {
      // Who reads it now has its boundary, and goes on from there.
      if (error instanceof TacitError && error.code === 'ERR_LOG_FENCED') return 0
      throw error
    }
  }

  /**
   * Stages; the owner settles complete hours, too, and releases windows that closed.
   * @param now ms @returns what it released
   */
  async advance(now: number): Promise<readonly ReleasedStatistic[]> {
    await this.stage()
    const { membership } = this.#options
    if (!membership.isAlone) await this.#letGo(now)
    if (!membership.isOwner) return []
    if ((await this.#settler.settle(now)) > 0) await this.#dropLeftovers()
    const released: ReleasedStatistic[] = []
    for (const stream of this.#streams) {
      for (const { epoch, record } of this.#options.state.windows(stream)) {
        const due = record.status === 'open' || record.status === 'committed'
        if (due && this.#isComplete(stream, epoch, now))
          released.push(...(await this.#release(stream, epoch)))
        else if (!due && !record.reconciled && !record.dropped)
          await this.#releaser.reconcileAgain(stream, epoch)
      }
    }
    return released
  }

  /** Says of hours that the owner has settled that nothing of them is here any more: their keys wait for every member. */
  async #letGo(now: number): Promise<void> {
    const { keeper, logKeys, state } = this.#options
    for (let hour = hourOf(now) - HOUR; hour >= hourOf(now) - SETTLED_HOURS * HOUR; hour -= HOUR) {
      if (this.#letGoOf.has(hour) || !state.isSettled(hour)) continue
      logKeys.forget(hour)
      await keeper.destroyLogKey(hour, true)
      state.clearQuarantine(hour)
      this.#letGoOf.add(hour)
    }
    // Of a time when this process was away: those keys died by themselves.
    state.clearQuarantine(0, hourOf(now) - SETTLED_HOURS * HOUR)
    for (const hour of this.#letGoOf) if (hour < now - 2 * SETTLED_HOURS * HOUR) this.#letGoOf.delete(hour)
  }

  /** See {@link LiveCounter.round}; of a clock that is driven there are no last minutes. @param now ms */
  countLive(now: number): Promise<void> {
    return this.#live.round(now)
  }

  /** Drops the staging partitions of epochs whose root is destroyed, if it is the owner. @returns their labels */
  async dropDestroyed(): Promise<readonly string[]> {
    const { keeper, membership, state } = this.#options
    const dropped: string[] = []
    if (!membership.isOwner) return dropped
    for (const stream of this.#streams) {
      const standing = state.windows(stream).filter(({ record }) => !record.dropped)
      if (standing.length === 0) continue
      const destroyed = new Set(
        (await keeper.epochs(stream))
          .filter((known) => known.state === 'destroyed')
          .map(({ label }) => label),
      )
      for (const { epoch } of standing.filter((window) => destroyed.has(window.epoch))) {
        await this.#drop(stream, epoch)
        dropped.push(epoch)
      }
    }
    return dropped
  }

  /** Rows that waited in landing while their root died (a long stop) came into a partition that was dropped already. */
  async #dropLeftovers(): Promise<void> {
    const { evidence, rulebooks, state, warehouse } = this.#options
    for (const stream of this.#streams) {
      for (const { epoch } of await warehouse.stagedEpochs(stream)) {
        const record = state.window(stream, epoch)
        if (!record.dropped) continue
        // Before they go: a crash in between has it on record twice rather than never.
        await evidence.record([dropEvent({ stream, epoch, record }, rulebooks.current().hash)])
        await warehouse.dropEpoch(stream, epoch)
      }
    }
  }

  /** Releases a window; one that the checker refuses, or the ledger of the budget, is withheld for good. */
  async #release(stream: Stream, epoch: string): Promise<ReleasedStatistic[]> {
    try {
      return await this.#releaser.release(stream, epoch)
    } catch (error) {
      if (!(error instanceof TacitError) || !WITHHELD.has(error.code)) throw error
      const { alarm, state } = this.#options
      if (error.code === 'ERR_RELEASE_BUDGET')
        alarm(`the privacy budget refused the release of ${epoch}: nothing of it is published`)
      await state.putWindow(stream, epoch, { ...state.window(stream, epoch), status: 'withheld' })
      return []
    }
  }

  /**
   * A window is complete when it has closed and every hour that holds rows of it is settled. An hour of the next day may
   * wait for others to be mixed with; where it has no row of this window, the window does not wait with it.
   */
  #isComplete(stream: Stream, epoch: string, now: number): boolean {
    const { rulebooks, state } = this.#options
    const { end, start } = epochFromLabel(epoch)
    const closes = closingTime(rulebooks, start, end)
    const lastHour = Math.ceil(closes / HOUR) * HOUR
    if (now < closes || state.watermark < lastHour) return false
    return state.receiptHours(lastHour).every(({ rows }) => (rows[stream]?.[epoch] ?? 0) === 0)
  }

  /** The root is gone: so is the partition. What was never released is counted as expired. */
  async #drop(stream: Stream, epoch: string): Promise<void> {
    const { alarm, evidence, rulebooks, state, warehouse } = this.#options
    await this.#releaser.insertCommitted(stream, epoch)
    await warehouse.dropEpoch(stream, epoch)
    const record = state.window(stream, epoch)
    const unreleased = record.status === 'open'
    if (unreleased && record.accepted > 0) alarm(`window ${epoch} lost its key before it was released`)
    else if (!unreleased && !record.reconciled) {
      alarm(`window ${epoch} was dropped with its key though it never reconciled: ${differenceOf(record)}`)
    }
    await evidence.record([dropEvent({ stream, epoch, record }, rulebooks.current().hash)])
    await state.putWindow(stream, epoch, {
      ...record,
      dropped: true,
      ...(unreleased ? { status: 'expired' as const, expired: record.accepted - record.quarantined } : {}),
    })
  }

  /**
   * Runs the checks of what is stored, if it is the owner, keeps what they found, and sounds the alarm where one fails. That one fails which
   * did not before goes on record.
   * @param now ms
   */
  async check(now: number): Promise<void> {
    const { alarm, evidence, membership, rulebooks, state } = this.#options
    if (!membership.isOwner) return
    const result = await checkProvenance({ ...this.#options, streams: this.#streams }, now)
    const { findings, id, ok } = result
    await state.putCheck(result)
    if (ok) return state.putOnRecord(id, false)
    alarm(`the check ${id} failed: ${findings.join(' ')}`)
    if (state.isOnRecord(id)) return
    try {
      await evidence.record([failedCheckEvent(id, rulebooks.current().hash)])
    } catch {
      alarm(`that the check ${id} failed is not on record yet; it is tried again with the next check`)
      return
    }
    // Afterwards: a crash in between has it on record twice rather than never.
    await state.putOnRecord(id, true)
  }

  /** A committed manifest; null where there is none of this id. */
  manifest(id: string): CommittedManifest | null {
    return this.#options.state.manifest(id) ?? null
  }

  /** What the checks found when they last ran; none before the first run. */
  checks(): readonly CheckResult[] {
    return this.#options.state.checks()
  }

  /** Hour of receipt (ms) of the oldest batch in the log that is not staged; null where all are. */
  oldestUnstagedHour(): number | null {
    const hours = this.#options.log
      .parts(CONSUMER_GROUP)
      .flatMap((part) => part.read(part.cursor().position, 1, ONE_RECORD_BYTES).records[0]?.hour ?? [])
    return hours.length === 0 ? null : Math.min(...hours)
  }

  /**
   * Received = accepted + dropped by exact reason, per hour of event time, with what is still in the log and not yet
   * staged. @param from @param to RFC 3339 hours, both included
   */
  ledger(from?: string, to?: string): LedgerRow[] {
    const { state } = this.#options
    const rows = new Map(
      state.ledger(from, to).map((row) => [row.hour, { ...row, dropped: { ...row.dropped } }]),
    )
    for (const header of this.#options.membership.uncounted()) {
      for (const [hour, counts] of Object.entries(header.counts)) {
        if ((from !== undefined && hour < from) || (to !== undefined && hour > to)) continue
        const row = rows.get(hour) ?? { hour, received: 0, accepted: 0, dropped: {} }
        addCounts(row, counts)
        rows.set(hour, row)
      }
    }
    return [...rows.values()].sort((a, b) => (a.hour < b.hour ? -1 : 1))
  }

  /**
   * Events that detectors dropped, by UTC day of receipt, with what is still in the log and not yet staged.
   * @param from @param to UTC days, both included
   */
  detections(from?: string, to?: string): DetectionRow[] {
    const days = this.#options.state.detected(from, to)
    for (const header of this.#options.membership.uncounted()) {
      const day = utcDay(header.hour)
      if ((from === undefined || day >= from) && (to === undefined || day <= to)) addDetected(days, header)
    }
    return detectionRows(days)
  }

  /** Start of the hour (ms) up to which everything is settled. */
  get settledUntil(): number {
    const { state } = this.#options
    return state.receiptHours(Number.MAX_SAFE_INTEGER)[0]?.hour ?? hourOf(state.watermark)
  }
}
