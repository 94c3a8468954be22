/** Counts of one level, made of trees and unions. */
import type { Scratch } from './scratch.js'
import { countTrees } from './trees.js'
import type { CountRequest, NodeCount } from './types.js'
import { countMembers, type Member } from './unions.js'
import { nodeCount } from './nodes.js'

const POOLED = '(other)'
const NO_MEASURES = { visits: false, seconds: false }

type Scratched = Scratch

function treeOf({ by, kind }: CountRequest): { readonly levels: readonly string[]; readonly kind?: string } {
  return { levels: by, ...(kind === undefined ? {} : { kind }) }
}

/** One node per tuple of `by` that occurs. */
export async function countNodes(scratch: Scratched, request: CountRequest): Promise<readonly NodeCount[]> {
  const [nodes = []] = await countTrees(scratch, [treeOf(request)])
  return nodes.filter(({ dims }) => dims.length === request.by.length)
}

/** All rows whose tuple is not in `passing`, as one node; null where there is none. */
export async function countPool(
  scratch: Scratched,
  request: CountRequest,
  passing: readonly (readonly string[])[],
): Promise<NodeCount | null> {
  const { by } = request
  const passed = new Set(passing.map((dims) => JSON.stringify(dims)))
  const failing = (await countNodes(scratch, request)).filter(({ dims }) => !passed.has(JSON.stringify(dims)))
  const members: Member[] = failing.map(({ dims }) => ({ values: dims, hour: null, union: 1 }))
  const row = (await countMembers(scratch, treeOf(request), by.length, members)).get(1)
  return row === undefined
    ? null
    : nodeCount(
        row,
        by.map(() => POOLED),
        null,
        NO_MEASURES,
      )
}
