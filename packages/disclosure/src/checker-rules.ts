/** What the checker knows of the rules, written anew: nothing here is shared with the cut. */
import type { Cell, CountedNode, CountedUnion, Thresholds, TreeSpec } from './types.js'

export type BrokenRule =
  | 'counts' // thresholds or counted nodes are no numbers that can belong together
  | 'pool' // a counted union is not the union of its parts, or a pool is of one part, or of all parts of its parent
  | 'rows' // published and rightly unpublished rows do not add up to the cleaned ones
  | 'twice' // a group stands twice
  | 'unknown_group' // a cell of no counted group
  | 'thresholds' // a cell of a group that fails
  | 'people' // people are not what was counted, not whole steps, or exact where that is not allowed
  | 'capacity' // a union or a pool says more than its parts can hide
  | 'events' // events are not what was counted, or public where they may not be
  | 'sums' // the same of visits, time or shares
  | 'additive' // events of one kind would be public twice

/** One tree of one window as it was counted, and the cells that are about to be released. */
export interface CheckedTree {
  readonly spec: TreeSpec
  readonly window: 'hour' | 'day' | 'week' | 'month'
  /** event kind of its rows; null: all */
  readonly kind: string | null
  /** every counted node, of every depth */
  readonly nodes: readonly CountedNode[]
  readonly unions: readonly CountedUnion[]
  /** rows after cleaning and capping, counted apart from the nodes */
  readonly cleanedRows: number
  readonly cells: readonly Cell[]
  /** by published dims, of how many people a group says that it may speak at most (capacity) */
  readonly claims?: ReadonlyMap<string, number>
  /** groups that must not stand alone (declared sensitive events that everybody did) */
  readonly hides?: (node: CountedNode) => boolean
  /** what noise added to a group, by its hour and published dims; a group of fewer noised people than tau is nowhere */
  readonly noise?: {
    readonly tau: number
    draw(hour: number | null, dims: readonly string[]): Readonly<Partial<Record<Noised, number>>>
  }
}

type Noised = 'users' | 'events' | 'visits' | 'time_s' | 'share'

export const POOLED = '(other)'
const EMPTY = '(none)'
export const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
export const keyOf = (dims: readonly string[]) => JSON.stringify(dims)
/** A value as it is published. */
export const shown = (value: string) => (value === '' ? EMPTY : value)
/** A raw value that reads like one that publishing makes: it may stand nowhere by itself. */
export const isMade = (value: string) => value === POOLED || value === EMPTY
/** `part` is more than `share` of `whole`, in millionths. */
export const exceeds = (part: number, whole: number, share: number) =>
  part * 1e6 > Math.round(share * 1e6) * whole

/** A limit that is not a number would let everything pass. */
export function limitsHold(thresholds: Thresholds): boolean {
  const { maxEventsPerPerson, maxPersonShare, maxShare, minNetworks, minTenants, minUsers, step } = thresholds
  return (
    [minUsers, step, minTenants, minNetworks, maxEventsPerPerson].every(
      (limit) => Number.isSafeInteger(limit) && limit >= 0,
    ) &&
    [maxShare, maxPersonShare].every((share) => share >= 0 && share <= 1) &&
    minUsers >= 2 &&
    step >= minUsers &&
    maxEventsPerPerson >= 1
  )
}

export function countsHold(node: CountedNode): boolean {
  const { users, events, tenants, networks, largestTenantUsers, largestTenantEvents, largestPersonEvents } =
    node
  const sums = [node.visits, node.time_s].flatMap((one) => (one === undefined ? [] : [one]))
  const counts = [
    users,
    events,
    tenants,
    networks,
    largestTenantUsers,
    largestTenantEvents,
    largestPersonEvents,
    ...sums.flatMap((one) => [one.total, one.people, one.largestTenant, one.largestPerson]),
  ]
  return (
    counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
    Math.max(users, largestTenantEvents, largestPersonEvents) <= events &&
    Math.max(largestTenantUsers, tenants, networks, ...sums.map(({ people }) => people)) <= users &&
    sums.every((one) => Math.max(one.largestTenant, one.largestPerson) <= one.total)
  )
}

export function fails(node: CountedNode, { identity, ...limit }: Thresholds): boolean {
  if (node.users < Math.max(limit.minUsers, limit.step)) return true
  if (identity === 'network') return node.networks < limit.minNetworks
  if (node.tenants < limit.minTenants + 1) return true
  if (node.users < limit.minUsers + node.largestTenantUsers) return true
  if (exceeds(node.largestTenantUsers, node.users, limit.maxShare)) return true
  return exceeds(node.largestTenantEvents, node.events, limit.maxShare)
}

export type Additive = 'events' | 'visits' | 'time_s'

/** What of a sum may be said of a block; null where nothing may. */
export function saidSum(node: CountedNode, measure: Additive, thresholds: Thresholds): number | null {
  const [total, people, tenant, person] =
    measure === 'events'
      ? [node.events, node.users, node.largestTenantEvents, node.largestPersonEvents]
      : [
          node[measure]?.total ?? 0,
          node[measure]?.people ?? 0,
          node[measure]?.largestTenant ?? 0,
          node[measure]?.largestPerson ?? 0,
        ]
  if (people < thresholds.minUsers || exceeds(person, total, thresholds.maxPersonShare)) return null
  if (thresholds.identity === 'signed' && exceeds(tenant, total, thresholds.maxShare)) return null
  return total
}
