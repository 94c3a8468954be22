/**
 * Events that wait for the audit log: said before there is one to write to, or while the keeper that has it is down.
 *
 * Invariants
 * - In order, and each at least once: where it is not known whether the keeper took some, they are said again.
 * - At most 1,000 wait; what comes then is not taken, and that is said.
 */
import type { AuditEvent } from '@tacit/audit-log'
import type { AuditService } from '@tacit/keeper'
import { Insistence, type InsistenceOptions } from './insistence.js'

const MAX_WAITING = 1_000
/** events of one request */
const AT_ONCE = 100

export interface AuditQueueOptions extends Pick<InsistenceOptions, 'alarm' | 'againMs'> {
  /** what waits, for the alarm: `what became of the clock` */
  readonly what: string
}

export class AuditQueue {
  readonly #options: AuditQueueOptions
  readonly #insistence: Insistence
  readonly #waiting: AuditEvent[] = []
  #audit: Pick<AuditService, 'record'> | null = null

  constructor(options: AuditQueueOptions) {
    this.#options = options
    const { againMs, alarm, what } = options
    this.#insistence = new Insistence({
      task: () => this.#write(),
      alarm,
      text: `${what} could not be put on record yet; look at the audit log and its disk, or at the keeper that has it`,
      ...(againMs === undefined ? {} : { againMs }),
    })
  }

  /** Puts an event on record as soon as that can be done. Never throws. */
  say(event: AuditEvent): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#options.alarm(`${this.#options.what} is not put on record: too much waits for the audit log`)
      return
    }
    this.#waiting.push(event)
    this.#insistence.start()
  }

  /** From now on there is a log; what waited is written into it. */
  attach(audit: Pick<AuditService, 'record'>): void {
    this.#audit = audit
    this.#insistence.start()
  }

  /** Ends; what waits is not put on record. */
  stop(): Promise<void> {
    return this.#insistence.stop()
  }

  async #write(): Promise<void> {
    while (this.#audit !== null && this.#waiting.length > 0) {
      const events = this.#waiting.slice(0, AT_ONCE)
      await this.#audit.record(events)
      this.#waiting.splice(0, events.length)
    }
  }
}
