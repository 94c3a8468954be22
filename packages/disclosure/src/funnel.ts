/** Steps of a funnel: people of each, as long as they may be shown. */
import { type Draft, floorTo } from './capacity.js'
import type { TreeNoise } from './cells.js'
import { passes } from './thresholds.js'
import type { CountedNode, Thresholds } from './types.js'

export interface FunnelStep {
  /** as it is published, e.g. `page:/invoices/new` */
  readonly label: string
  /** people who did this step and all before it, in order */
  readonly node: CountedNode
  /** it is a declared sensitive event: that everybody went on, or nobody, is not said */
  readonly sensitive: boolean
}

/**
 * People of each step are among those of the step before: with one that fails, all after it fail. Floors are whole
 * steps of at least k, so that a difference of two of them is never pinned below k.
 */
export function funnelDrafts(
  steps: readonly FunnelStep[],
  thresholds: Thresholds,
  noise?: TreeNoise,
): Draft[] {
  const drafts: Draft[] = []
  let most = Number.POSITIVE_INFINITY
  for (const [at, { label, node, sensitive }] of steps.entries()) {
    const before = steps[at - 1]?.node.users
    if (!passes(node, thresholds) || (sensitive && before === node.users)) break
    const counted = node.users + (noise?.draw(null, [label]).users ?? 0)
    if (noise !== undefined && counted < noise.tau) break
    // Nobody does a step without those before it, whatever noise says.
    most = Math.min(most, counted)
    const users = floorTo(most, thresholds.step)
    if (users < thresholds.step) break
    const error = noise === undefined ? {} : { users_error: Math.ceil(noise.error.users) }
    drafts.push({ cell: { dims: [label], users, floor: thresholds.step, events: null, ...error }, node })
  }
  return drafts
}
