/**
 * Changes of the rulebook on a running instance: looks at the register, checks again what it finds, says in the register
 * whether it will obey, and lets the next rulebook rule when its time has come.
 *
 * Invariants
 * - What does not verify here is not obeyed, whoever wrote it: ingest goes on under the former one, with an alarm.
 * - A change is checked when it is first seen, so that whoever made it learns the answer, and again when its time comes:
 *   approvers may be others by then. What an earlier process or another program said in the register is never believed.
 * - `applied` is written in the same turn in which the switch is made, before anything is decided by the new one.
 */
import type { Clock, ProblemCode } from '@tacit/contracts'
import type { Approvers } from './approvers.js'
import { verifyChange } from './change-check.js'
import type { Realm } from './realm.js'
import { archivedRulebook, storeRulebook } from './rulebook-files.js'
import type { RegisterEvidence } from './register-evidence.js'
import type { Activation } from './rulebook-history.js'
import { errorCode } from './error-code.js'

/** A change is prepared so long before it holds. */
const AHEAD_MS = 60_000

/** What of a realm a change touches. */
export type SwitchedRealm = Pick<Realm, 'layout' | 'prepare' | 'rulebook' | 'rulebooks'> & {
  /** the register as the audit log knows it */
  readonly registerEvidence: Pick<RegisterEvidence, 'entries' | 'sync'> | null
  readonly intake: Pick<Realm['intake'], 'atTime' | 'lookAt'>
}

export interface RulebookSwitchOptions {
  readonly realm: SwitchedRealm
  readonly clock: Clock
  readonly approvers: () => Approvers
  readonly alarm: (message: string) => void
}

interface Verdict {
  /** why it is not obeyed; null where it is */
  readonly code: ProblemCode | null
  /** whether its time had come when it was checked */
  readonly isDue: boolean
}

export class RulebookSwitch {
  readonly #options: RulebookSwitchOptions
  /** by sequence number of the change */
  readonly #verdicts = new Map<number, Verdict>()
  /** sequence number of the change that waits for its moment */
  #prepared: number | null = null
  #saidUnrecorded = false

  constructor(options: RulebookSwitchOptions) {
    this.#options = options
  }

  /** Checks what it sees first, prepares what comes soon, makes what is due. @returns whether another rulebook rules now */
  async look(): Promise<boolean> {
    const { clock, realm } = this.#options
    const before = realm.rulebook.hash
    if (!(await this.#isOnRecord())) return false
    const pending = this.#pending()
    if (this.#prepared !== null && this.#prepared !== pending?.seq) {
      // It was taken back.
      this.#prepared = null
      realm.intake.atTime(0, null)
    }
    if (pending !== null && this.#isDue(pending) && this.#prepared !== pending.seq) {
      await this.#prepare(pending)
      this.#prepared = pending.seq
    }
    realm.intake.lookAt(clock.now())
    if (realm.rulebook.hash === before) return false
    storeRulebook(realm.layout.rulebook, realm.rulebook)
    return true
  }

  /** Whether the register is what the audit log says, all of it. Where it is not, the one that rules goes on. */
  async #isOnRecord(): Promise<boolean> {
    const { alarm, realm } = this.#options
    try {
      await realm.registerEvidence?.sync()
      this.#saidUnrecorded = false
      return true
    } catch (error) {
      const code = errorCode(error)
      if (!this.#saidUnrecorded)
        alarm(
          `no change of the rulebook is looked at (${code}): the register and the audit log do not agree, or the log cannot be written`,
        )
      this.#saidUnrecorded = true
      return false
    }
  }

  #isDue({ takesEffect }: Activation): boolean {
    return this.#options.clock.now() >= takesEffect - AHEAD_MS
  }

  /** The change that will rule: of those that wait the last that verifies, whatever others wrote after it. */
  #pending(): Activation | null {
    let pending: Activation | null = null
    for (const { entry, verified } of this.#options.realm.rulebooks.history.waiting) {
      if (this.#verdictOn(entry, verified) === null) pending = entry
    }
    return pending
  }

  /** @param recorded what the register says that the instance found @returns why it is not obeyed, or null */
  #verdictOn(entry: Activation, recorded: boolean | null): ProblemCode | null {
    const isDue = this.#isDue(entry)
    const known = this.#verdicts.get(entry.seq)
    if (known !== undefined && (known.isDue || !isDue)) return known.code
    const code = this.#check(entry)
    this.#verdicts.set(entry.seq, { code, isDue })
    if (code !== null && code !== known?.code) {
      this.#options.alarm(
        `a change of the rulebook is not obeyed (${code}); the one that rules goes on, and \`tacit rules rollback\` takes the change back`,
      )
    }
    if (recorded !== (code === null)) this.#record(entry, code)
    return code
  }

  #check(entry: Activation): ProblemCode | null {
    const { approvers, realm } = this.#options
    try {
      verifyChange(entry, {
        current: realm.rulebook,
        entries: realm.registerEvidence?.entries() ?? realm.rulebooks.register?.entries() ?? [],
        archived: (hash) => archivedRulebook(realm.layout.archive, hash),
        approvers,
      })
      return null
    } catch (error) {
      return errorCode(error)
    }
  }

  #record(entry: Activation, code: ProblemCode | null): void {
    const { alarm, clock, realm } = this.#options
    try {
      realm.rulebooks.register?.append({ action: 'checked', checks: entry.seq, code }, clock.now())
    } catch {
      // Who waits for the answer is told that there is none; what rules does not hang on it.
      alarm(
        'what was found of a change of the rulebook could not be put on record; look at the disk and the clock',
      )
    }
  }

  async #prepare(entry: Activation): Promise<void> {
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
