/** Days whose rows may not carry the hash of the rulebook that was live then, and why. */
import { epochOf } from '@tacit/contracts'
import type { Undated } from './records.js'
import type { StateStore } from './state-store.js'

const keyOf = (time: number): [string, string] => ['undated', epochOf('day', time).label]

export class UndatedDays {
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
  }

  /** Days that are there when the hash is first written on rows; once in the life of a store. Within a transaction. */
  begin(epochs: readonly string[]): void {
    if (this.#store.get('provenance') !== undefined) return
    for (const epoch of epochs) this.#store.put(['undated', epoch], 'before' satisfies Undated)
    this.#store.put('provenance', true)
  }

  has(time: number): boolean {
    return this.#store.get(keyOf(time)) !== undefined
  }

  /** Within a transaction. */
  putDriven(time: number): void {
    this.#store.put(keyOf(time), 'driven' satisfies Undated)
  }

  /** Why days of a span of time are not dated; null where all are. @param from @param until ms, excluded */
  within(from: number, until: number): Undated | null {
    const found = this.#store.range(keyOf(from), keyOf(until - 1), true).map(({ value }) => value as Undated)
    return found.includes('before') ? 'before' : (found[0] ?? null)
  }
}
