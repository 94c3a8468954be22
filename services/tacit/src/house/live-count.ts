/**
 * Has the people of the last five minutes counted as soon as these are over by the clock, whatever a round of the live loop
 * is busy with: the end of the log is to be noted within seconds.
 */
import type { Aggregator } from '@tacit/aggregator'
import { MINUTE } from '@tacit/contracts'
import type { LoopClock } from './live.js'

const WINDOW_MS = 5 * MINUTE
/** A clock may be set meanwhile: it is looked at so often. */
const LOOK_MS = 1_000

export interface LiveCount {
  /** Resolves when what is over is counted; never rejects. */
  look(): Promise<void>
  stop(): Promise<void>
}

/** Starts looking; while the clock stands still nothing is counted. */
export function startLiveCount(aggregator: Pick<Aggregator, 'countLive'>, clock: LoopClock): LiveCount {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let looking: Promise<void> = Promise.resolve()
  const look = (): Promise<void> => {
    if (!isStopped && clock.standsStill !== true) looking = aggregator.countLive(clock.now())
    return looking
  }
  const schedule = (): void => {
    const left = WINDOW_MS - (clock.now() % WINDOW_MS)
    timer = setTimeout(
      () => {
        void look()
        schedule()
      },
      Math.min(LOOK_MS, left),
    )
  }
  void look()
  schedule()
  return {
    look,
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await looking
    },
  }
}
