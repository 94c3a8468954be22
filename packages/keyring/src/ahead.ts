/**
 * Asking for keys before their time, so that a keeper that is down when an epoch begins loses nothing.
 *
 * Invariants
 * - At most {@link MAX_UNDER_WAY} of these requests are under way. What a beacon waits for is asked for apart from them,
 *   and never stands in a queue behind them.
 * - The share that is asked for rises with time over {@link SPREAD_MS}, in random order: a keeper that serves many
 *   collectors does not meet all their keys at once, nor each collector's in the same order.
 * - After a failure nothing more is asked for until the next call: a keeper that is down is not hammered.
 * Recovery: none is needed; what failed is asked for at the next call.
 */
import { randomInt } from 'node:crypto'
import { MINUTE } from '@tacit/contracts'

/** How long before an epoch or an hour its keys are asked for, ms; the keeper opens a root a minute earlier still. */
export const PREFETCH_MS = 10 * MINUTE

const MAX_UNDER_WAY = 64
/** Well before the epoch, because what is left undone needs time to be tried again, and people to look at it. */
const SPREAD_MS = 2 * MINUTE

/** Keys that are needed for what begins next, and how many of them are here. */
export interface Prefetched {
  readonly wanted: number
  readonly held: number
}

/** How many of `wanted` keys may have been asked for `elapsedMs` after the first moment at which they could be. */
export function dueAhead(wanted: number, elapsedMs: number): number {
  return Math.min(wanted, Math.max(MAX_UNDER_WAY, Math.ceil((wanted * elapsedMs) / SPREAD_MS)))
}

/** Requests that run a few at a time. */
export class AheadRequests<T> {
  readonly #ask: (item: T) => Promise<void>
  readonly #nameOf: (item: T) => string
  readonly #underWay = new Set<string>()
  #queue: T[] = []

  /** @param nameOf two items of one name are never under way at once */
  constructor(nameOf: (item: T) => string, ask: (item: T) => Promise<void>) {
    this.#nameOf = nameOf
    this.#ask = ask
  }

  /** How many wait for an answer. */
  get underWay(): number {
    return this.#underWay.size
  }

  /** Asks for `count` of the items that are not under way, in random order, instead of what a former call left over. */
  start(items: readonly T[], count: number): void {
    const isFree = this.#underWay.size === 0
    const left = isFree ? [...items] : items.filter((item) => !this.#underWay.has(this.#nameOf(item)))
    this.#queue = takeRandom(left, count)
    this.#pump()
  }

  /** Asks for nothing more. */
  stop(): void {
    this.#queue = []
  }

  #pump(): void {
    while (this.#underWay.size < MAX_UNDER_WAY) {
      const item = this.#queue.pop()
      if (item === undefined) return
      void this.#run(item)
    }
  }

  async #run(item: T): Promise<void> {
    const name = this.#nameOf(item)
    this.#underWay.add(name)
    try {
      await this.#ask(item)
    } catch {
      this.#queue = []
    }
    this.#underWay.delete(name)
    this.#pump()
  }
}

/** Fisher–Yates, as far as is needed. */
function takeRandom<T>(items: T[], count: number): T[] {
  const most = Math.min(Math.max(0, count), items.length)
  for (let at = 0; at < most; at += 1) {
    const from = randomInt(at, items.length)
    const item = items[from] as T
    items[from] = items[at] as T
    items[at] = item
  }
  return items.slice(0, most)
}
