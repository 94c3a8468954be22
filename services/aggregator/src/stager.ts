/**
 * From one part of the log into landing: read, open, insert, report; each row exactly once, whatever dies in between.
 *
 * Order of one step: the boundary (how far this insert goes) is committed with the cursor; rows are inserted under a
 * token; what became of the batches is reported, durably; the cursor moves. After an unknown outcome
 * the range is read back by (_producer, _batch), and inserted again under a new token only if it is not all there.
 * A first insert may still commit after the read-back: landing then holds more rows than expected, and the settler
 * deduplicates that hour (facts.md, ClickHouse).
 * A batch that the log holds twice is inserted once where both copies come in one step; else the settler sees to it, too.
 * A batch that cannot be opened or whose rows ClickHouse refuses is set aside sealed, and never stops the stream.
 */
import { setImmediate as letOthers, setTimeout as sleep } from 'node:timers/promises'
import { type BatchHeader, readBatchHeader, type Stream, TacitError } from '@tacit/contracts'
import type { LogPart, LogRecord } from '@tacit/event-log'
import type { LogKeys } from '@tacit/keyring'
import { storedPlans } from '@tacit/rulebook'
import { type BatchRange, type DecidedBy, type Warehouse, WarehouseError } from '@tacit/warehouse'
import type { Membership } from './membership.js'
import type { Rulebooks } from './rulebooks.js'
import { strangenessOfHour } from './provenance.js'
import type { AppliedBatch } from './records.js'
import type { AggregatorState } from './state.js'
import { byRulebook, rangesOf, rowsOf, sectionsOf, type Step, streamsOf } from './step.js'

/** Rows of one insert, at most (facts.md: 10–50 k rows, 8 MB). */
const MAX_ROWS = 50_000
const MAX_BYTES = 8 * 1024 * 1024
const READ_RECORDS = 512
/** Attempts within one step; then the caller decides when to try again. */
const MAX_ATTEMPTS = 5
const BACK_OFF_MS = 200

interface Boundary {
  /** last position of the insert */
  readonly last: number
  /** part of the insert's token; rises with each try, because a token may have been taken without its rows */
  readonly attempt: number
}

export interface StagerOptions {
  readonly rulebooks: Rulebooks
  readonly membership: Pick<Membership, 'report'>
  readonly logKeys: LogKeys
  readonly state: AggregatorState
  readonly warehouse: Warehouse
  /** says that something was set aside or lost; never with values */
  readonly alarm: (message: string) => void
}

export class Stager {
  readonly #part: LogPart
  readonly #membership: Pick<Membership, 'report'>
  readonly #logKeys: LogKeys
  readonly #state: AggregatorState
  readonly #warehouse: Warehouse
  readonly #alarm: (message: string) => void
  readonly #rulebooks: Rulebooks
  #ahead: { readonly after: number; readonly step: Promise<Step> } | null = null
  /** of one step, by hash and hour: a log holds thousands of batches of each */
  readonly #objections = new Map<string, string | null>()

  constructor(part: LogPart, options: StagerOptions) {
    this.#part = part
    this.#rulebooks = options.rulebooks
    this.#membership = options.membership
    this.#logKeys = options.logKeys
    this.#state = options.state
    this.#warehouse = options.warehouse
    this.#alarm = options.alarm
  }

  /**
   * Stages everything that is in the part now; returns how many batches it took. What comes meanwhile is not waited for:
   * under load something always comes, and whoever called has more to do.
   */
  async drain(): Promise<number> {
    let batches = 0
    for (;;) {
      const { atEnd, taken } = await this.#step()
      batches += taken
      if (atEnd) return batches
    }
  }

