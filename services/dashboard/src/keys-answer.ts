/** Every root that ever was, as the API and `tacit keys` say it. Pure. */
import { epochFromLabel, rfc3339 } from '@tacit/contracts'
import type { KeyRecord } from './realm.js'

export interface KeyRow {
  readonly id: string
  readonly stream: KeyRecord['stream']
  readonly epoch: string | null
  readonly created: string
  readonly destroyed: string | null
  /** when it is destroyed at the latest; null where it has no deadline, or no rulebook says so */
  readonly due: string | null
  readonly handed_to: readonly string[]
  readonly entries: { readonly created: number; readonly destroyed: number | null }
  readonly reconciled: boolean | null
  /** whether one of these entries comes after the newest head, so that nothing proves it yet */
  readonly unsigned: boolean
}

export interface KeysAnswer {
  readonly keys: readonly KeyRow[]
  readonly realm: string
  readonly sample: boolean
}

/** How long keys live, ms, as a rulebook says it. */
export interface KeyDeadlines {
  /** after the end of an epoch */
  readonly destroyKeyAfterMs: number
  /** after the start of an hour */
  readonly logMs: number
}

const HOUR_LABEL = /^hour:(\d{4}-\d\d-\d\dT\d\d)$/

function dueOf(epoch: string | null, { destroyKeyAfterMs, logMs }: KeyDeadlines): string | null {
  if (epoch === null) return null
  const hour = HOUR_LABEL.exec(epoch)?.[1]
  if (hour !== undefined) return rfc3339(Date.parse(`${hour}:00:00Z`) + logMs)
  return rfc3339(epochFromLabel(epoch).end + destroyKeyAfterMs)
}

/** @param deadlines null where no rulebook is known @param signed entries that the newest head covers */
export function keyRows(
  records: readonly KeyRecord[],
  deadlines: KeyDeadlines | null,
  signed: number,
): readonly KeyRow[] {
  return records.map(({ created, destroyed, entries, epoch, handedTo, id, reconciled, stream }) => ({
    id,
    stream,
    epoch,
    created,
    destroyed,
    due: deadlines === null ? null : dueOf(epoch, deadlines),
    handed_to: handedTo,
    entries,
    reconciled,
    unsigned: Math.max(entries.created, entries.destroyed ?? 0) > signed,
  }))
}

/** Whether beacons ever came: log hours alone come to be without any. */
export function everHeldData(records: readonly KeyRecord[]): boolean {
  return records.some(({ stream }) => stream !== 'hour')
}
