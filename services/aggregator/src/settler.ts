/**
 * From landing to staging: when an hour of receipt is complete (a watermark says that nothing of it follows), its rows
 * move once, without `_producer`, `_batch` and `_row`, in random order; then its landing partition and its log key go.
 *
 * Recovery: the intent (which hours, which query) is written before the move. Found at the next start, the move is
 * repeated from the beginning: rows of those hours are removed from staging first, so each row ends there once.
 */
import { randomUUID } from 'node:crypto'
import { HOUR, hourOf, type Stream } from '@tacit/contracts'
import type { KeeperPort, LogKeys } from '@tacit/keyring'
import type { Warehouse } from '@tacit/warehouse'
import type { AggregatorState, MissingRows, ReceiptHour } from './state.js'

/** An hour whose rows do not add up waits this long for them, then moves as it is (INV-26). */
const MAX_WAIT_MS = 24 * HOUR

export interface SettlerOptions {
  readonly state: AggregatorState
  readonly warehouse: Warehouse
  readonly streams: readonly Stream[]
  readonly keeper: KeeperPort
  readonly logKeys: LogKeys
  readonly alarm: (message: string) => void
}

export class Settler {
  readonly #options: SettlerOptions

  constructor(options: SettlerOptions) {
    this.#options = options
  }

  /** Settles every complete hour. @param now ms @returns how many hours it settled */
  async settle(now: number): Promise<number> {
    const { state, streams } = this.#options
    // A driven run may have gone ahead of the live clock: the hour that runs is not over, whatever it wrote down.
    const completeUntil = Math.min(state.watermark, hourOf(now))
    const due = state.receiptHours(completeUntil)
    if (due.length === 0) return 0
    const ready = new Map(due.map(({ hour, rows }) => [hour, rows]))
    const missing: MissingRows[] = []
    for (const stream of streams)
      missing.push(...(await this.#settleStream(stream, ready, { now, completeUntil })))
    const hours = [...ready.keys()]
    // Keys first: once the hours are no longer known here, nobody would destroy them but the keeper, a day later.
    for (const hour of hours) await this.#forget(hour)
    await state.settled(hours, missing)
    return hours.length
  }

  async #settleStream(
    stream: Stream,
    ready: Map<number, ReceiptHour['rows']>,
    { completeUntil, now }: { readonly now: number; readonly completeUntil: number },
  ): Promise<MissingRows[]> {
    const { state, warehouse } = this.#options
    const landed = new Map((await warehouse.landingHours(stream)).map((found) => [found.hour, found]))
    const intent = state.settleIntent(stream)
    const resume = intent !== null
    const missing: MissingRows[] = [...(intent?.missing ?? [])]
    const hours: number[] = []
    let deduplicate = resume
    for (const [hour, rows] of ready) {
      const expected = sumOf(rows[stream])
      const found = landed.get(hour)?.rows ?? 0
      if (expected === 0) continue
      if (resume && intent.hours.includes(hour)) {
        // A move that was cut short may have emptied landing in part: the counts were checked before it began.
        hours.push(hour)
        continue
      }
      if (found < expected && now < hour + MAX_WAIT_MS) {
        this.#options.alarm('an hour has fewer rows in landing than were accepted; it waits')
        ready.delete(hour)
        continue
      }
      if (found < expected) missing.push(...shareMissing(stream, rows[stream] ?? {}, expected - found))
      if (found > expected) deduplicate = true
      if (found > 0) hours.push(hour)
    }
    if (hours.length > 0) {
      const queryId = intent?.queryId ?? randomUUID()
      await state.intendToSettle({ stream, hours, missing, queryId })
      await warehouse.settle(stream, hours, { deduplicate, resume, queryId })
    }
    // An insert that committed after its hour was settled, or whose batch lost its key before it was counted: such
    // rows belong to no hour that is known here, and would stay for good.
    const strays = [...landed.keys()].filter(
      (hour) => hour < completeUntil && state.receiptHour(hour) === undefined,
    )
    const gone = [...hours, ...strays]
    if (gone.length > 0) await warehouse.dropLanding(stream, gone, { completeUntil })
    return missing
  }

  /** The hour's log key dies, and with it every sealed copy of its batches. */
  async #forget(hour: number): Promise<void> {
    const { keeper, logKeys, state } = this.#options
    logKeys.forget(hour)
    await keeper.destroyLogKey(hour)
    await state.clearQuarantine(hour)
  }
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
