/** Uniform whole numbers from random bytes: all that the samplers know of chance. */
import { randomBytes } from 'node:crypto'

/** Each call gives fresh, independent, uniformly random bytes, at least one of them. */
export type RandomSource = () => Uint8Array

/** Enough for some hundred draws; a call of the system's source costs more than the bytes do. */
const BLOCK = 4096

/** The operating system's random source, by way of OpenSSL. */
export const systemRandom: RandomSource = () => randomBytes(BLOCK)

/** Bits that a JavaScript number takes without rounding, in whole bytes. */
const SAFE_BYTES = 6
const SAFE_LIMIT = 2n ** BigInt(8 * SAFE_BYTES)

/** How many bits a whole number below 2^48 has; by whole numbers, as a logarithm could round to one too few. */
function bitsOf(value: number): number {
  const high = Math.floor(value / 2 ** 32)
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value)
}

/** Draws of whole numbers. Keeps the rest of a block of bytes for the next draw; a byte is used once. */
export class UniformIntegers {
  readonly #source: RandomSource
  #block: Uint8Array = new Uint8Array(0)
  #at = 0

  constructor(source: RandomSource) {
    this.#source = source
  }

  /** Uniform among 0 … bound − 1, by rejection: no remainder favours the small ones. @throws RangeError for a bound below 1 */
  below(bound: bigint): bigint {
    if (bound < 1n) throw new RangeError('a bound is at least 1')
    if (bound <= SAFE_LIMIT) return BigInt(this.#belowSafe(Number(bound)))
    const bits = (bound - 1n).toString(2).length
    for (;;) {
      let drawn = 0n
      for (let left = bits; left > 0; left -= 8)
        drawn = (drawn << BigInt(Math.min(8, left))) | BigInt(this.#bits(Math.min(8, left)))
      if (drawn < bound) return drawn
    }
  }

  /** True with probability numerator / denominator. */
  isBelow(numerator: bigint, denominator: bigint): boolean {
    return this.below(denominator) < numerator
  }

  #belowSafe(bound: number): number {
    const bits = bitsOf(bound - 1)
    for (;;) {
      let drawn = 0
      for (let left = bits; left > 0; left -= 8)
        drawn = drawn * 2 ** Math.min(8, left) + this.#bits(Math.min(8, left))
      if (drawn < bound) return drawn
    }
  }

  /** @param bits 1 to 8 */
  #bits(bits: number): number {
    while (this.#at >= this.#block.length) {
      this.#block = this.#source()
      this.#at = 0
      if (this.#block.length === 0) throw new RangeError('the random source gave nothing')
    }
    const byte = this.#block[this.#at] as number
    // What was drawn cannot be read again from the block that it came from.
    this.#block[this.#at++] = 0
    return byte >> (8 - bits)
  }
}
