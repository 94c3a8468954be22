/**
 * Changes of the rulebook on a running instance: looks at the register, checks again what it finds, and lets the next
 * rulebook rule when its time has come.
 *
 * Invariants
 * - What does not verify here is not obeyed, whoever wrote it: ingest goes on under the former one, with an alarm.
 * - `applied` is written in the same turn in which the switch is made, before anything is decided by the new one.
 */
import { type Clock, TacitError } from '@tacit/contracts'
import type { RegisterEntry } from '@tacit/keeper'
import { type Approvers, requireApprovals } from './approvals.js'
import type { Realm } from './realm.js'
import { archivedRulebook, storeRulebook } from './rulebook-files.js'
import type { Pending } from './rulebook-history.js'

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

  constructor(options: RulebookSwitchOptions) {
    this.#options = options
  }

  /** Applies a change that is due. @returns whether another rulebook rules now */
  async look(): Promise<boolean> {
    const { clock, realm } = this.#options
    const { pending } = realm.rulebooks.history
    const now = clock.now()
    if (pending === null || now < pending.takesEffect || this.#refused.has(pending.seq)) return false
    try {
      this.#verify(pending)
    } catch (error) {
      this.#refused.add(pending.seq)
      const code = error instanceof TacitError ? error.code : 'ERR_INTERNAL'
      this.#options.alarm(`a change of the rulebook was not obeyed (${code}); the former one goes on ruling`)
      return false
    }
    await this.#apply(pending, clock.now())
    return true
  }

  #verify(entry: Pending['entry']): void {
    const { realm, approvers } = this.#options
    const { action, hash, replaces } = entry
    if (replaces !== realm.rulebook.hash) throw new TacitError('ERR_ACTIVATION_SIGNATURES')
    if (action === 'activate' || entry.class === 'loosen')
      requireApprovals(approvers(), { action, hash, replaces }, entry.signatures)
  }

  async #apply(entry: RegisterEntry & Pending['entry'], now: number): Promise<void> {
    const { realm } = this.#options
    const next = archivedRulebook(realm.layout.archive, entry.hash)
    const from = entry.atOnce ? Number.NEGATIVE_INFINITY : entry.takesEffect
    await realm.ruleBy(next, from, () => {
      realm.rulebooks.register?.append({ action: 'applied', applies: entry.seq, hash: entry.hash }, now)
    })
    storeRulebook(realm.layout.rulebook, next)
  }
}
