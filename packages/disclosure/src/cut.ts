/** The cut of a one-level tree: the site is no node, so every node is a top-level one, passing or pooled. */
import { passes } from './thresholds.js'
import { type CountedNode, OTHER, type Thresholds } from './types.js'

export interface Cut {
  /** published one by one, never pooled */
  readonly blocks: readonly CountedNode[]
  /** pooled into one `(other)` if their union passes, else published nowhere and in no total */
  readonly failing: readonly CountedNode[]
}

/** A value that reads like the pool itself must not be mistaken for it: it is pooled, whatever its size. */
function looksPooled(node: CountedNode): boolean {
  return node.dims.length > 0 && node.dims.every((value) => value === OTHER)
}

/**
 * Parts counted nodes into blocks and failing ones, each in the order given. The union of the failing ones has to be
 * counted again by whoever holds the rows: distinct people do not add up.
 */
export function cut(nodes: readonly CountedNode[], thresholds: Thresholds): Cut {
  const blocks: CountedNode[] = []
  const failing: CountedNode[] = []
  for (const node of nodes) {
    const stands = !looksPooled(node) && passes(node, thresholds).block
    ;(stands ? blocks : failing).push(node)
  }
  return { blocks, failing }
}
