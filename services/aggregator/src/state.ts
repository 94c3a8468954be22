/**
 * What the aggregator knows, beside its cursor: the ledger, the hours of receipt on their way through landing, the windows
 * with their reconciliation, and the committed manifests. One that is alone has it in LMDB; those of a group share it, and
 * only their owner changes it (state-store.ts).
 *
 * Invariants
 * - Batches are applied in the order in which they were reported, each position once (`counted` says how far) and each
 *   batch of a producer once, in one transaction with everything they change: a crash between two steps repeats nothing
 *   and loses nothing.
 * - A window goes open → committed → released (or → expired, → withheld), never back; its manifests are written once, together.
 * - Nothing here is of a person: counts, hours, hashes. Cells in manifests have passed disclosure control.
 * Recovery: the store's.
 */
import { join } from 'node:path'
import { type BatchHeader, HOUR, type HourCounts, STREAMS, type Stream, utcDay } from '@tacit/contracts'
import { Budget, type BudgetChange, requireBudget } from './budget.js'
import { Counted } from './counted.js'
import { addDetected, type DetectedSums } from './detections.js'
import { isMixed } from './mixing.js'
import {
  type AppliedBatch,
  type CheckResult,
  type CommittedManifest,
  emptyWindow,
  type LedgerRow,
  type ReceiptHour,
  type SettleIntent,
  type Undated,
  type WindowRecord,
} from './records.js'
import { Quarantine } from './quarantine.js'
import { type Runs, withNumber } from './seen.js'
import { type OpenJournal, type SharedJournal, StateStore } from './state-store.js'
import { UndatedDays } from './undated.js'
import { type SilentWriter, Writers } from './writers.js'

/** A producer that was silent for so long is forgotten: nothing in the log is older. */
const KNOWN_PRODUCER_MS = 26 * HOUR

/** Batches of one producer that were counted. */
interface Seen {
  readonly runs: Runs
  /** ms: the last hour of receipt */
  readonly hour: number
}

/** Adds the counts of `from` to `into`. */
export function addCounts(into: HourCounts, from: HourCounts): void {
  into.received += from.received
  into.accepted += from.accepted
  for (const [reason, count] of Object.entries(from.dropped)) {
    into.dropped[reason] = (into.dropped[reason] ?? 0) + count
  }
}

export class AggregatorState {
  readonly #store: StateStore
  /** this process's own, also where the rest is shared */
  readonly #aside: StateStore
  readonly #quarantine: Quarantine
  readonly #counted: Counted
  readonly #undated: UndatedDays
  readonly #writers: Writers
  readonly budget: Budget

  private constructor(store: StateStore, aside = store) {
    this.#store = store
    this.#aside = aside
    this.#quarantine = new Quarantine(aside)
    this.#counted = new Counted(store)
    this.#undated = new UndatedDays(store)
    this.#writers = new Writers(store)
    this.budget = new Budget(store)
  }

  /** The state of one that is alone. @param dir its own folder; made if missing, mode 0700 */
  static open(dir: string): AggregatorState {
    const state = new AggregatorState(StateStore.open(dir))
    const days = state.windows('day').map(({ epoch }) => epoch)
    state.#store.changeHere(() => state.#undated.begin(days))
    return state
  }

  /**
   * The state that a group shares: read by all, changed by its owner.
   * @param dir for a copy, made anew, and what this process sets aside, which stays
   */
  static async share<J extends SharedJournal>(
    dir: string,
    openJournal: OpenJournal<J>,
  ): Promise<{ readonly state: AggregatorState; readonly journal: J }> {
    const { journal, store } = await StateStore.share(dir, openJournal)
    return { state: new AggregatorState(store, StateStore.open(join(dir, 'quarantine'))), journal }
  }

