/** What an environment says of itself when it is opened: the next position, the hours of its records, the cursors. */
import type { Cursor } from '../port.js'
import { HourRuns, type Run } from './hour-runs.js'
import { isHour, keyPosition, readFrame } from './record.js'
import { asCursor, CURSOR_PREFIX, FLOOR_KEY, RUN_PREFIX, readState } from './state.js'
import type { LmdbStore } from './store.js'

/** how many records are looked at to learn the hour of a run whose own entry is damaged */
const MAX_HOUR_LOOKS = 100
const RUN_DIGITS = 15

export interface LoadedState {
  readonly next: number
  readonly runs: HourRuns
  readonly cursors: Map<string, Cursor>
}

/** The key of a run: digits of fixed length, so that keys are in order of positions. */
export function runKey(position: number): string {
  return `${RUN_PREFIX}${position.toString().padStart(RUN_DIGITS, '0')}`
}

/**
 * Reads the state of a log. A damaged cursor starts again from 0 (records come twice, and are recognised); a damaged
 * run takes its hour from its records.
 */
export function loadState(store: LmdbStore): LoadedState {
  const cursors = new Map<string, Cursor>()
  const runs: Run[] = []
  const lastKey = store.lastKey()
  let highest = lastKey ? (keyPosition(lastKey) ?? 0) : 0
  for (const { key, value } of store.state()) {
    const content = readState(value)
    if (key === FLOOR_KEY && typeof content === 'number') highest = Math.max(highest, content)
    if (key.startsWith(CURSOR_PREFIX)) {
      const cursor = asCursor(content)
      if (cursor) cursors.set(key.slice(CURSOR_PREFIX.length), cursor)
    }
    if (key.startsWith(RUN_PREFIX)) {
      const first = Number(key.slice(RUN_PREFIX.length))
      if (Number.isSafeInteger(first)) {
        const hour = typeof content === 'number' && isHour(content) ? content : hourFrom(store, first)
        runs.push({ first, hour })
      }
    }
  }
  for (const { position } of cursors.values()) highest = Math.max(highest, position)
  return { next: highest + 1, runs: new HourRuns(runs), cursors }
}

/** The hour of the first intact record from a position on; 0 where there is none, and so nothing to keep. */
function hourFrom(store: LmdbStore, position: number): number {
  let hour = 0
  let looks = 0
  store.scan(position, (key, frame) => {
    const at = keyPosition(key)
    const record = at === null ? null : readFrame(frame, at)
    if (record) hour = record.hour
    return record === null && ++looks < MAX_HOUR_LOOKS
  })
  return hour
}
