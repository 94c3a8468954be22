/**
 * One LMDB environment, opened the one way that was measured to be safe, and nothing else of lmdb-js.
 *
 * Invariants
 * - At most one transaction is under way; the caller sees to that. lmdb-js answers a failed `mdb_txn_begin` (the
 *   environment is broken) with a promise that never settles and a mutex that stays locked, so nothing may be queued
 *   behind a transaction that can fail.
 * - After one rejection the environment is only closed, never written again.
 *
 * Options, each measured on ext4 and tmpfs with lmdb 3.5.6
 * - `overlappingSync: false`. With it (the default) a failed write or fsync leaves `flushed` and `close()` pending for
 *   ever; without it the promise rejects, close takes a millisecond and the same process can open again. One group of
 *   writes a transaction costs the same either way, and a resolved put is then already flushed, data before meta page.
 * - `eventTurnBatching: false`. Its extra start-of-batch promise rejects unhandled when a commit fails, which ends the
 *   process; groups are formed by the log, so nothing is lost.
 * - no `noSync`, `noMetaSync`, `useWritemap`, `mapAsync`: each gives up durability or lets a stray pointer write.
 * - `noMemInit: false`: pages are cleared, so that no stale process memory reaches the file.
 * - no compression: sealed batches do not compress. No cache: each record is read once.
 * - `append: true` on records: pages fill to the end (half the space), and a position that exists is refused.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb'
import { positionKey } from './record.js'

export interface WriteGroup {
  readonly records: readonly { readonly position: number; readonly frame: Buffer }[]
  readonly state: readonly { readonly key: string; readonly value: Buffer }[]
  readonly removeRecords: readonly number[]
  readonly removeState: readonly string[]
}

/** How full the data file is, in bytes. */
export interface Pages {
  /** up to the last page in use or once used */
  highWater(): number
  /** below the high water and empty: freed by expiry, used again by appends */
  free(): number
}

/** What lmdb-js takes, and its types leave out. */
interface AppendingDatabase {
  put(key: Buffer, value: Buffer, options: { append: true }): Promise<boolean>
}

/** The native environment behind a database: `getStats` asks it too, at thirty times the cost. */
interface WithEnvironment {
  readonly env: { info(): { readonly lastPageNumber: number } }
}

interface TreeStats {
  readonly pageSize: number
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

export const DATA_FILE = 'data.mdb'
export const LOCK_FILE = 'lock.mdb'
const MAIN_DATABASE_PAGES = 1
const META_PAGES = 2
/** MDB_MAGIC, after the page header of the first meta page (lmdb's mdb.c). */
const MAGIC = 0xbeefc0de
const MAGIC_AT = 24

/**
 * Throws for a file that is no LMDB environment. lmdb-js 3.5.6 would find out as well, and then end the process:
 * closing an environment that never opened is a segmentation fault there.
 */
function requireEnvironment(path: string): void {
  if (!existsSync(path) || statSync(path).size === 0) return
  const head = Buffer.alloc(MAGIC_AT + 4)
  const file = openSync(path, 'r')
  try {
    readSync(file, head, 0, head.length, 0)
  } finally {
    closeSync(file)
  }
  if (head.readUInt32LE(MAGIC_AT) !== MAGIC) throw new Error('not an LMDB environment')
}

export class LmdbStore implements Pages {
  /** bytes */
  readonly pageSize: number
  readonly #root: RootDatabase<Buffer, string>
  readonly #records: Database<Buffer, Buffer>
  readonly #state: Database<Buffer, string>

  /**
   * Opens or creates the environment in `dir`. Throws what LMDB throws: a file that is no database, no permission.
   * @param mapSize address space, in bytes; lmdb-js maps more where that is not enough
   */
  constructor(dir: string, mapSize: number) {
    const options: RootDatabaseOptionsWithPath & { permissionsMode: number } = {
      path: dir,
      noSubdir: false,
      mapSize,
      maxDbs: 2,
      encoding: 'binary',
      overlappingSync: false,
      eventTurnBatching: false,
      noMemInit: false,
      permissionsMode: 0o600,
    }
    requireEnvironment(join(dir, DATA_FILE))
    this.#root = open<Buffer, string>(options)
    this.#records = this.#root.openDB<Buffer, Buffer>({
      name: 'records',
      encoding: 'binary',
      keyEncoding: 'binary',
    })
    this.#state = this.#root.openDB<Buffer, string>({ name: 'state', encoding: 'binary' })
    this.pageSize = (this.#state.getStats() as TreeStats).pageSize
  }

  /** Writes a group in one transaction; resolves when it is on disk, rejects when nothing of it was promised. */
  async write(group: WriteGroup): Promise<void> {
    const outcomes: Promise<boolean>[] = []
    const records = this.#records as unknown as AppendingDatabase
    const committed = this.#records.batch(() => {
      for (const { position, frame } of group.records) {
        outcomes.push(records.put(positionKey(position), frame, { append: true }))
      }
      for (const { key, value } of group.state) outcomes.push(this.#state.put(key, value))
      for (const position of group.removeRecords) outcomes.push(this.#records.remove(positionKey(position)))
      for (const key of group.removeState) outcomes.push(this.#state.remove(key))
    })
    try {
      const [, ...stored] = await Promise.all([committed, ...outcomes])
      if (stored.slice(0, group.records.length).includes(false)) throw new Error('the position exists')
    } catch (error) {
      throw await commitError(error)
    }
  }

  /**
   * Hands records from a position on to `visit`, in stored order, until it returns false. The read transaction ends
   * with the call, so that no reader holds back the reuse of free pages.
   */
  scan(from: number, visit: (key: Buffer, frame: Buffer) => boolean): void {
    this.#records.resetReadTxn()
    try {
      for (const { key, value } of this.#records.getRange({ start: positionKey(from) })) {
        if (!visit(key, value)) break
      }
    } finally {
      this.#records.resetReadTxn()
    }
  }

  /** Up to `limit` keys from a position on, before `end`. */
  keys(from: number, end: number, limit: number): Buffer[] {
    this.#records.resetReadTxn()
    try {
      return [...this.#records.getKeys({ start: positionKey(from), end: positionKey(end), limit })]
    } finally {
      this.#records.resetReadTxn()
    }
  }

  /** The last key; null in an empty log. */
  lastKey(): Buffer | null {
    for (const key of this.#records.getKeys({ reverse: true, limit: 1 })) return key
    return null
  }

  /** Every small value, in order of its key. */
  state(): { key: string; value: Buffer }[] {
    return [...this.#state.getRange({})]
  }

  highWater(): number {
    return (this.#lastPage() + 1) * this.pageSize
  }

  free(): number {
    this.#records.resetReadTxn()
    const records = this.#records.getStats() as TreeStats & { readonly free: TreeStats }
    const state = this.#state.getStats() as TreeStats
    this.#records.resetReadTxn()
    const used = META_PAGES + MAIN_DATABASE_PAGES + pagesOf(records) + pagesOf(records.free) + pagesOf(state)
    return Math.max(0, this.#lastPage() + 1 - used) * this.pageSize
  }

  /** Waits for the transaction under way and closes. */
  async close(): Promise<void> {
    await this.#root.close()
  }

  #lastPage(): number {
    return (this.#root as unknown as WithEnvironment).env.info().lastPageNumber
  }
}

/** The path of the data file of an environment. */
export function dataFile(dir: string): string {
  return join(dir, DATA_FILE)
}

function pagesOf(tree: TreeStats): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages
}

/** lmdb-js rejects with a plain error whose `commitError` is a promise that rejects with the reason. */
async function commitError(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (reason) {
    return reason
  }
}
