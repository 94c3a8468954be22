/**
 * Loaded by `--import` into a `tacit` process: writes down what must not grow, every few seconds and at SIGUSR2, one JSON
 * line each. The heap is counted after a collection (`--expose-gc`), so that garbage is not taken for a leak.
 */
import { appendFileSync, readdirSync } from 'node:fs'

export interface Vitals {
  /** ms since the process began */
  readonly ms: number
  readonly heapBytes: number
  readonly rssBytes: number
  readonly descriptors: number
  /** timers that wait */
  readonly timers: number
}

const FILE = process.env['TACIT_TEST_VITALS_FILE']
const EVERY_MS = 3_000

if (FILE !== undefined) {
  const write = (): void => {
    globalThis.gc?.()
    const vitals: Vitals = {
      ms: Math.round(performance.now()),
      heapBytes: process.memoryUsage().heapUsed,
      rssBytes: process.memoryUsage.rss(),
      descriptors: readdirSync('/proc/self/fd').length,
      timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
    }
    appendFileSync(FILE, `${JSON.stringify(vitals)}\n`)
  }
  setInterval(write, EVERY_MS).unref()
  process.on('SIGUSR2', write)
}
