/** Numbered records for tests: what was promised must be found exactly once, and nothing else. */
import type { LmdbLog } from '../lmdb/log.js'
import type { LogRecord } from '../port.js'

/** A record that names its number, padded to `bytes`. */
export function numbered(number: number, bytes = 64): Buffer {
  return Buffer.from(`#${number}#`.padEnd(bytes, '.'))
}

/** The number of a record; NaN for one that was never sent. */
export function numberOf(record: LogRecord): number {
  return Number(/^#(\d+)#\.*$/.exec(record.bytes.toString('latin1'))?.[1] ?? Number.NaN)
}

/** Everything after a position, read in bounded slices. */
export function readAll(log: LmdbLog, after = 0): { records: LogRecord[]; corrupt: number; last: number } {
  const records: LogRecord[] = []
  let corrupt = 0
  let last = after
  for (;;) {
    const slice = log.parts('aggregator')[0].read(last, 500, 1024 * 1024)
    records.push(...slice.records)
    corrupt += slice.corrupt
    if (slice.last === last) return { records, corrupt, last }
    last = slice.last
  }
}
