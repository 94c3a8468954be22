/** When a root may come to be, when it closes, and when it dies: one rule for epochs and for log hours. */
import { type Epoch, epochFromLabel, HOUR, hourLabel, MINUTE } from '@tacit/contracts'
import type { KeyTimes } from '@tacit/keyring'

/**
 * How long before an epoch or an hour its root may come to be, ms. Collectors ask ten minutes before; the eleventh is for
 * clocks: one that is a minute ahead of the keeper's would be refused, and asks in vain while the keeper may go down.
 */
const EARLY_MS = 11 * MINUTE
/** How long counts that do not add up may hold an epoch's root beyond its time, ms. */
const MAX_HOLD_MS = 24 * HOUR

/** One key's times, in ms since the Unix epoch; each bound is the first moment of the next state. */
export interface KeyLife {
  /** `day:2026-08-05`, `week:…`, `month:…`, or `hour:2026-08-05T10` */
  readonly label: string
  readonly file: string
  readonly opensAt: number
  readonly closesAt: number
  readonly destroyAt: number
}

/** The life of an epoch's root. */
export function epochLife(epoch: Epoch, rules: KeyTimes): KeyLife {
  return {
    label: epoch.label,
    file: `${epoch.label.replace(':', '-')}.root`,
    opensAt: epoch.start - EARLY_MS,
    closesAt: epoch.end + rules.latenessMs,
    destroyAt: epoch.end + rules.destroyKeyAfterMs,
  }
}

/** Whether `hour` is a whole UTC hour that can be named. */
export function isHour(hour: number): boolean {
  return Number.isSafeInteger(hour) && hour >= 0 && hour % HOUR === 0 && hour < Date.UTC(9999, 0)
}

/** The life of an hour's log key: it has no time in which it is closed but alive. @param hour ms, see {@link isHour} */
export function hourLife(hour: number, rules: KeyTimes): KeyLife {
  const label = hourLabel(hour)
  const end = hour + rules.logKeyLifeMs
  return {
    label,
    file: `${label.replace(':', '-')}.key`,
    opensAt: hour - EARLY_MS,
    closesAt: end,
    destroyAt: end,
  }
}

/**
 * The moment at which a root dies, ms, at the primary and at a standby.
 * @param isHeld whether its counts do not add up; an hour's key dies with its day all the same
 */
export function deadlineOf({ destroyAt, label }: KeyLife, isHeld: boolean): number {
  return destroyAt + (isHeld && !label.startsWith('hour:') ? MAX_HOLD_MS : 0)
}

/** The life that a label of the journal names; null where it names none. */
export function lifeOfLabel(label: string, rules: KeyTimes): KeyLife | null {
  const hour = /^hour:(\d{4}-\d{2}-\d{2}T\d{2})$/.exec(label)?.[1]
  if (hour !== undefined) {
    const time = Date.parse(`${hour}:00:00Z`)
    return isHour(time) ? hourLife(time, rules) : null
  }
  try {
    return epochLife(epochFromLabel(label), rules)
  } catch {
    return null
  }
}

/** The life whose root a file holds; null where it is another file. */
export function lifeOfFile(file: string, rules: KeyTimes): KeyLife | null {
  const name = /^(day|week|month|hour)-(.+)\.(?:root|key)$/.exec(file)
  const life = name === null ? null : lifeOfLabel(`${name[1]}:${name[2]}`, rules)
  return life?.file === file ? life : null
}
