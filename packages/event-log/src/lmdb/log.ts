/**
 * The event log on LMDB: for one machine, one process.
 *
 * Invariants
 * - One process at a time: the directory is locked, because two of them would give out the same positions.
 * - What `append` resolved is on disk, under one position, until its hour expires.
 * - Bytes are served only if their checksum, which covers their position, is right.
 * - No read transaction outlives a call.
 */
import { TacitError } from '@tacit/contracts'
import { lockDirectory } from '../directory-lock.js'
import type { EventLog, LogPart } from '../port.js'
import { expire, prepare, remove } from './admin.js'
import { Committer } from './committer.js'
import { partOf } from './consumer.js'
import { type FilePort, systemFiles } from './files.js'
import { append } from './producer.js'
import { tailOf } from './tail.js'

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

/** The log on LMDB: all of it is one part, which is always here. */
export interface LmdbLog extends EventLog {
  parts(group: string): readonly [LogPart]
  /** Deletes single records before their time; resolves when that is on disk; rejects as `append` does. */
  remove(positions: readonly number[]): Promise<void>
}

const DEFAULT_RESERVE_BYTES = 32 * 1024 * 1024
const DEFAULT_MAX_BYTES = 64 * 1024 ** 3

/**
 * Opens the log in a directory, recovering what a crash left.
 * Rejects with ERR_DATA_IN_USE, ERR_DATA_DIRECTORY, ERR_LOG_FULL (a new log on a full disk) or ERR_LOG_READ (a data
 * file that is none of ours).
 */
export async function openLmdbLog(options: LmdbLogOptions): Promise<LmdbLog> {
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
  let closed: Promise<void> | null = null
  const parts = new Map<string, readonly [LogPart]>()
  return {
    writer: '',
    width: () => 1,
    append: (bytes, hour) => append(committer, bytes, hour),
    parts(group) {
      const known = parts.get(group) ?? [partOf(committer, group)]
      parts.set(group, known)
      return known
    },
    tail: () => tailOf(committer),
    expire: (hour) => expire(committer, hour),
    remove: (positions) => remove(committer, positions, []),
    close() {
      closed ??= committer.close().finally(release)
      return closed
    },
  }
}
