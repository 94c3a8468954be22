/**
 * Time is a port: services read the clock that is handed to them. Live it is the system's; `tacit import` and
 * `tacit simulate` drive it from the data, so a month of history runs through the same epochs in seconds.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. */
  now(): number
}

/** The system's clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** A clock that only moves when told, and never backwards. */
export class DrivenClock implements Clock {
  #now: number

  /** @param start milliseconds since the Unix epoch */
  constructor(start: number) {
    this.#now = start
  }

  now(): number {
    return this.#now
  }

  /** Moves to `time`; an earlier time is ignored, because a driven clock never goes back. */
  advanceTo(time: number): void {
    if (time > this.#now) this.#now = time
  }
}

/** Raw values live in memory for at most 15 minutes, ms (design.md, zone Z1). */
export const MAX_RAW_AGE_MS = 15 * 60_000
