/**
 * One process at a time in a data directory.
 *
 * Format: `tacit.lock.<n>`; the highest n counts, and n only rises. Its content is the holder (pid, start time, boot),
 * or nothing when it was given back. A lock is taken by linking a complete file to the next number, which exactly one
 * process can do, and then looking again: who finds a higher number gives way.
 *
 * Invariants
 * - The highest file is never removed or renamed, so a slow starter cannot take away a lock that it thinks is stale.
 * - A holder that was killed (gone, a zombie, or its pid given to another process) is passed over at once.
 *
 * It sees processes of its own machine and pid namespace only; a directory shared over a network is not covered.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, link, mkdir, open, readdir, readFile, truncate, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { TacitError } from '@tacit/contracts'

/** Gives the directory back; safe to call twice. */
export type Release = () => Promise<void>

interface Holder {
  readonly pid: number
  /** start time of the process in clock ticks since boot; empty where /proc is missing */
  readonly start: string
  /** id of this boot; empty where /proc is missing */
  readonly boot: string
}

const NAME = /^tacit\.lock\.(\d{1,15})$/
/** each turn is lost to another starter that won; a handful at once is already odd */
const MAX_ATTEMPTS = 20

/**
 * Locks a directory, creating it (mode 0700) where it is missing.
 * Rejects with ERR_DATA_IN_USE where a living process holds it, ERR_DATA_DIRECTORY where it cannot be written.
 */
export async function lockDirectory(dir: string): Promise<Release> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await access(dir, constants.W_OK)
    const self = await holderOf(process.pid)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const release = await attemptLock(dir, {
        pid: process.pid,
        start: self?.start ?? '',
        boot: self?.boot ?? '',
      })
      if (release) return release
    }
  } catch (error) {
    if (error instanceof TacitError) throw error
    throw new TacitError(
      'ERR_DATA_DIRECTORY',
      'The data directory cannot be read or written: check its owner and mode',
      {
        cause: error,
      },
    )
  }
  throw inUse()
}

/** One turn: the lock, or null where another starter was faster and the state must be looked at again. */
async function attemptLock(dir: string, self: Holder): Promise<Release | null> {
  const before = await generations(dir)
  const highest = before.at(-1) ?? 0
  if (highest > 0 && (await isHeld(join(dir, name(highest))))) throw inUse()
  const mine = highest + 1
  if (!(await createComplete(dir, name(mine), JSON.stringify(self)))) return null
  const after = await generations(dir)
  if (after.at(-1) !== mine) {
    await unlink(join(dir, name(mine))).catch(ignoreMissing)
    return null
  }
  for (const older of after.slice(0, -1)) await unlink(join(dir, name(older))).catch(ignoreMissing)
  let released = false
  return async () => {
    if (released) return
    released = true
    await truncate(join(dir, name(mine))).catch(ignoreMissing)
  }
}

/** Creates a file with its content in one step; false where the name exists. */
async function createComplete(dir: string, file: string, content: string): Promise<boolean> {
  const draft = join(dir, `tacit.lock-${process.pid}-${randomBytes(6).toString('hex')}`)
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  try {
    await link(draft, join(dir, file))
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await unlink(draft)
  }
}

async function generations(dir: string): Promise<number[]> {
  const found: number[] = []
  for (const file of await readdir(dir)) {
    const digits = NAME.exec(file)?.[1]
    if (digits) found.push(Number(digits))
  }
  return found.sort((a, b) => a - b)
}

/** Whether a lock file names a living process. A file that was given back, is gone or unreadable does not. */
async function isHeld(path: string): Promise<boolean> {
  let content: string
  try {
    content = await readFile(path, 'utf8')
  } catch (error) {
    ignoreMissing(error)
    return false
  }
  const holder = parseHolder(content)
  if (!holder || !isAlive(holder.pid)) return false
  const now = await holderOf(holder.pid)
  if (now === null) return true
  return now.start === holder.start && now.boot === holder.boot
}

function parseHolder(content: string): Holder | null {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  if (!('pid' in value) || !('start' in value) || !('boot' in value)) return null
  const { pid, start, boot } = value
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null
  return typeof start === 'string' && typeof boot === 'string' ? { pid, start, boot } : null
}

/** Signal 0 only asks; EPERM means that the process lives under another user. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** Who a pid is now; null where /proc does not say; an empty start for a zombie. See proc(5). */
async function holderOf(pid: number): Promise<Holder | null> {
  let boot: string
  let stat: string
  try {
    boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null
  }
  // the second field is the command in brackets and may hold anything; the third is the state, the 22nd the start
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const dead = fields[0] === 'Z' || fields[0] === 'X'
  return { pid, start: dead ? '' : (fields[19] ?? ''), boot }
}

function name(generation: number): string {
  return `tacit.lock.${generation}`
}

function inUse(): TacitError {
  return new TacitError(
    'ERR_DATA_IN_USE',
    'Another process uses this data directory: stop it, or choose another directory',
  )
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error
}
