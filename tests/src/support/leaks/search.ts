/**
 * Looks for many byte strings in one pass (Rabin and Karp's idea with an eight-byte window): a bit table says whether a
 * needle may start with the eight bytes at hand, a map says which ones, and the bytes are compared.
 */
import { MIN_BYTES, type Needle } from './forms.js'

const TABLE_BITS = 22

export type Search = (bytes: Buffer) => readonly Needle[]

function slot(high: number, low: number): number {
  const mixed = Math.imul(high, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) >>> (32 - TABLE_BITS)
}

/** @returns a function that gives the needles found in some bytes, each once */
export function createSearch(needles: readonly Needle[]): Search {
  const table = new Uint8Array(2 ** (TABLE_BITS - 3))
  const byStart = new Map<string, Needle[]>()
  for (const needle of needles) {
    if (needle.bytes.length < MIN_BYTES) throw new RangeError('a needle is too short')
    const index = slot(needle.bytes.readInt32BE(0), needle.bytes.readInt32BE(4))
    table[index >>> 3] = (table[index >>> 3] ?? 0) | (1 << (index & 7))
    const start = needle.bytes.toString('latin1', 0, MIN_BYTES)
    const same = byStart.get(start)
    if (same === undefined) byStart.set(start, [needle])
    else same.push(needle)
  }
  return (bytes) => {
    const found = new Set<Needle>()
    let high = 0
    let low = 0
    for (let end = 0; end < bytes.length; end++) {
      high = (high << 8) | (low >>> 24)
      low = (low << 8) | (bytes[end] as number)
      const index = slot(high, low)
      if (((table[index >>> 3] as number) & (1 << (index & 7))) === 0 || end < MIN_BYTES - 1) continue
      const start = end - MIN_BYTES + 1
      for (const needle of byStart.get(bytes.toString('latin1', start, end + 1)) ?? []) {
        if (bytes.subarray(start, start + needle.bytes.length).equals(needle.bytes)) found.add(needle)
      }
    }
    return [...found]
  }
}
