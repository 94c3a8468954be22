import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { BLOCK, BlockTree } from './block-tree.js'
import { checkConsistency, checkInclusion, consistencyPath, inclusionPath } from './merkle-proof.js'
import { Frontier } from './merkle-tree.js'
import { hashAtOnce, hashByObject, HASH_BYTES } from './sha256.js'

const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest()

/** MTH of RFC 9162, 2.1.1, word for word. */
function naiveRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256()
  if (leaves.length === 1) return leaves[0] as Buffer
  const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return sha256(Buffer.of(1), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)))
}

const leavesOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_none, at) => sha256(Buffer.from(`leaf ${String(at)}`)))

function frontierRoot(leaves: readonly Buffer[]): Buffer {
  const tree = new Frontier()
  for (const leaf of leaves) tree.push(leaf)
  return tree.root()
}

const rangeOf =
  (leaves: readonly Buffer[]) =>
  (start: number, end: number): Buffer =>
    naiveRoot(leaves.slice(start, end))

/** The inputs and roots with which implementations of Certificate Transparency are tested. */
const CT_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const CT_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const ctLeaves = CT_LEAVES.map((hex) => sha256(Buffer.of(0), Buffer.from(hex, 'hex')))

t.test('the trees of one to eight leaves have the roots known from Certificate Transparency', async (t) => {
  t.equal(
    frontierRoot([]).toString('hex'),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  )
  CT_ROOTS.forEach((root, at) => {
    t.equal(frontierRoot(ctLeaves.slice(0, at + 1)).toString('hex'), root)
  })
})

t.test('proofs among eight leaves are those known from Certificate Transparency', async (t) => {
  const hex = (path: readonly Buffer[]): string[] => path.map((hash) => hash.toString('hex'))
  t.same(hex(inclusionPath(rangeOf(ctLeaves), 0, 8)), [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ])
  t.same(hex(consistencyPath(rangeOf(ctLeaves), 6, 8)), [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ])
})

t.test(
  'whatever the size, every leaf is proven to be in the tree, and no other leaf or place is',
  async (t) => {
    for (let size = 1; size <= 40; size += 1) {
      const leaves = leavesOf(size)
      const root = frontierRoot(leaves)
      t.ok(root.equals(naiveRoot(leaves)), `root of ${String(size)}`)
      leaves.forEach((leaf, index) => {
        const path = inclusionPath(rangeOf(leaves), index, size)
        const isRight =
          checkInclusion(leaf, index, size, path, root) &&
          !checkInclusion(sha256(leaf), index, size, path, root) &&
          !checkInclusion(leaf, index + 1, size, path, root) &&
          !checkInclusion(leaf, index, size, [...path, root], root) &&
          (path.length === 0 || !checkInclusion(leaf, index, size, path.slice(1), root)) &&
          (path.length === 0 || !checkInclusion(leaf, index, size, path.slice(0, -1), root))
        if (!isRight) t.fail(`leaf ${String(index)} of ${String(size)}`)
      })
    }
  },
)

t.test(
  'whatever the sizes, a tree is proven to begin as the smaller one was, and not as another',
  async (t) => {
    const leaves = leavesOf(34)
    const other = naiveRoot(leavesOf(50).slice(16))
    for (let to = 1; to <= leaves.length; to += 1) {
      const toRoot = naiveRoot(leaves.slice(0, to))
      for (let from = 1; from <= to; from += 1) {
        const fromRoot = naiveRoot(leaves.slice(0, from))
        const path = consistencyPath(rangeOf(leaves), from, to)
        const isRight =
          checkConsistency(from, to, path, fromRoot, toRoot) &&
          !checkConsistency(from, to, path, other, toRoot) &&
          !checkConsistency(from, to, path, fromRoot, other) &&
          !checkConsistency(from, to, [...path, other], fromRoot, toRoot) &&
          (path.length === 0 || !checkConsistency(from, to, path.slice(1), fromRoot, toRoot))
        if (!isRight) t.fail(`${String(from)} in ${String(to)}`)
      }
    }
    t.notOk(
      checkConsistency(0, 4, [], naiveRoot([]), naiveRoot(leaves.slice(0, 4))),
      'nothing proves nothing',
    )
    t.notOk(checkConsistency(5, 4, [], other, other))
  },
)

