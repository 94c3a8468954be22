/** For tests: a keeper in memory, with the rules of the real one and a clock that the test sets. */
import { randomBytes } from 'node:crypto'
import { batchKey, epochFromLabel, type Stream } from '@tacit/contracts'
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

  async batchKey(hour: number, producer: string, create: boolean): Promise<Buffer | null> {
    let key = this.#hours.get(hour)
    if (key === undefined && create) {
      key = randomBytes(32)
      this.#hours.set(hour, key)
    }
    return key === undefined || key === null ? null : batchKey(key, producer)
  }

  /** hour → whether its rows added up */
  readonly settledHours = new Map<number, boolean>()
  /** epoch → whether its window's counts add up, as last said */
  readonly verdicts = new Map<string, boolean>()

  async destroyLogKey(hour: number, reconciled: boolean): Promise<void> {
    this.#hours.set(hour, null)
    this.settledHours.set(hour, reconciled)
  }

  async reconciled(_stream: Stream | 'hour', epoch: string, holds: boolean): Promise<void> {
    this.verdicts.set(epoch, holds)
  }

  async obey(): Promise<void> {}

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
