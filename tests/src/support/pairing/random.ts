/** Seeded draws for tests: the same seed draws the same. Never for keys. */
import { createHash } from 'node:crypto'

export interface Draw {
  /** a whole number, 0 ≤ x < `limit` */
  below(limit: number): number
}

/** @param label what draws: one part of a test does not move another */
export function drawOf(seed: number, label: string): Draw {
  let block = Buffer.alloc(0)
  let at = 0
  let count = 0
  return {
    below(limit) {
      if (at + 4 > block.length) {
        block = createHash('sha512')
          .update(`${String(seed)} ${label} ${String(count++)}`)
          .digest()
        at = 0
      }
      const value = block.readUInt32LE(at)
      at += 4
      return value % limit
    },
  }
}

/** The same items in random order. */
export function shuffled<Item>(items: readonly Item[], draw: Draw): Item[] {
  const all = [...items]
  for (let i = all.length - 1; i > 0; i--) {
    const j = draw.below(i + 1)
    const item = all[i] as Item
    all[i] = all[j] as Item
    all[j] = item
  }
  return all
}
