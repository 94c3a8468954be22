/** What detectors found, as sums of UTC days: kinds and fields, never what was found. */
import { type BatchHeader, utcDay } from '@tacit/contracts'

/** Events of one day by `detector field`. */
export type DetectedSums = Record<string, number>

/** Events that a detector dropped in a field on the UTC day of their receipt. */
export interface DetectionRow {
  readonly day: string
  readonly detector: string
  /** a name of the rulebook's, or `props` for what no rule names */
  readonly field: string
  readonly events: number
}

/** Adds what detectors found in a batch to the sums of days, by `detector field`. */
export function addDetected(into: Map<string, DetectedSums>, { detected = {}, hour }: BatchHeader): void {
  const day = utcDay(hour)
  for (const [name, events] of Object.entries(detected)) {
    const sums = into.get(day) ?? {}
    sums[name] = (sums[name] ?? 0) + events
    into.set(day, sums)
  }
}

/** Sums of days as rows, in order of the day, then of detector and field. */
export function detectionRows(days: ReadonlyMap<string, Readonly<DetectedSums>>): DetectionRow[] {
  return [...days]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([day, sums]) =>
      Object.keys(sums)
        .sort()
        .map((name) => {
          const [detector = '', field = ''] = name.split(' ')
          return { day, detector, field, events: sums[name] ?? 0 }
        }),
    )
}
