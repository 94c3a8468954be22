/**
 * Hashes of a Merkle tree: RFC 9162, 2.1.1, with a leaf hash of our own (entry-line.ts).
 *
 *     node = SHA-256(0x01 ‖ left ‖ right)      empty tree = SHA-256()
 *
 * Trees grow at the right end, so that what is left of n leaves is their frontier: the roots of the at most log2 n
 * perfect trees that they fall into.
 */
import { HASH_BYTES, sha256Into } from './sha256.js'

const NODE_PREFIX = 0x01
/** More levels than a number of leaves in a double could have. */
const MAX_LEVELS = 64

const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX)

function nodeInto(left: Buffer, right: Buffer, target: Buffer, at: number): void {
  left.copy(nodeInput, 1, 0, HASH_BYTES)
  right.copy(nodeInput, 1 + HASH_BYTES, 0, HASH_BYTES)
  sha256Into(nodeInput, target, at)
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  const hash = Buffer.allocUnsafe(HASH_BYTES)
  nodeInto(left, right, hash, 0)
  return hash
}

/** Root of the tree of no leaves. */
export function emptyRoot(): Buffer {
  const hash = Buffer.allocUnsafe(HASH_BYTES)
  sha256Into(Buffer.alloc(0), hash, 0)
  return hash
}

/** The largest power of two below `size`, which is at least 2: where RFC 9162 splits a list of so many leaves. */
export function splitOf(size: number): number {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

/** The roots of the perfect trees that the leaves so far fall into, from left to right. */
export class Frontier {
  /** one hash after the other */
  readonly #hashes = Buffer.alloc(MAX_LEVELS * HASH_BYTES)
  /** height of each of these trees; they fall strictly */
  readonly #levels: number[] = []

  /** Takes the next leaf; or, with `level`, the root of the next 2^level leaves (at a multiple of so many). */
  push(hash: Buffer, level = 0): void {
    const levels = this.#levels
    const hashes = this.#hashes
    hash.copy(hashes, levels.length * HASH_BYTES, 0, HASH_BYTES)
    let height = level
    while (levels.length > 0 && levels[levels.length - 1] === height) {
      levels.pop()
      const left = levels.length * HASH_BYTES
      // The left and the right hash stand beside each other.
      hashes.copy(nodeInput, 1, left, left + 2 * HASH_BYTES)
      sha256Into(nodeInput, hashes, left)
      height += 1
    }
    levels.push(height)
  }

  /**
   * The root of all leaves so far.
   * @param right root of leaves that follow, as if they had been pushed: fewer than the smallest tree here has
   */
  root(right?: Buffer): Buffer {
    const root = Buffer.allocUnsafe(HASH_BYTES)
    let at = this.#levels.length
    if (right !== undefined) right.copy(root, 0, 0, HASH_BYTES)
    else if (at === 0) return emptyRoot()
    else {
      at -= 1
      this.#hashes.copy(root, 0, at * HASH_BYTES, (at + 1) * HASH_BYTES)
    }
    while (at > 0) {
      at -= 1
      nodeInto(this.#hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES), root, root, 0)
    }
    return root
  }

  clear(): void {
    this.#levels.length = 0
  }
}
