/** `tacit clock`: whether time goes on here, and an operator's word that the system's time is right. */
import { setTimeout as sleep } from 'node:timers/promises'
import { rfc3339, systemClock, TacitError } from '@tacit/contracts'
import type { KeysAnswer } from '@tacit/dashboard'
import { Command } from 'commander'
import { deadHoursText, sealableFrom } from '../house/dead-hours.js'
import { type DataLayout, presentLayout } from '../house/layout.js'
import { lastEntryTime } from '../house/last-entry.js'
import { isJumpAtBoot } from '../house/live-clock.js'
import { isConfirmed, readLiveTime, writeConfirmation } from '../house/live-time.js'
import { askInstance } from '../house/reader.js'
import { isAlive, readRunFile } from '../house/run-file.js'
import { EXIT, print, printJson } from '../output.js'

/** The instance looks twice a second. */
const TAKEN_UP_WITHIN_MS = 10_000
const ASK_EVERY_MS = 100

interface ClockOptions {
  readonly data: string
  readonly confirm?: boolean
  readonly json?: boolean
}

/** What is so now; times are ms. */
interface ClockState {
  readonly system: number
  readonly lastLive: number | null
  readonly isRunning: boolean
  /** the running instance does; where none runs, the next one would */
  readonly standsStill: boolean
  /** what the system said when the running instance found the jump */
  readonly since: number | null
  /** a confirmation waits for the next start */
  readonly isConfirmed: boolean
}

function clockState(layout: DataLayout): ClockState {
  const system = systemClock.now()
  const known = readLiveTime(layout)
  const lastLive = known?.lastLive ?? lastEntryTime(layout.realm('main'))
  // An instance that is still starting has no run file yet.
  const standing = known?.standsStill ?? null
  if (standing !== null && isAlive(standing.pid)) {
    return { system, lastLive, isRunning: true, standsStill: true, since: standing.since, isConfirmed: false }
  }
  if (readRunFile(layout) !== null) {
    return { system, lastLive, isRunning: true, standsStill: false, since: null, isConfirmed: false }
  }
  const jumps = isJumpAtBoot(system, lastLive)
  const confirmed = jumps && isConfirmed(layout, system)
  return {
    system,
    lastLive,
    isRunning: false,
    standsStill: jumps && !confirmed,
    since: null,
    isConfirmed: confirmed,
  }
}

/** Says that the system's time is right, and waits until a running instance goes on. @throws TacitError ERR_CLOCK_UNCONFIRMED */
async function confirm(layout: DataLayout, { isRunning, system }: ClockState): Promise<ClockState> {
  await writeConfirmation(layout, system)
  for (let waited = 0; waited < TAKEN_UP_WITHIN_MS; waited += ASK_EVERY_MS) {
    const state = clockState(layout)
    // A keeper of its own is known to run only while it stands still.
    if (!state.standsStill) return { ...state, isRunning }
    if (!isRunning) break
    await sleep(ASK_EVERY_MS)
  }
  throw new TacitError(
    'ERR_CLOCK_UNCONFIRMED',
    'The confirmation was not taken up; look at what `tacit up` says on standard error and at the disk, then try again',
  )
}

/** The first hour (ms) that the running instance can seal; null where that is the one that runs, or it does not answer. */
async function askSealableFrom(layout: DataLayout, { isRunning, standsStill, system }: ClockState) {
  const running = readRunFile(layout)
  if (!isRunning || standsStill || running === null) return null
  try {
    const { keys } = JSON.parse(await askInstance(running, '/api/v1/keys?realm=main')) as KeysAnswer
    return sealableFrom(keys, system)
  } catch {
    return null
  }
}

function sentence(
  { isConfirmed: confirmed, isRunning, since, standsStill }: ClockState,
  from: number | null,
): string {
  if (standsStill) {
    const what =
      since === null
        ? 'The next `tacit up` would stand still'
        : `The clock of the running instance stands still since the system said ${rfc3339(since)}`
    return `${what}: no beacon is taken and no key destroyed. Where the system’s time is right, say so with --confirm.`
  }
  if (confirmed) return 'Confirmed for the next `tacit up`, if it starts within the hour.'
  if (from !== null) return `Time goes on, but ${deadHoursText(from)}.`
  return isRunning
    ? 'Time goes on.'
    : 'No `tacit up` runs here; what is started next goes on with the system’s time.'
}

/** @param from of {@link askSealableFrom} */
function say(state: ClockState, from: number | null, json: boolean): void {
  const time = (ms: number | null) => (ms === null ? null : rfc3339(ms))
  if (json) {
    printJson({
      system_time: time(state.system),
      last_live_time: time(state.lastLive),
      running: state.isRunning,
      stands_still: state.standsStill,
      since: time(state.since),
      confirmed: state.isConfirmed,
      takes_beacons_from: time(from),
    })
    return
  }
  print(`System time     ${time(state.system) ?? ''}`)
  print(`Last live time  ${time(state.lastLive) ?? 'none yet'}`)
  print(sentence(state, from))
}

export function clockCommand(): Command {
  return new Command('clock')
    .description(
      'Whether time goes on: a system time that jumped stops ingest and destruction until you confirm it',
    )
    .option('--data <dir>', 'data directory', '.tacit')
    .option('--confirm', 'say that the system’s time is right: keys that are overdue by it are destroyed')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExit code 1 where the clock stands still. A keeper in a process of its own has a clock of its own: name its --data.\n\nExamples:\n  $ npx tacit clock\n  $ npx tacit clock --confirm\n  $ npx tacit clock --confirm --data /var/lib/tacit-keeper\n',
    )
    .action(async ({ confirm: confirms, data, json }: ClockOptions) => {
      const layout = presentLayout(data)
      const found = clockState(layout)
      const state = confirms === true && found.standsStill ? await confirm(layout, found) : found
      say(state, await askSealableFrom(layout, state), json === true)
      if (state.standsStill) process.exitCode = EXIT.failed
    })
}
