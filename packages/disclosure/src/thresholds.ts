/** Which counted groups may stand in public: the thresholds of design.md, "Disclosure: one event, one block". */
import type { CountedNode, Thresholds } from './types.js'

export interface Standing {
  /** the group may be published */
  readonly block: boolean
  /** its events may be, too; otherwise people only */
  readonly events: boolean
}

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
    node.users >= thresholds.minUsers &&
    node.tenants >= thresholds.minTenants &&
    node.users - node.largestTenantUsers >= thresholds.minUsers &&
    node.tenants - 1 >= thresholds.minTenants &&
    withinShare(node.largestTenantUsers, node.users, thresholds.maxShare) &&
    withinShare(node.largestTenantEvents, node.events, thresholds.maxShare)
  )
}

function networkBlock(node: CountedNode, thresholds: Thresholds): boolean {
  return node.users >= thresholds.minUsers && node.networks >= thresholds.minNetworks
}

/** Whether a group may be published, and whether with its events or with its people only. Never throws. */
export function passes(node: CountedNode, thresholds: Thresholds): Standing {
  const block =
    thresholds.identity === 'signed' ? signedBlock(node, thresholds) : networkBlock(node, thresholds)
  return {
    block,
    events: block && withinShare(node.largestPersonEvents, node.events, thresholds.maxPersonShare),
  }
}
