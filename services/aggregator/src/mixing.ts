/**
 * Mixing (design.md, decision 3): which hours of receipt are full enough to move. Pure.
 *
 * Who looks at staging before and after a move knows which rows came with it, and among the people of those a row of a
 * week or a month is hidden. At low traffic an hour alone is nobody's cover. So hours wait until those that move
 * together hold at least {@link MIN_BEACONS} beacons for each epoch of such a stream, or until their UTC day is over. An
 * hour is longer than the ten minutes over which rows are mixed at least.
 *
 * What is counted are *batches that left rows of that epoch*. A batch holds at least one beacon and says nowhere how
 * many, so rows may wait longer than they had to, never less long. A beacon that left no row there hides nobody there,
 * so each epoch is counted by itself. Beacons are counted, not people: among the beacons of one person nobody is hidden.
 */
import { DAY, epochFromLabel, type Stream } from '@tacit/contracts'
import type { ReceiptHour } from './records.js'

export const MIN_BEACONS = 200

/** Rows of these streams outlive the day whose rows could tell who they are of. */
const MIXED: readonly Stream[] = ['week', 'month']

export function isMixed(stream: Stream): boolean {
  return MIXED.includes(stream)
}

/** An hour (ms) that could move. */
export type CompleteHour = { readonly hour: number } & Pick<ReceiptHour, 'rows' | 'batches'>

/** An epoch of a stream that hours have rows of. */
interface Group {
  readonly end: number
  readonly hours: number[]
  beacons: number
}

function groupsOf(hours: readonly CompleteHour[]): Iterable<Group> {
  const groups = new Map<string, Group>()
  for (const { batches, hour, rows } of hours) {
    for (const stream of MIXED) {
      for (const [epoch, count] of Object.entries(rows[stream] ?? {})) {
        if (count === 0) continue
        const group = groups.get(epoch) ?? { end: epochFromLabel(epoch).end, hours: [], beacons: 0 }
        group.hours.push(hour)
        group.beacons += batches?.[epoch] ?? 0
        groups.set(epoch, group)
      }
    }
  }
  return groups.values()
}

/** When no more hours of the hour's UTC day can come. */
const endOfDay = (hour: number): number => hour - (hour % DAY) + DAY

/**
 * The hours that wait for others, with their rows of every stream. Hours without rows of a week or a month wait for
 * nobody; neither does what came for an epoch that is over, because hardly anything follows.
 * @param complete hours that could move @param now ms
 */
export function heldBack(complete: readonly CompleteHour[], now: number): ReadonlySet<number> {
  const held = new Set<number>()
  // An hour that is held for one epoch is no cover in another: looked at again until no more are held.
  for (let before = -1; before < held.size; ) {
    before = held.size
    for (const { beacons, end, hours } of groupsOf(complete.filter(({ hour }) => !held.has(hour)))) {
      if (beacons >= MIN_BEACONS || end <= now) continue
      for (const hour of hours) if (now < endOfDay(hour)) held.add(hour)
    }
  }
  return held
}
