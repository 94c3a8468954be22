/**
 * The register of rulebooks in the audit log: each of its entries is put on record by number and digest, so that nobody
 * can change it, take from it or date it back without that showing.
 *
 * Invariants
 * - An entry counts as known to the world from the moment at which it is on record, whatever time it states.
 * - An entry that is on record and now says something else, or is gone, ends everything by name: a register that was
 *   tampered with must not choose the rules.
 * - What was on record of a number first counts; another word for it later ends everything by name too. Only this
 *   process's own words count: as `operator` in process, as `aggregator/NAME` through a keeper of another process.
 * - Until the log could be read (its keeper is down), nothing of the register is on record.
 * Recovery: entries that other processes wrote while nothing ran are put on record at the next start.
 */
import { hash } from 'node:crypto'
import { type AuditEvent, canonicalJson } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import type { AuditService, RegisterEntry, RulebookRegister } from '@tacit/keeper'
import { auditEntries } from './audit-entries.js'

interface Recorded {
  readonly digest: string
  /** ms */
  readonly time: number
}

const digestOf = (entry: RegisterEntry): string => hash('sha256', canonicalJson(entry), 'hex')

export class RegisterEvidence {
  readonly #register: RulebookRegister
  readonly #audit: AuditService
  /** by the register's number; null until the log was read */
  #recorded: ReadonlyMap<number, Recorded> | null = null

  /** what was said was put on record, and not as ours */
  #unheard = false

  constructor(register: RulebookRegister, audit: AuditService) {
    this.#register = register
    this.#audit = audit
  }

  /** Whether it is known what is on record. */
  get isKnown(): boolean {
    return this.#recorded !== null
  }

  /**
   * Checks the register by what is on record, and puts on record what is not.
   * @throws TacitError ERR_REGISTER_DAMAGED; ERR_KEEPER_…, ERR_AUDIT_… where the log cannot be read or written
   */
  async sync(): Promise<void> {
    this.#assertHeard()
    this.#recorded ??= await this.#read()
    const recorded = this.#recorded
    const entries = this.#register.entries()
    if (entries.length < Math.max(0, ...recorded.keys())) throw changed('entries that are on record are gone')
    const fresh: RegisterEntry[] = []
    for (const entry of entries) {
      const known = recorded.get(entry.seq)
      if (known === undefined) fresh.push(entry)
      else if (known.digest !== digestOf(entry))
        throw changed(`entry ${String(entry.seq)} is not what it was`)
    }
    if (fresh.length === 0) return
    await this.#audit.record(fresh.map(eventOf))
    // Its date there may differ by the way: the clock of the one who writes the log counts.
    const grown = await this.#read()
    this.#recorded = grown
    // Said again with each look, the log would grow for ever.
    if (!fresh.every(({ seq }) => grown.has(seq))) this.#unheard = true
    this.#assertHeard()
  }

  #assertHeard(): void {
    if (!this.#unheard) return
    throw new TacitError(
      'ERR_KEEPER_REFUSED',
      'The keeper puts the register of rulebooks on record under a name that is no aggregator’s: its certificate must name this process as one (docs/keys.md), and its version must be this one’s',
    )
  }

  async #read(): Promise<ReadonlyMap<number, Recorded>> {
    const recorded = new Map<number, Recorded>()
    for await (const { action, actor, object, time } of auditEntries(this.#audit)) {
      if (action !== 'rulebook.recorded' || !isOurs(actor)) continue
      const first = recorded.get(object.register)
      if (first === undefined)
        recorded.set(object.register, { digest: object.digest, time: Date.parse(time) })
      else if (first.digest !== object.digest)
        throw changed(`entry ${String(object.register)} was put on record in two ways`)
    }
    return recorded
  }

  /** The entries, each dated by when it was on record if that was later; those that are not yet are left out. */
  entries(): readonly RegisterEntry[] {
    return this.#register.entries().flatMap((entry) => {
      const recorded = this.#recorded?.get(entry.seq)
      return recorded === undefined ? [] : [{ ...entry, time: Math.max(entry.time, recorded.time) }]
    })
  }
}

const ACTOR = 'operator'

/** A keeper of another process puts in the place of the actor who its certificate says he is. */
const isOurs = (actor: string): boolean => actor === ACTOR || actor.startsWith('aggregator/')

function eventOf(entry: RegisterEntry): AuditEvent {
  const rulebook = 'hash' in entry ? entry.hash : null
  return {
    actor: ACTOR,
    rulebook,
    action: 'rulebook.recorded',
    object: { register: entry.seq, kind: entry.action, hash: rulebook, digest: digestOf(entry) },
  }
}

const changed = (what: string): TacitError =>
  new TacitError(
    'ERR_REGISTER_DAMAGED',
    `The register of rulebooks differs from the audit log (${what}); restore it from a backup, and find out who changed it`,
  )
