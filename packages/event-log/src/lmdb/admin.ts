/** What keeps the log in shape: room for its first pages, and retention. */
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { TacitError } from '@tacit/contracts'
import type { Committer } from './committer.js'
import type { FilePort } from './files.js'
import { runKey } from './load.js'
import { keyPosition } from './record.js'
import { FLOOR_KEY, writeState } from './state.js'
import { dataFile, LOCK_FILE } from './store.js'

/** the first pages, and the lock file */
const BIRTH_BYTES = 8 * 1024 * 1024
/** LMDB's reader table for 126 readers is 8 KiB; a sparse one on a full disk ends the process with SIGBUS */
const LOCK_BYTES = 16 * 1024
/** records removed in one transaction: about 1 ms of the event loop */
const EXPIRE_STEP = 256

/** Sees that a new environment has room for its first pages, and that no file LMDB maps for writing is sparse. */
export async function prepare(dir: string, files: FilePort, reserveBytes: number): Promise<void> {
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

/** Deletes records whose hour is before `hour`, in bounded steps. @returns how many went */
export async function expire(committer: Committer, hour: number): Promise<number> {
  const { runs } = committer
  if (!runs.firstBefore(hour, committer.next)) return 0
  runs.seal()
  // an empty transaction behind those under way: after it every record of the runs is there to be deleted
  await remove(committer, [], [])
  let expired = 0
  for (;;) {
    const found = committer.runs.firstBefore(hour, committer.next)
    if (!found) return expired
    const keys = committer.store.keys(found.run.first, found.end, EXPIRE_STEP)
    const positions = keys.map(keyPosition).filter((position) => position !== null)
    const done = keys.length < EXPIRE_STEP
    await remove(committer, positions, done ? [runKey(found.run.first)] : [])
    if (done) committer.runs.remove(found.run)
    expired += positions.length
  }
}

/** Deletes records and the keys of runs; the floor goes along, so that an emptied log does not give positions out again. */
export function remove(
  committer: Committer,
  positions: readonly number[],
  runs: readonly string[],
): Promise<void> {
  const floor = { key: FLOOR_KEY, value: writeState(committer.next - 1) }
  return committer.change({ state: [floor], removeRecords: positions, removeState: runs })
}
