/** How far reports were counted: a position, and the topic in which it is one. */
import type { StateStore } from './state-store.js'

export class Counted {
  readonly #store: StateStore

  constructor(store: StateStore) {
    this.#store = store
  }

  get position(): number {
    return (this.#store.get('counted') as number | undefined) ?? 0
  }

  /** null where it is not known */
  get topic(): string | null {
    return (this.#store.get('counted-of') as string | undefined) ?? null
  }

  /** Within a transaction. */
  put(position: number, topic: string | null): void {
    this.#store.put('counted', position)
    if (topic === this.topic) return
    if (topic === null) this.#store.remove('counted-of')
    else this.#store.put('counted-of', topic)
  }
}
