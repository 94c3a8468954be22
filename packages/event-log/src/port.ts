/**
 * The event log: a durable, ordered sequence of sealed batches. A promise that resolves means *on disk*.
 * Positions rise by one; the first is 1; 0 means "before everything".
 */
export interface LogRecord {
  readonly position: number
  /** hour of receipt, ms, as given to `append` */
  readonly hour: number
  readonly bytes: Buffer
}

export interface LogSlice {
  /** intact records in order; damaged ones are left out and counted */
  readonly records: readonly LogRecord[]
  /** position of the last record looked at, damaged ones included; equals `after` where there was none */
  readonly last: number
  /** records in this slice that were torn or corrupt: detected, skipped, never served */
  readonly corrupt: number
}

export interface Cursor {
  /** everything up to and including this position is done */
  readonly position: number
  /** what the consumer wrote down before an insert whose outcome it may not learn; null where nothing is open */
  readonly boundary: string | null
}

export interface EventLog {
  /**
   * Resolves when the bytes are on disk; rejects with a TacitError (ERR_LOG_FULL, ERR_LOG_WRITE, ERR_LOG_CLOSED), and
   * then nothing was promised: a record whose append was rejected may or may not be found later.
   * @param hour hour of receipt, ms: what retention goes by
   */
  append(bytes: Uint8Array, hour: number): Promise<void>
  /**
   * Up to `maxRecords` and about `maxBytes` after a position; an empty slice at the end of the log. Throws
   * ERR_LOG_READ (retryable) while the log recovers from a failed write, ERR_LOG_CLOSED after `close`.
   */
  read(after: number, maxRecords: number, maxBytes: number): LogSlice
  /** The durable cursor of a consumer group; `{ position: 0, boundary: null }` for a new one. */
  cursor(group: string): Cursor
  /** Writes the cursor; resolves when it is on disk; rejects as `append` does. */
  commit(group: string, cursor: Cursor): Promise<void>
  /** Deletes records whose hour is before `hour`, in bounded steps, and says how many went; rejects as `append` does. */
  expire(hour: number): Promise<number>
  close(): Promise<void>
}
