/** The end of the log. Positions have no gaps but those of expiry, so that what is missing between two of them is seen. */
import { setImmediate as letOthers } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import type { LogPlace, LogSlice, LogTail } from '../port.js'
import { remove } from './admin.js'
import type { Committer } from './committer.js'
import { readSlice } from './consumer.js'

const SLICE_RECORDS = 512
const SLICE_BYTES = 2 * 1024 * 1024

/** As {@link EventLog.tail}. */
export function tailOf(committer: Committer): LogTail {
  return {
    async end(): Promise<LogPlace> {
      const last = committer.next - 1
      try {
        // an empty transaction behind those under way: after it every record up to there can be read
        await remove(committer, [], [])
      } catch (error) {
        if (error instanceof TacitError && error.code === 'ERR_LOG_CLOSED') throw error
        throw new TacitError('ERR_LOG_READ', undefined, { cause: error })
      }
      return { topic: null, positions: [last] }
    },
    async *between({ positions: [from = 0] }, { positions: [to = 0] }): AsyncGenerator<LogSlice> {
      if (to < from) throw new TacitError('ERR_LOG_READ')
      let found = 0
      for (let last = from; last < to; ) {
        const slice = readSlice(committer, last, Math.min(SLICE_RECORDS, to - last), SLICE_BYTES)
        if (slice.last === last) break
        last = slice.last
        found += slice.records.length + slice.corrupt
        yield slice
        await letOthers()
      }
      if (found !== to - from) throw new TacitError('ERR_LOG_READ')
    },
  }
}