  async close(): Promise<void> {
    await this.#store.close()
    if (this.#aside !== this.#store) await this.#aside.close()
  }

  /** Everything that was reported up to this position is in the ledger. */
  get counted(): number {
    return this.#counted.position
  }

  /** Of which topic that position is; null where that is not known. */
  get countedOf(): string | null {
    return this.#counted.topic
  }

  /** What follows is reported in another topic, from `position` on; batches that were counted before are known there, too. */
  async countAnew(position: number, topic: string | null): Promise<void> {
    await this.#write(() => this.#counted.put(position, topic))
  }

  /** Terms of this journal count from here in the warehouse: every term of a journal before it was lower. */
  get termsAbove(): number {
    return (this.#store.get('terms-above') as number | undefined) ?? 0
  }

  async putTermsAbove(term: number): Promise<void> {
    await this.#write(() => this.#store.put('terms-above', term))
  }

  /** As {@link Writers.watermark}. */
  get watermark(): number {
    return this.#writers.watermark
  }

  /** As {@link Writers.silent}. */
  silentWriters(hour: number): readonly SilentWriter[] {
    return this.#writers.silent(hour)
  }

  /** Waits no longer for a writer, until it marks again. */
  async giveUp(writer: string): Promise<void> {
    await this.#write(() => this.#writers.remove(writer))
  }

  /** Says what a watermark in the log says, for a driven run that is alone. @param hour ms */
  async completeUntil(hour: number): Promise<void> {
    if (hour > this.watermark) await this.#write(() => this.#writers.complete(hour))
  }

  /** Log records that were torn or corrupt. */
  get corruptRecords(): number {
    return (this.#store.get('corrupt') as number | undefined) ?? 0
  }

  /** Applies what was reported up to `position`, durably; positions that were applied before are left alone. */
  async apply(
    batches: readonly AppliedBatch[],
    position: number,
    corrupt: number,
    topic: string | null = null,
  ): Promise<void> {
    await this.#write(() => {
      if (position <= this.counted) return
      for (const batch of batches) {
        this.#writers.apply(batch)
        if (this.#isNew(batch.header)) this.#applyOne(batch)
      }
      if (corrupt > 0) this.#store.put('corrupt', this.corruptRecords + corrupt)
      this.#counted.put(position, topic)
    })
  }

  #isNew({ batch, hour, producer }: BatchHeader): boolean {
    const seen = this.#store.get(['seen', producer]) as Seen | undefined
    const runs = withNumber(seen?.runs ?? [], batch)
    if (runs === null) return false
    this.#store.put(['seen', producer], { runs, hour: Math.max(hour, seen?.hour ?? 0) } satisfies Seen)
    return true
  }

  #applyOne({ header, fate }: AppliedBatch): void {
    for (const [hour, counts] of Object.entries(header.counts)) {
      const row = (this.#store.get(['ledger', hour]) as HourCounts | undefined) ?? {
        received: 0,
        accepted: 0,
        dropped: {},
      }
      addCounts(row, counts)
      this.#store.put(['ledger', hour], row)
    }
    if (header.removedProps > 0) {
      this.#store.put(
        'removedProps',
        ((this.#store.get('removedProps') as number | undefined) ?? 0) + header.removedProps,
      )
    }
    if (header.detected !== undefined) this.#addDetected(header)
    const hour = this.receiptHour(header.hour) ?? { rows: {} }
    const batches = { ...hour.batches }
    for (const { stream, rows } of header.sections) {
      for (const [epoch, count] of Object.entries(rows)) {
        const window = this.window(stream, epoch)
        window.accepted += count
        if (fate === 'quarantined') window.quarantined += count
        if (fate === 'expired') window.expired += count
        this.#store.put(['window', stream, epoch], window)
        if (fate === 'landed') {
          const byEpoch = hour.rows[stream] ?? {}
          byEpoch[epoch] = (byEpoch[epoch] ?? 0) + count
          if (isMixed(stream)) batches[epoch] = (batches[epoch] ?? 0) + 1
          hour.rows[stream] = byEpoch
        }
      }
    }
    // Also an hour without rows is kept until it is settled: its log key has to die.
    const record: ReceiptHour = Object.keys(batches).length === 0 ? hour : { ...hour, batches }
    if (fate !== 'expired') this.#store.put(['hour', header.hour], record)
  }

  #addDetected(header: BatchHeader): void {
    const day = utcDay(header.hour)
    const known = this.#store.get(['detected', day]) as DetectedSums | undefined
    const days = new Map(known === undefined ? [] : [[day, known]])
    addDetected(days, header)
    this.#store.put(['detected', day], days.get(day) ?? {})
  }

  /** Events that detectors dropped, by UTC day of receipt and `detector field`. @param from @param to both included */
  detected(from = '', to = '\uffff'): Map<string, DetectedSums> {
    const found = this.#store.range(['detected', from], ['detected', to], true)
    return new Map(found.map(({ key, value }) => [(key as string[])[1] as string, value as DetectedSums]))
  }

  receiptHour(hour: number): ReceiptHour | undefined {
    return this.#store.get(['hour', hour]) as ReceiptHour | undefined
  }

