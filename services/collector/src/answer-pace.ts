/**
 * When answers leave: in steps, so that the time of an answer does not tell what a beacon's events came to (privacy.md,
 * INV-07). An accepted beacon is transformed and a refused one is not, which is some 50 µs that anybody could measure;
 * a step is begun before a beacon is looked at, and is longer than all of its work and a usual commit.
 *
 * Invariant: while a beacon is under way or an answer waits, one timer is set; what is ready when it fires leaves, in the
 * order in which it became ready. Nothing is kept besides.
 */

/** Longer than a usual commit to disk (about 1 ms), and far below what a page would notice. */
export const ANSWER_STEP_MS = 3

export interface AnswerPace {
  /** A beacon is about to be looked at. */
  begin(): void
  /** It came to something: the answer leaves with the next step. */
  end(answer: () => void): void
}

export function createAnswerPace(stepMs: number = ANSWER_STEP_MS): AnswerPace {
  let underWay = 0
  let ready: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined
  const step = (): void => {
    const leaving = ready
    ready = []
    timer = underWay > 0 ? setTimeout(step, stepMs) : undefined
    for (const answer of leaving) answer()
  }
  return {
    begin() {
      underWay++
      timer ??= setTimeout(step, stepMs)
    },
    end(answer) {
      underWay--
      ready.push(answer)
    },
  }
}
