/**
 * What became of every root, as the audit log tells it: the keeper's journal and the evidence are one and the same, so
 * they cannot differ. Key material never comes near it.
 *
 * Invariants
 * - A durable append is on disk when it resolves; one that is not may be lost with power, and callers say why that is
 *   harmless.
 * - {@link KeyRecords} follow from the entries alone.
 * - What is told of a root is never dated before what was told of it last: a driven run that finishes what a crash left has no
 *   time yet, and clocks are set back by seconds.
 * Recovery: the audit log's own (audit-log room); what was read of it at a start is synced before anybody acts on it.
 */
import type { AuditEntry, AuditEvent, AuditLog } from '@tacit/audit-log'
import { type Clock, hourOf, rfc3339 } from '@tacit/contracts'
import { DatedAudit } from './dated-audit.js'
import type { KeyRecord } from './keeper-service.js'
import { hasEpoch, type KeyEvent, KeyRecords, streamOf } from './key-records.js'

type Reconciled = 'yes' | 'no' | 'unknown'

const word = (reconciled: boolean | null): Reconciled =>
  reconciled === null ? 'unknown' : reconciled ? 'yes' : 'no'

/** Whether an entry is of those that the journal follows from. */
export function tellsOfKeys({ action }: AuditEntry): boolean {
  return action.startsWith('key.') || action === 'keeper.takeover'
}

export class KeyJournal {
  readonly #records = new KeyRecords()
  #steps: readonly KeyEvent[]
  readonly audit: DatedAudit
  readonly #isDriven: boolean

  private constructor(audit: DatedAudit, entries: readonly AuditEntry[], isDriven: boolean) {
    this.audit = audit
    this.#isDriven = isDriven
    this.#steps = entries.flatMap((entry) => this.#records.take(entry) ?? [])
  }

  /** Every step that was on record at the start, in order; until {@link KeyJournal.forgetSteps}. */
  get steps(): readonly KeyEvent[] {
    return this.#steps
  }

  /**
   * @param clock dates what is appended
   * @param told the entries that {@link tellsOfKeys}, in order
   * @param isDriven whether the keeper's clock is moved by events: then only the hour is said of what they bring about
   */
  static async open(
    log: AuditLog,
    clock: Clock,
    told: readonly AuditEntry[],
    isDriven: boolean,
  ): Promise<KeyJournal> {
    // What a dead process wrote may stand in the page cache alone: acted upon, and lost with the next loss of power, a
    // begun destruction would leave an epoch that looks as if it never was.
    await log.append([], 0, true)
    return new KeyJournal(DatedAudit.of(log, clock), told, isDriven)
  }

  /** Forgets the steps, which only recovery asks for. */
  forgetSteps(): void {
    this.#steps = []
  }

  /** Every root that ever was, oldest first. */
  records(): readonly KeyRecord[] {
    return this.#records.list()
  }

  recordOf(key: string): KeyRecord | undefined {
    return this.#records.of(key)
  }

  /** Whether a root may never be made here: a keeper that is gone may have made it. */
  isWithheld(key: string): boolean {
    return this.#records.isWithheld(key)
  }

  /** Whether it is on record that a root's destruction began, finished or not. */
  isDoomed(key: string): boolean {
    return this.#records.isDoomed(key)
  }

  /** See {@link KeyRecords.objectorsTo}. */
  objectorsTo(key: string): readonly string[] {
    return this.#records.objectorsTo(key)
  }

  /** Whether it is on record that `to` was given keys of a root. */
  wasHanded(key: string, to: string): boolean {
    return this.#records.of(key)?.handedTo.includes(to) === true
  }

  /** @param at ms, by the keeper's clock @param durable synced on return, with everything before it */
  async append(events: readonly KeyEvent[], at: number, durable: boolean): Promise<void> {
    if (events.length === 0) return
    const entries = await this.audit.append(
      events.map((event) => this.#eventOf(event, at)),
      durable,
    )
    for (const entry of entries) this.#records.take(entry)
  }

  /** The highest term on record; 0 before the first takeover. */
  get term(): number {
    return this.#records.term
  }

  /** See {@link KeyRecords.isBarred}. */
  isBarred(epoch: string, scope: string): boolean {
    return this.#records.isBarred(epoch, scope)
  }

  /** Puts a takeover on record, durably. */
  async tookOver(term: number, handedOver: boolean): Promise<void> {
    const object = { handed_over: handedOver ? 'yes' : 'no', term } as const
    const event: AuditEvent = { actor: 'keeper', rulebook: null, action: 'keeper.takeover', object }
    for (const entry of await this.audit.append([event], true)) this.#records.take(entry)
  }

  #eventOf(event: KeyEvent, at: number): AuditEvent {
    const { key } = event
    const isEnd = event.step === 'destroying' || event.step === 'destroyed'
    const told = rfc3339(this.#isDriven && !isEnd ? hourOf(at) : at)
    const last = this.#records.lastAt(key)
    const time = told < last ? last : told
    const common = { actor: 'keeper', rulebook: null } as const
    switch (event.step) {
      case 'created': {
        const epoch = hasEpoch(key) ? key : null
        return { ...common, action: 'key.created', object: { key, stream: streamOf(key), epoch, at: time } }
      }
      case 'handed':
        return { ...common, action: 'key.handed', object: { key, to: event.to, at: time } }
      case 'destroyed': {
        const reconciled = word(this.#records.of(key)?.reconciled ?? null)
        return {
          ...common,
          action: 'key.destroyed',
          object: { key, at: time, reconciled, why: event.why },
        }
      }
      case 'held':
      case 'reconciled':
        return { ...common, actor: event.by, action: `key.${event.step}`, object: { key, at: time } }
      default:
        return { ...common, action: `key.${event.step}`, object: { key, at: time } }
    }
  }
}