  /** One insert's worth. @returns batches taken; 0 at the end of the log */
  async step(): Promise<number> {
    return (await this.#step()).taken
  }

  async #step(): Promise<{ readonly taken: number; readonly atEnd: boolean }> {
    const cursor = this.#part.cursor()
    const known = cursor.boundary === null ? null : (JSON.parse(cursor.boundary) as Boundary)
    const step = await this.#next(cursor.position, known?.last ?? null)
    if (step.last === cursor.position) return { taken: 0, atEnd: true }
    // Of what another process was inserting when it lost this part, only some has come here yet: it waits for the rest.
    if (known !== null && step.last < known.last) return { taken: 0, atEnd: true }
    const boundary = known ?? { last: step.last, attempt: 0 }
    if (known === null) await this.#writeBoundary(cursor.position, boundary)
    if (!step.atEnd) this.#readAhead(step.last)
    await this.#land(step, boundary, known !== null)
    const fates = [...step.fates].sort(([a], [b]) => a - b).map(([, fate]) => fate)
    await this.#membership.report({ batches: fates, last: step.last, corrupt: step.corrupt })
    if (step.corrupt > 0) this.#alarm(`${step.corrupt} damaged log records were skipped`)
    await this.#part.commit({ position: step.last, boundary: null })
    return { taken: fates.length, atEnd: step.atEnd }
  }

