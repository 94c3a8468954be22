/** Reading: slices of the log after a position, and the cursors of consumer groups. The whole log is one part. */
import { TacitError } from '@tacit/contracts'
import type { Cursor, LogPart, LogRecord, LogSlice } from '../port.js'
import type { Committer } from './committer.js'
import { keyPosition, readFrame } from './record.js'
import { CURSOR_PREFIX, MAX_BOUNDARY_LENGTH, MAX_GROUP_LENGTH, writeState } from './state.js'

const MAX_CORRUPT_TAIL = 64

/** As {@link LogPart.read}. */
export function readSlice(
  { next, store }: Committer,
  after: number,
  maxRecords: number,
  maxBytes: number,
): LogSlice {
  const records: LogRecord[] = []
  let last = after
  let corrupt = 0
  let tail = 0
  let bytes = 0
  try {
    store.scan(after + 1, (key, frame) => {
      const position = keyPosition(key)
      const record = position === null ? null : readFrame(frame, position)
      if (position === null || record === null) {
        corrupt++
        // the key may be flipped too: it is believed only as far as it can be true
        if (position !== null && position > last && position < next) last = position
        // a slice does not end on a damaged record if it can help it: the next intact one gives the true place
        return ++tail < Math.max(MAX_CORRUPT_TAIL, maxRecords)
      }
      if (records.length > 0 && (records.length >= maxRecords || bytes + record.bytes.length > maxBytes))
        return false
      records.push({ position, hour: record.hour, bytes: record.bytes })
      last = position
      bytes += record.bytes.length
      tail = 0
      return records.length < maxRecords && bytes < maxBytes
    })
  } catch (error) {
    throw new TacitError('ERR_LOG_READ', undefined, { cause: error })
  }
  return { records, last, corrupt }
}

/** The whole log, as one consumer group reads it. */
export function partOf(committer: Committer, group: string): LogPart {
  if (group.length === 0 || group.length > MAX_GROUP_LENGTH)
    throw new RangeError('a group has 1 to 200 characters')
  return {
    part: 0,
    read: (after, maxRecords, maxBytes) => readSlice(committer, after, maxRecords, maxBytes),
    cursor: () => committer.cursors.get(group) ?? { position: 0, boundary: null },
    async commit({ boundary, position }: Cursor) {
      if ((boundary?.length ?? 0) > MAX_BOUNDARY_LENGTH) throw new RangeError('a boundary is too long')
      const durable = { position, boundary }
      await committer.change({
        state: [{ key: CURSOR_PREFIX + group, value: writeState(durable) }],
        removeRecords: [],
        removeState: [],
      })
      committer.cursors.set(group, durable)
    },
  }
}
