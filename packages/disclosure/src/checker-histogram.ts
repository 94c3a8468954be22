/** The checker's look at histograms: neighbouring buckets that pass together, and shares of them that add up to 100. */
import { type BrokenRule, type CheckedTree, fails, keyOf, saidSum, shown, sum } from './checker-rules.js'
import type { Cell, CountedNode, Thresholds } from './types.js'

/** First and last whole number of a label: `<100`, `100-299`, `>=300`. */
function edges(label: string): readonly [number, number] {
  const numbers = label.match(/\d+/g)?.map(Number) ?? []
  const [low = 0, high = low] = numbers
  if (label.startsWith('<')) return [0, low - 1]
  return label.startsWith('>=') ? [low, Number.POSITIVE_INFINITY] : [low, high]
}

function counted(
  tree: CheckedTree,
  parent: readonly string[],
  buckets: readonly CountedNode[],
): CountedNode | undefined {
  if (buckets.length < 2) return buckets[0]
  const parts = keyOf(buckets.map(({ dims }) => dims.at(-1) ?? '').sort())
  return tree.unions.find(
    ({ union }) => keyOf(union.parent) === keyOf(parent) && keyOf([...union.parts].sort()) === parts,
  )?.node
}

function checkGroup(
  tree: CheckedTree,
  cells: readonly Cell[],
  parent: readonly string[],
  thresholds: Thresholds,
  broken: Set<BrokenRule>,
): void {
  const labels = tree.spec.declared.at(-1) ?? []
  const buckets = tree.nodes.filter(
    ({ dims }) =>
      dims.length === tree.spec.levels.length &&
      keyOf(dims.slice(0, -1)) === keyOf(parent) &&
      labels.includes(dims.at(-1) ?? ''),
  )
  const all = sum(buckets.map(({ events }) => events))
  const offsets = cells.map(({ dims }) => tree.noise?.draw(null, dims))
  const rows: number[] = []
  let covered = 0
  for (const [at, { dims }] of cells.entries()) {
    const [low, high] = edges(dims.at(-1) ?? '')
    const inside = buckets.filter((bucket) => {
      const [first, last] = edges(bucket.dims.at(-1) ?? '')
      return first >= low && last <= high
    })
    const node = counted(tree, parent, inside)
    if (node === undefined || node.events !== sum(inside.map(({ events }) => events))) {
      broken.add('unknown_group')
      continue
    }
    covered += node.events
    if (fails(node, thresholds) || saidSum(node, 'events', thresholds) === null) broken.add('thresholds')
    if (tree.noise !== undefined && node.users + (offsets[at]?.users ?? 0) < tree.noise.tau)
      broken.add('thresholds')
    rows.push(Math.max(0, node.events + (offsets[at]?.share ?? 0)))
  }
  const total = sum(rows)
  for (const [at, { share }] of cells.entries()) {
    const due = (100 * (rows[at] ?? 0)) / total
    if (share === undefined || !Number.isInteger(share) || Math.abs(share - due) >= 1) broken.add('sums')
  }
  if (covered !== all) broken.add('rows')
  if (cells.length < 2) broken.add('thresholds')
  if (sum(cells.map(({ share }) => share ?? 0)) !== 100) broken.add('sums')
}

/** Rules that the histograms of a tree break. */
export function checkHistogram(tree: CheckedTree, thresholds: Thresholds): readonly BrokenRule[] {
  const broken = new Set<BrokenRule>()
  const groups = new Map<string, Cell[]>()
  const seen = new Set<string>()
  for (const cell of tree.cells) {
    if (seen.has(keyOf(cell.dims))) broken.add('twice')
    seen.add(keyOf(cell.dims))
    if (cell.dims.length !== tree.spec.levels.length) broken.add('unknown_group')
    if (cell.users !== null || cell.events !== null || cell.floor !== null) broken.add('people')
    if (cell.visits !== undefined || cell.time_s !== undefined) broken.add('sums')
    const key = keyOf(cell.dims.slice(0, -1))
    groups.set(key, [...(groups.get(key) ?? []), cell])
  }
  const parents = new Map(
    tree.nodes
      .filter(({ dims }) => dims.length === tree.spec.levels.length - 1)
      .map((node) => [keyOf(node.dims.map(shown)), node]),
  )
  for (const [key, cells] of groups) {
    const parent = key === keyOf([]) ? null : parents.get(key)
    if (parent === undefined || (parent !== null && fails(parent, thresholds))) broken.add('unknown_group')
    else checkGroup(tree, cells, parent?.dims ?? [], thresholds, broken)
  }
  return [...broken]
}
