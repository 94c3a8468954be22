/**
 * Keeps the live clock of a running instance: looks at it twice a second, writes the last live time down once a minute,
 * says a jump once and loudly, and takes up what an operator confirms.
 *
 * Invariants
 * - Only a clock that goes is written down: while it stands still, the last live time stays what it was.
 * - A confirmation that was there before a jump was found says nothing about it, and is removed.
 * - One look at a time; a disk that fails is said once and tried again, and confirms nothing.
 * Recovery: see live-time.ts. Where its file is gone, the audit log's last entry says when an instance last ran.
 */
import { MINUTE, rfc3339 } from '@tacit/contracts'
import type { DataLayout } from './layout.js'
import { type Jump, LiveClock, type LiveClockOptions } from './live-clock.js'
import { lastEntryTime } from './last-entry.js'
import { isConfirmed, readLiveTime, removeConfirmation, writeLiveTime } from './live-time.js'

const LOOK_EVERY_MS = 500

export interface ClockWatchOptions extends Omit<LiveClockOptions, 'lastLive' | 'isConfirmed'> {
  readonly layout: DataLayout
  readonly alarm: (message: string) => void
}

export interface ClockWatch {
  readonly clock: LiveClock
  /** Looks now. Never throws; for tests, a timer calls it. */
  look(): Promise<void>
  /** Ends, and writes the last live time down. Never throws. */
  close(): Promise<void>
}

/** What a jump means and what to do about it. */
export function jumpText({ atBoot, system, trusted }: Jump, dir: string): string {
  const last = `${atBoot ? 'the last live time is' : 'it was'} ${rfc3339(trusted)}`
  const move = system < trusted ? 'back' : 'ahead'
  return (
    `The clock stands still: the system’s time is ${rfc3339(system)}, ${last} (a jump ${move}). ` +
    'No beacon is taken and no key is destroyed until you have looked. ' +
    `Where the system’s time is right, run: npx tacit clock --confirm --data ${dir}. Where it is wrong, set it right and start again`
  )
}

/**
 * Begins the live clock of a data directory, which its caller has locked.
 * @throws TacitError ERR_DATA_DIRECTORY where the last live time cannot be read
 */
export async function watchClock({ alarm, layout, ...options }: ClockWatchOptions): Promise<ClockWatch> {
  const { onConfirm, onJump, system = Date.now } = options
  const confirmed = isConfirmed(layout, system())
  const clock = new LiveClock({
    ...options,
    lastLive: readLiveTime(layout)?.lastLive ?? lastEntryTime(layout.realm('main')),
    isConfirmed: confirmed,
    onJump(jump) {
      alarm(jumpText(jump, layout.dir))
      onJump?.(jump)
    },
    onConfirm(jump, now) {
      alarm(`The system’s time was confirmed: time goes on with ${rfc3339(now)}`)
      onConfirm?.(jump, now)
    },
  })
  /** the minute, or the jump, that is on disk */
  let written: number | Jump | null = null
  let hasFailed = false
  let running: Promise<void> | null = null

  async function keep(): Promise<void> {
    const found = clock.jump
    if (found !== null && written !== found) {
      removeConfirmation(layout)
      const standsStill = { pid: process.pid, since: found.system }
      await writeLiveTime(layout, { lastLive: found.trusted, standsStill })
      written = found
    }
    if (found !== null && isConfirmed(layout, system())) {
      removeConfirmation(layout)
      clock.confirm()
    }
    if (clock.standsStill) return
    const minute = Math.floor(clock.now() / MINUTE)
    if (written === minute) return
    await writeLiveTime(layout, { lastLive: minute * MINUTE, standsStill: null })
    written = minute
  }

  async function guarded(task: () => Promise<void>): Promise<void> {
    try {
      await task()
      hasFailed = false
    } catch {
      if (!hasFailed) alarm('the last live time could not be written down; look at the disk')
      hasFailed = true
    }
  }

  const look = (): Promise<void> => {
    running ??= guarded(keep).finally(() => {
      running = null
    })
    return running
  }

  // What was confirmed for this start was said for it alone.
  if (confirmed) removeConfirmation(layout)
  await look()
  const timer = setInterval(look, LOOK_EVERY_MS)
  return {
    clock,
    look,
    async close() {
      clearInterval(timer)
      await running
      const { jump } = clock
      const lastLive = jump === null ? clock.now() : jump.trusted
      await guarded(() => writeLiveTime(layout, { lastLive, standsStill: null }))
    },
  }
}
