/**
 * The live loop: what the clock asks for while `up` runs. Every ten seconds and at each hour's end, before anything else:
 * destroy keys that are due. Every second: stage what is in the log, say in the log when an hour has ended, and fetch the
 * keys of what begins within ten minutes. Every ten seconds and at each hour's end: settle, release. Once an hour: check
 * what is stored. As soon as five minutes are over: have their people counted (live-count.ts). One round at a time; a round that fails is said once and tried again. While the clock stands still
 * nothing is done but forgetting.
 *
 * Invariant: the destruction of keys waits for nothing that may fail, and its own failure keeps nothing else from being
 * done. It is said at once, and every hour while it lasts.
 */
import { type Clock, HOUR, hourOf, MINUTE } from '@tacit/contracts'
import { counted } from '../counted.js'
import type { HeadPublisher } from './audit-heads.js'
import { deadHoursText, sealableFrom } from './dead-hours.js'
import { LastingAlarm } from './insistence.js'
import type { Realm } from './realm.js'
import type { RulebookSwitch } from './rulebook-switch.js'
import { errorCode } from './error-code.js'
import { startLiveCount } from './live-count.js'

const ROUND_MS = 1_000
const MAINTAIN_EVERY_ROUNDS = 10

/** Time for a person to look at the keeper before events are lost, ms. */
const KEYS_DUE_MS = 2 * MINUTE

/** The log keeps 24 hours: an aggregator that is this far behind is about to lose events. */
const TOO_FAR_BEHIND_MS = 20 * HOUR

/** Longer than a broker's or a ClickHouse's restart takes. */
const FAILING_MS = 3 * MINUTE

export interface LiveLoop {
  /** True while the oldest batch that is not staged is 20 hours old or older. */
  isBehind(): boolean
  /** True while rounds have failed, each of them, for three minutes or longer. */
  isFailing(): boolean
  /** Whether the log knows of an hour that this process has begun: from then on it is waited for. */
  hasBegun(): boolean
  /** Ends after the round that runs; what came since is staged, so that a stop leaves nothing half way. */
  stop(): Promise<void>
}

/** What a failed round is said to come from. Never throws. @param now ms */
async function causeOf(failure: string, realm: LoopedRealm, now: number): Promise<string> {
  if (failure !== 'ERR_LOG_UNAVAILABLE') return failure
  const from = sealableFrom(await realm.keeper.keys().catch(() => []), now)
  return from === null ? failure : `${failure}: ${deadHoursText(from)}`
}

/** Has the keys of what begins next fetched, and says once where some are still missing shortly before. */
function watchKeys(realm: LoopedRealm, alarm: (message: string) => void): (now: number) => void {
  let wantedBefore = 0
  let saidFor = 0
  return (now) => {
    const { held, wanted } = realm.prefetch?.(now) ?? { held: 0, wanted: 0 }
    // Those that were not needed a round ago have only now been asked for.
    const missing = Math.min(wanted, wantedBefore) - held
    wantedBefore = wanted
    const next = hourOf(now) + HOUR
    if (missing <= 0 || now < next - KEYS_DUE_MS || saidFor === next) return
    saidFor = next
    alarm(
      `the ${realm.layout.name} realm still lacks ${counted(missing, 'key')} for what begins at the full hour; look at the keeper, for without keys events are dropped`,
    )
  }
}

/** What of a realm the loop looks after: one that only takes beacons in has no aggregator, and the other way round. */
export type LoopedRealm = Pick<Realm, 'layout' | 'keeper' | 'rulebook' | 'destroyDue'> &
  Partial<Pick<Realm, 'intake' | 'commit' | 'prefetch' | 'rotateTokenKeys' | 'aggregator' | 'log'>>

/** A clock that may stand still: then time says nothing about what is due. */
export type LoopClock = Clock & { readonly standsStill?: boolean }

/** Starts the loop for one realm. @param alarm says that a round failed @param rulebookSwitch looked at each round */
export function startLiveLoop(
  realm: LoopedRealm,
  clock: LoopClock,
  alarm: (message: string) => void,
  rulebookSwitch: RulebookSwitch | null = null,
  heads: HeadPublisher | null = null,
): LiveLoop {
  let stopping = false
  let behind = false
  let rounds = 0
  let looks = 0
  let destroyedHour = 0
  let markedHour = 0
  let checkedHour = 0
  let lastFailure = ''
  let failingSince: number | null = null
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  const overdue = new LastingAlarm(alarm)
  const lookAhead = watchKeys(realm, alarm)
  const liveCount = realm.aggregator === undefined ? null : startLiveCount(realm.aggregator, clock)

  /** By rounds of its own: those that fail are not counted, and keys die nevertheless. */
  async function destroy(): Promise<void> {
    const hour = hourOf(clock.now())
    if (hour === destroyedHour && looks++ % MAINTAIN_EVERY_ROUNDS !== 0) return
    destroyedHour = hour
    looks = 1
    try {
      await realm.destroyDue()
      overdue.end()
    } catch (error) {
      overdue.raise(
        `keys of the ${realm.layout.name} realm that are due, or rows under destroyed keys, could not be destroyed (${errorCode(error)}): they may outlive their time; it is tried again every ten seconds`,
      )
    }
  }

  async function round(): Promise<void> {
    if (clock.standsStill === true) {
      // By a clock that stands still no raw value would ever be due.
      realm.intake?.forget()
      return
    }
    await destroy()
    lookAhead(clock.now())
    await rulebookSwitch?.look()
    await realm.rotateTokenKeys?.()
    const hour = hourOf(clock.now())
    const newHour = hour !== markedHour
    if (newHour) {
      await realm.commit?.watermark(clock.now())
      markedHour = hour
    }
    if (newHour || rounds % MAINTAIN_EVERY_ROUNDS === 0) {
      // Before an hour is settled: its key goes with that.
      await liveCount?.look()
      await realm.aggregator?.advance(clock.now())
      // Not waited for: a witness may be slow.
      void heads?.publish(realm.keeper.audit, clock.now())
      await realm.log?.expire(hourOf(clock.now()) - Math.ceil(realm.rulebook.keep.logMs / HOUR) * HOUR)
      if (hour !== checkedHour) {
        await realm.aggregator?.check(clock.now())
        checkedHour = hour
      }
    } else {
      await realm.aggregator?.stage()
    }
    rounds++
  }

  function measureLag(): void {
    const oldest = realm.aggregator?.oldestUnstagedHour() ?? null
    behind = oldest !== null && clock.now() - oldest >= TOO_FAR_BEHIND_MS
  }

  async function guarded(): Promise<void> {
    try {
      await round()
      lastFailure = ''
      failingSince = null
    } catch (error) {
      failingSince ??= clock.now()
      const failure = errorCode(error)
      if (failure !== lastFailure) {
        const cause = await causeOf(failure, realm, clock.now())
        alarm(`a round of the ${realm.layout.name} realm failed (${cause}); it is tried again`)
      }
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
    isFailing: () => failingSince !== null && clock.now() - failingSince >= FAILING_MS,
    hasBegun: () => markedHour !== 0,
    async stop() {
      stopping = true
      clearTimeout(timer)
      await liveCount?.stop()
      await running
      // What cannot be staged now is in the log, and is staged at the next start.
      await realm.aggregator?.stage().catch(() => {})
    },
  }
}