t.test('any one changed bit of a proof makes it none', async (t) => {
  const anyCase = fc.integer({ min: 2, max: 200 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      index: fc.nat(size - 1),
      bit: fc.nat(HASH_BYTES * 8 - 1),
      at: fc.nat(7),
    }),
  )
  const leaves = leavesOf(200)
  fc.assert(
    fc.property(anyCase, ({ size, index, bit, at }) => {
      const flipped = (path: readonly Buffer[]): Buffer[] => {
        const copy = path.map((hash) => Buffer.from(hash))
        const hash = copy[at % copy.length]
        if (hash) hash[bit >> 3] = (hash[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        return copy
      }
      const root = naiveRoot(leaves.slice(0, size))
      const leaf = leaves[index] as Buffer
      const inclusion = inclusionPath(rangeOf(leaves), index, size)
      const from = index === 0 ? 1 : index
      const fromRoot = naiveRoot(leaves.slice(0, from))
      const consistency = consistencyPath(rangeOf(leaves), from, size)
      return (
        checkInclusion(leaf, index, size, inclusion, root) &&
        !checkInclusion(leaf, index, size, flipped(inclusion), root) &&
        checkConsistency(from, size, consistency, fromRoot, root) &&
        !checkConsistency(from, size, flipped(consistency), fromRoot, root)
      )
    }),
    { seed: 1, numRuns: 300 },
  )
  t.pass('300 proofs')
})

t.test('a tree of blocks has the same roots and ranges as one that keeps every leaf', async (t) => {
  const leaves = leavesOf(3 * BLOCK + 700)
  const tree = new BlockTree()
  const sizes = [1, 2, 700, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, leaves.length]
  leaves.forEach((leaf, at) => {
    tree.push(leaf, at * 10)
    if (!sizes.includes(at + 1)) return
    t.ok(tree.root().equals(naiveRoot(leaves.slice(0, at + 1))), `root of ${String(at + 1)}`)
  })
  t.same(
    [0, 1, 3, 4].map((block) => tree.offsetOf(block)),
    [0, BLOCK * 10, 3 * BLOCK * 10, undefined],
  )
  const read = new Set<number>()
  const range = (start: number, end: number): Buffer =>
    tree.rangeRoot(start, end, (block) => {
      read.add(block)
      return Buffer.concat(leaves.slice(block * BLOCK, (block + 1) * BLOCK))
    })
  const hex = (path: readonly Buffer[]): string => Buffer.concat(path).toString('hex')
  for (const size of sizes) {
    const index = Math.floor(size / 3)
    t.equal(hex(inclusionPath(range, index, size)), hex(inclusionPath(rangeOf(leaves), index, size)))
    const from = Math.max(1, index)
    t.equal(hex(consistencyPath(range, from, size)), hex(consistencyPath(rangeOf(leaves), from, size)))
  }
  read.clear()
  inclusionPath(range, 5, leaves.length)
  t.same([...read].sort(), [0, 3], 'and reads only the blocks that no whole root stands for')
})

t.test('both ways to call SHA-256 agree', async (t) => {
  for (const data of [Buffer.alloc(0), Buffer.from('abc'), Buffer.alloc(5_000, 0xfe)]) {
    const [one, two] = [Buffer.alloc(40), Buffer.alloc(40)]
    hashAtOnce(data, one, 3)
    hashByObject(data, two, 3)
    t.same(one, two)
    t.ok(one.subarray(3, 35).equals(sha256(data)))
  }
})
