/**
 * Defuses kafkajs' idle timer. After its first response every connection of kafkajs 2.2.4 wakes about 915 times a second
 * for ever: `RequestQueue.scheduleCheckPendingRequests` sets a timer for `throttledUntil - now`, which is negative where
 * nothing is throttled, and each one sets the next (network/requestQueue/index.js).
 *
 * With nothing pending and nothing throttled there is nothing to look at: whoever queues a request later schedules its
 * own look. The patch is refused where kafkajs is not what was read, so that an update cannot silently undo or break it.
 */
import { createRequire } from 'node:module'

interface RequestQueue {
  readonly pending: readonly unknown[]
  /** ms since the epoch; in the past or negative where nothing is throttled */
  readonly throttledUntil: number
  readonly throttleCheckTimeoutId: unknown
}

type Schedule = (this: RequestQueue) => void

interface RequestQueueClass {
  new (options: object): RequestQueue
  readonly prototype: { scheduleCheckPendingRequests: Schedule }
}

/** the statement that is at fault, as 2.2.4 has it */
const DEFECT = 'let scheduleAt = this.throttledUntil - Date.now()'

const patched = new WeakSet<Schedule>()

/** Patches kafkajs in this process, once. Throws where kafkajs has another shape than 2.2.4. */
export function defuseIdleTimer(): void {
  const require = createRequire(import.meta.url)
  const found: unknown = require('kafkajs/src/network/requestQueue/index.js')
  if (!isRequestQueue(found)) throw new Error('kafkajs is not the version whose idle timer is known')
  const { prototype } = found
  const original = prototype.scheduleCheckPendingRequests
  if (patched.has(original)) return
  if (!original.toString().includes(DEFECT)) {
    throw new Error('kafkajs is not the version whose idle timer is known: see idle-timer.ts')
  }
  const quiet: Schedule = function schedule(this: RequestQueue) {
    if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return
    original.call(this)
  }
  patched.add(quiet)
  prototype.scheduleCheckPendingRequests = quiet
}

function isRequestQueue(found: unknown): found is RequestQueueClass {
  if (typeof found !== 'function') return false
  const prototype: unknown = found.prototype
  if (typeof prototype !== 'object' || prototype === null) return false
  if (!('scheduleCheckPendingRequests' in prototype)) return false
  if (typeof prototype.scheduleCheckPendingRequests !== 'function') return false
  const queue = new (found as RequestQueueClass)({})
  return (
    Array.isArray(queue.pending) &&
    typeof queue.throttledUntil === 'number' &&
    queue.throttleCheckTimeoutId === null
  )
}
