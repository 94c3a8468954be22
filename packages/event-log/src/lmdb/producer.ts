/** Appending. */
import type { Committer } from './committer.js'
import { isHour, MAX_RECORD_BYTES, openFrame } from './record.js'

/** Resolves when the bytes are on disk. @param hour hour of receipt, ms @throws TacitError ERR_LOG_… */
export async function append(committer: Committer, bytes: Uint8Array, hour: number): Promise<void> {
  if (bytes.length > MAX_RECORD_BYTES) throw new RangeError('a record of the log is too large')
  if (!isHour(hour)) throw new RangeError('the hour of a record is no time')
  await committer.append(openFrame(bytes, hour), hour)
}
