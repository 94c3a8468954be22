/** Jumps of the clock, and their confirmation, in the audit log: coarsely, and from before there is a log to write to. */
import { DAY, HOUR } from '@tacit/contracts'
import type { AuditService } from '@tacit/keeper'
import { AuditQueue } from './audit-queue.js'
import type { Jump } from './live-clock.js'

const UNITS = [
  ['years', 365 * DAY],
  ['months', 30 * DAY],
  ['days', DAY],
  ['hours', HOUR],
] as const

export class ClockEvidence {
  readonly #queue: AuditQueue

  constructor(alarm: (message: string) => void) {
    this.#queue = new AuditQueue({ alarm, what: 'what became of the clock' })
  }

  readonly jumped = ({ system, trusted }: Jump): void => {
    const distance = Math.abs(system - trusted)
    const by = UNITS.find(([, ms]) => distance >= ms)?.[0] ?? 'minutes'
    this.#queue.say({
      actor: 'keeper',
      rulebook: null,
      action: 'clock.jumped',
      object: { by, direction: system < trusted ? 'back' : 'ahead' },
    })
  }

  readonly confirmed = (): void => {
    this.#queue.say({ actor: 'operator', rulebook: null, action: 'clock.confirmed', object: {} })
  }

  /** From now on there is a log; what waited is written into it. */
  attach(audit: Pick<AuditService, 'record'>): void {
    this.#queue.attach(audit)
  }

  stop(): Promise<void> {
    return this.#queue.stop()
  }
}
