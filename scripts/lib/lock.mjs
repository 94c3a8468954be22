/**
 * One set-up at a time in a checkout, so that `npm start` and `npm test` can be started together.
 *
 * Invariants: whoever created the lock file holds the lock, and touches it every two seconds while it does.
 * Recovery: a lock is stale when its process on this host is gone, or when nobody has touched it for a minute
 * (which also covers a process number that a container gave out again). It is removed under a second lock file, so
 * that two waiters cannot both remove: the later one would remove the lock that the earlier has just taken.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const TOUCH_MS = 2_000
const STALE_MS = 60_000
const POLL_MS = 100
/** Shorter waits are not worth a line. */
const TELL_AFTER_MS = 1_000
const WAIT_MS = 20 * 60_000

/**
 * @param {string} path
 * @returns {boolean} whether this process created the file
 */
function create(path) {
  try {
    writeFileSync(path, `${process.pid} ${hostname()}\n`, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/**
 * @param {string} path
 * @returns {{ stale: boolean, pid: number }}
 */
function inspect(path) {
  try {
    const [pid = '', host = ''] = readFileSync(path, 'utf8').trim().split(' ')
    const untouched = Date.now() - statSync(path).mtimeMs
    // A file without content was created this instant, or its writer died between creating and writing.
    const dead = pid !== '' && host === hostname() && !alive(Number(pid))
    return { stale: dead || untouched > STALE_MS, pid: Number(pid) }
  } catch {
    return { stale: false, pid: 0 }
  }
}

/** @param {string} path */
function takeOver(path) {
  const guard = `${path}.takeover`
  if (!create(guard)) {
    if (inspect(guard).stale) rmSync(guard, { force: true })
    return
  }
  try {
    if (inspect(path).stale) rmSync(path, { force: true })
  } finally {
    rmSync(guard, { force: true })
  }
}

/**
 * Runs `work` while holding the lock at `path`, waiting for it at most `waitMs`.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{ waitMs?: number, onWait?: (pid: number) => void }} [options] `onWait` is called once, after a second
 * @returns {Promise<T>}
 * @throws {Error} when the lock is not free in time
 */
export async function withLock(path, work, { waitMs = WAIT_MS, onWait } = {}) {
  mkdirSync(dirname(path), { recursive: true })
  const started = Date.now()
  let told = false
  while (!create(path)) {
    const { stale, pid } = inspect(path)
    if (stale) {
      takeOver(path)
      continue
    }
    const waited = Date.now() - started
    if (waited > waitMs) throw new Error(`another set-up holds ${path}; delete it if none is running`)
    if (!told && waited > TELL_AFTER_MS) {
      told = true
      onWait?.(pid)
    }
    await sleep(POLL_MS)
  }
  const touching = setInterval(() => {
    const now = new Date()
    // Gone only if somebody removed it by hand; the work goes on, as it cannot be undone half-way.
    if (existsSync(path)) utimesSync(path, now, now)
  }, TOUCH_MS)
  touching.unref()
  const release = () => rmSync(path, { force: true })
  process.once('exit', release)
  try {
    return await work()
  } finally {
    clearInterval(touching)
    process.off('exit', release)
    release()
  }
}
