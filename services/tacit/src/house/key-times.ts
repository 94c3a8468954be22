/**
 * The times of keys, told to the keeper whenever another rulebook rules: again until it has taken them, for a keeper of
 * another process may be down at that moment, and would let keys live longer than was promised.
 */
import type { KeeperPort, KeyTimes } from '@tacit/keyring'
import type { Rulebook } from '@tacit/rulebook'
import { Insistence, type InsistenceOptions } from './insistence.js'

/** What a rulebook says of how long keys live. */
export function keyTimesOf({ epochs, keep }: Rulebook): KeyTimes {
  return {
    latenessMs: epochs.latenessMs,
    destroyKeyAfterMs: epochs.destroyKeyAfterMs,
    logKeyLifeMs: keep.logMs,
  }
}

export class KeyTimesWord {
  readonly #insistence: Insistence
  #rulebook: Rulebook | null = null

  constructor(
    port: Pick<KeeperPort, 'obey'>,
    { alarm, againMs }: Pick<InsistenceOptions, 'alarm' | 'againMs'>,
  ) {
    this.#insistence = new Insistence({
      task: async () => {
        if (this.#rulebook !== null) await port.obey(keyTimesOf(this.#rulebook))
      },
      alarm,
      text: 'the keeper has not taken the times of keys of the rulebook that rules: keys may outlive them; it is told again every ten seconds',
      ...(againMs === undefined ? {} : { againMs }),
    })
  }

  /** The keeper shall obey this one from now on. Never throws, and waits for nobody. */
  tell(rulebook: Rulebook): void {
    this.#rulebook = rulebook
    this.#insistence.start()
  }

  stop(): Promise<void> {
    return this.#insistence.stop()
  }
}
