/** The clock of processes under test (shifted-clock.ts), which a test turns while beacons come. */
import { writeFileSync } from 'node:fs'
import type { SentBeacon } from './crash/beacons.js'

/** A process looks at the file twenty times a second, where its machine lets it. */
const SEEN_WITHIN_MS = 3_000

export class TurnedClock {
  readonly #file: string
  /** each by how much the clock is wrong from a real time on, ms */
  readonly #turns: { readonly at: number; readonly shift: number }[] = []

  /** @param file what TACIT_TEST_CLOCK_FILE names @param time ms, where it starts */
  constructor(file: string, time: number) {
    this.#file = file
    this.turn(time)
  }

  /** Sets it, from now on. @param time ms */
  turn(time: number): void {
    const at = Date.now()
    this.#turns.push({ at, shift: time - at })
    writeFileSync(this.#file, String(time - at))
  }

  readonly now = (): number => Date.now() + (this.#turns.at(-1)?.shift ?? 0)

  /** Whether it was turned lately, so that nobody can tell which time a process has. */
  get isUncertain(): boolean {
    const last = this.#turns.at(-1)?.at ?? 0
    return this.#turns.length > 1 && Date.now() < last + SEEN_WITHIN_MS
  }

  /** From real times of sending and answer to the earliest and latest that the process may have had. */
  restate(sent: readonly SentBeacon[]): void {
    for (const beacon of sent) {
      const shifts = this.#turns
        .filter(({ at }, index) => {
          const until = this.#turns[index + 1]?.at ?? Number.POSITIVE_INFINITY
          return at <= beacon.until && until + SEEN_WITHIN_MS >= beacon.sentAt
        })
        .map(({ shift }) => shift)
      beacon.sentAt += Math.min(...shifts)
      beacon.until += Math.max(...shifts)
    }
  }
}
