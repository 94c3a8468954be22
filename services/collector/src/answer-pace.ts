/**
 * When answers leave: in steps, so that the time of an answer does not tell what a beacon's events came to (privacy.md,
 * INV-07). An accepted beacon is transformed and a refused one is not, which is some 50 µs that anybody could measure
 * who sends alone; a step is begun before a beacon is looked at, and is longer than all of its work and a usual commit.
 *
 * In a crowd an answer leaves at once: it waits for a commit that it shares with the others under way, whatever they
 * came to, and steps would only cost throughput. How many are under way depends on no beacon's outcome.
 *
 * A step ends at a moment that was fixed when it began. Timers alone would not do: they count whole milliseconds from
 * when the loop last went to sleep, so they fire up to one late, by as much as the last thing done before was late, which
 * differs by 20 to 30 µs between outcomes. So the timer is set a millisecond early, and the rest is turns of the loop, in
 * which everything else goes on.
 *
 * Invariant: while a beacon is under way or an answer waits, one step is under way; what is ready when it ends leaves, in
 * the order in which it became ready. Nothing is kept besides.
 */
import { randomInt } from 'node:crypto'

/** Longer than a usual commit to disk (about 1 ms), and far below what a page would notice. */
const ANSWER_STEP_MS = 3.1
/** What a timer is set to: it fires before the step's end even if it is a millisecond late. */
const TIMER_MS = 2
/** A step is longer by up to so many µs, drawn anew: what is left of a difference, a microsecond, drowns in it. */
const JITTER_US = 500
/** Beacons under way from which on they hide one another. */
const CROWD = 8

export interface AnswerPace {
  /** A beacon is about to be looked at. */
  begin(): void
  /** It came to something: the answer leaves with the next step, in a crowd at once. */
  end(answer: () => void): void
}

export function createAnswerPace(): AnswerPace {
  let underWay = 0
  /** the most under way since the last step */
  let crowd = 0
  let ready: (() => void)[] = []
  let isUnderWay = false
  let endsAt = 0
  const begin = (): void => {
    isUnderWay = true
    endsAt = performance.now() + ANSWER_STEP_MS + randomInt(JITTER_US) / 1_000
    setTimeout(turn, TIMER_MS)
  }
  const turn = (): void => {
    // A crowd does not wait for steps, and has better use for the time.
    if (crowd < CROWD && performance.now() < endsAt) setImmediate(turn)
    else step()
  }
  const step = (): void => {
    const leaving = ready
    ready = []
    isUnderWay = false
    crowd = underWay
    if (underWay > 0) begin()
    for (const answer of leaving) answer()
  }
  return {
    begin() {
      underWay++
      crowd = Math.max(crowd, underWay)
      if (!isUnderWay) begin()
    },
    end(answer) {
      underWay--
      if (crowd >= CROWD) answer()
      else ready.push(answer)
    },
  }
}
