import { TacitError } from '@tacit/contracts'

/** Runs one task after the other, in the order they came; a failing task fails its caller only. */
export type Serial = <T>(task: () => Promise<T>) => Promise<T>

/**
 * @param maxWaiting most tasks that wait; the next is refused
 * @returns a runner that throws TacitError ERR_KEY_STORE when too many wait
 */
export function createSerial(maxWaiting: number): Serial {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return <T>(task: () => Promise<T>): Promise<T> => {
    if (waiting >= maxWaiting)
      return Promise.reject(new TacitError('ERR_KEY_STORE', 'Too many keys are being made'))
    waiting += 1
    const run = last.then(task).finally(() => {
      waiting -= 1
    })
    last = run.catch(() => undefined)
    return run
  }
}
