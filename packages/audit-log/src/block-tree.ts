/**
 * The tree of a log that grows: its root at any time, and with little memory (32 bytes and an offset for every 1,024
 * entries) where to find the few entries that a proof must hash again.
 */
import { Frontier } from './merkle-tree.js'
import { HASH_BYTES } from './sha256.js'

const BLOCK_LEVEL = 10
/** Leaves of a block. */
export const BLOCK = 2 ** BLOCK_LEVEL

export class BlockTree {
  /** leaves */
  size = 0
  /** byte offset of the first line of each block */
  readonly #offsets: number[] = []
  /** roots of whole blocks */
  readonly #roots: Buffer[] = []
  readonly #blocks = new Frontier()
  readonly #block = new Frontier()

  /** @param offset of the leaf's line */
  push(leaf: Buffer, offset: number): void {
    if (this.size % BLOCK === 0) this.#offsets.push(offset)
    this.#block.push(leaf)
    this.size += 1
    if (this.size % BLOCK !== 0) return
    const root = this.#block.root()
    this.#block.clear()
    this.#roots.push(root)
    this.#blocks.push(root, BLOCK_LEVEL)
  }

  root(): Buffer {
    return this.size % BLOCK === 0 ? this.#blocks.root() : this.#blocks.root(this.#block.root())
  }

  /** Where the line of the first leaf of a block begins; undefined where there is no such leaf. */
  offsetOf(block: number): number | undefined {
    return this.#offsets[block]
  }

  /**
   * The root of the leaves `start` (from 0) to before `end`: a range as RFC 9162 splits trees, so that `start` is a
   * multiple of a power of two that is not smaller than the range, or 0.
   * @param leavesOf the leaf hashes of a block, one after the other, as far as the range goes
   */
  rangeRoot(start: number, end: number, leavesOf: (block: number) => Buffer): Buffer {
    const range = new Frontier()
    for (let at = start; at < end; ) {
      const block = Math.floor(at / BLOCK)
      const root = this.#roots[block]
      if (root !== undefined && at % BLOCK === 0 && at + BLOCK <= end) {
        range.push(root, BLOCK_LEVEL)
        at += BLOCK
      } else {
        const leaf = (at % BLOCK) * HASH_BYTES
        range.push(leavesOf(block).subarray(leaf, leaf + HASH_BYTES))
        at += 1
      }
    }
    return range.root()
  }
}
