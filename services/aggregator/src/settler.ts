/**
 * From landing to staging: when an hour of receipt is complete (a watermark says that nothing of it follows), its rows
 * move once, without `_producer`, `_batch` and `_row`, in random order; then its landing partition goes, and its log key.
 *
 * Invariants
 * - An hour moves when its rows of every stream are there, of all streams or of none, and together with enough others
 *   (mixing.ts). While it waits for those its key may come to its end, which the keeper sees to: its rows are here.
 * - The intents (which hours of which streams, which queries) are written at once before anything moves. From then until its
 *   key is dead nothing more of an hour lands: a watermark covers it, and who receives by another clock finishes first.
 * Recovery: moves that were cut short are repeated: what staging has of an hour that is not whole is removed first, so each
 * row ends there once. That they moved is known of hours until their keys are dead.
 */
import { randomUUID } from 'node:crypto'
import { HOUR, hourLabel, hourOf, MINUTE, type Stream } from '@tacit/contracts'
import type { KeeperPort, LogKeys } from '@tacit/keyring'
import type { Warehouse } from '@tacit/warehouse'
import { heldBack } from './mixing.js'
import type { MissingRows, ReceiptHour, SettleIntent } from './records.js'
import type { Rulebooks } from './rulebooks.js'
import type { AggregatorState } from './state.js'

export interface SettlerOptions {
  /** an hour whose rows do not add up waits for them as long as its log key may live, then counts as it is (INV-26) */
  readonly rulebooks: Pick<Rulebooks, 'current'>
  readonly state: AggregatorState
  readonly warehouse: Warehouse
  readonly streams: readonly Stream[]
  /** whether nobody else inserts into landing, nor writes the log by another clock */
  readonly isAlone: boolean
  readonly keeper: KeeperPort
  readonly logKeys: LogKeys
  readonly alarm: (message: string) => void
}

type Ready = ReadonlyMap<number, ReceiptHour['rows']>
/** Of each hour distinct rows in landing, and whether some are there twice. */
type Landed = ReadonlyMap<number, { readonly rows: number; readonly doubled: boolean }>

/**
 * By so much clocks of machines differ at most: a collector that starts at the end of an hour is known here before the hour
 * is settled, also where its clock is behind.
 */
const CLOCK_SKEW_MS = 10_000
/** A collector says that an hour is over within seconds. */
const MARKED_WITHIN_MS = 2 * MINUTE

export class Settler {
  readonly #options: SettlerOptions
  /** ms: the hour in which it was said that collectors are silent */
  #missedIn = 0

  constructor(options: SettlerOptions) {
    this.#options = options
  }

  /**
   * Finishes what a crash, or a store or keeper that went away, left on its way: moves, and the deaths of keys. Before anything
   * is sealed by a clock that may go back into those hours, whose keys may still live.
   * @param from ms: only where an hour from then on is among them
   */
  async finishMoves(from = 0): Promise<void> {
    const { state } = this.#options
    const all = [...state.settleIntents().flatMap(({ hours }) => hours), ...this.#movedHours()]
    if (!all.some((hour) => hour >= from)) return
    await this.#resumeMoves()
    await this.#forgetAll(this.#movedHours())
  }

  /** Hours of which only the log key is left. */
  #movedHours(): readonly number[] {
    const known = this.#options.state.receiptHours(Number.MAX_SAFE_INTEGER)
    return known.flatMap(({ hour, moved }) => (moved === true ? [hour] : []))
  }

