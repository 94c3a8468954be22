/**
 * The second, dumb checker: reads the counted nodes and the cells that are about to be released, and says whether
 * the rules hold. It shares no code with the cut, so that one mistake cannot pass both; it must agree before a
 * manifest is committed. Findings name rules, never values.
 */
import type { Cell, CountedNode, StatisticSpec, Thresholds } from './types.js'

export type BrokenRule =
  | 'counts' // thresholds or counted nodes are no numbers that can belong together
  | 'pool' // the pooled node is not the union of what failed
  | 'rows' // published and rightly unpublished rows do not add up to the cleaned ones
  | 'twice' // a group stands twice
  | 'unknown_group' // a cell of no counted group
  | 'thresholds' // a cell of a group that fails
  | 'people' // people are not what was counted, not whole steps, or exact where that is not allowed
  | 'capacity' // `(other)` says more than its parts can hide
  | 'events' // events are not what was counted, or public where they may not be
  | 'additive' // events of one kind would be public twice

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly findings: readonly BrokenRule[] }

export interface CheckedRelease {
  readonly spec: StatisticSpec
  readonly thresholds: Thresholds
  /** every counted node of the statistic */
  readonly nodes: readonly CountedNode[]
  /** the union of the failing ones, counted over the rows; null where none failed */
  readonly pool: CountedNode | null
  /** rows after cleaning and capping, counted apart from the nodes */
  readonly cleanedRows: number
  readonly cells: readonly Cell[]
}

const POOLED = '(other)'
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
const keyOf = (dims: readonly string[]) => JSON.stringify(dims)
const isPooled = (dims: readonly string[]) => dims.length > 0 && dims.every((value) => value === POOLED)
/** `part` is more than `share` of `whole`, in millionths. */
const exceeds = (part: number, whole: number, share: number) => part * 1e6 > Math.round(share * 1e6) * whole

const verdict = (broken: ReadonlySet<BrokenRule>): Verdict =>
  broken.size === 0 ? { ok: true } : { ok: false, findings: [...broken].sort() }

/** A limit that is not a number would let everything pass. */
function limitsHold({ minUsers, minTenants, minNetworks, maxShare, maxPersonShare }: Thresholds): boolean {
  return (
    [minUsers, minTenants, minNetworks].every((limit) => Number.isSafeInteger(limit) && limit >= 0) &&
    [maxShare, maxPersonShare].every((share) => share >= 0 && share <= 1) &&
    minUsers >= 2
  )
}

function countsHold(node: CountedNode): boolean {
  const { users, events, tenants, networks, largestTenantUsers, largestTenantEvents, largestPersonEvents } =
    node
  const counts = [
    users,
    events,
    tenants,
    networks,
    largestTenantUsers,
    largestTenantEvents,
    largestPersonEvents,
  ]
  return (
    counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
    Math.max(users, largestTenantEvents, largestPersonEvents) <= events &&
    Math.max(largestTenantUsers, tenants, networks) <= users
  )
}

function fails(node: CountedNode, { identity, ...limit }: Thresholds): boolean {
  if (node.users < limit.minUsers) return true
  if (identity === 'network') return node.networks < limit.minNetworks
  if (node.tenants < limit.minTenants + 1) return true
  if (node.users < limit.minUsers + node.largestTenantUsers) return true
  if (exceeds(node.largestTenantUsers, node.users, limit.maxShare)) return true
  return exceeds(node.largestTenantEvents, node.events, limit.maxShare)
}

/** The most that `(other)` may say: whole steps, no more than its parts can hide. */
function capacity(users: number, parts: number, step: number): number | null {
  let lower = users - (users % step)
  while (lower > (step - 1) * (parts - 1)) lower -= step
  return lower < step ? null : lower
}

const GROWING = [
  'users',
  'tenants',
  'networks',
  'largestTenantUsers',
  'largestTenantEvents',
  'largestPersonEvents',
] as const

