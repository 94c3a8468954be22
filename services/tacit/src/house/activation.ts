/**
 * Whether a change of the rulebook may be made, and from when it holds. Pure: the register, the clock and the texts are
 * handed in, so every rule of it can be tried at any date. Sources: design.md, "Disclosure", step 7; controls.md, clause 11.
 */
import { TacitError } from '@tacit/contracts'
import type { RegisterAction, RegisterEntry, Signature } from '@tacit/keeper'
import { diffRulebooks, isSameHouse, type Rulebook, type RulebookDiff, takingEffect } from '@tacit/rulebook'
import { requireApprovals } from './approvals.js'
import type { Approvers } from './approvers.js'
import { isVerified } from './change-check.js'
import { requireNotice, utcDate } from './notice.js'
import { historyOf } from './rulebook-history.js'

export interface ActivationRequest {
  readonly action: 'activate' | 'rollback'
  readonly current: Rulebook
  readonly next: Rulebook
  readonly entries: readonly RegisterEntry[]
  /** the rulebook of a hash, or a throw */
  readonly archived: (hash: string) => Rulebook
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

/**
 * Windows that end under the rulebook that rules close by its lateness, whatever rules then; their keys must live so long.
 * @throws TacitError ERR_ACTIVATION_KEYS
 */
function requireReleasable(current: Rulebook, next: Rulebook): void {
  if (next.epochs.destroyKeyAfterMs > current.epochs.latenessMs) return
  throw new TacitError(
    'ERR_ACTIVATION_KEYS',
    'Its `destroy_key_after` is not longer than the `lateness` of the rulebook that rules, so keys would die before their windows close: shorten `lateness` first, and `destroy_key_after` once that rules',
  )
}

/**
 * Plans a change.
 * @throws TacitError ERR_ACTIVATION_NOTHING, _PENDING, _APART, _KEYS, _CLOCK, _EXPIRED, _POLICY, _NOTICE, _TOO_EARLY, _SIGNATURES, _STRANGER, _APPROVERS
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
  // What the approvers did not sign does not wait: it must not stand in their way.
  if (historyOf(entries).waiting.some(({ entry }) => isVerified(entry, request))) {
    throw new TacitError(
      'ERR_ACTIVATION_PENDING',
      'Another change waits to take effect; `tacit rules rollback` takes it back',
    )
  }
  requireSameHouse(current, next)
  requireReleasable(current, next)
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
  const isSigned = diff.class === 'loosen' || action === 'activate'
  if (isSigned) {
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
      signatures: isSigned ? signatures : [],
    },
  }
}
