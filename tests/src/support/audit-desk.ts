/** A keeper's data directory after some days of work, and what an officer kept of it elsewhere. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SignedHead } from '@tacit/audit-log'
import { DAY, DrivenClock, epochOf, HOUR } from '@tacit/contracts'
import { keeperPlaces, openKeeper, openKeeperStores } from '@tacit/keeper'
import type { Ran } from './tacit.js'

const START = Date.UTC(2026, 7, 5)
export const DAYS = 4
/** hours between two beacons: few enough to be quick */
export const STEP = 6

export interface Key {
  readonly id: string
  readonly stream: string
  readonly epoch: string | null
  readonly created: string
  readonly destroyed: string | null
  readonly handed_to: readonly string[]
  readonly entries: { readonly created: number; readonly destroyed: number | null }
  readonly reconciled: boolean | null
  readonly unsigned: boolean
}
export interface Verified {
  readonly ok: boolean
  readonly entries: number
  readonly signed: number
  readonly unsigned: number
  readonly head: SignedHead | null
  readonly findings: readonly { readonly code: string }[]
}

/** Where things lie. */
export interface AuditDesk {
  readonly dir: string
  readonly data: string
  readonly audit: string
  /** what is kept elsewhere: `public.pem`, `early.json` of the second day, `late.json` of the end */
  readonly kept: string
  /** arguments for the data directory, and for what is kept */
  readonly ofData: readonly [string, string]
  readonly byKept: readonly string[]
}

export function auditDesk(dir: string): AuditDesk {
  const data = join(dir, 'data')
  const kept = join(dir, 'kept')
  return {
    dir,
    data,
    audit: join(data, 'main', 'audit'),
    kept,
    ofData: ['--data', data],
    byKept: ['--key', join(kept, 'public.pem'), '--head', join(kept, 'early.json')],
  }
}

export const json = <T>({ stdout }: Ran): T => JSON.parse(stdout) as T

/** A copy of the log with one change to its entries. */
export function changedLog(
  { audit, dir }: AuditDesk,
  name: string,
  change: (lines: readonly string[]) => readonly string[],
): string {
  const folder = join(dir, name)
  cpSync(audit, folder, { recursive: true })
  const lines = readFileSync(join(audit, 'entries.ndjson'), 'utf8').trimEnd().split('\n')
  writeFileSync(join(folder, 'entries.ndjson'), `${change(lines).join('\n')}\n`)
  return folder
}

/** A keeper's directory after four days of work; a head of the first day is kept elsewhere. */
export async function workDays({ audit, data, kept }: AuditDesk): Promise<void> {
  const clock = new DrivenClock(START)
  mkdirSync(join(data, 'main'), { recursive: true })
  mkdirSync(kept)
  const keeper = await openKeeper({
    stores: openKeeperStores(keeperPlaces(join(data, 'main'))),
    clock,
    streams: ['day'],
    latenessMs: HOUR,
    destroyKeyAfterMs: 2 * DAY,
  })
  for (let hour = 0; hour < DAYS * 24; hour += STEP) {
    clock.advanceTo(START + hour * HOUR)
    await keeper.door('collector/eu-1').batchKey(clock.now(), 'ab'.repeat(8), true)
    await keeper.door('collector/eu-1').pseudonymKey({
      purpose: 'product-usage-stats',
      stream: 'day',
      epoch: epochOf('day', clock.now()).label,
      scope: { of: 'tenant', tenant: 'SECRET-TENANT' },
    })
    await keeper.tick()
    if (hour === 24) writeFileSync(join(kept, 'early.json'), JSON.stringify(await keeper.audit.sign()))
  }
  writeFileSync(join(kept, 'late.json'), JSON.stringify(await keeper.audit.sign()))
  await keeper.close()
  copyFileSync(join(audit, 'public.pem'), join(kept, 'public.pem'))
}
