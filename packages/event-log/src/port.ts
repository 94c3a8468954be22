/**
 * The event log: sealed batches, durable and in order within each of its parts. A promise that resolves means *durable*:
 * on disk here, or with all in-sync replicas. Positions of a part rise; 0 means "before everything".
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

/**
 * Where a record goes. `one`: into any part. `all`: a copy into every part, for what every reader must see. `last`: as
 * `all`, and nothing of this writer follows it.
 */
export type Reach = 'one' | 'all' | 'last'

/** One part of the log, which one process of a consumer group reads at a time. */
export interface LogPart {
  /** its number, from 0 */
  readonly part: number
  /**
   * Up to `maxRecords` and about `maxBytes` after a position; an empty slice at the end of what is here. Throws
   * ERR_LOG_READ (retryable) while the log recovers from a failed write, ERR_LOG_CLOSED after `close`.
   */
  read(after: number, maxRecords: number, maxBytes: number): LogSlice
  /** The group's durable cursor; `{ position: 0, boundary: null }` for a new one. */
  cursor(): Cursor
  /**
   * Writes the cursor; resolves when it is durable; rejects as `append` does, and with ERR_LOG_FENCED where another
   * process of the group reads the part now.
   */
  commit(cursor: Cursor): Promise<void>
}

/** Where every part of the log ended at some time, whoever reads it. */
export interface LogPlace {
  /** of which log that is: another one, where it was made anew; null where that cannot be told */
  readonly topic: string | null
  /** position of the last record of each part, in the order of their numbers */
  readonly positions: readonly number[]
}

/** The end of all parts of the log, for one who looks at what comes without being the one who reads it. */
export interface LogTail {
  /** Where each part ends now. Rejects with ERR_LOG_READ (retryable) where one does not answer, ERR_LOG_CLOSED. */
  end(): Promise<LogPlace>
  /**
   * What came into all parts after one place and up to another, part by part, in slices of at most a few MiB; damaged
   * records are counted as in {@link LogPart.read}. Rejects with ERR_LOG_READ where the two are not of one log, or something
   * between them is not there any more or does not come: then what was handed over is not all.
   */
  between(from: LogPlace, to: LogPlace): AsyncIterable<LogSlice>
}

export interface EventLog {
  /** Who appends here, as marks name it: empty where only one process ever does, else 16 hexadecimal digits. */
  readonly writer: string
  /** Parts into which a record of reach `all` goes now; it changes only by such an append. */
  width(): number
  /**
   * Resolves when the bytes are durable; rejects with a TacitError (ERR_LOG_FULL, ERR_LOG_WRITE, ERR_LOG_UNAVAILABLE,
   * ERR_LOG_CLOSED), and then nothing was promised: a record whose append was rejected may or may not be found later. What
   * was appended before is before it in each part.
   * @param hour hour of receipt, ms: what retention goes by
   */
  append(bytes: Uint8Array, hour: number, reach?: Reach): Promise<void>
  /** The parts that this process reads for a consumer group now; the first call joins the group. @param group 1 to 200 characters */
  parts(group: string): readonly LogPart[]
  /** The end of all its parts, without joining any group. */
  tail(): LogTail
  /** Deletes records whose hour is before `hour`, in bounded steps, and says how many went; rejects as `append` does. */
  expire(hour: number): Promise<number>
  close(): Promise<void>
}

/** One change of values that processes share; texts are JSON. */
export interface JournalChange {
  /** not empty, and does not begin with `~` */
  readonly key: string
  /** null: the key goes */
  readonly value: string | null
}

/** Values that processes share: all read them, and the one owner changes them. */
export interface Journal {
  /**
   * Takes over: fences every former owner (one in this process too), and resolves once all that they wrote is applied here.
   * Rejects with ERR_LOG_WRITE or ERR_LOG_READ (retryable) where the log does not answer, ERR_LOG_FENCED where another
   * took over meanwhile.
   */
  own(): Promise<void>
  /** false before `own`, after a write whose outcome is unknown, and once another's taking over is known */
  readonly isOwner: boolean
  /** of the taking over that was applied last, whoever's it was: each is one higher than the one before; 0 before the first */
  readonly term: number
  /**
   * All changes or none, in the order of the calls. Resolves when all in-sync replicas have them and they are applied here.
   * Rejects within a minute, and one for each write before it, with ERR_LOG_FENCED where another owns the state or nobody, and
   * ERR_LOG_WRITE (retryable) with an unknown outcome: then the caller has to take over anew with `own`, and to look at
   * what is applied by then. RangeError for a key or a value that cannot be written: then nothing was.
   */
  write(changes: readonly JournalChange[]): Promise<void>
  close(): Promise<void>
}

/** What processes tell one of them, in order. */
export interface Reports {
  /** Resolves when it is durable; it may be there twice. */
  append(bytes: Uint8Array): Promise<void>
  /**
   * Up to `maxRecords` after a position, in order; where there is none, waits for at most `waitMs`. `topic` says in what the
   * positions are (null: not known): in another one than before, or where `last` is before `after`, they begin again.
   */
  read(
    after: number,
    maxRecords: number,
    waitMs: number,
  ): Promise<{
    readonly records: readonly { readonly position: number; readonly bytes: Buffer }[]
    readonly last: number
    readonly topic: string | null
  }>
  close(): Promise<void>
}
