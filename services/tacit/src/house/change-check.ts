/**
 * Whether a change that stands in the register is one that may be obeyed: all that was asked when it was recorded is
 * asked again, of the texts themselves, as the entry's own class is a claim. Pure but for what it is handed.
 */
import { TacitError } from '@tacit/contracts'
import type { RegisterEntry } from '@tacit/keeper'
import { diffRulebooks, type Rulebook } from '@tacit/rulebook'
import { requireApprovals } from './approvals.js'
import type { Approvers } from './approvers.js'
import { requireNotice } from './notice.js'
import type { Activation } from './rulebook-history.js'

export interface ChangeFacts {
  /** the one that rules */
  readonly current: Rulebook
  readonly entries: readonly RegisterEntry[]
  /** the rulebook of a hash, or a throw */
  readonly archived: (hash: string) => Rulebook
  /** whose signatures count; only asked for where signatures are needed */
  readonly approvers: () => Approvers
}

/** @throws TacitError with the reason why it may not be obeyed */
export function verifyChange(entry: Activation, facts: ChangeFacts): void {
  const { approvers, archived, current, entries } = facts
  const { action, hash, replaces, takesEffect } = entry
  if (replaces !== current.hash) throw new TacitError('ERR_ACTIVATION_SIGNATURES')
  const next = archived(hash)
  const diff = diffRulebooks(current, next)
  requireNotice({ action, current, next, entries, takesEffect }, diff)
  if (action === 'activate' || diff.class === 'loosen')
    requireApprovals(approvers(), { action, hash, replaces }, entry.signatures)
}

/** Whether a change may be obeyed. @throws TacitError ERR_ACTIVATION_APPROVERS where nobody is known who could say so */
export function isVerified(entry: Activation, facts: ChangeFacts): boolean {
  try {
    verifyChange(entry, facts)
    return true
  } catch (error) {
    if (error instanceof TacitError && error.code === 'ERR_ACTIVATION_APPROVERS') throw error
    return false
  }
}
