/** From when a change holds: at once where that splits no window, else from a UTC midnight. */
import { DAY } from '@tacit/contracts'
import type { Rulebook } from '../types.js'
import type { Change, RulebookDiff } from './types.js'

/** What names and dates a rulebook: it says nothing of what happens to people. */
const FRAME: ReadonlySet<string> = new Set([
  'rulebook',
  'version',
  'effective',
  'expires',
  'notice.at',
  'examples',
])

/** Whether a change is of a rulebook's name, dates or examples alone. */
export function isFrame(change: Change): boolean {
  return FRAME.has(change.path)
}

/**
 * Changes of what is decided and transformed; statistics, thresholds and times hang on whole windows, and so does what is
 * told of a sensitive event.
 */
const AT_ONCE = /^(?:fields|scan|purpose|sites|events|bots|assets)\b(?!.*\.sensitive$)/

/**
 * Whether a change may take effect in the middle of a day: it tightens decision or transformation, and touches nothing
 * else (design.md, "Disclosure", step 7).
 */
function mayTakeEffectAtOnce(diff: RulebookDiff): boolean {
  const meant = diff.changes.filter((change) => !isFrame(change))
  return (
    diff.class !== 'loosen' &&
    meant.some((change) => change.class === 'tighten') &&
    meant.every((change) => AT_ONCE.test(change.path))
  )
}

/** From when a change that is made now would hold: at once for a tightening of decision and transformation, else from a UTC midnight. @param now ms */
export function takingEffect(
  diff: RulebookDiff,
  next: Rulebook,
  now: number,
): { readonly at: number; readonly atOnce: boolean } {
  if (mayTakeEffectAtOnce(diff) && next.effective <= now) return { at: now, atOnce: true }
  const midnight = (Math.floor(now / DAY) + 1) * DAY
  return { at: Math.max(midnight, next.effective), atOnce: false }
}
