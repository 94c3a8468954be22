/**
 * What may be said of a shadow's counters. They are numbers about people (design.md, "Counters are public numbers too"),
 * and a rulebook could be written to ask for one of them: so only whole percents of at least 100 events are said, and
 * nothing that fewer than ten events make up.
 */

/** Events that a share is of, at least. */
const MIN_EVENTS = 100
/** Events that make up what is said, and what is left, at least; numbers are floored to it. */
const STEP = 10

/** Counters; they hold names of the rulebooks and nothing of a beacon. */
export interface ShadowTally {
  /** beacons that came */
  offered: number
  /** beacons that both rulebooks were tried on */
  tried: number
  /** events by outcome under the one that rules, line feed, outcome under the next */
  readonly pairs: Map<string, number>
  /** events that both accept and at least one makes a record of */
  recorded: number
  /** of these, those whose value differs, by dimension */
  readonly differing: Map<string, number>
  /** dimensions that only the new rulebook has */
  readonly added: readonly string[]
  /** dimensions that only the one that rules has */
  readonly removed: readonly string[]
}

export interface ShadowReport {
  /** events that were tried, floored to ten; null below 100, and then nothing is said */
  readonly events: number | null
  /** whole percent of the beacons that were tried */
  readonly tried: number | null
  /** whole percent of events whose outcome is another one */
  readonly changed: number | null
  /** whole percent of events by their outcome under both, the largest first; those of fewer than ten events are left out */
  readonly outcomes: readonly { readonly now: string; readonly next: string; readonly share: number }[] | null
  /** of the events that both accept: whole percent of those whose value would be another one */
  readonly dimensions: readonly { readonly dimension: string; readonly differs: number }[] | null
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** A whole percent; 0 and 100 also where fewer than ten events are on the other side. */
function shareOf(part: number, whole: number): number {
  if (part < STEP) return 0
  if (whole - part < STEP) return 100
  return Math.min(99, Math.max(1, Math.round((100 * part) / whole)))
}

/** The counters as they may be shown. */
export function shadowReport(tally: ShadowTally): ShadowReport {
  const { added, differing, offered, pairs, recorded, removed, tried } = tally
  const counted = [...pairs].map(([pair, count]) => {
    const [now = '', next = ''] = pair.split('\n')
    return { now, next, count }
  })
  const events = counted.reduce((sum, { count }) => sum + count, 0)
  if (events < MIN_EVENTS) {
    return { events: null, tried: null, changed: null, outcomes: null, dimensions: null, added, removed }
  }
  const changed = counted.filter(({ now, next }) => now !== next).reduce((sum, { count }) => sum + count, 0)
  return {
    events: events - (events % STEP),
    tried: Math.round((100 * tried) / offered),
    changed: shareOf(changed, events),
    outcomes: counted
      .filter(({ count }) => count >= STEP)
      .sort((a, b) => b.count - a.count || (a.now + a.next < b.now + b.next ? -1 : 1))
      .map(({ count, now, next }) => ({ now, next, share: shareOf(count, events) })),
    dimensions:
      recorded < MIN_EVENTS
        ? null
        : [...differing].map(([dimension, count]) => ({ dimension, differs: shareOf(count, recorded) })),
    added,
    removed,
  }
}
