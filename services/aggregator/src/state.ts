/**
 * What the aggregator knows, in LMDB beside its cursor: the ledger, the hours of receipt on their way through landing,
 * the windows with their reconciliation, and the committed manifests.
 *
 * Invariants
 * - Batches are applied in the order of the log, each position once (`counted` says how far), in one transaction with
 *   everything they change: a crash between two steps repeats nothing and loses nothing.
 * - A window goes open → committed → released (or → expired, → withheld), never back; its manifests are written once, together.
 * - Nothing here is of a person: counts, hours, hashes. Cells in manifests have passed disclosure control.
 * Recovery: reopen; LMDB's last flushed transaction stands.
 */
import { mkdirSync } from 'node:fs'
import { type BatchHeader, epochOf, type HourCounts, STREAMS, type Stream, utcDay } from '@tacit/contracts'
import { open, type RootDatabase } from 'lmdb'
import { addDetected, type DetectedSums } from './detections.js'
import { isMixed } from './mixing.js'
import type {
  AppliedBatch,
  CheckResult,
  CommittedManifest,
  LedgerRow,
  ReceiptHour,
  SettleIntent,
  Undated,
  WindowRecord,
} from './records.js'

const emptyWindow = (): WindowRecord => ({
  status: 'open',
  accepted: 0,
  staged: 0,
  quarantined: 0,
  expired: 0,
  deduplicated: 0,
  reconciled: false,
  manifests: [],
  dropped: false,
})

type Key = string | (string | number)[]

/** Adds the counts of `from` to `into`. */
export function addCounts(into: HourCounts, from: HourCounts): void {
  into.received += from.received
  into.accepted += from.accepted
  for (const [reason, count] of Object.entries(from.dropped)) {
    into.dropped[reason] = (into.dropped[reason] ?? 0) + count
  }
}

export class AggregatorState {
  readonly #db: RootDatabase<unknown, Key>

  private constructor(db: RootDatabase<unknown, Key>) {
    this.#db = db
  }

  /** @param dir its own folder; made if missing, mode 0700 */
  static open(dir: string): AggregatorState {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const state = new AggregatorState(open<unknown, Key>({ path: `${dir}/state.mdb`, encoding: 'json' }))
    state.#beginProvenance()
    return state
  }

  async close(): Promise<void> {
    await this.#db.flushed
    await this.#db.close()
  }

  /** Everything of the log up to this position is in the ledger. */
  get counted(): number {
    return (this.#db.get('counted') as number | undefined) ?? 0
  }

  /** Hour (ms) before which no batch follows; 0 before the first watermark. */
  get watermark(): number {
    return (this.#db.get('watermark') as number | undefined) ?? 0
  }

  /** Says what a watermark in the log says, for a driven run that is alone. @param hour ms */
  async completeUntil(hour: number): Promise<void> {
    if (hour > this.watermark) await this.#write(() => this.#db.put('watermark', hour))
  }

  /** Log records that were torn or corrupt. */
  get corruptRecords(): number {
    return (this.#db.get('corrupt') as number | undefined) ?? 0
  }

  /** Applies batches up to `position`, durably; positions that were applied before are left alone. */
  async apply(batches: readonly AppliedBatch[], position: number, corrupt: number): Promise<void> {
    await this.#write(() => {
      if (position <= this.counted) return
      for (const batch of batches) this.#applyOne(batch)
      if (corrupt > 0) this.#db.put('corrupt', this.corruptRecords + corrupt)
      this.#db.put('counted', position)
    })
  }

  #applyOne({ header, fate }: AppliedBatch): void {
    for (const [hour, counts] of Object.entries(header.counts)) {
      const row = (this.#db.get(['ledger', hour]) as HourCounts | undefined) ?? {
        received: 0,
        accepted: 0,
        dropped: {},
      }
      addCounts(row, counts)
      this.#db.put(['ledger', hour], row)
    }
    if (header.removedProps > 0) {
      this.#db.put(
        'removedProps',
        ((this.#db.get('removedProps') as number | undefined) ?? 0) + header.removedProps,
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
        this.#db.put(['window', stream, epoch], window)
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
    if (fate !== 'expired') this.#db.put(['hour', header.hour], record)
    if (header.watermark === true && header.hour > this.watermark) this.#db.put('watermark', header.hour)
  }

  #addDetected(header: BatchHeader): void {
    const day = utcDay(header.hour)
    const known = this.#db.get(['detected', day]) as DetectedSums | undefined
    const days = new Map(known === undefined ? [] : [[day, known]])
    addDetected(days, header)
    this.#db.put(['detected', day], days.get(day) ?? {})
  }

  /** Events that detectors dropped, by UTC day of receipt and `detector field`. @param from @param to both included */
  detected(from = '', to = '\uffff'): Map<string, DetectedSums> {
    const found = this.#db.getRange({ start: ['detected', from], end: ['detected', to], inclusiveEnd: true })
    return new Map(
      [...found].map(({ key, value }) => [(key as string[])[1] as string, value as DetectedSums]),
    )
  }

  receiptHour(hour: number): ReceiptHour | undefined {
    return this.#db.get(['hour', hour]) as ReceiptHour | undefined
  }

  /** Hours of receipt before `before` (ms) that are not settled yet, in order. */
  receiptHours(before: number): ({ readonly hour: number } & ReceiptHour)[] {
    return [...this.#db.getRange({ start: ['hour', 0], end: ['hour', before] })].map(({ key, value }) => ({
      hour: (key as number[])[1] as number,
      ...(value as ReceiptHour),
    }))
  }

