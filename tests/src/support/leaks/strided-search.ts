/**
 * The search of search.ts for gigabytes: of every eight bytes it looks at one window only. A needle of 15 bytes or more
 * covers a window wherever it lies, so all windows of a needle that could be that one are in the table.
 */
import type { Needle } from './forms.js'
import type { Search } from './search.js'

const WINDOW = 8
/** Any place of such a needle covers a whole window. */
export const MIN_STRIDED_BYTES = 2 * WINDOW - 1
const TABLE_BITS = 22

function slot(low: number, high: number): number {
  const mixed = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) >>> (32 - TABLE_BITS)
}

interface Candidate {
  readonly needle: Needle
  /** of the window within the needle */
  readonly offset: number
}

/**
 * @param needles of at least 15 bytes each
 * @returns a function that gives the needles found in some bytes, each once; the bytes must begin at a multiple of 4 in
 * their ArrayBuffer
 */
export function createStridedSearch(needles: readonly Needle[]): Search {
  const table = new Uint8Array(2 ** (TABLE_BITS - 3))
  const byWindow = new Map<string, Candidate[]>()
  for (const needle of needles) {
    if (needle.bytes.length < MIN_STRIDED_BYTES) throw new RangeError('a needle is too short')
    for (let offset = 0; offset < WINDOW; offset++) {
      const index = slot(needle.bytes.readUInt32LE(offset), needle.bytes.readUInt32LE(offset + 4))
      table[index >>> 3] = (table[index >>> 3] ?? 0) | (1 << (index & 7))
      const window = needle.bytes.toString('latin1', offset, offset + WINDOW)
      byWindow.set(window, [...(byWindow.get(window) ?? []), { needle, offset }])
    }
  }
  return (bytes) => {
    const found = new Set<Needle>()
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4))
    for (let word = 0; word + 1 < words.length; word += 2) {
      const index = slot(words[word] as number, words[word + 1] as number)
      if (((table[index >>> 3] as number) & (1 << (index & 7))) === 0) continue
      const at = word * 4
      for (const { needle, offset } of byWindow.get(bytes.toString('latin1', at, at + WINDOW)) ?? []) {
        const start = at - offset
        if (start >= 0 && bytes.subarray(start, start + needle.bytes.length).equals(needle.bytes))
          found.add(needle)
      }
    }
    return [...found]
  }
}