  async #resumeMoves(): Promise<void> {
    const { state } = this.#options
    const intents = state.settleIntents()
    if (intents.length === 0) return
    const completeUntil = Math.max(0, ...intents.flatMap(({ hours }) => hours)) + HOUR
    for (const intent of intents) {
      await this.#move(intent, { isResumed: true, deduplicate: true, completeUntil })
    }
    await state.moved(intents)
  }

  /** Settles every complete hour. @param now ms @returns how many hours it settled */
  async settle(now: number): Promise<number> {
    await this.#resumeMoves()
    const { state } = this.#options
    const { isAlone } = this.#options
    await this.#lookForWriters(now)
    // A driven run may have gone ahead of the live clock: the hour that runs is not over, whatever it wrote down.
    const completeUntil = Math.min(state.watermark, hourOf(isAlone ? now : now - CLOCK_SKEW_MS))
    const due = state.receiptHours(completeUntil)
    if (due.length === 0) return 0
    const landed = new Map<Stream, Landed>()
    for (const stream of this.#options.streams) landed.set(stream, await this.#landed(stream, due))
    const waitMs = this.#options.rulebooks.current().keep.logMs
    const ready = new Map<number, ReceiptHour['rows']>()
    const whole = new Set(due.filter(({ hour, rows }) => isWhole(hour, rows, landed)))
    const complete = due.filter((one) => whole.has(one) || now >= one.hour + waitMs)
    const held = heldBack(complete, now)
    for (const one of complete) if (!held.has(one.hour)) ready.set(one.hour, one.rows)
    for (const one of due) if (!ready.has(one.hour)) await this.#waitFor(one.hour, whole.has(one))
    await this.#moveAll(ready, landed, completeUntil)
    await this.#dropStrays(landed, completeUntil)
    await this.#forgetAll([...ready.keys()])
    return ready.size
  }

  /**
   * Hours wait for every writer: what its spool holds comes when it is back. Until the keys of its hours die, after which
   * nothing of them could be opened.
   */
  async #lookForWriters(now: number): Promise<void> {
    const { alarm, rulebooks, state } = this.#options
    const silent = state.silentWriters(hourOf(now))
    const gone = silent.filter(({ heard }) => now >= heard + rulebooks.current().keep.logMs)
    for (const { writer } of gone) {
      await state.giveUp(writer)
      alarm(
        'a collector has been silent for as long as log keys live: what it still holds is lost, and counted as late',
      )
    }
    const waiting = silent.length - gone.length
    if (waiting === 0 || now < hourOf(now) + MARKED_WITHIN_MS || this.#missedIn === hourOf(now)) return
    this.#missedIn = hourOf(now)
    alarm(
      `of the collectors ${String(waiting)} did not say that the last hour is over: its rows, and releases that need them, wait until they are back`,
    )
  }

  /** @param addsUp it waits for nothing but others to be mixed with */
  async #waitFor(hour: number, addsUp: boolean): Promise<void> {
    if (!addsUp) this.#options.alarm('an hour has fewer rows in landing than were accepted; it waits')
    // Should the keeper's time come first, the record says how it was.
    await this.#options.keeper.reconciled('hour', hourLabel(hour), addsUp)
  }

  async #moveAll(ready: Ready, landed: ReadonlyMap<Stream, Landed>, completeUntil: number): Promise<void> {
    const { isAlone, state } = this.#options
    const intents: SettleIntent[] = []
    const doubled = new Set<Stream>()
    for (const [stream, of] of landed) {
      const intent = intentOf(stream, ready, of)
      if (intent.hours.length === 0) continue
      intents.push(intent)
      if (intent.hours.some((hour) => of.get(hour)?.doubled === true)) doubled.add(stream)
    }
    if (intents.length === 0) return
    await state.intendToSettle(intents)
    for (const intent of intents) {
      // Of a group another may land a second copy of a batch after the rows were counted.
      const deduplicate = !isAlone || doubled.has(intent.stream)
      await this.#move(intent, { isResumed: false, deduplicate, completeUntil })
    }
    await state.moved(intents)
  }

  async #move(
    { hours, queryId, stream }: SettleIntent,
    {
      completeUntil,
      deduplicate,
      isResumed,
    }: { readonly isResumed: boolean; readonly deduplicate: boolean; readonly completeUntil: number },
  ): Promise<void> {
    const { warehouse } = this.#options
    await warehouse.settle(stream, hours, { deduplicate, resume: isResumed, queryId })
    await warehouse.dropLanding(stream, hours, { completeUntil })
  }

  /**
   * An insert that committed after its hour was settled, or whose batch lost its key before it was counted: such rows
   * belong to no hour that is known here, and would stay for good.
   */
  async #dropStrays(landed: ReadonlyMap<Stream, Landed>, completeUntil: number): Promise<void> {
    const { state, warehouse } = this.#options
    for (const [stream, of] of landed) {
      const strays = [...of.keys()].filter(
        (hour) => hour < completeUntil && state.receiptHour(hour) === undefined,
      )
      if (strays.length > 0) await warehouse.dropLanding(stream, strays, { completeUntil })
    }
  }

  /**
   * What landing has of each hour: distinct rows, and whether some are there twice. Distinct rows are counted only where
   * some hour's number is not the one that was accepted: rows that landed twice must not stand for rows that never came.
   * They are counted of the due hours alone, for that is repeated as long as an hour waits.
   */
  async #landed(stream: Stream, due: ReturnType<AggregatorState['receiptHours']>): Promise<Landed> {
    const { warehouse } = this.#options
    const expected = new Map(due.map(({ hour, rows }) => [hour, sumOf(rows[stream])]))
    const all = await warehouse.landingHours(stream)
    const isOdd = all.some(({ hour, rows }) => (expected.get(hour) ?? rows) !== rows)
    const counted = isOdd ? await warehouse.landingHours(stream, { distinctOf: [...expected.keys()] }) : []
    return new Map(
      [...all, ...counted].map(({ distinct, hour, rows }) => [
        hour,
        { rows: distinct ?? rows, doubled: distinct !== null && distinct < rows },
      ]),
    )
  }

  /** The hours' log keys die, and with them every sealed copy of their batches. */
  async #forgetAll(hours: readonly number[]): Promise<void> {
    const { keeper, logKeys, state } = this.#options
    // Keys first: once the hours are no longer known here, nobody would destroy them but the keeper, a day later.
    for (const hour of hours) {
      logKeys.forget(hour)
      await keeper.destroyLogKey(hour, state.receiptHour(hour)?.short !== true)
      state.clearQuarantine(hour)
    }
    await state.settled(hours)
  }
}

