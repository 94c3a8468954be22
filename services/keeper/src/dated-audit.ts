/**
 * The audit log with the keeper's clock: it dates what it is given, and its dates never fall, whatever the clock does.
 */
import type { AuditEntry, AuditEvent, AuditLog, SignedHead } from '@tacit/audit-log'
import { type Clock, HOUR, hourOf } from '@tacit/contracts'

/** After a head of so long ago nothing is written before there is another, ms; verifiers miss heads after two hours. */
const MOST_UNSIGNED_MS = 1.5 * HOUR

export class DatedAudit {
  readonly #log: AuditLog
  readonly #clock: Clock
  /** Called after the log grew, on disk or not. */
  grown: () => void = () => {}
  /** Keeps each head that was signed. */
  keep: (head: SignedHead) => Promise<void> = async () => {}
  /** Whether another keeper signs this log by now. */
  isOver: () => boolean = () => false
  /** ms, of what was written last */
  #last: number
  /** the clock's hour (ms) of the last {@link DatedAudit.sign}, whatever the entries' dates: those may be ahead of a clock that was set right */
  #signedHour = Number.NaN

  private constructor(log: AuditLog, clock: Clock, last: number) {
    this.#log = log
    this.#clock = clock
    this.#last = last
  }

  static of(log: AuditLog, clock: Clock): DatedAudit {
    const head = log.head()?.time ?? ''
    const last = head > log.lastTime ? head : log.lastTime
    return new DatedAudit(log, clock, last === '' ? 0 : Date.parse(last))
  }

  /** Signs first what a crash or a pause left unsigned: entries without a head are never of more than {@link MOST_UNSIGNED_MS}. */
  async append(events: readonly AuditEvent[], durable: boolean): Promise<readonly AuditEntry[]> {
    const head = this.#log.head()
    const signed = head === null ? 0 : Date.parse(head.time)
    // Where the head cannot be written, nothing is held up by it: it is tried again with the next entry.
    if (this.#now() - signed > MOST_UNSIGNED_MS) await this.signRest().catch(() => {})
    const entries = await this.#log.append(events, this.#now(), durable)
    this.grown()
    // From the first entry on a log that lacks some shows.
    if (head === null) await this.signRest().catch(() => {})
    return entries
  }

  /** Signs everything so far, unless a head of this hour covers it; entries of the hour are never left unsigned. */
  async sign(): Promise<SignedHead> {
    const head = this.#log.head()
    if (head !== null && head.size === this.#log.size && !this.isDue()) return head
    const signed = await this.#log.sign(this.#now())
    this.#signedHour = hourOf(this.#clock.now())
    return this.#kept(signed)
  }

  async #kept(signed: SignedHead): Promise<SignedHead> {
    this.grown()
    await this.keep(signed)
    return signed
  }

  /** See {@link AuditLog.synced}. */
  synced(): ReturnType<AuditLog['synced']> {
    return this.#log.synced()
  }

  /** Signs what no head covers yet; nothing where all is covered, or another keeper signs. */
  async signRest(): Promise<void> {
    const isSigned = this.#log.size <= (this.#log.head()?.size ?? 0)
    if (!isSigned && !this.isOver()) await this.#kept(await this.#log.sign(this.#now()))
  }

  /** The newest signed head; null before the first. */
  head(): SignedHead | null {
    return this.#log.head()
  }

  /** Whether the head of the hour that the clock shows is still to be signed. */
  isDue(): boolean {
    return this.#signedHour !== hourOf(this.#clock.now())
  }

  #now(): number {
    this.#last = Math.max(this.#last, this.#clock.now())
    return this.#last
  }
}
