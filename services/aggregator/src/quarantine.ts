/** Sealed records that were set aside, in this process, until their hour's key dies. */
import type { StateStore } from './state-store.js'

export class Quarantine {
  readonly #store: StateStore

  /** @param store this process's own, which outlives it */
  constructor(store: StateStore) {
    this.#store = store
  }

  /** @param hour of receipt, ms @param part @param position where it is in the log */
  add(hour: number, part: number, position: number, sealed: Buffer): void {
    this.#store.changeHere(() =>
      this.#store.put(['quarantine', hour, position, part], sealed.toString('base64')),
    )
  }

  /** The key of an hour is dead. @param hour ms @param until ms, excluded: those of all hours from `hour` to there */
  clear(hour: number, until = hour + 1): void {
    const set = this.#store.range(['quarantine', hour, 0], ['quarantine', until, 0])
    if (set.length === 0) return
    this.#store.changeHere(() => {
      for (const { key } of set) this.#store.remove(key)
    })
  }
}
