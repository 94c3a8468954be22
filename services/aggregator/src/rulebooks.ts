/** The rulebooks that an aggregator meets: those of batches on their way, and those that ruled over a window. */
import type { Rulebook } from '@tacit/rulebook'

export interface Rulebooks {
  /** The one that rules now. */
  current(): Rulebook
  /** The one of a hash, or null where nobody ever activated it. */
  ofHash(hash: string): Rulebook | null
  /**
   * Those that may have decided rows of a window, oldest first, at least one.
   * @param start @param end ms, of the window @param closes ms, end + lateness
   */
  ruling(start: number, end: number, closes: number): readonly Rulebook[]
}

/** One rulebook for ever. */
export function soleRulebook(rulebook: Rulebook): Rulebooks {
  return {
    current: () => rulebook,
    ofHash: (hash) => (hash === rulebook.hash ? rulebook : null),
    ruling: () => [rulebook],
  }
}
