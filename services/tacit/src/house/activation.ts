/**
 * Whether a change of the rulebook may be made, and from when it holds. Pure: the register, the clock and the texts are
 * handed in, so every rule of it can be tried at any date. Sources: design.md, "Disclosure", step 7; controls.md, clause 11.
 */
import { DAY, TacitError } from '@tacit/contracts'
import type { RegisterAction, RegisterEntry, Signature } from '@tacit/keeper'
import {
  diffRulebooks,
  hasOwnNotice,
  hasOwnPolicy,
  isSameHouse,
  NOTICE_DAYS,
  type Rulebook,
  type RulebookDiff,
  takingEffect,
} from '@tacit/rulebook'
import { type Approvers, requireApprovals } from './approvals.js'
import { historyOf, noticeOf } from './rulebook-history.js'

export interface ActivationRequest {
  readonly action: 'activate' | 'rollback'
  readonly current: Rulebook
  readonly next: Rulebook
  readonly entries: readonly RegisterEntry[]
  /** who may sign; only asked for where signatures are needed */
  readonly approvers: () => Approvers
  readonly signatures: readonly Signature[]
  /** ms */
  readonly now: number
}

export interface ActivationPlan {
  readonly diff: RulebookDiff
  readonly takesEffect: number
  /** what is written into the register */
  readonly record: RegisterAction & { readonly action: 'activate' | 'rollback' }
}

const utcDate = (time: number): string => new Date(time).toISOString().slice(0, 10)

/**
 * Keys, tables and pseudonyms belong to one purpose and to one kind of identity (INV-21).
 * @throws TacitError ERR_ACTIVATION_APART
 */
export function requireSameHouse(current: Rulebook, next: Rulebook): void {
  if (isSameHouse(current, next)) return
  throw new TacitError(
    'ERR_ACTIVATION_APART',
    'Another purpose, region or identity of a site has keys and tables of its own: start it with another --data directory',
  )
}

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

/**
 * Plans a change.
 * @throws TacitError ERR_ACTIVATION_NOTHING, _PENDING, _APART, _CLOCK, _EXPIRED, _POLICY, _NOTICE, _TOO_EARLY, _SIGNATURES, _STRANGER, _APPROVERS
 */
export function planActivation(request: ActivationRequest): ActivationPlan {
  const { action, approvers, current, entries, next, now, signatures } = request
  const last = entries.at(-1)
  if (last !== undefined && now < last.time) {
    throw new TacitError(
      'ERR_ACTIVATION_CLOCK',
      'The clock is behind the register of rulebooks; set it right, then try again',
    )
  }
  if (current.hash === next.hash) {
    throw new TacitError('ERR_ACTIVATION_NOTHING', 'That rulebook rules already; there is nothing to change')
  }
  if (historyOf(entries).pending !== null) {
    throw new TacitError(
      'ERR_ACTIVATION_PENDING',
      'Another change waits to take effect; `tacit rules rollback` takes it back',
    )
  }
  requireSameHouse(current, next)
  const diff = diffRulebooks(current, next)
  const { at, atOnce } = takingEffect(diff, next, now)
  if (next.expires <= at) {
    throw new TacitError(
      'ERR_ACTIVATION_EXPIRED',
      `The rulebook expires on ${utcDate(next.expires)}, before it would take effect; set a later \`expires\``,
    )
  }
  requireNotice({ action, current, next, entries, takesEffect: at }, diff)
  // Going back to what ruled before needs hands only where it loosens, and never another month.
  if (diff.class === 'loosen' || action === 'activate') {
    requireApprovals(approvers(), { action, hash: next.hash, replaces: current.hash }, signatures)
  }
  return {
    diff,
    takesEffect: at,
    record: {
      action,
      hash: next.hash,
      replaces: current.hash,
      class: diff.class,
      takesEffect: at,
      atOnce,
      signatures,
    },
  }
}
