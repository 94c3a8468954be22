/** For tests: a keeper in memory, with the rules of the real one and a clock that the test sets. */
import { randomBytes } from 'node:crypto'
import { epochFromLabel, type Stream } from '@tacit/contracts'
import type { EpochState, KeeperPort, KeyAnswer } from '@tacit/keyring'
import type { Rulebook } from '@tacit/rulebook'

export class MemoryKeeper implements KeeperPort {
  /** ms */
  now = 0
  readonly #epochs = new Set<string>()
  /** null: destroyed, and never opened again */
  readonly #hours = new Map<number, Buffer | null>()
  readonly #rules: Rulebook['epochs']

  constructor(rulebook: Rulebook) {
    this.#rules = rulebook.epochs
  }

  /** A collector asked for a key of this epoch, so its root exists. */
  openEpoch(label: string): void {
    this.#epochs.add(label)
  }

  /** Hours whose log key lives, in order. */
  get liveHours(): number[] {
    return [...this.#hours]
      .filter(([, key]) => key !== null)
      .map(([hour]) => hour)
      .sort((a, b) => a - b)
  }

  async pseudonymKey(): Promise<KeyAnswer> {
    return { state: 'absent' }
  }

  async logKey(hour: number, create: boolean): Promise<Buffer | null> {
    let key = this.#hours.get(hour)
    if (key === undefined && create) {
      key = randomBytes(32)
      this.#hours.set(hour, key)
    }
    return key === undefined || key === null ? null : Buffer.from(key)
  }

  async destroyLogKey(hour: number): Promise<void> {
    this.#hours.set(hour, null)
  }

  async epochs(stream: Stream): Promise<readonly EpochState[]> {
    return [...this.#epochs]
      .filter((label) => label.startsWith(`${stream}:`))
      .sort()
      .map((label) => {
        const { end } = epochFromLabel(label)
        const isDestroyed = this.now >= end + this.#rules.destroyKeyAfterMs
        const isClosed = this.now >= end + this.#rules.latenessMs
        return { label, state: isDestroyed ? 'destroyed' : isClosed ? 'closed' : 'open' }
      })
  }
}
