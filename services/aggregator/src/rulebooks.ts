/** The rulebooks that an aggregator meets: those of batches on their way, and those that ruled over a window. */
import type { Rulebook } from '@tacit/rulebook'

/** A rulebook's time of ruling. */
export interface Reign {
  readonly hash: string
  /** ms: what was received from then on it decided; -Infinity for the first */
  readonly from: number
  /** ms, excluded; Infinity for the one that rules */
  readonly until: number
}

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
  /** Which ruled when, in order; null where that is on no record. */
  reigns(): readonly Reign[] | null
}

/** When a window closes: its end and the longest lateness of those that ruled over it. @param start @param end ms */
export function closingTime(rulebooks: Rulebooks, start: number, end: number): number {
  return end + Math.max(...rulebooks.ruling(start, end, end).map(({ epochs }) => epochs.latenessMs))
}

/** One rulebook for ever. */
export function soleRulebook(rulebook: Rulebook): Rulebooks {
  return {
    current: () => rulebook,
    ofHash: (hash) => (hash === rulebook.hash ? rulebook : null),
    ruling: () => [rulebook],
    reigns: () => [{ hash: rulebook.hash, from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }],
  }
}
