/**
 * From landing to staging: when an hour of receipt is complete (a watermark says that nothing of it follows), its rows
 * move once, without `_producer`, `_batch` and `_row`, in random order; then its landing partition and its log key go.
 *
 * Recovery: the intent (which hours, which query) is written before the move. Found at the next start, the move is
 * repeated from the beginning: rows of those hours are removed from staging first, so each row ends there once.
 */
import { randomUUID } from 'node:crypto'
import { HOUR, type Stream } from '@tacit/contracts'
import type { KeeperPort, LogKeys } from '@tacit/keyring'
import type { Warehouse } from '@tacit/warehouse'
import type { AggregatorState, ReceiptHour } from './state.js'

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

interface Missing {
  readonly stream: Stream
  readonly epoch: string
  readonly rows: number
}

export class Settler {
  readonly #options: SettlerOptions

  constructor(options: SettlerOptions) {
    this.#options = options
  }

  /** Settles every complete hour. @param now ms @returns how many hours it settled */
  async settle(now: number): Promise<number> {
    const { state, streams } = this.#options
    const due = state.receiptHours(state.watermark)
    if (due.length === 0) return 0
    const ready = new Map(due.map(({ hour, rows }) => [hour, rows]))
    const missing: Missing[] = []
    for (const stream of streams) missing.push(...(await this.#settleStream(stream, ready, now)))
    const hours = [...ready.keys()]
    await state.settled(hours, missing)
    for (const hour of hours) await this.#forget(hour)
    return hours.length
  }

  async #settleStream(
    stream: Stream,
    ready: Map<number, ReceiptHour['rows']>,
    now: number,
  ): Promise<Missing[]> {
    const { state, warehouse } = this.#options
    const landed = new Map((await warehouse.landingHours(stream)).map((found) => [found.hour, found]))
    const intent = state.settleIntent(stream)
    const resume = intent !== null
    const missing: Missing[] = []
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
    if (hours.length === 0) return missing
    const queryId = intent?.queryId ?? randomUUID()
    await state.intendToSettle({ stream, hours, queryId })
    await warehouse.settle(stream, hours, { deduplicate, resume, queryId })
    await warehouse.dropLanding(stream, hours, { completeUntil: state.watermark })
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
function shareMissing(stream: Stream, rows: Readonly<Record<string, number>>, count: number): Missing[] {
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
