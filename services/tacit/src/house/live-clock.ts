/**
 * The live clock: the system's, as long as it can be believed. Keys are destroyed by the clock and never come back, so a
 * system whose time jumps must not be obeyed before somebody has looked.
 *
 * Invariants
 * - Live, a jump is a system time that has left the monotonic clock (which only counts what passes) by more than an
 *   hour, in one step or in many: small departures add up, and are forgiven at one hour a day. So NTP, which slews by at
 *   most 500 ppm (43 s a day; ntpd(8)), never adds up to a jump, and no row of steps goes further unnoticed.
 * - At boot it is a system time before the last live time, or more than 35 days after it.
 * - From the look that finds a jump until {@link LiveClock.confirm} the clock stands still: live at the last time that
 *   was trusted, at boot at the earlier of the two times, because the earlier one destroys less. A system time that
 *   comes right by itself changes nothing.
 * - Every call of `now` in a new millisecond looks; its owner looks at least once a second.
 * Recovery: the last live time is on disk (live-time.ts). A restart judges by the rule for boot alone.
 */
import { type Clock, DAY, HOUR } from '@tacit/contracts'

const MAX_DEPARTURE_MS = HOUR
/** ms of departure that are forgiven for each ms that passes */
const FORGIVEN = HOUR / DAY
const MAX_ABSENCE_MS = 35 * DAY

/** A jump that nobody has confirmed yet; times are ms since the Unix epoch. */
export interface Jump {
  readonly atBoot: boolean
  /** the last time that was trusted; at boot the last live time */
  readonly trusted: number
  /** what the system said when it was found */
  readonly system: number
}

export interface LiveClockOptions {
  /** what the last live run wrote down, ms; null where none did, and then the system is believed */
  readonly lastLive: number | null
  /** an operator has confirmed the system's time for this start */
  readonly isConfirmed?: boolean
  /** default `Date.now` */
  readonly system?: () => number
  /** ms that never go back; default `performance.now` */
  readonly monotonic?: () => number
  /** told once of each jump, within the look that finds it; must not throw */
  readonly onJump?: (jump: Jump) => void
  /** told when a jump was confirmed; `now` is the time that goes on, ms; must not throw */
  readonly onConfirm?: (jump: Jump, now: number) => void
}

/** Whether a start at `system` would be a jump. @param system ms @param lastLive ms, or null where none is known */
export function isJumpAtBoot(system: number, lastLive: number | null): boolean {
  return lastLive !== null && (system < lastLive || system > lastLive + MAX_ABSENCE_MS)
}

export class LiveClock implements Clock {
  readonly #options: LiveClockOptions
  readonly #system: () => number
  readonly #monotonic: () => number
  #jump: Jump | null = null
  /** the last time that was trusted; where the clock stands, the time at which it does */
  #now: number
  /** monotonic time of the last look */
  #looked: number
  /** system minus monotonic, as it is believed */
  #offset: number

  constructor(options: LiveClockOptions) {
    this.#options = options
    this.#system = options.system ?? Date.now
    this.#monotonic = options.monotonic ?? (() => performance.now())
    const { isConfirmed = false, lastLive } = options
    const system = this.#system()
    this.#now = system
    this.#looked = this.#monotonic()
    this.#offset = system - this.#looked
    if (lastLive === null || !isJumpAtBoot(system, lastLive)) return
    const jump = { atBoot: true, trusted: lastLive, system }
    if (isConfirmed) options.onConfirm?.(jump, system)
    else this.#stand(jump, Math.min(lastLive, system))
  }

  /** The system's time, or where a jump is not confirmed the time at which the clock stands; ms. */
  now(): number {
    if (this.#jump !== null) return this.#now
    const system = this.#system()
    // Most calls of a busy collector fall into the millisecond of the last one: to look again costs 0.3 µs.
    if (system !== this.#now) this.#look(system)
    return this.#now
  }

  /** The jump that is not confirmed, or null while time goes on. Looks, also where the system's time stands still. */
  get jump(): Jump | null {
    if (this.#jump === null) this.#look(this.#system())
    return this.#jump
  }

  /** Whether a jump is not confirmed, as of {@link LiveClock.now}. */
  get standsStill(): boolean {
    this.now()
    return this.#jump !== null
  }

  /** An operator says that the system's time is right: time goes on with it. Nothing happens where it does already. */
  confirm(): void {
    const jump = this.#jump
    if (jump === null) return
    this.#jump = null
    this.#now = this.#system()
    this.#looked = this.#monotonic()
    this.#offset = this.#now - this.#looked
    this.#options.onConfirm?.(jump, this.#now)
  }

  #look(system: number): void {
    const monotonic = this.#monotonic()
    const departure = system - monotonic - this.#offset
    const forgiven = (monotonic - this.#looked) * FORGIVEN
    this.#looked = monotonic
    this.#offset += Math.max(-forgiven, Math.min(forgiven, departure))
    if (Math.abs(system - monotonic - this.#offset) > MAX_DEPARTURE_MS) {
      this.#stand({ atBoot: false, trusted: this.#now, system }, this.#now)
    } else this.#now = system
  }

  #stand(jump: Jump, at: number): void {
    this.#now = at
    this.#jump = jump
    this.#options.onJump?.(jump)
  }
}
