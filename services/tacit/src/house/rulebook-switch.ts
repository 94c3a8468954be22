/**
 * Changes of the rulebook on a running instance: looks at the register, checks again what it finds, and lets the next
 * rulebook rule when its time has come.
 *
 * Invariants
 * - What does not verify here is not obeyed, whoever wrote it: ingest goes on under the former one, with an alarm.
 * - `applied` is written in the same turn in which the switch is made, before anything is decided by the new one.
 */
import { type Clock, TacitError } from '@tacit/contracts'
import { diffRulebooks } from '@tacit/rulebook'
import { requireNotice } from './activation.js'
import { type Approvers, requireApprovals } from './approvals.js'
import type { Realm } from './realm.js'
import { archivedRulebook, storeRulebook } from './rulebook-files.js'
import type { Pending } from './rulebook-history.js'

/** A change is prepared so long before it holds. */
const AHEAD_MS = 60_000

export interface RulebookSwitchOptions {
  readonly realm: Realm
  readonly clock: Clock
  readonly approvers: () => Approvers
  readonly alarm: (message: string) => void
}

export class RulebookSwitch {
  readonly #options: RulebookSwitchOptions
  /** sequence numbers of changes that were refused: said once */
  readonly #refused = new Set<number>()
  /** sequence number of the change that waits for its moment */
  #prepared: number | null = null

  constructor(options: RulebookSwitchOptions) {
    this.#options = options
  }

  /** Prepares a change whose time comes soon, makes one that is due. @returns whether another rulebook rules now */
  async look(): Promise<boolean> {
    const { clock, realm } = this.#options
    const before = realm.rulebook.hash
    const { pending } = realm.rulebooks.history
    if (this.#prepared !== null && this.#prepared !== pending?.seq) {
      // It was taken back.
      this.#prepared = null
      realm.intake.atTime(0, null)
    }
    if (pending !== null && clock.now() >= pending.takesEffect - AHEAD_MS) await this.#take(pending)
    realm.intake.lookAt(clock.now())
    if (realm.rulebook.hash === before) return false
    storeRulebook(realm.layout.rulebook, realm.rulebook)
    return true
  }

  async #take(pending: Pending['entry']): Promise<void> {
    if (this.#refused.has(pending.seq) || this.#prepared === pending.seq) return
    try {
      this.#verify(pending)
    } catch (error) {
      this.#refused.add(pending.seq)
      const code = error instanceof TacitError ? error.code : 'ERR_INTERNAL'
      this.#options.alarm(`a change of the rulebook was not obeyed (${code}); the former one goes on ruling`)
      return
    }
    await this.#prepare(pending)
    this.#prepared = pending.seq
  }

  /** All that was asked when it was recorded is asked again, of the texts themselves: the entry's own class is a claim. */
  #verify(entry: Pending['entry']): void {
    const { realm, approvers } = this.#options
    const { action, hash, replaces, takesEffect } = entry
    const current = realm.rulebook
    if (replaces !== current.hash) throw new TacitError('ERR_ACTIVATION_SIGNATURES')
    const next = archivedRulebook(realm.layout.archive, hash)
    const diff = diffRulebooks(current, next)
    const entries = realm.rulebooks.register?.entries() ?? []
    requireNotice({ action, current, next, entries, takesEffect }, diff)
    if (action === 'activate' || diff.class === 'loosen')
      requireApprovals(approvers(), { action, hash, replaces }, entry.signatures)
  }

  async #prepare(entry: Pending['entry']): Promise<void> {
    const { clock, realm } = this.#options
    const next = archivedRulebook(realm.layout.archive, entry.hash)
    const notBefore = entry.atOnce ? Number.NEGATIVE_INFINITY : entry.takesEffect
    const rule = await realm.prepare(next, notBefore)
    // Prepared in time, it decides from its very moment on; else from now on.
    const from = Math.max(entry.takesEffect, clock.now())
    realm.intake.atTime(from, () => {
      const action = { action: 'applied', applies: entry.seq, hash: entry.hash, from } as const
      realm.rulebooks.register?.append(action, clock.now())
      rule()
    })
  }
}
