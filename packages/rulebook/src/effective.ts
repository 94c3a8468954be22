/** Whether a rulebook rules at a given time. */
import type { Rulebook } from './types.js'

/**
 * From the start of `effective` to the start of `expires`, in UTC.
 * @param now milliseconds since the epoch, of the system clock (never of a line's time)
 */
export function effectiveNow(
  rulebook: Pick<Rulebook, 'effective' | 'expires'>,
  now: number,
): 'active' | 'not_yet' | 'expired' {
  if (now < rulebook.effective) return 'not_yet'
  return now < rulebook.expires ? 'active' : 'expired'
}
