/**
 * Seeded randomness for sample traffic: the same label and seed give the same numbers on every machine. Never for
 * keys or pseudonyms: xoshiro128** is no cryptographic generator.
 *
 * Sources: xoshiro128** 1.1, D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS
 * 47 (2021); alias method, M. D. Vose, "A linear algorithm for generating random numbers with a given
 * distribution", IEEE TSE 17 (1991).
 */
import { createHash } from 'node:crypto'

const UNIT = 2 ** -32

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

/** Sixteen bits as four hexadecimal digits: ids are made of four look-ups. */
const HEX = Array.from({ length: 65_536 }, (_, value) => value.toString(16).padStart(4, '0'))

export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  /** @param state four 32-bit numbers, not all zero */
  constructor(state: readonly [number, number, number, number]) {
    this.#a = state[0] | 0
    this.#b = state[1] | 0
    this.#c = state[2] | 0
    this.#d = state[3] | 0
  }

  /** A generator of its own for `label`: what one part of the sample draws does not move another. */
  static of(seed: number, label: string): Random {
    const hash = createHash('sha256').update(`tacit-sample/${seed}/${label}`).digest()
    return new Random([hash.readInt32LE(0), hash.readInt32LE(4), hash.readInt32LE(8), hash.readInt32LE(12)])
  }

  /** 0 … 2³²−1 */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = rotateLeft(this.#d, 11)
    return result
  }

  /** 0 ≤ x < 1 */
  unit(): number {
    return this.uint32() * UNIT
  }

  /** A whole number, 0 ≤ x < `limit` */
  below(limit: number): number {
    return Math.floor(this.unit() * limit)
  }

  chance(probability: number): boolean {
    return this.unit() < probability
  }

  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0]
  }

  /** Exponentially distributed, at most `limit`. */
  exponential(mean: number, limit: number): number {
    return Math.min(limit, -Math.log(1 - this.unit()) * mean)
  }

  /** Log-normally distributed around `median`; half a `sigma` is about the spread of page load times. */
  logNormal(median: number, sigma: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.unit()))
    return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * this.unit()))
  }

  /** A 64-bit id, 16 hexadecimal digits. */
  id(): string {
    const high = this.uint32()
    const low = this.uint32()
    return `${HEX[high >>> 16]}${HEX[high & 0xffff]}${HEX[low >>> 16]}${HEX[low & 0xffff]}`
  }
}

/** Draws an item by weight in constant time. */
export class Weighted<Item> {
  readonly #items: readonly Item[]
  readonly #cut: Float64Array
  readonly #alias: Uint32Array

  /** @param entries at least one, weights not negative and not all zero */
  constructor(entries: readonly (readonly [Item, number])[]) {
    const size = entries.length
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0)
    if (!(total > 0)) throw new RangeError('weights must add up to more than nothing')
    this.#items = entries.map(([item]) => item)
    this.#cut = Float64Array.from(entries, ([, weight]) => (weight * size) / total)
    this.#alias = Uint32Array.from({ length: size }, (_, index) => index)
    const small: number[] = []
    const large: number[] = []
    for (const [index, share] of this.#cut.entries()) (share < 1 ? small : large).push(index)
    while (small.length > 0 && large.length > 0) {
      const from = small.pop() ?? 0
      const to = large.at(-1) ?? 0
      this.#alias[from] = to
      const left = (this.#cut[to] ?? 0) + (this.#cut[from] ?? 0) - 1
      this.#cut[to] = left
      if (left < 1) small.push(large.pop() ?? 0)
    }
    // What is left over differs from 1 by rounding only.
    for (const index of [...small, ...large]) this.#cut[index] = 1
  }

  draw(random: Random): Item {
    const at = random.unit() * this.#items.length
    const index = Math.floor(at)
    const chosen = at - index < (this.#cut[index] ?? 1) ? index : (this.#alias[index] ?? index)
    // The index is within bounds: `at` is below the number of items.
    return this.#items[chosen] as Item
  }
}
