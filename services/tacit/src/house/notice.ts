/** What every loosening must bring, wherever it is looked at. Pure. Source: controls.md, clause 11. */
import { DAY, TacitError } from '@tacit/contracts'
import type { RegisterEntry } from '@tacit/keeper'
import { hasOwnNotice, hasOwnPolicy, NOTICE_DAYS, type Rulebook, type RulebookDiff } from '@tacit/rulebook'
import { historyOf, noticeOf } from './rulebook-history.js'

export const utcDate = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** A change, as far as the rules for a loosening look at it. */
export interface Loosening {
  readonly action: 'activate' | 'rollback'
  readonly current: Rulebook
  readonly next: Rulebook
  readonly entries: readonly RegisterEntry[]
  /** ms */
  readonly takesEffect: number
}

/** What the rulebook itself must say: a policy and a notice of its own. Asked first, as another text is told anew. */
function requireOwnWords({ current, next }: Loosening, diff: RulebookDiff): void {
  if (diff.refusal !== null) throw new TacitError('ERR_ACTIVATION_TOO_EARLY', diff.refusal.message)
  if (!hasOwnPolicy(current, next)) {
    throw new TacitError(
      'ERR_ACTIVATION_POLICY',
      `It loosens the rules under the policy of ${next.policy.version}, and the consent that people gave to the policy of ${current.policy.version} does not cover a loosening: publish a newer policy, write its date as policy.version, and let the ERP ask people anew`,
    )
  }
  if (!hasOwnNotice(current, next)) {
    throw new TacitError(
      'ERR_ACTIVATION_NOTICE',
      'It loosens the rules, and its notice is the former rulebook’s: tell people of this change, and write that day as notice.at',
    )
  }
}

/**
 * What every loosening must bring, wherever it is looked at: a newer policy where people are asked for consent, a notice
 * of its own, on record, and 30 days between it and its taking effect. A roll-back had all that when it first ruled.
 * @throws TacitError ERR_ACTIVATION_POLICY, _NOTICE, _TOO_EARLY
 */
export function requireNotice(change: Loosening, diff: RulebookDiff): void {
  const { action, entries, next, takesEffect } = change
  if (diff.class !== 'loosen') return
  if (action === 'rollback') {
    if (historyOf(entries).reigns.some(({ hash }) => hash === next.hash)) return
    throw new TacitError(
      'ERR_ACTIVATION_NOTICE',
      'It never ruled here, so nobody can go back to it; activate it',
    )
  }
  requireOwnWords(change, diff)
  const told = noticeOf(entries, next.hash)
  if (told === null) {
    throw new TacitError(
      'ERR_ACTIVATION_NOTICE',
      'It loosens the rules, and no notice of it is on record: tell people, then run `tacit rules notice FILE`; 30 days later it may take effect',
    )
  }
  const earliest = told + NOTICE_DAYS * DAY
  if (takesEffect >= earliest) return
  throw new TacitError(
    'ERR_ACTIVATION_TOO_EARLY',
    `It loosens the rules, and people were told of it less than ${String(NOTICE_DAYS)} days ago; try again from ${utcDate(earliest)} on`,
  )
}
