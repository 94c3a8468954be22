/**
 * Records that Kafka did not take yet, on disk, in the order in which they were appended: the lmdb log under another
 * bound. Who sends them on is `drain.ts`.
 *
 * The bytes of a record there:
 *
 *     0  reach (u8): 0 one, 1 all, 2 last
 *     1  parts (u16), big-endian: into how many parts a record of reach all or last goes
 *     3  the sealed batch
 *
 * Invariants
 * - What `append` resolved is on disk, and counted, until it was removed.
 * - `records` and `bytes` are what a scan of the directory would find; damaged records do not count, and are removed.
 * - A position is never given out twice, so a record is the same one after a restart.
 */
import { TacitError } from '@tacit/contracts'
import { type LmdbLog, openLmdbLog } from '../lmdb/log.js'
import type { FilePort } from '../lmdb/files.js'
import type { LogRecord, Reach } from '../port.js'

export interface SpoolOptions {
  /** a directory of its own; made where it is missing */
  readonly dir: string
  /** bytes of records; the data file may take up to about twice that */
  readonly maxBytes: number
  /** a record older than this is dropped, ms */
  readonly maxAgeMs: number
  /** stands in for the file system where a test breaks it */
  readonly files?: Partial<FilePort>
}

export interface SpooledRecord {
  readonly position: number
  readonly hour: number
  readonly reach: Reach
  readonly parts: number
  readonly bytes: Buffer
}

export const SPOOL_HEADER_BYTES = 3
const REACHES: readonly Reach[] = ['one', 'all', 'last']
/** what one look at the spool takes into memory */
const MAX_READ_RECORDS = 128
const MAX_READ_BYTES = 8 * 1024 * 1024
/** pages that expiry left empty in places, and the lmdb log's own margins */
const FILE_SLACK_BYTES = 64 * 1024 * 1024

export class Spool {
  readonly #log: LmdbLog
  readonly #maxBytes: number
  readonly #alarm: (message: string) => void
  #records = 0
  #bytes = 0
  /** bytes of appends that are not on disk yet */
  #appending = 0
  #endsWith: Reach | null = null

  private constructor(log: LmdbLog, maxBytes: number, alarm: (message: string) => void) {
    this.#log = log
    this.#maxBytes = maxBytes
    this.#alarm = alarm
  }

  /** Opens a spool and counts what a crash or a stop left in it. Rejects as `openLmdbLog` does. */
  static async open(options: SpoolOptions, alarm: (message: string) => void): Promise<Spool> {
    const { dir, files, maxBytes } = options
    const log = await openLmdbLog({
      dir,
      maxBytes: 2 * maxBytes + FILE_SLACK_BYTES,
      ...(files === undefined ? {} : { files }),
    })
    const spool = new Spool(log, maxBytes, alarm)
    await spool.#count()
    return spool
  }

  get records(): number {
    return this.#records
  }

  /** of the records, without what the disk adds */
  get bytes(): number {
    return this.#bytes
  }

  /** reach of the last record, as far as it was found at the opening; null where there was none */
  get endsWith(): Reach | null {
    return this.#endsWith
  }

  /**
   * Resolves when the record is on disk behind all others. Rejects with ERR_LOG_FULL, ERR_LOG_WRITE, ERR_LOG_CLOSED.
   * @param parts what `width` was: where a record of reach `all` or `last` goes
   */
  async append(bytes: Uint8Array, hour: number, reach: Reach, parts: number): Promise<void> {
    const size = SPOOL_HEADER_BYTES + bytes.length
    if (this.#bytes + this.#appending + size > this.#maxBytes) {
      throw new TacitError(
        'ERR_LOG_FULL',
        'Kafka does not answer, and the spool is full; it goes on by itself',
      )
    }
    const record = Buffer.allocUnsafe(size)
    record.writeUInt8(REACHES.indexOf(reach), 0)
    record.writeUInt16BE(parts, 1)
    record.set(bytes, SPOOL_HEADER_BYTES)
    this.#appending += size
    try {
      await this.#log.append(record, hour)
    } finally {
      this.#appending -= size
    }
    this.#records++
    this.#bytes += size
  }

  /**
   * The oldest records, in order. Damaged ones are removed, with an alarm that counts them.
   * Rejects with ERR_LOG_READ while the disk recovers.
   */
  async read(): Promise<readonly SpooledRecord[]> {
    const { damaged, records } = await this.#readAfter(0)
    this.#forget(damaged, 0)
    return records
  }

  /** Removes records that nothing waits for any more; resolves when that is on disk. Rejects as the lmdb log does. */
  async remove(records: readonly SpooledRecord[]): Promise<void> {
    if (records.length === 0) return
    await this.#log.remove(records.map(({ position }) => position))
    this.#forget(records.length, sizeOf(records))
  }

  /** When it is empty: forgets the hours of records that are gone. @param hour ms; records before it may be dropped */
  async tidy(hour: number): Promise<void> {
    await this.#log.expire(hour)
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  async #count(): Promise<void> {
    for (let last = 0; ; ) {
      const { records } = await this.#readAfter(last)
      const end = records.at(-1)
      if (end === undefined) return
      this.#records += records.length
      this.#bytes += sizeOf(records)
      this.#endsWith = end.reach
      last = end.position
    }
  }

  async #readAfter(after: number): Promise<{ records: readonly SpooledRecord[]; damaged: number }> {
    let damaged = 0
    for (let from = after; ; ) {
      const slice = this.#log.parts('spool')[0].read(from, MAX_READ_RECORDS, MAX_READ_BYTES)
      const records = slice.records.map(asSpooled).filter((record) => record !== null)
      const lost = slice.corrupt + slice.records.length - records.length
      if (lost > 0) await this.#removeDamaged(from, slice.last, records, lost)
      damaged += lost
      if (records.length > 0 || slice.last === from) return { records, damaged }
      from = slice.last
    }
  }

  async #removeDamaged(
    from: number,
    last: number,
    intact: readonly SpooledRecord[],
    damaged: number,
  ): Promise<void> {
    this.#alarm(`${damaged} records that waited for Kafka were damaged on disk and are lost`)
    const kept = new Set(intact.map(({ position }) => position))
    const gone: number[] = []
    for (let position = from + 1; position <= last; position++) if (!kept.has(position)) gone.push(position)
    await this.#log.remove(gone)
  }

  /** The size of a damaged record is not known: what is left of the sum goes with the last one. */
  #forget(records: number, bytes: number): void {
    this.#records = Math.max(0, this.#records - records)
    this.#bytes = this.#records === 0 ? 0 : Math.max(0, this.#bytes - bytes)
  }
}

function sizeOf(records: readonly SpooledRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + SPOOL_HEADER_BYTES + bytes.length, 0)
}

function asSpooled({ bytes, hour, position }: LogRecord): SpooledRecord | null {
  const reach = bytes.length < SPOOL_HEADER_BYTES ? undefined : REACHES[bytes.readUInt8(0)]
  if (reach === undefined) return null
  return { position, hour, reach, parts: bytes.readUInt16BE(1), bytes: bytes.subarray(SPOOL_HEADER_BYTES) }
}
