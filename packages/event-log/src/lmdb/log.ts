/**
 * The event log on LMDB: for one machine, one process.
 *
 * Invariants
 * - One process at a time: the directory is locked, because two of them would give out the same positions.
 * - What `append` resolved is on disk, under one position, until its hour expires.
 * - Bytes are served only if their checksum, which covers their position, is right.
 * - No read transaction outlives a call.
 */
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TacitError } from '@tacit/contracts'
import { lockDirectory, type Release } from '../directory-lock.js'
import type { Cursor, EventLog, LogRecord, LogSlice } from '../port.js'
import { Committer } from './committer.js'
import { type FilePort, systemFiles } from './files.js'
import { runKey } from './load.js'
import { isHour, keyPosition, MAX_RECORD_BYTES, openFrame, readFrame } from './record.js'
import { CURSOR_PREFIX, FLOOR_KEY, MAX_BOUNDARY_LENGTH, MAX_GROUP_LENGTH, writeState } from './state.js'
import { dataFile, LOCK_FILE } from './store.js'

export interface LmdbLogOptions {
  /** The log's own directory; created with mode 0700 where it is missing. */
  readonly dir: string
  /** Stands in for the file system where a test breaks it. */
  readonly files?: Partial<FilePort>
  /** Bytes of the file system that stay free for others: below it the log does not grow. Default 32 MiB. */
  readonly reserveBytes?: number
  /** Bytes that the data file never outgrows: beyond them appends are refused as on a full disk. Default 64 GiB. */
  readonly maxBytes?: number
}

const DEFAULT_RESERVE_BYTES = 32 * 1024 * 1024
const DEFAULT_MAX_BYTES = 64 * 1024 ** 3
/** the first pages, and the lock file */
const BIRTH_BYTES = 8 * 1024 * 1024
/** LMDB's reader table for 126 readers is 8 KiB; a sparse one on a full disk ends the process with SIGBUS */
const LOCK_BYTES = 16 * 1024
const MAX_CORRUPT_TAIL = 64
/** records removed in one transaction: about 1 ms of the event loop */
const EXPIRE_STEP = 256

/**
 * Opens the log in a directory, recovering what a crash left.
 * Rejects with ERR_DATA_IN_USE, ERR_DATA_DIRECTORY, ERR_LOG_FULL (a new log on a full disk) or ERR_LOG_READ (a data
 * file that is none of ours).
 */
export async function openLmdbLog(options: LmdbLogOptions): Promise<EventLog> {
  const { dir } = options
  const files = { ...systemFiles, ...options.files }
  const reserveBytes = options.reserveBytes ?? DEFAULT_RESERVE_BYTES
  const release = await lockDirectory(dir)
  const committer = new Committer({
    dir,
    files,
    reserveBytes,
    maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
  })
  try {
    await prepare(dir, files, reserveBytes)
    await committer.open()
    return new LmdbLog(committer, release)
  } catch (error) {
    await release()
    if (error instanceof TacitError) throw error
    throw new TacitError(
      'ERR_LOG_READ',
      'The log cannot be opened: its data file is damaged or not readable',
      {
        cause: error,
      },
    )
  }
}

/** Sees that a new environment has room for its first pages, and that no file LMDB maps for writing is sparse. */
async function prepare(dir: string, files: FilePort, reserveBytes: number): Promise<void> {
  if (!(await exists(dataFile(dir)))) {
    const free = await files.freeBytes(dir)
    if (free < Math.max(reserveBytes, BIRTH_BYTES)) {
      throw new TacitError('ERR_LOG_FULL', 'There is no room for a new log: free disk space')
    }
  }
  const lock = join(dir, LOCK_FILE)
  if (await exists(lock)) return
  const file = await open(lock, 'wx', 0o600)
  await file.close()
  await files.extend(lock, LOCK_BYTES)
}

async function exists(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  })
  return found !== null
}

class LmdbLog implements EventLog {
  readonly #committer: Committer
  readonly #release: Release
  #closed: Promise<void> | null = null

  constructor(committer: Committer, release: Release) {
    this.#committer = committer
    this.#release = release
  }

  async append(bytes: Uint8Array, hour: number): Promise<void> {
    if (bytes.length > MAX_RECORD_BYTES) throw new RangeError('a record of the log is too large')
    if (!isHour(hour)) throw new RangeError('the hour of a record is no time')
    await this.#committer.append(openFrame(bytes, hour), hour)
  }

  read(after: number, maxRecords: number, maxBytes: number): LogSlice {
    const { store, next } = this.#committer
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

  cursor(group: string): Cursor {
    return this.#committer.cursors.get(group) ?? { position: 0, boundary: null }
  }

  async commit(group: string, cursor: Cursor): Promise<void> {
    const { position, boundary } = cursor
    if (group.length === 0 || group.length > MAX_GROUP_LENGTH)
      throw new RangeError('a group has 1 to 200 characters')
    if ((boundary?.length ?? 0) > MAX_BOUNDARY_LENGTH) throw new RangeError('a boundary is too long')
    const durable = { position, boundary }
    await this.#committer.change({
      state: [{ key: CURSOR_PREFIX + group, value: writeState(durable) }],
      removeRecords: [],
      removeState: [],
    })
    this.#committer.cursors.set(group, durable)
  }

  async expire(hour: number): Promise<number> {
    const { runs } = this.#committer
    if (!runs.firstBefore(hour, this.#committer.next)) return 0
    runs.seal()
    // an empty transaction behind those under way: after it every record of the runs is there to be deleted
    await this.#remove([], [])
    let expired = 0
    for (;;) {
      const found = this.#committer.runs.firstBefore(hour, this.#committer.next)
      if (!found) return expired
      const keys = this.#committer.store.keys(found.run.first, found.end, EXPIRE_STEP)
      const positions = keys.map(keyPosition).filter((position) => position !== null)
      const done = keys.length < EXPIRE_STEP
      await this.#remove(positions, done ? [runKey(found.run.first)] : [])
      if (done) this.#committer.runs.remove(found.run)
      expired += positions.length
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#committer.close().finally(() => this.#release())
    return this.#closed
  }

  /** Deletes records and runs; the floor goes along, so that an emptied log does not give positions out again. */
  #remove(positions: number[], runs: string[]): Promise<void> {
    const floor = { key: FLOOR_KEY, value: writeState(this.#committer.next - 1) }
    return this.#committer.change({ state: [floor], removeRecords: positions, removeState: runs })
  }
}