  async #writeBoundary(position: number, boundary: Boundary): Promise<void> {
    await this.#part.commit({ position, boundary: JSON.stringify(boundary) })
  }

  /** What is opened while the step before it is inserted, so that neither ClickHouse nor this process waits. */
  #readAhead(after: number): void {
    const step = this.#read(after, null)
    // Whether it failed is looked at by who needs it.
    step.catch(() => undefined)
    this.#ahead = { after, step }
  }

  #next(after: number, until: number | null): Promise<Step> {
    const ahead = this.#ahead
    this.#ahead = null
    return ahead?.after === after && until === null ? ahead.step : this.#read(after, until)
  }

  async #read(after: number, until: number | null): Promise<Step> {
    const step = {
      after,
      last: after,
      corrupt: 0,
      atEnd: false,
      opened: [] as Step['opened'],
      fates: new Map() as Step['fates'],
      names: new Set<string>(),
    }
    this.#objections.clear()
    let rows = 0
    let bytes = 0
    while (rows < MAX_ROWS && bytes < MAX_BYTES && (until === null || step.last < until)) {
      const most = until === null ? READ_RECORDS : Math.min(READ_RECORDS, until - step.last)
      const slice = this.#part.read(step.last, most, MAX_BYTES - bytes)
      if (slice.last === step.last) {
        // Nothing came: either nothing is there, or the next record is larger than what is left of this step.
        step.atEnd = this.#part.read(step.last, 1, MAX_BYTES).last === step.last
        break
      }
      step.last = slice.last
      step.corrupt += slice.corrupt
      for (const record of slice.records) {
        bytes += record.bytes.length
        rows += await this.#open(record, step)
      }
      await letOthers()
    }
    return step
  }

  /** Opens one record into the step, or says why not. @returns its rows */
  async #open(record: LogRecord, step: Step): Promise<number> {
    try {
      const batch = await this.#logKeys.open(record.bytes)
      if (batch === null) {
        this.#fate(step, record, readBatchHeader(record.bytes), 'expired')
        return 0
      }
      const { batch: number, hour, producer, rulebook } = batch.header
      const name = `${producer} ${String(number)}`
      // A second copy of it: its rows are in this very insert.
      if (step.names.has(name)) return 0
      step.names.add(name)
      const key = `${rulebook} ${hour}`
      let objection = this.#objections.get(key)
      if (objection === undefined) {
        objection = this.#objectionTo(batch.header)
        this.#objections.set(key, objection)
      }
      if (objection !== null) {
        this.#fate(step, record, batch.header, 'quarantined')
        this.#keep(record)
        this.#alarm(objection)
        return 0
      }
      step.opened.push({ record, batch })
      this.#fate(step, record, batch.header, 'landed')
      return rowsOf(batch)
    } catch (error) {
      const damaged = error instanceof TacitError && error.code.startsWith('ERR_BATCH_')
      if (!damaged) throw error
      this.#setAside(record, error)
      return 0
    }
  }

  #fate(step: Step, { position }: LogRecord, header: BatchHeader, fate: AppliedBatch['fate']): void {
    step.fates.set(position, { header, fate, part: this.#part.part })
  }

  #keep({ bytes, hour, position }: LogRecord): void {
    this.#state.quarantine(hour, this.#part.part, position, bytes)
  }

  /** Why the rows of a batch are not believed: what decided it was not in force then (INV-19). */
  #objectionTo({ hour, rulebook }: BatchHeader): string | null {
    const strangeness = strangenessOfHour({ rulebooks: this.#rulebooks, state: this.#state }, rulebook, hour)
    if (strangeness === 'untimely')
      return 'a sealed batch of a rulebook that was not in force in its hour was set aside'
    if (strangeness === null && this.#rulebooks.ofHash(rulebook) !== null) return null
    return 'a sealed batch of a rulebook that nobody activated was set aside'
  }

  /** A record that does not authenticate has no header to believe: it is kept sealed and counted nowhere else. */
  #setAside(record: LogRecord, error: TacitError): void {
    this.#keep(record)
    this.#alarm(
      error.code === 'ERR_BATCH_VERSION'
        ? `a sealed batch was set aside: ${error.message}`
        : 'a sealed batch could not be opened and was set aside',
    )
  }

  async #land(step: Step, boundary: Boundary, outcomeUnknown: boolean): Promise<void> {
    for (const opened of byRulebook(step.opened)) {
      // Rows are positional: those of another rulebook have other columns.
      const part = { ...step, opened }
      for (const stream of streamsOf(part)) await this.#landStream(part, stream, boundary, outcomeUnknown)
    }
  }

  async #landStream(step: Step, stream: Stream, first: Boundary, outcomeUnknown: boolean): Promise<void> {
    const rows = step.opened.flatMap(({ batch }) => sectionsOf(batch, stream))
    const expected = step.opened.reduce((sum, { batch }) => sum + rowsOf(batch, stream), 0)
    if (expected === 0) return
    const ranges = rangesOf(step)
    const by = this.#deciderOf(step, stream)
    let boundary = first
    let unknown = outcomeUnknown
    for (let attempt = 0; ; attempt++) {
      try {
        if (unknown) {
          if ((await this.#warehouse.landed(stream, ranges)).distinct >= expected) return
          boundary = { last: boundary.last, attempt: boundary.attempt + 1 }
          await this.#writeBoundary(step.after, boundary)
        }
        const token = `${this.#range(step, stream, ranges)}:${by.rulebook.slice(0, 16)}:${boundary.attempt}`
        await this.#warehouse.land(stream, rows, token, by)
        return
      } catch (error) {
        if (isRefusedData(error)) {
          await this.#landSeparately(step, stream, boundary.attempt)
          return
        }
        if (attempt + 1 >= MAX_ATTEMPTS) throw error
        unknown = true
        await sleep(BACK_OFF_MS * 2 ** attempt)
      }
    }
  }

  /** Names the rows of an insert, also where a part of the log was made anew and its positions begin again. */
  #range({ after, last }: Step, stream: Stream, [first]: readonly BatchRange[]): string {
    return `${stream}:${this.#part.part}:${after}-${last}:${first?.producer ?? ''}-${first?.from ?? ''}`
  }

  /** What decided a part's rows; all its batches are of one rulebook. */
  #deciderOf(step: Step, stream: Stream): DecidedBy {
    const hash = step.opened[0]?.batch.header.rulebook ?? ''
    const rulebook = this.#rulebooks.ofHash(hash) ?? this.#rulebooks.current()
    const plan = storedPlans(rulebook).find((candidate) => candidate.stream === stream)
    return { dimensions: plan?.dimensions ?? [], rulebook: hash }
  }

  /** ClickHouse refused the rows for their data: each batch on its own, and those that are refused set aside. */
  async #landSeparately(step: Step, stream: Stream, attempt: number): Promise<void> {
    const by = this.#deciderOf(step, stream)
    for (const { record, batch } of step.opened) {
      const expected = rowsOf(batch, stream)
      if (expected === 0) continue
      const { producer, batch: number } = batch.header
      const range = [{ producer, from: number, to: number }]
      if ((await this.#warehouse.landed(stream, range)).distinct >= expected) continue
      try {
        await this.#warehouse.land(
          stream,
          sectionsOf(batch, stream),
          `${stream}:${producer}-${number}:alone:${attempt}`,
          by,
        )
      } catch (error) {
        if (!isRefusedData(error)) throw error
        this.#fate(step, record, batch.header, 'quarantined')
        this.#keep(record)
        this.#alarm('ClickHouse refused the rows of a sealed batch; it was set aside')
      }
    }
  }
}

function isRefusedData(error: unknown): boolean {
  return error instanceof WarehouseError && error.kind === 'data'
}
