/**
 * The live loop: what the clock asks for while `up` runs. Every second: stage what is in the log, and say in the log
 * when an hour has ended. Every ten seconds and at each hour's end: destroy keys, settle, release. One round at a time;
 * a round that fails is said once and tried again.
 */
import { type Clock, HOUR, hourOf, TacitError } from '@tacit/contracts'
import type { Realm } from './realm.js'
import type { RulebookSwitch } from './rulebook-switch.js'

const ROUND_MS = 1_000
const MAINTAIN_EVERY_ROUNDS = 10

/** The log keeps 24 hours: an aggregator that is this far behind is about to lose events. */
const TOO_FAR_BEHIND_MS = 20 * HOUR

export interface LiveLoop {
  /** True while the oldest batch that is not staged is 20 hours old or older. */
  isBehind(): boolean
  /** Ends after the round that runs; what came since is staged, so that a stop leaves nothing half way. */
  stop(): Promise<void>
}

/** What may be said of an error: its code, never its message's values. */
export function errorCode(error: unknown): string {
  return error instanceof TacitError ? error.code : 'ERR_INTERNAL'
}

/** Starts the loop for one realm. @param alarm says that a round failed @param rulebookSwitch looked at each round */
export function startLiveLoop(
  realm: Realm,
  clock: Clock,
  alarm: (message: string) => void,
  rulebookSwitch: RulebookSwitch | null = null,
): LiveLoop {
  let stopping = false
  let behind = false
  let rounds = 0
  let markedHour = 0
  let lastFailure = ''
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  async function round(): Promise<void> {
    await rulebookSwitch?.look()
    await realm.rotateTokenKeys()
    const hour = hourOf(clock.now())
    const newHour = hour !== markedHour
    if (newHour) {
      await realm.commit.watermark(clock.now())
      markedHour = hour
    }
    if (newHour || rounds % MAINTAIN_EVERY_ROUNDS === 0) {
      await realm.destroyDue()
      await realm.aggregator.advance(clock.now())
      await realm.log.expire(hourOf(clock.now()) - Math.ceil(realm.rulebook.keep.logMs / HOUR) * HOUR)
    } else {
      await realm.aggregator.stage()
    }
    rounds++
  }

  function measureLag(): void {
    const oldest = realm.aggregator.oldestUnstagedHour()
    behind = oldest !== null && clock.now() - oldest >= TOO_FAR_BEHIND_MS
  }

  async function guarded(): Promise<void> {
    try {
      await round()
      lastFailure = ''
    } catch (error) {
      const failure = errorCode(error)
      if (failure !== lastFailure)
        alarm(`a round of the ${realm.layout.name} realm failed (${failure}); it is tried again`)
      lastFailure = failure
    }
    try {
      measureLag()
    } catch {
      // The log cannot be read now; its own readiness says so.
    }
    if (!stopping) schedule()
  }

  function schedule(): void {
    timer = setTimeout(() => {
      running = guarded()
    }, ROUND_MS)
  }

  running = guarded()
  return {
    isBehind: () => behind,
    async stop() {
      stopping = true
      clearTimeout(timer)
      await running
      // What cannot be staged now is in the log, and is staged at the next start.
      await realm.aggregator.stage().catch(() => {})
    },
  }
}
