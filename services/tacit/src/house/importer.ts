/** From lines to the intake: parse, sort within a minute, drive the clock, hand over. Raw lines are never quoted. */
import { hash } from 'node:crypto'
import { type AccessLine, type BeaconLine, classifyLine, createReorder, splitTarget } from '@tacit/access-log'
import {
  type AddressParser,
  type ClientAddressReader,
  compileAddressParser,
  compileTrustedProxies,
  compileWindowEnd,
  readSignals,
  type WindowEnd,
} from '@tacit/anonymizer'
import { type DrivenClock, epochOf, hourOf, type Reason, shownReason } from '@tacit/contracts'
import type { DrivenRun } from './driven.js'
import { readLines } from './lines.js'
import { bodyOf, createItemReader, headerOf, type ImportFormat, type LogItem } from './log-items.js'
import type { Realm } from './realm.js'

export interface ImportTotals {
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
}

export interface ImporterOptions {
  readonly realm: Realm
  readonly run: DrivenRun
  readonly clock: DrivenClock
  readonly trustedProxies: readonly string[]
  /** NAT64 prefixes of the operator's own */
  readonly nat64Prefixes?: readonly string[]
  readonly site?: string
}

/** Items between two waits for the disk. */
const FLUSH_EVERY = 2_000

export class Importer {
  readonly #realm: Realm
  readonly #run: DrivenRun
  readonly #clock: DrivenClock
  readonly #parseAddress: AddressParser
  readonly #clientAddress: ClientAddressReader
  readonly #site: string
  /** a log says nothing about consent: where it is needed, every line is refused */
  readonly #needsConsent: boolean
  readonly #pageView: string
  /** of the finest window in which a line is counted */
  readonly #windowEnd: WindowEnd
  readonly #ids = new LineIds()
  #deadline = 0
  /** hour of receipt (ms) that is known to take batches */
  #openHour = -1
  /** labels of days that earlier runs closed */
  #closedDays: ReadonlySet<string> = new Set()
  #items = 0
  #lines = 0
  /** lines that did not become items, counted with the next one: before the first, the clock has not started */
  #unplaced = new Map<Reason, number>()

  constructor({ clock, nat64Prefixes, realm, run, site, trustedProxies }: ImporterOptions) {
    this.#realm = realm
    this.#run = run
    this.#clock = clock
    this.#parseAddress = compileAddressParser(nat64Prefixes ?? [])
    this.#clientAddress = compileTrustedProxies(trustedProxies, this.#parseAddress)
    const sites = Object.values(realm.rulebook.sites)
    const exempt = sites.find(({ lawfulBasis }) => lawfulBasis === 'exempt-measurement')
    this.#site = site ?? exempt?.id ?? sites[0]?.id ?? ''
    this.#needsConsent = realm.rulebook.sites[this.#site]?.lawfulBasis === 'consent'
    const events = Object.entries(realm.rulebook.events)
    this.#pageView = events.find(([, { kind }]) => kind === 'page_view')?.[0] ?? 'page_view'
    this.#windowEnd = compileWindowEnd(realm.rulebook, this.#site, 'page_view')
  }

  /**
   * Plays files, merged by time; each is in order within 60 s.
   * @param onProgress bytes and lines read so far
   * @returns what the ledger gained
   */
  async play(
    files: readonly string[],
    format: ImportFormat | null,
    onProgress: (bytes: number, lines: number) => void,
  ): Promise<ImportTotals> {
    const before = this.#ledgerTotals()
    this.#closedDays = await this.#run.closedDays()
    let bytes = 0
    const sources = files.map((file) =>
      this.#parsed(
        readLines(file, (more) => {
          bytes += more
        }),
        format,
      ),
    )
    for await (const item of mergeByTime(sources)) {
      await this.#take(item)
      if (++this.#items % FLUSH_EVERY === 0) {
        await this.#realm.commit.drain()
        onProgress(bytes, this.#lines)
      }
    }
    if (this.#clock.now() === 0) await this.#moveTo(Date.now())
    this.#countUnplaced()
    await this.#realm.commit.drain()
    return difference(this.#ledgerTotals(), before)
  }

  /** Items of one file, in order of time within a minute; lines that do not parse are counted on the way. */
  async *#parsed(lines: AsyncGenerator<string>, format: ImportFormat | null): AsyncGenerator<LogItem> {
    const reorder = createReorder<LogItem>()
    const reader = createItemReader(format)
    const place = (item: LogItem | null): readonly LogItem[] => {
      this.#lines++
      // A line of the future must not push the clock, so it does not wait among the others.
      if (item !== null && item.time <= Date.now()) return reorder.push(item)
      const reason = item === null ? 'line.unparsable' : 'line.future'
      this.#unplaced.set(reason, (this.#unplaced.get(reason) ?? 0) + 1)
      return []
    }
    for await (const line of lines) for (const item of reader.push(line)) yield* place(item)
    for (const item of reader.flush()) yield* place(item)
    yield* reorder.flush()
  }

  async #take(item: LogItem): Promise<void> {
    await this.#moveTo(item.time)
    this.#countUnplaced()
    // Disorder beyond a minute: the clock does not go back, the event does.
    const lag = this.#clock.now() - item.time
    const taken = item.from === 'line' ? this.#takeLine(item, lag) : this.#takeBeacon(item, lag)
    if (taken instanceof Promise) await taken
  }

