/**
 * Whose each producer is: who reads the name of another's in the log may not ask for its keys.
 *
 * Format: the file `producers` beside the keys, `[["0123456789abcdef",{"party":"collector/eu-1","hour":1785888000000}],…]`.
 * Invariants
 * - That a producer is a party's is on disk before the party is given a key of it.
 * - It stays so for as long as the key of an hour in which it seals may live, and is forgotten within an hour after that.
 * - Nobody has more of them than are free for others: one party takes half of the room at most, many leave some for the next.
 *   Where there is no room, nobody is forgotten for another.
 * Recovery: what a crash left half written is as none: then a producer belongs to whoever asks for it first. Likewise after a
 * takeover, since this is not copied.
 */
import { HOUR, TacitError } from '@tacit/contracts'
import { keepText, keptText } from './kept-text.js'
import type { KeyFiles } from './key-files.js'

const NAME = 'producers'
/** A collector has a new one at each start: one that is alone may be started every four seconds all day long. */
export const MAX_PRODUCERS = 50_000
/** From the beginning of the last hour in which it seals; the key of that hour lives for 24, ms. */
const KNOWN_MS = 25 * HOUR

interface Owned {
  readonly party: string
  /** ms: the last hour that it asked a key of */
  readonly hour: number
}

export class Producers {
  readonly #files: KeyFiles
  #owned: ReadonlyMap<string, Owned>

  private constructor(files: KeyFiles, owned: ReadonlyMap<string, Owned>) {
    this.#files = files
    this.#owned = owned
  }

  static async open(files: KeyFiles): Promise<Producers> {
    const text = await keptText(files, NAME)
    return new Producers(files, new Map(text === null ? [] : (JSON.parse(text) as [string, Owned][])))
  }

  /**
   * Whether a party may seal as a producer in an hour; one that is nobody's becomes its own. Callers hold the keeper's lock.
   * @param hour @param now ms
   * @throws TacitError ERR_KEY_PRODUCERS where the party may have no other
   */
  async claim(producer: string, party: string, hour: number, now: number): Promise<boolean> {
    const isLiving = ({ hour: last }: Owned): boolean => now < last + KNOWN_MS
    const known = this.#owned.get(producer)
    if (known !== undefined && isLiving(known)) {
      if (known.party !== party) return false
      if (known.hour >= hour) return true
    } else {
      // Before anything is copied: who is refused asks again four times a second.
      const all = [...this.#owned.values()].filter(isLiving)
      const own = all.filter((other) => other.party === party)
      if (own.length + all.length >= MAX_PRODUCERS) throw new TacitError('ERR_KEY_PRODUCERS')
    }
    const owned = new Map([...this.#owned].filter(([, bond]) => isLiving(bond)))
    owned.set(producer, { party, hour })
    await keepText(this.#files, NAME, JSON.stringify([...owned]))
    this.#owned = owned
    return true
  }
}
