/** Waiting at a start for what other machines offer: a deployment's parts are started in any order. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 5_000

/** What will not come right by waiting: wrong settings, topics, certificates, tables. */
function isLasting(error: unknown): boolean {
  return error instanceof TacitError && !error.retryable
}

/**
 * Tries until it works, and says once that it waits.
 * @param what is waited for, as in `… does not answer yet`
 * @throws TacitError where waiting would not help
 */
export async function untilAvailable<T>(
  what: string,
  task: () => Promise<T>,
  alarm: (message: string) => void,
): Promise<T> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await task()
    } catch (error) {
      if (isLasting(error)) throw error
      if (wait === FIRST_WAIT_MS) alarm(`${what} does not answer yet; it is tried again`)
      await sleep(wait)
    }
  }
}
