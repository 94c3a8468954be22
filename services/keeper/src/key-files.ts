/** The port to the keeper's directory, and its adapter on a disk. Tests put a disk behind it that loses power. */
import {
  chmodSync,
  closeSync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { secretBuffer } from '@tacit/contracts'

/** Files of one flat directory. Errors are Node's, with `code` (`EEXIST`, `ENOENT`, `ENOSPC` …). */
export interface KeyFiles {
  list(): Promise<readonly string[]>
  /**
   * The file, in memory of its own (no pool), for the caller to zero; null where there is none.
   * @param from where to begin, bytes; default 0 @param most bytes; default as far as it goes
   */
  read(name: string, from?: number, most?: number): Promise<Buffer | null>
  /** Makes a file of mode 0600 that was not there (else `EEXIST`) and syncs it; its name still needs {@link syncDirectory}. */
  create(name: string, bytes: Uint8Array): Promise<void>
  /**
   * Writes into a file that is there (else `ENOENT`). `durable`: synced on return. The file ends after these bytes, unless
   * `inPlace`: then what follows them stays.
   */
  write(name: string, bytes: Uint8Array, offset: number, durable: boolean, inPlace?: boolean): Promise<void>
  /** Takes a name away (else `ENOENT`); durable only after {@link syncDirectory}. */
  remove(name: string): Promise<void>
  /** Makes every name made or removed so far durable. */
  syncDirectory(): Promise<void>
}

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

const synced = promisify(fsync)

/** Key files in `dir`, which is made, or narrowed to mode 0700. */
export function openKeyFiles(dir: string): KeyFiles {
  mkdirSync(dir, { recursive: true, mode: DIRECTORY_MODE })
  chmodSync(dir, DIRECTORY_MODE)
  return new DiskKeyFiles(dir)
}

/** Files beside those of others, in a folder that is left as it is. */
export function adjacentKeyFiles(dir: string): KeyFiles {
  return new DiskKeyFiles(dir)
}

/**
 * Only syncs leave the event loop: the rest touches the page cache for a few bytes, and a trip to the thread pool would
 * cost more.
 */
class DiskKeyFiles implements KeyFiles {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  async list(): Promise<readonly string[]> {
    return readdirSync(this.#dir)
  }

  async read(name: string, from = 0, most = Number.POSITIVE_INFINITY): Promise<Buffer | null> {
    let file: number
    try {
      file = openSync(join(this.#dir, name), 'r')
    } catch (error) {
      if (isErrorCode(error, 'ENOENT')) return null
      throw error
    }
    try {
      const bytes = secretBuffer(Math.max(0, Math.min(fstatSync(file).size - from, most)))
      let length = 0
      while (length < bytes.length) {
        const got = readSync(file, bytes, length, bytes.length - length, from + length)
        if (got === 0) break
        length += got
      }
      return bytes.subarray(0, length)
    } finally {
      closeSync(file)
    }
  }

  async create(name: string, bytes: Uint8Array): Promise<void> {
    const file = openSync(join(this.#dir, name), 'wx', FILE_MODE)
    try {
      writeAll(file, bytes, 0)
      await synced(file)
    } finally {
      closeSync(file)
    }
  }

  async write(
    name: string,
    bytes: Uint8Array,
    offset: number,
    durable: boolean,
    inPlace = false,
  ): Promise<void> {
    const file = openSync(join(this.#dir, name), 'r+')
    try {
      writeAll(file, bytes, offset)
      const end = offset + bytes.length
      if (!inPlace && fstatSync(file).size !== end) ftruncateSync(file, end)
      if (durable) await synced(file)
    } finally {
      closeSync(file)
    }
  }

  async remove(name: string): Promise<void> {
    unlinkSync(join(this.#dir, name))
  }

  async syncDirectory(): Promise<void> {
    const directory = openSync(this.#dir, 'r')
    try {
      await synced(directory)
    } finally {
      closeSync(directory)
    }
  }
}

function writeAll(file: number, bytes: Uint8Array, offset: number): void {
  let written = 0
  while (written < bytes.length) {
    written += writeSync(file, bytes, written, bytes.length - written, offset + written)
  }
}

/** Whether there is a file of that name; nothing of it is read. */
export async function isThere(files: KeyFiles, name: string): Promise<boolean> {
  return (await files.read(name, 0, 0)) !== null
}

/** Whether `error` is a system error of that code. */
export function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
