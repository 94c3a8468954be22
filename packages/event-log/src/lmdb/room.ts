/**
 * Room for the next transaction, so that LMDB itself never meets a full disk.
 *
 * Why: on a failed write lmdb-js 3.5.6 formats a diagnostic of more than 100 bytes into a heap block of 100 (measured:
 * 101 characters at file position 20,480, more with every digit), so a true ENOSPC inside LMDB may corrupt memory.
 *
 * Invariants
 * - A transaction is admitted only if the data file already has blocks, written with zeros by us, for every page that
 *   it could add. Running out is then an ordinary ENOSPC of `FilePort.extend`, outside LMDB. (File systems that copy
 *   on write keep no such promise; there the log's own fail-stop remains.)
 * - `reserveBytes` of the file system stay free for others, and the file stays below `maxBytes`. There it does not grow: appends go on only
 *   inside pages that expiry has freed, cursors and expiry inside the margin kept for them.
 * - Nothing is asked of the file system more than once in `FREE_TTL_MS`, and never synchronously.
 */
import { TacitError } from '@tacit/contracts'
import { type FilePort, isNoRoom } from './files.js'
import type { Pages } from './store.js'

const FREE_TTL_MS = 250
/** blocks kept beyond the high water; half of it for cursors and expiry alone */
const MARGIN_BYTES = 4 * 1024 * 1024
/** how far ahead of need the file grows: about 5 ms of writing; less where the disk is small */
const STEP_BYTES = 4 * 1024 * 1024
/** pages beyond its records that a transaction may touch: tree paths, and up to 75,000 numbers of free pages */
const FIXED_PAGES = 256
const RECORD_PAGES = 2
/** removals are of neighbours, which share leaf pages */
const REMOVALS_PER_PAGE = 4
/** freed pages lie scattered: only this share of them is counted on */
const USABLE_FREE_SHARE = 1 / 4

/** The most bytes that a transaction may write. `frames` are lengths in bytes. */
export function transactionBytes(frames: readonly number[], removals: number, pageSize: number): number {
  let pages = FIXED_PAGES + Math.ceil(removals / REMOVALS_PER_PAGE)
  for (const bytes of frames) pages += Math.ceil(bytes / pageSize) + RECORD_PAGES
  return pages * pageSize
}

export interface RoomOptions {
  readonly dir: string
  readonly files: FilePort
  /** bytes of the file system that stay free for others */
  readonly reserveBytes: number
  /** bytes that the data file never outgrows */
  readonly maxBytes: number
}

export class Room {
  readonly #files: FilePort
  readonly #dir: string
  readonly #dataFile: string
  readonly #reserve: number
  readonly #maxBytes: number
  /** bytes of the data file that have blocks; a lower bound */
  #allocated: number
  /** bytes that may still be admitted before the high water must be looked up again */
  #budget = 0
  #free = 0
  #freeAt = Number.NEGATIVE_INFINITY

  /** @param allocated length of the data file */
  constructor(options: RoomOptions, dataFile: string, allocated: number) {
    this.#files = options.files
    this.#dir = options.dir
    this.#reserve = options.reserveBytes
    this.#maxBytes = options.maxBytes
    this.#dataFile = dataFile
    this.#allocated = allocated
  }

  /**
   * Resolves when a transaction of at most `bytes` has room; rejects with ERR_LOG_FULL where it has none, and with
   * what `FilePort.beforeWrite` rejects with.
   * @param essential cursors and expiry: they may use the margin, and go on below the reserve
   */
  async admit(bytes: number, essential: boolean, pages: Pages): Promise<void> {
    const growing = await this.#mayGrow(0)
    let needed = essential ? bytes : bytes + MARGIN_BYTES
    this.#look(needed, pages)
    if (this.#budget < needed && growing) await this.#grow(needed - this.#budget)
    if (!essential && (!growing || this.#budget < needed)) {
      if (pages.free() * USABLE_FREE_SHARE < bytes) throw full()
      needed = bytes + MARGIN_BYTES / 2
      this.#look(needed, pages)
    }
    if (this.#budget < needed) throw full()
    this.#budget -= bytes
    try {
      await this.#files.beforeWrite(bytes)
    } catch (error) {
      throw isNoRoom(error) ? full(error) : error
    }
  }

  /** Replaces the estimate of what earlier transactions wrote by what they did write, where it matters. */
  #look(needed: number, pages: Pages): void {
    if (this.#budget < needed) this.#budget = this.#allocated - pages.highWater()
  }

  /** Whether the file system has `bytes` above the reserve; looks at most every 250 ms. */
  async #mayGrow(bytes: number): Promise<boolean> {
    const now = performance.now()
    if (now - this.#freeAt >= FREE_TTL_MS) {
      this.#free = await this.#files.freeBytes(this.#dir)
      this.#freeAt = now
    }
    return this.#free - bytes >= this.#reserve
  }

  /** Writes at least `least` bytes of blocks after the last one, a step more where the disk has it; or fewer. */
  async #grow(least: number): Promise<void> {
    const bytes = (await this.#mayGrow(least + STEP_BYTES)) ? least + STEP_BYTES : least
    if (this.#allocated + bytes > this.#maxBytes || !(await this.#mayGrow(bytes))) return
    let reached: number
    try {
      reached = await this.#files.extend(this.#dataFile, this.#allocated + bytes)
    } catch (error) {
      throw isNoRoom(error) ? full(error) : error
    }
    this.#free -= Math.max(0, reached - this.#allocated)
    this.#budget += reached - this.#allocated
    this.#allocated = reached
  }
}

function full(cause?: unknown): TacitError {
  return new TacitError('ERR_LOG_FULL', 'The log has no room: free disk space; it goes on by itself', {
    cause,
  })
}
