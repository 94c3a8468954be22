/** The doors of disclosure control: counted nodes in, cells out. Pure data. */

/** A node of a declared tree, counted exactly over cleaned and capped rows. */
export interface CountedNode {
  /** values of the statistic's `by` dimensions, in their order */
  readonly dims: readonly string[]
  /** distinct people */
  readonly users: number
  readonly events: number
  /** distinct tenants (0 on network sites) */
  readonly tenants: number
  /** distinct /24 or /48 networks (0 on signed sites) */
  readonly networks: number
  /** people of the tenant that has most people here */
  readonly largestTenantUsers: number
  /** events of the tenant that has most events here */
  readonly largestTenantEvents: number
  /** events of the person that has most events here */
  readonly largestPersonEvents: number
}

export interface Thresholds {
  readonly identity: 'signed' | 'network'
  readonly minUsers: number
  readonly minTenants: number
  readonly minNetworks: number
  /** 0..1 */
  readonly maxShare: number
  /** 0..1 */
  readonly maxPersonShare: number
}

export interface StatisticSpec {
  readonly id: string
  readonly by: readonly string[]
  readonly measures: readonly ('users' | 'events')[]
  readonly people: 'floored' | 'exact'
}

/** One published cell. A measure that is not public is null. */
export interface Cell {
  /** values of `by`; every dimension is `(other)` in the pooled cell */
  readonly dims: readonly string[]
  readonly users: number | null
  readonly events: number | null
  /** the step that `users` was floored to; null where people are exact */
  readonly floor: number | null
}

export const OTHER = '(other)'
