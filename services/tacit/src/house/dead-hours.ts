/**
 * Hours that time reaches a second time: after a step back of the clock their log keys may be destroyed, none is made
 * twice, and nothing of them can be sealed.
 */
import { HOUR, hourLabel, hourOf, rfc3339 } from '@tacit/contracts'

/** Of a key: `hour:2026-08-05T10`, and when it was destroyed (RFC 3339). */
export interface KeyEnd {
  readonly id: string
  readonly destroyed: string | null
}

/** The first hour (ms) that can be sealed again, or null where the one that runs can be. @param now ms */
export function sealableFrom(keys: readonly KeyEnd[], now: number): number | null {
  const dead = new Set(keys.filter(({ destroyed }) => destroyed !== null).map(({ id }) => id))
  let hour = hourOf(now)
  while (dead.has(hourLabel(hour))) hour += HOUR
  return hour === hourOf(now) ? null : hour
}

/** Why beacons get 503, and how long. @param from of {@link sealableFrom} */
export const deadHoursText = (from: number): string =>
  `time was here before, the log keys of the hours before ${rfc3339(from)} are destroyed, and no second one is made: until then nothing can be sealed, and beacons get 503`
