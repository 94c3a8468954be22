/**
 * What is written down of live time in the data directory: `live-time.json`, which the running instance writes, and
 * `clock-confirmed.json`, by which an operator tells it that the system's time is right.
 *
 * Format: `{ "last_live": "2026-11-29T08:37:00Z", "stands_still": null | { "pid", "since" } }`, times RFC 3339; and
 * `{ "system_time": "2026-11-29T08:37:39Z" }`.
 * Invariants
 * - A file is written beside, flushed and renamed, mode 0600: it is whole or not there.
 * - `last_live` is rounded down to the minute, so a start seconds later, with a clock that was set right by less, is
 *   not taken for a step back.
 * - A confirmation holds for the system time that it names, give or take an hour, and once.
 * Recovery: what a killed instance left in `stands_still` names a process that is gone.
 */
import { readFileSync, rmSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { HOUR, MINUTE, parseInstant, rfc3339, TacitError } from '@tacit/contracts'
import { z } from 'zod'
import type { DataLayout } from './layout.js'

const CONFIRMATION_HOLDS_MS = HOUR

const instant = z
  .string()
  .refine((text) => !Number.isNaN(parseInstant(text)))
  .transform(parseInstant)
const liveTimeFile = z.strictObject({
  last_live: instant,
  stands_still: z.strictObject({ pid: z.int(), since: instant }).nullable(),
})
const confirmationFile = z.strictObject({ system_time: instant })

export interface LiveTime {
  /** ms */
  readonly lastLive: number
  /** the instance whose clock stands still, and what the system said when it found so (ms); null while time goes on */
  readonly standsStill: { readonly pid: number; readonly since: number } | null
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function writeWhole(path: string, value: unknown): Promise<void> {
  const fresh = `${path}.new`
  const file = await open(fresh, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(value)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(fresh, path)
}

/**
 * What the last live run wrote down, or null where none did.
 * @throws TacitError ERR_DATA_DIRECTORY where it is damaged: what cannot be read must not be taken for nothing
 */
export function readLiveTime({ liveTime }: DataLayout): LiveTime | null {
  const text = textOf(liveTime)
  if (text === null) return null
  try {
    const { last_live, stands_still } = liveTimeFile.parse(JSON.parse(text))
    return { lastLive: last_live, standsStill: stands_still }
  } catch {
    throw new TacitError(
      'ERR_DATA_DIRECTORY',
      'live-time.json in the data directory is damaged; see that the system’s time is right, then remove it',
    )
  }
}

/** Writes it down, durably. @throws an error of the disk */
export async function writeLiveTime(layout: DataLayout, { lastLive, standsStill }: LiveTime): Promise<void> {
  await writeWhole(layout.liveTime, {
    last_live: rfc3339(lastLive - (lastLive % MINUTE)),
    stands_still: standsStill === null ? null : { pid: standsStill.pid, since: rfc3339(standsStill.since) },
  })
}

/** Says that the system's time is right. @param system what it says now, ms @throws an error of the disk */
export async function writeConfirmation(layout: DataLayout, system: number): Promise<void> {
  await writeWhole(layout.clockConfirmed, { system_time: rfc3339(system) })
}

/** Whether there is a confirmation that holds at a system time. @param system ms */
export function isConfirmed(layout: DataLayout, system: number): boolean {
  try {
    const { system_time } = confirmationFile.parse(JSON.parse(textOf(layout.clockConfirmed) ?? ''))
    return Math.abs(system - system_time) <= CONFIRMATION_HOLDS_MS
  } catch {
    // One that cannot be read confirms nothing.
    return false
  }
}

/** Takes a confirmation away, whatever it says. @throws an error of the disk */
export function removeConfirmation({ clockConfirmed }: DataLayout): void {
  rmSync(clockConfirmed, { force: true })
}
