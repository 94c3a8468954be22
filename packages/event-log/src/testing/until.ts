import { setTimeout as delay } from 'node:timers/promises'

/** Resolves when `holds` is true, asked every 10 ms, with how long that took, ms. Rejects after `withinMs`. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<number> {
  const start = performance.now()
  while (!(await holds())) {
    if (performance.now() - start > withinMs) throw new Error('it did not come true in time')
    await delay(10)
  }
  return performance.now() - start
}
