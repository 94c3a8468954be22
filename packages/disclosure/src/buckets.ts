/** Histogram buckets as blocks: one that fails merges with a neighbour, until all pass or one is left. */
import { mayAdd, passes } from './thresholds.js'
import type { CountedNode, CountedUnion, Thresholds } from './types.js'

export interface BucketGroup {
  readonly label: string
  readonly node: CountedNode
  /** labels of the buckets in it that are not empty */
  readonly parts: readonly string[]
}

interface Run {
  /** places in the order of the buckets, both included */
  readonly from: number
  readonly to: number
  readonly node: CountedNode
  readonly parts: readonly string[]
}

const BETWEEN = /^(\d+)-(\d+)$/
const FROM = /^>=(\d+)$/

/**
 * One label for neighbouring buckets: `<100` and `100-299` are `<300`.
 * @param first @param last labels as `bucketLabels` of @tacit/rulebook makes them
 */
export function joinedLabel(first: string, last: string): string {
  if (first === last) return first
  const low = BETWEEN.exec(first)?.[1] ?? FROM.exec(first)?.[1]
  const high = BETWEEN.exec(last)?.[2]
  if (low === undefined) return high === undefined ? 'all' : `<${String(Number(high) + 1)}`
  return high === undefined ? `>=${low}` : `${low}-${high}`
}

/** The smaller neighbour, the left one of equals. */
function neighbourOf(runs: readonly Run[], at: number): number {
  const left = runs[at - 1]
  const right = runs[at + 1]
  if (left === undefined) return at + 1
  if (right === undefined) return at - 1
  return left.node.users <= right.node.users ? at - 1 : at + 1
}

/**
 * Groups of neighbouring buckets of which each passes, with its events.
 * @param order labels of all buckets
 * @param nodes counted buckets of one parent; a label that is not in `order` (no value) has no part in it
 * @param count the union of some of them, undefined where it has to be counted first
 * @returns null where fewer than two are left, or a union has to be counted first
 */
export function bucketGroups(
  order: readonly string[],
  nodes: readonly CountedNode[],
  thresholds: Thresholds,
  count: (parts: readonly string[]) => CountedUnion | undefined,
): readonly BucketGroup[] | null {
  const byLabel = new Map(nodes.map((node) => [node.dims.at(-1) ?? '', node]))
  const runs: Run[] = order.flatMap((label, at) => {
    const node = byLabel.get(label)
    return node === undefined ? [] : [{ from: at, to: at, node, parts: [label] }]
  })
  const fails = ({ node }: Run) => !passes(node, thresholds) || !mayAdd(node, 'events', thresholds)
  for (let at = runs.findIndex(fails); at >= 0; at = runs.findIndex(fails)) {
    if (runs.length < 2) return null
    const other = neighbourOf(runs, at)
    const [left, right] = [runs[Math.min(at, other)], runs[Math.max(at, other)]] as [Run, Run]
    const parts = [...left.parts, ...right.parts]
    const counted = count(parts)
    if (counted === undefined) return null
    runs.splice(Math.min(at, other), 2, { from: left.from, to: right.to, node: counted.node, parts })
  }
  if (runs.length < 2) return null
  return runs.map(({ from, to, node, parts }) => ({
    label: joinedLabel(order[from] ?? '', order[to] ?? ''),
    node,
    parts,
  }))
}

/**
 * Whole percents that add up to 100: each rounded down, the rest to those that lost most (largest remainder).
 * @param counts at least one above zero
 */
export function wholePercents(counts: readonly number[]): readonly number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const floors = counts.map((count) => Math.floor((count * 100) / total))
  const left = 100 - floors.reduce((sum, floor) => sum + floor, 0)
  const byLoss = counts
    .map((count, at) => ({ at, lost: (count * 100) % total }))
    .sort((a, b) => b.lost - a.lost || a.at - b.at)
  const raised = new Set(byLoss.slice(0, left).map(({ at }) => at))
  return floors.map((floor, at) => floor + (raised.has(at) ? 1 : 0))
}
