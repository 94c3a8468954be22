/** Which counted groups may stand in public: the thresholds of design.md, "Disclosure: one event, one block". */
import type { Additive, CountedNode, Sum, Thresholds } from './types.js'

/** Shares are compared as whole millionths, so that no rounding of a binary fraction decides. */
const SHARE_UNITS = 1_000_000

function withinShare(part: number, whole: number, share: number): boolean {
  return part * SHARE_UNITS <= whole * Math.round(share * SHARE_UNITS)
}

/**
 * Enough tenants and people, also once the largest tenant is gone: who holds that tenant's own logs can subtract
 * them, and what is left must be a crowd as well. The dominance rule is the (1, max_share) rule of statistical
 * disclosure control (Hundepool et al., Statistical Disclosure Control, 2012, 4.2.2).
 */
function signedBlock(node: CountedNode, thresholds: Thresholds): boolean {
  return (
    node.users >= Math.max(thresholds.minUsers, thresholds.step) &&
    node.tenants >= thresholds.minTenants &&
    node.users - node.largestTenantUsers >= thresholds.minUsers &&
    node.tenants - 1 >= thresholds.minTenants &&
    withinShare(node.largestTenantUsers, node.users, thresholds.maxShare) &&
    withinShare(node.largestTenantEvents, node.events, thresholds.maxShare)
  )
}

function networkBlock(node: CountedNode, thresholds: Thresholds): boolean {
  return (
    node.users >= Math.max(thresholds.minUsers, thresholds.step) && node.networks >= thresholds.minNetworks
  )
}

/** Whether a group of people may be published at all; one that is less than a step has nothing to say. Never throws. */
export function passes(node: CountedNode, thresholds: Thresholds): boolean {
  return thresholds.identity === 'signed' ? signedBlock(node, thresholds) : networkBlock(node, thresholds)
}

/** What a node has of something that adds up. */
export function sumOf(node: CountedNode, measure: Additive): Sum {
  if (measure === 'events') {
    const { events, largestPersonEvents, largestTenantEvents, users } = node
    return {
      total: events,
      people: users,
      largestTenant: largestTenantEvents,
      largestPerson: largestPersonEvents,
    }
  }
  return node[measure] ?? { total: 0, people: 0, largestTenant: 0, largestPerson: 0 }
}

/**
 * Whether a sum of a block may be public, too: enough people have some of it, and nobody more than their share. Otherwise
 * the block says people only.
 */
export function mayAdd(node: CountedNode, measure: Additive, thresholds: Thresholds): boolean {
  const { largestPerson, largestTenant, people, total } = sumOf(node, measure)
  return (
    people >= thresholds.minUsers &&
    withinShare(largestPerson, total, thresholds.maxPersonShare) &&
    (thresholds.identity === 'network' || withinShare(largestTenant, total, thresholds.maxShare))
  )
}