  /** Hours of receipt before `before` (ms) that are not settled yet, in order. */
  receiptHours(before: number): ({ readonly hour: number } & ReceiptHour)[] {
    return this.#store.range(['hour', 0], ['hour', before]).map(({ key, value }) => ({
      hour: (key as number[])[1] as number,
      ...(value as ReceiptHour),
    }))
  }

  /** Whether an hour (ms) is over for every writer, and nothing of it waits any more. */
  isSettled(hour: number): boolean {
    return this.watermark > hour && this.receiptHour(hour) === undefined
  }

  /** Moves that began and are not known to be whole. */
  settleIntents(): readonly SettleIntent[] {
    return STREAMS.flatMap(
      (stream) => (this.#store.get(['settling', stream]) as SettleIntent | undefined) ?? [],
    )
  }

  /** Written before rows move, of all streams at once. */
  async intendToSettle(intents: readonly SettleIntent[]): Promise<void> {
    await this.#write(() => {
      for (const intent of intents) this.#store.put(['settling', intent.stream], intent)
    })
  }

  /** Rows of these moves are in staging, and rows that never arrived are counted as expired. */
  async moved(intents: readonly SettleIntent[]): Promise<void> {
    await this.#write(() => {
      for (const { stream, epoch, rows } of intents.flatMap(({ missing }) => missing)) {
        const window = this.window(stream, epoch)
        window.expired += rows
        this.#store.put(['window', stream, epoch], window)
      }
      for (const { hours, short = [], stream } of intents) {
        // Older builds wrote hours of which nothing was found only into the second list.
        for (const hour of new Set([...hours, ...short])) {
          const { rows, ...known } = this.receiptHour(hour) ?? { rows: {} }
          const { [stream]: _moved, ...left } = rows
          const record: ReceiptHour = {
            ...known,
            rows: left,
            ...(Object.keys(left).length === 0 ? { moved: true } : {}),
            ...(short.includes(hour) ? { short: true } : {}),
          }
          this.#store.put(['hour', hour], record)
        }
        this.#store.remove(['settling', stream])
      }
    })
  }

  /** The log keys of these hours are dead. */
  async settled(hours: readonly number[]): Promise<void> {
    await this.#write(() => {
      for (const hour of hours) this.#store.remove(['hour', hour])
      const until = Math.max(0, ...hours) - KNOWN_PRODUCER_MS
      for (const { key, value } of this.#store.range(['seen', ''], ['seen', '\uffff']))
        if ((value as Seen).hour < until) this.#store.remove(key)
    })
  }

  window(stream: Stream, epoch: string): WindowRecord {
    return (this.#store.get(['window', stream, epoch]) as WindowRecord | undefined) ?? emptyWindow()
  }

  /** All windows of a stream by epoch label, in order of time. */
  windows(stream: Stream): { epoch: string; record: WindowRecord }[] {
    return this.#store
      .range(['window', stream, ''], ['window', stream, '\uffff'])
      .map(({ key, value }) => ({ epoch: (key as string[])[2] as string, record: value as WindowRecord }))
  }

  async putWindow(stream: Stream, epoch: string, record: WindowRecord): Promise<void> {
    await this.#write(() => this.#store.put(['window', stream, epoch], record))
  }

  /**
   * Commits a window's manifests, all or none, once: a window that is no longer open keeps what it has.
   * @param budget what it costs where noise is on ({@link budgetChange}) @throws TacitError ERR_RELEASE_BUDGET, and nothing changed
   */
  async commitWindow(
    stream: Stream,
    epoch: string,
    record: WindowRecord,
    manifests: readonly CommittedManifest[],
    budget?: BudgetChange,
  ): Promise<void> {
    await this.#write(() => {
      if (this.window(stream, epoch).status !== 'open') return
      budget?.(this.#store)
      requireBudget(this.#store, epoch, manifests)
      for (const manifest of manifests) {
        if (this.#store.get(['manifest', manifest.id]) === undefined)
          this.#store.put(['manifest', manifest.id], manifest)
      }
      this.#store.put(['window', stream, epoch], {
        ...record,
        status: 'committed',
        manifests: manifests.map(({ id }) => id),
      })
    })
  }

  manifest(id: string): CommittedManifest | undefined {
    return this.#store.get(['manifest', id]) as CommittedManifest | undefined
  }

  /** Sets a sealed record aside, in this process, until its hour's key dies. */
  quarantine(...record: Parameters<Quarantine['add']>): void {
    this.#quarantine.add(...record)
  }

  /** As {@link Quarantine.clear}. */
  clearQuarantine(...hours: Parameters<Quarantine['clear']>): void {
    this.#quarantine.clear(...hours)
  }

  /** Ledger rows with exact reasons, in order of the hour. @param from @param to RFC 3339 hours, both included */
  ledger(from = '', to = '\uffff'): LedgerRow[] {
    return this.#store
      .range(['ledger', from], ['ledger', to], true)
      .map(({ key, value }) => ({ hour: (key as string[])[1] as string, ...(value as HourCounts) }))
  }

  /** A driven run is about to receive data in this UTC day: written down before the first of them is sealed. */
  async markDriven(time: number): Promise<void> {
    if (!this.#undated.has(time)) await this.#write(() => this.#undated.putDriven(time))
  }

  /** As {@link UndatedDays.within}. */
  undated(from: number, until: number): Undated | null {
    return this.#undated.within(from, until)
  }

  /** What checks found last, by id. */
  checks(): CheckResult[] {
    return this.#store.range(['check', ''], ['check', '\uffff']).map(({ value }) => value as CheckResult)
  }

  async putCheck(result: CheckResult): Promise<void> {
    await this.#write(() => this.#store.put(['check', result.id], result))
  }

  /** Whether the audit log says that a check fails, since it last held. */
  isOnRecord(check: string): boolean {
    return this.#store.get(['check-on-record', check]) === true
  }

  async putOnRecord(check: string, isOnRecord: boolean): Promise<void> {
    if (this.isOnRecord(check) === isOnRecord) return
    await this.#write(() => this.#store.put(['check-on-record', check], isOnRecord))
  }

  #write(change: () => unknown): Promise<void> {
    return this.#store.transaction(() => void change())
  }
}
