/**
 * A driven run: the clock follows the data, so that epochs open, close and die as they did then. `import` and
 * `simulate` use it, in a process of their own.
 *
 * Deadlines, all in UTC: the middle of each day (half of its hours settle, so no log key outlives 24 hours unread), the
 * close of each day's windows (end + lateness), and the death of roots (end + destroy_key_after). Between two pieces
 * of data the clock stops at each of them while anything is still alive.
 */
import type { ReleasedStatistic } from '@tacit/aggregator'
import { DAY, DrivenClock, epochFromLabel, HOUR } from '@tacit/contracts'
import type { Realm } from './realm.js'

const MIDDAY = 13 * HOUR

export class DrivenRun {
  readonly #realm: Realm
  readonly #clock: DrivenClock
  readonly #offsets: readonly number[]
  readonly released: ReleasedStatistic[] = []

  constructor(realm: Realm, clock: DrivenClock) {
    this.#realm = realm
    this.#clock = clock
    const { destroyKeyAfterMs, latenessMs } = realm.rulebook.epochs
    const close = Math.ceil(latenessMs / HOUR) * HOUR
    this.#offsets = [...new Set([MIDDAY, close % DAY, destroyKeyAfterMs % DAY])]
  }

  /** The first deadline after `time` (ms): check it before each piece of data. */
  deadlineAfter(time: number): number {
    const day = time - (time % DAY)
    const candidates = this.#offsets.flatMap((offset) => [day + offset, day + DAY + offset])
    return Math.min(...candidates.filter((candidate) => candidate > time))
  }

  /** Moves the clock to `time`, stopping at every deadline on the way while something is alive. */
  async advanceTo(time: number): Promise<void> {
    for (;;) {
      const deadline = this.deadlineAfter(this.#clock.now())
      if (deadline > time || !(await this.#anythingAlive())) break
      this.#clock.advanceTo(deadline)
      await this.#maintain()
    }
    this.#clock.advanceTo(time)
  }

  /** Closes every window that holds data and goes on to the death of the last root. */
  async finish(): Promise<void> {
    const ends = await this.#aliveEnds()
    const { destroyKeyAfterMs, latenessMs } = this.#realm.rulebook.epochs
    const last = Math.max(this.#clock.now(), ...ends.map((end) => end + Math.max(latenessMs, destroyKeyAfterMs)))
    await this.advanceTo(last)
    await this.#maintain()
  }

  /** Everything that was taken is durable and staged; windows stay as they are. */
  async pause(): Promise<void> {
    await this.#realm.commit.drain()
    await this.#realm.aggregator.stage()
  }

  async #maintain(): Promise<void> {
    await this.#realm.commit.watermark(this.#clock.now())
    const { released } = await this.#realm.maintain()
    this.released.push(...released)
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
