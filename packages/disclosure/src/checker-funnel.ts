/** The checker's look at funnels: each step a crowd, no more than the step before, and no more than others leave unsaid. */
import { ordered } from './checker-capacity.js'
import { type BrokenRule, type CheckedTree, fails, keyOf } from './checker-rules.js'
import type { Cell, CountedNode, Thresholds } from './types.js'

/** A funnel as it was counted, and the cells that are about to be released. */
export interface CheckedFunnel {
  readonly steps: readonly {
    readonly label: string
    readonly node: CountedNode
    readonly sensitive: boolean
  }[]
  readonly cells: readonly Cell[]
  readonly noise?: CheckedTree['noise']
}

/** The tree that counts a step by itself in a window, and its value there. */
function treeOf(trees: readonly CheckedTree[], window: string, label: string) {
  const level = label.startsWith('page:') ? 'path' : 'event_name'
  const value = label.slice(label.indexOf(':') + 1)
  const tree = trees.find(
    (one) =>
      one.window === window &&
      one.kind !== null &&
      one.spec.levels[0] === level &&
      one.spec.plain === 1 &&
      !one.spec.histogram,
  )
  return { tree, value }
}

/** Rules that a funnel breaks. @param trees released together with it */
export function checkFunnel(
  { cells, noise, steps }: CheckedFunnel,
  trees: readonly CheckedTree[],
  thresholds: Thresholds,
): readonly BrokenRule[] {
  const broken = new Set<BrokenRule>()
  const { step } = thresholds
  let most = Number.POSITIVE_INFINITY
  let due = 0
  for (const [at, { label, node, sensitive }] of steps.entries()) {
    const counted = node.users + (noise?.draw(null, [label]).users ?? 0)
    const isEverybody = sensitive && steps[at - 1]?.node.users === node.users
    const { tree, value } = treeOf(trees, 'day', label)
    const claim = tree?.claims?.get(keyOf([value])) ?? Number.POSITIVE_INFINITY
    const hours = steps.slice(0, at + 1).map((one) => treeOf(trees, 'hour', one.label))
    const left = Math.min(most, claim, ordered(hours, thresholds))
    most = Math.min(left, counted)
    if (fails(node, thresholds) || isEverybody || counted < (noise?.tau ?? 0) || most < step) break
    due += 1
    const cell = cells[at]
    if (cell === undefined || cell.dims.length !== 1 || cell.dims[0] !== label) broken.add('unknown_group')
    else if (cell.users !== most - (most % step)) broken.add(left < counted ? 'capacity' : 'people')
    if (cell?.floor !== step) broken.add('people')
    if (cell?.events !== null || cell.share !== undefined || cell.visits !== undefined) broken.add('sums')
  }
  if (cells.length !== due) broken.add(cells.length > due ? 'thresholds' : 'rows')
  return [...broken]
}