  /** Moves that began and are not known to be whole. */
  settleIntents(): readonly SettleIntent[] {
    return STREAMS.flatMap((stream) => (this.#db.get(['settling', stream]) as SettleIntent | undefined) ?? [])
  }

  /** Written before rows move, of all streams at once. */
  async intendToSettle(intents: readonly SettleIntent[]): Promise<void> {
    await this.#write(() => {
      for (const intent of intents) this.#db.put(['settling', intent.stream], intent)
    })
  }

  /** Rows of these moves are in staging, and rows that never arrived are counted as expired. */
  async moved(intents: readonly SettleIntent[]): Promise<void> {
    await this.#write(() => {
      for (const { stream, epoch, rows } of intents.flatMap(({ missing }) => missing)) {
        const window = this.window(stream, epoch)
        window.expired += rows
        this.#db.put(['window', stream, epoch], window)
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
          this.#db.put(['hour', hour], record)
        }
        this.#db.remove(['settling', stream])
      }
    })
  }

  /** The log keys of these hours are dead. */
  async settled(hours: readonly number[]): Promise<void> {
    await this.#write(() => {
      for (const hour of hours) this.#db.remove(['hour', hour])
    })
  }

  window(stream: Stream, epoch: string): WindowRecord {
    return (this.#db.get(['window', stream, epoch]) as WindowRecord | undefined) ?? emptyWindow()
  }

  /** All windows of a stream by epoch label, in order of time. */
  windows(stream: Stream): { epoch: string; record: WindowRecord }[] {
    return [...this.#db.getRange({ start: ['window', stream, ''], end: ['window', stream, '\uffff'] })].map(
      ({ key, value }) => ({ epoch: (key as string[])[2] as string, record: value as WindowRecord }),
    )
  }

  async putWindow(stream: Stream, epoch: string, record: WindowRecord): Promise<void> {
    await this.#write(() => this.#db.put(['window', stream, epoch], record))
  }

  /** Commits a window's manifests, all or none, once: a window that is no longer open keeps what it has. */
  async commitWindow(
    stream: Stream,
    epoch: string,
    record: WindowRecord,
    manifests: readonly CommittedManifest[],
  ): Promise<void> {
    await this.#write(() => {
      if (this.window(stream, epoch).status !== 'open') return
      for (const manifest of manifests) {
        if (this.#db.get(['manifest', manifest.id]) === undefined)
          this.#db.put(['manifest', manifest.id], manifest)
      }
      this.#db.put(['window', stream, epoch], {
        ...record,
        status: 'committed',
        manifests: manifests.map(({ id }) => id),
      })
    })
  }

  manifest(id: string): CommittedManifest | undefined {
    return this.#db.get(['manifest', id]) as CommittedManifest | undefined
  }

  /** Sets a sealed record aside until its hour's key dies. */
  async quarantine(hour: number, position: number, sealed: Buffer): Promise<void> {
    await this.#write(() => this.#db.put(['quarantine', hour, position], sealed.toString('base64')))
  }

  async clearQuarantine(hour: number): Promise<void> {
    const keys = [...this.#db.getKeys({ start: ['quarantine', hour, 0], end: ['quarantine', hour + 1, 0] })]
    if (keys.length === 0) return
    await this.#write(() => {
      for (const key of keys) this.#db.remove(key)
    })
  }

  /** Ledger rows with exact reasons, in order of the hour. @param from @param to RFC 3339 hours, both included */
  ledger(from = '', to = '\uffff'): LedgerRow[] {
    return [...this.#db.getRange({ start: ['ledger', from], end: ['ledger', to], inclusiveEnd: true })].map(
      ({ key, value }) => ({ hour: (key as string[])[1] as string, ...(value as HourCounts) }),
    )
  }

  /** Days that are there when the hash of the rulebook is first written on rows; once in the life of a directory. */
  #beginProvenance(): void {
    this.#db.transactionSync(() => {
      if (this.#db.get('provenance') !== undefined) return
      for (const { epoch } of this.windows('day'))
        this.#db.put(['undated', epoch], 'before' satisfies Undated)
      this.#db.put('provenance', true)
    })
  }

  /** A driven run is about to receive data in this UTC day: written down before the first of them is sealed. */
  async markDriven(time: number): Promise<void> {
    const key = ['undated', epochOf('day', time).label]
    if (this.#db.get(key) !== undefined) return
    await this.#write(() => this.#db.put(key, 'driven' satisfies Undated))
  }

  /** Why days of a span of time are not dated; null where all are. @param from @param until ms, excluded */
  undated(from: number, until: number): Undated | null {
    const start = ['undated', epochOf('day', from).label]
    const end = ['undated', epochOf('day', until - 1).label]
    const found = [...this.#db.getRange({ start, end, inclusiveEnd: true })].map(
      ({ value }) => value as Undated,
    )
    return found.includes('before') ? 'before' : (found[0] ?? null)
  }

  /** What checks found last, by id. */
  checks(): CheckResult[] {
    return [...this.#db.getRange({ start: ['check', ''], end: ['check', '\uffff'] })].map(
      ({ value }) => value as CheckResult,
    )
  }

  async putCheck(result: CheckResult): Promise<void> {
    await this.#write(() => this.#db.put(['check', result.id], result))
  }

  /** Whether the audit log says that a check fails, since it last held. */
  isOnRecord(check: string): boolean {
    return this.#db.get(['check-on-record', check]) === true
  }

  async putOnRecord(check: string, isOnRecord: boolean): Promise<void> {
    if (this.isOnRecord(check) === isOnRecord) return
    await this.#write(() => this.#db.put(['check-on-record', check], isOnRecord))
  }

  async #write(change: () => unknown): Promise<void> {
    await this.#db.transaction(change)
    await this.#db.flushed
  }
}