/** Whether landing has what was accepted, in every stream. */
function isWhole(hour: number, rows: ReceiptHour['rows'], landed: ReadonlyMap<Stream, Landed>): boolean {
  return [...landed].every(([stream, of]) => (of.get(hour)?.rows ?? 0) >= sumOf(rows[stream]))
}

function intentOf(stream: Stream, ready: Ready, landed: Landed): SettleIntent {
  const missing: MissingRows[] = []
  const short: number[] = []
  const hours = [...ready].flatMap(([hour, rows]) => (sumOf(rows[stream]) > 0 ? [hour] : []))
  for (const hour of hours) {
    const rows = ready.get(hour)?.[stream]
    const lacking = sumOf(rows) - (landed.get(hour)?.rows ?? 0)
    if (lacking <= 0) continue
    missing.push(...shareMissing(stream, rows ?? {}, lacking))
    short.push(hour)
  }
  return { stream, hours, missing, short, queryId: randomUUID() }
}

function sumOf(rows: Readonly<Record<string, number>> | undefined): number {
  return rows === undefined ? 0 : Object.values(rows).reduce((sum, count) => sum + count, 0)
}

/** Spreads missing rows over the hour's epochs, largest first: which rows they were is not known. */
function shareMissing(stream: Stream, rows: Readonly<Record<string, number>>, count: number): MissingRows[] {
  let left = count
  return Object.entries(rows)
    .sort(([, a], [, b]) => b - a)
    .map(([epoch, most]) => {
      const taken = Math.min(left, most)
      left -= taken
      return { stream, epoch, rows: taken }
    })
    .filter((entry) => entry.rows > 0)
}