  /** Moves the clock to `time` (ms), or to the first hour after it that can still be sealed; never back. */
  async #moveTo(time: number): Promise<void> {
    const entersHour = hourOf(Math.max(time, this.#clock.now())) !== this.#openHour
    if (!entersHour && time < this.#deadline) {
      this.#clock.advanceTo(time)
      return
    }
    await this.#run.advanceTo(time)
    if (entersHour) await this.#run.enterOpenHour()
    this.#openHour = hourOf(this.#clock.now())
    this.#deadline = this.#run.deadlineAfter(this.#clock.now())
  }

  /** Nothing more is taken of this window: not even its lines that would be no page view are counted as such. */
  #isClosed(time: number): boolean {
    const { epochs } = this.#realm.rulebook
    return this.#windowEnd(time) + epochs.latenessMs <= this.#clock.now() || this.#wasClosed(time)
  }

  /** An earlier run closed this day. */
  #wasClosed(time: number): boolean {
    return this.#closedDays.size > 0 && this.#closedDays.has(epochOf('day', time).label)
  }

  #takeLine(line: AccessLine, lag: number): void | Promise<void> {
    const reason = this.#isClosed(line.time)
      ? 'late'
      : this.#needsConsent
        ? 'consent.unknown'
        : classifyLine(line, this.#realm.rulebook.assets)
    if (reason !== null) {
      this.#drop(reason, line.time)
      return
    }
    const event = {
      id: this.#ids.of(line),
      name: this.#pageView,
      age: lag,
      path: splitTarget(line.target),
    }
    return this.#realm.intake.take(
      { v: 1, site: this.#site, events: [event] },
      {
        source: 'line',
        address: this.#parseAddress(line.address),
        userAgent: line.userAgent,
        origin: null,
        gpc: false,
        dnt: false,
      },
    )
  }

  #takeBeacon(line: BeaconLine, lag: number): void | Promise<void> {
    const beacon = bodyOf(line)
    if (beacon === null) {
      this.#drop('line.unparsable', line.time)
      return
    }
    // What this run closed the intake sees, for each event by the window in which its kind is counted.
    if (this.#wasClosed(line.time)) {
      for (const { age } of beacon.events) this.#drop('late', line.time - age)
      return
    }
    const late =
      lag === 0
        ? beacon
        : { ...beacon, events: beacon.events.map((event) => ({ ...event, age: event.age + lag })) }
    return this.#realm.intake.take(late, {
      source: 'beacon',
      address: this.#clientAddress(line.ip, line.rawHeaders),
      userAgent: headerOf(line.rawHeaders, 'user-agent') ?? '',
      origin: headerOf(line.rawHeaders, 'origin'),
      ...readSignals(line.rawHeaders),
      ...(line.claims === null ? {} : { claims: line.claims }),
      person: line.state,
      time: line.time,
    })
  }

  #countUnplaced(): void {
    for (const [reason, count] of this.#unplaced) {
      for (let i = 0; i < count; i++) this.#drop(reason, this.#clock.now())
    }
    this.#unplaced.clear()
  }

  /** @param time of the event, ms */
  #drop(reason: Reason, time: number): void {
    this.#realm.commit.open(this.#clock.now())
    this.#realm.commit.dropped(hourOf(time), reason)
  }

  #ledgerTotals(): { received: number; accepted: number; dropped: Record<string, number> } {
    const totals = { received: 0, accepted: 0, dropped: {} as Record<string, number> }
    for (const row of this.#realm.aggregator.ledger()) {
      totals.received += row.received
      totals.accepted += row.accepted
      for (const [reason, count] of Object.entries(row.dropped)) {
        const shown = shownReason(reason)
        totals.dropped[shown] = (totals.dropped[shown] ?? 0) + count
      }
    }
    return totals
  }
}

/**
 * Event ids of lines: the same line has the same id in every import, so that one that was cut short can be repeated
 * and what was staged twice counts once. Equal lines of one second are told apart by their number. An id lives as long
 * as an event's does: the record holds its keyed hash only.
 */
class LineIds {
  #second = -1
  #numbers = new Map<string, number>()

  of({ address, method, status, target, time, userAgent }: AccessLine): string {
    const second = Math.floor(time / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#numbers = new Map()
    }
    const line = hash('sha256', JSON.stringify([time, address, method, target, status, userAgent]), 'base64')
    const number = this.#numbers.get(line) ?? 0
    this.#numbers.set(line, number + 1)
    return `${line}${number}`
  }
}

/** Merges sources that are each in order of time. */
async function* mergeByTime(sources: readonly AsyncGenerator<LogItem>[]): AsyncGenerator<LogItem> {
  const heads: { item: LogItem; source: AsyncGenerator<LogItem> }[] = []
  for (const source of sources) {
    const first = await source.next()
    if (!first.done) heads.push({ item: first.value, source })
  }
  while (heads.length > 0) {
    let earliest = 0
    for (let i = 1; i < heads.length; i++) {
      if ((heads[i] as { item: LogItem }).item.time < (heads[earliest] as { item: LogItem }).item.time)
        earliest = i
    }
    const head = heads[earliest] as { item: LogItem; source: AsyncGenerator<LogItem> }
    yield head.item
    const next = await head.source.next()
    if (next.done) heads.splice(earliest, 1)
    else head.item = next.value
  }
}

function difference(after: ImportTotals, before: ImportTotals): ImportTotals {
  const dropped: Record<string, number> = {}
  for (const [reason, count] of Object.entries(after.dropped)) {
    const gained = count - (before.dropped[reason] ?? 0)
    if (gained > 0) dropped[reason] = gained
  }
  return { received: after.received - before.received, accepted: after.accepted - before.accepted, dropped }
}
