/**
 * Which hashes prove that an entry is in a tree, or that one tree is the beginning of another, and how to check them:
 * RFC 9162, 2.1.3 and 2.1.4. Numbers stay exact up to 2^53, so nothing here shifts bits.
 */
import { nodeHash, splitOf } from './merkle-tree.js'

/** Root of the tree of the leaves `start` (from 0) to before `end`, at least one. */
export type RangeRoot = (start: number, end: number) => Buffer

/** PATH(index, D[size]), 2.1.3.1: the siblings from the leaf up. @param index of the leaf, from 0, below `size` */
export function inclusionPath(rangeRoot: RangeRoot, index: number, size: number): Buffer[] {
  const path: Buffer[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + splitOf(end - start)
    if (index < middle) {
      path.push(rangeRoot(middle, end))
      end = middle
    } else {
      path.push(rangeRoot(start, middle))
      start = middle
    }
  }
  return path.toReversed()
}

/** PROOF(from, D[to]), 2.1.4.1; empty where the sizes are equal. @param from at least 1, at most `to` */
export function consistencyPath(rangeRoot: RangeRoot, from: number, to: number): Buffer[] {
  const path: Buffer[] = []
  let start = 0
  let end = to
  while (end !== from) {
    const middle = start + splitOf(end - start)
    if (from <= middle) {
      path.push(rangeRoot(middle, end))
      end = middle
    } else {
      path.push(rangeRoot(start, middle))
      start = middle
    }
  }
  // From the first leaf on it is the smaller tree itself, whose root the verifier has.
  if (start > 0) path.push(rangeRoot(start, end))
  return path.toReversed()
}

/** Whether the path leads from the leaf's hash to the root: 2.1.3.2, step by step. */
export function checkInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  path: readonly Buffer[],
  root: Buffer,
): boolean {
  if (index >= size) return false
  const climb = new Climb(index, size - 1)
  let hash = leaf
  for (const sibling of path) {
    if (climb.isDone()) return false
    hash = climb.next() === 'left' ? nodeHash(sibling, hash) : nodeHash(hash, sibling)
  }
  return climb.isDone() && hash.equals(root)
}

/** Whether the path leads to both roots: 2.1.4.2, step by step. @param from at least 1 */
export function checkConsistency(
  from: number,
  to: number,
  path: readonly Buffer[],
  fromRoot: Buffer,
  toRoot: Buffer,
): boolean {
  if (from < 1 || from > to) return false
  if (from === to) return path.length === 0 && fromRoot.equals(toRoot)
  const climb = new Climb(from - 1, to - 1)
  climb.skipRightChildren()
  // A perfect tree is a node of the larger one: its root is where the way begins, and not sent.
  const [first, ...rest] = climb.isLeftmost() ? [fromRoot, ...path] : path
  if (first === undefined || path.length === 0) return false
  let smaller = first
  let larger = first
  for (const sibling of rest) {
    if (climb.isDone()) return false
    if (climb.next() === 'left') {
      smaller = nodeHash(sibling, smaller)
      larger = nodeHash(sibling, larger)
    } else {
      larger = nodeHash(larger, sibling)
    }
  }
  return climb.isDone() && smaller.equals(fromRoot) && larger.equals(toRoot)
}

/** The way from a node up to the root: `fn` and `sn` of the RFC, the node's index and that of the last of its level. */
class Climb {
  #node: number
  #last: number

  constructor(node: number, last: number) {
    this.#node = node
    this.#last = last
  }

  isDone(): boolean {
    return this.#last === 0
  }

  /** Whether the node is the first of its level: the tree that began there is perfect. */
  isLeftmost(): boolean {
    return this.#node === 0
  }

  skipRightChildren(): void {
    while (this.#node % 2 === 1) this.#up()
  }

  /** Goes up over the next sibling, and says on which side it stands. */
  next(): 'left' | 'right' {
    const side = this.#node % 2 === 1 || this.#node === this.#last ? 'left' : 'right'
    // The last node of a level has no sibling until it is a right child.
    if (side === 'left') while (this.#node % 2 === 0 && this.#node !== 0) this.#up()
    this.#up()
    return side
  }

  #up(): void {
    this.#node = Math.floor(this.#node / 2)
    this.#last = Math.floor(this.#last / 2)
  }
}