/** The union of several groups is no less than any of them and no more than all of them; rows simply add up. */
function isUnion(pool: CountedNode, parts: readonly CountedNode[]): boolean {
  if (pool.events !== sum(parts.map((part) => part.events))) return false
  return GROWING.every((count) => {
    const counts = parts.map((part) => part[count])
    return pool[count] <= sum(counts) && counts.every((part) => part <= pool[count])
  })
}

/** Checks one statistic's cells against what was counted. Never throws; an unusable input is a finding. */
export function checkRelease({ spec, thresholds, nodes, pool, cleanedRows, cells }: CheckedRelease): Verdict {
  const broken = new Set<BrokenRule>()
  const step = thresholds.minUsers
  const counted = pool === null ? nodes : [...nodes, pool]
  if (!limitsHold(thresholds) || !counted.every(countsHold)) return { ok: false, findings: ['counts'] }

  const groups = new Map(nodes.map((node) => [keyOf(node.dims), node]))
  if (groups.size !== nodes.length) broken.add('twice')
  const failing = nodes.filter((node) => isPooled(node.dims) || fails(node, thresholds))
  const isFailing = new Set(failing)
  if (pool === null ? failing.length > 0 : !isUnion(pool, failing)) broken.add('pool')

  const due = (node: CountedNode, pooled: boolean): Omit<Cell, 'dims'> => {
    const exact = spec.people === 'exact' && !pooled
    const floored = pooled ? capacity(node.users, failing.length, step) : node.users - (node.users % step)
    const users = spec.measures.includes('users') ? (exact ? node.users : floored) : null
    const dominated = exceeds(node.largestPersonEvents, node.events, thresholds.maxPersonShare)
    const events = spec.measures.includes('events') && !dominated ? node.events : null
    return { users, events, floor: users === null || exact ? null : step }
  }
  const isSilent = (node: CountedNode, pooled: boolean) => {
    const { users, events } = due(node, pooled)
    return users === null && events === null
  }

  const published = new Set<string>()
  let rows = 0
  for (const cell of cells) {
    const pooled = isPooled(cell.dims)
    const node = pooled ? pool : groups.get(keyOf(cell.dims))
    if (published.has(keyOf(cell.dims))) broken.add('twice')
    published.add(keyOf(cell.dims))
    if (node === null || node === undefined || cell.dims.length !== spec.by.length) {
      broken.add('unknown_group')
      continue
    }
    rows += node.events
    const expected = due(node, pooled)
    if (fails(node, thresholds)) broken.add('thresholds')
    const peopleHold = cell.users === expected.users && cell.floor === expected.floor
    if (!peopleHold) broken.add(pooled ? 'capacity' : 'people')
    if (cell.events !== expected.events) broken.add('events')
  }

  const poolStays = pool === null || fails(pool, thresholds) || isSilent(pool, true)
  const unpublished = nodes.filter((node) => (isFailing.has(node) ? poolStays : isSilent(node, false)))
  const total = sum(nodes.map((node) => node.events))
  const accounted = rows + sum(unpublished.map((node) => node.events))
  if (total !== cleanedRows || accounted !== cleanedRows) broken.add('rows')
  return verdict(broken)
}

/**
 * Checks what one window releases together: no manifest twice, and the events of a kind in one statistic only
 * (`kind: null` reads every kind).
 */
export function checkTogether(
  manifests: readonly {
    readonly site: string
    readonly statistic: string
    readonly kind: string | null
    readonly window: string
    readonly windowStart: number
    readonly cells: readonly Cell[]
  }[],
): Verdict {
  const broken = new Set<BrokenRule>()
  const ids = manifests.map(({ site, statistic, window, windowStart }) =>
    keyOf([site, statistic, window, `${windowStart}`]),
  )
  if (new Set(ids).size !== ids.length) broken.add('twice')
  const additive = manifests.filter(({ cells }) => cells.some(({ events }) => events !== null))
  for (const [index, one] of additive.entries()) {
    const clash = additive
      .slice(index + 1)
      .some(
        (two) =>
          one.site === two.site &&
          one.window === two.window &&
          one.windowStart === two.windowStart &&
          (one.kind === two.kind || one.kind === null || two.kind === null),
      )
    if (clash) broken.add('additive')
  }
  return verdict(broken)
}
