/**
 * A driven run: the clock follows the data, so that epochs open, close and die as they did then. `import` and
 * `simulate` use it, in a process of their own.
 *
 * Two deadlines a day, in UTC: the close of the day's windows (end + lateness: everything received by then is settled
 * and released), and the death of roots (end + destroy_key_after). Between two pieces of data the clock stops at each
 * of them while anything is still alive. At each, what was received is staged before keys are destroyed: by the clock of
 * the data a log key may be long past its time, though the batch was sealed a moment ago.
 */
import type { ReleasedStatistic } from '@tacit/aggregator'
import { DAY, type DrivenClock, epochFromLabel, HOUR, hourOf } from '@tacit/contracts'
import type { Realm } from './realm.js'

export class DrivenRun {
  readonly #realm: Realm
  readonly #clock: DrivenClock
  /** within the day, ms */
  readonly #closeAt: number
  readonly #destroyAt: number
  readonly released: ReleasedStatistic[] = []

  constructor(realm: Realm, clock: DrivenClock) {
    this.#realm = realm
    this.#clock = clock
    const { destroyKeyAfterMs, latenessMs } = realm.rulebook.epochs
    this.#closeAt = (Math.ceil(latenessMs / HOUR) * HOUR) % DAY
    this.#destroyAt = destroyKeyAfterMs % DAY
  }

  /** The first deadline after `time` (ms): check it before each piece of data. */
  deadlineAfter(time: number): number {
    const day = time - (time % DAY)
    const candidates = [this.#closeAt, this.#destroyAt].flatMap((offset) => [
      day + offset,
      day + DAY + offset,
    ])
    return Math.min(...candidates.filter((candidate) => candidate > time))
  }

  /** Moves the clock to `time`, stopping at every deadline on the way while something is alive. */
  async advanceTo(time: number): Promise<void> {
    // What gathers is sealed while its hour's key can be had.
    if (hourOf(time) !== hourOf(this.#clock.now())) await this.#realm.commit.drain()
    for (;;) {
      const deadline = this.deadlineAfter(this.#clock.now())
      if (deadline > time || !(await this.#anythingAlive())) break
      this.#clock.advanceTo(deadline)
      if (deadline % DAY === this.#closeAt) await this.#close()
      else await this.#destroy()
    }
    this.#clock.advanceTo(time)
  }

  /**
   * Moves the clock on to an hour that can be sealed. Hours of receipt whose log key died in an earlier run never open
   * again, so what this run would receive in one is received later; its events keep their own time.
   */
  async enterOpenHour(): Promise<void> {
    for (;;) {
      const hour = hourOf(this.#clock.now())
      const key = await this.#realm.keeper.port.batchKey(hour, this.#realm.commit.producer, true)
      if (key !== null) {
        key.fill(0)
        // Before anything of it is sealed: which rulebook ruled on that day says nothing of what decides it now.
        await this.#realm.state.markDriven(hour)
        return
      }
      await this.advanceTo(hour + HOUR)
    }
  }

  /** Labels of the days that no more is taken of, whatever the clock says: an earlier run closed them. */
  async closedDays(): Promise<ReadonlySet<string>> {
    const epochs = await this.#realm.keeper.port.epochs('day')
    return new Set(epochs.filter(({ state }) => state !== 'open').map(({ label }) => label))
  }

  /** Closes every window that holds data and goes on to the death of the last root. */
  async finish(): Promise<void> {
    const ends = await this.#aliveEnds()
    const { destroyKeyAfterMs, latenessMs } = this.#realm.rulebook.epochs
    const last = Math.max(
      this.#clock.now(),
      ...ends.map((end) => end + Math.max(latenessMs, destroyKeyAfterMs)),
    )
    await this.advanceTo(last)
    await this.#close()
    await this.#realm.aggregator.check(this.#clock.now())
  }

  /** Everything that was taken is durable and staged; windows stay as they are. */
  async pause(): Promise<void> {
    await this.#realm.commit.drain()
    await this.#realm.aggregator.stage()
    await this.#realm.aggregator.check(this.#clock.now())
  }

  /** Everything received is settled, windows that closed are released, keys that are due die. */
  async #close(): Promise<void> {
    const now = this.#clock.now()
    await this.#realm.commit.drain()
    // Not by a watermark in the log: that would make, and then destroy, the key of an hour that may lie ahead of live
    // traffic, and an hour's key is never made twice.
    await this.#realm.state.completeUntil(hourOf(now))
    this.released.push(...(await this.#realm.aggregator.advance(now)))
    await this.#realm.destroyDue()
  }

  /** What is sealed is staged; then keys that are due die, and what lies under them is dropped. */
  async #destroy(): Promise<void> {
    await this.#realm.aggregator.stage()
    await this.#realm.destroyDue()
  }

  async #anythingAlive(): Promise<boolean> {
    return (await this.#aliveEnds()).length > 0
  }

  /** Ends of the epochs that began by now and whose root lives; those of live traffic, years ahead, are not ours. */
  async #aliveEnds(): Promise<number[]> {
    const ends: number[] = []
    for (const stream of this.#realm.rulebook.epochs.streams) {
      for (const { label, state } of await this.#realm.keeper.port.epochs(stream)) {
        const { end, start } = epochFromLabel(label)
        if (state !== 'destroyed' && start <= this.#clock.now()) ends.push(end)
      }
    }
    return ends
  }
}
