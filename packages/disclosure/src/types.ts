/** The doors of disclosure control: counted nodes of declared trees in, cells out. Pure data. */

/** Something that adds up, over the rows of a node. */
export interface Sum {
  readonly total: number
  /** distinct people who have any of it */
  readonly people: number
  /** of the tenant that has most of it */
  readonly largestTenant: number
  /** of the person that has most of it */
  readonly largestPerson: number
}

/** A node of a declared tree, counted exactly over cleaned and capped rows. */
export interface CountedNode {
  /** values of the tree's levels, from the first; as many as the node is deep */
  readonly dims: readonly string[]
  /** hour of the day, 0 to 23, where a tree is counted by the hour; null or absent for a whole window */
  readonly hour?: number | null
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
  readonly visits?: Sum
  /** seconds */
  readonly time_s?: Sum
}

export interface Thresholds {
  readonly identity: 'signed' | 'network'
  readonly minUsers: number
  /** people are floored to whole steps of so many; no less than `minUsers` (smaller ones prove small groups) */
  readonly step: number
  readonly minTenants: number
  readonly minNetworks: number
  /** 0..1 */
  readonly maxShare: number
  /** 0..1 */
  readonly maxPersonShare: number
  /** rows of one person that count, per kind and window: what events tell of people */
  readonly maxEventsPerPerson: number
}

/** What adds up over blocks. */
export type Additive = 'events' | 'visits' | 'time_s'
export type Measure = 'users' | Additive

/** A statistic of one window as a tree: site (no node) → levels[0] → levels[1] … */
export interface TreeSpec {
  /** id of the statistic */
  readonly id: string
  readonly levels: readonly string[]
  /** so many levels are the plain rows (`by`); deeper ones are drills */
  readonly plain: number
  readonly measures: readonly Measure[]
  readonly people: 'floored' | 'exact'
  /** values that each level may have, null where that is open (and then nobody can count what is missing) */
  readonly declared: readonly (readonly string[] | null)[]
  /** hours that a statistic of hours can have; all 24 without it */
  readonly hours?: readonly number[]
  /** the last level is the buckets of a histogram, in their order: neighbours merge, and shares are published */
  readonly histogram: boolean
}

/**
 * Whether a tree is a list: of people alone nothing adds up, so no total asks for what is left over, and every group that
 * passes is said by itself. A pool of the others would say that several of them have somebody.
 */
export function isList({ histogram, measures }: TreeSpec): boolean {
  return !histogram && measures.every((measure) => measure === 'users')
}

/** Siblings that are counted together. `parts`: their values on the level below `parent`. */
export interface Union {
  readonly hour: number | null
  readonly parent: readonly string[]
  readonly parts: readonly string[]
}

/** A union, counted anew over the same rows: distinct people do not add up. */
export interface CountedUnion {
  readonly union: Union
  readonly node: CountedNode
}

/** One published cell. A measure that is not public is null or absent. */
export interface Cell {
  /** values of the levels, at least `plain` of them; pooled ones read `(other)` */
  readonly dims: readonly string[]
  /** hour of the day, in statistics of hours */
  readonly hour?: number
  readonly users: number | null
  /** the step that `users` was floored to; null where people are exact or not public */
  readonly floor: number | null
  readonly events: number | null
  readonly visits?: number
  readonly time_s?: number
  /** whole percent of the events of a group, in histograms */
  readonly share?: number
  /** half width of the 95 % interval, where noise was added */
  readonly users_error?: number
  readonly events_error?: number
}

export const OTHER = '(other)'
/** What an empty value is called in public. */
export const NONE = '(none)'

/** Values as they are published. */
export function shownDims(dims: readonly string[]): readonly string[] {
  return dims.map((value) => (value === '' ? NONE : value))
}

/** A group among others of its slot of time, as a key. */
export const dimsKey = (dims: readonly string[]): string => JSON.stringify(dims)

/** A group among those of all hours, as a key. */
export const placeKey = (hour: number | null | undefined, dims: readonly string[]): string =>
  JSON.stringify([hour ?? null, ...dims])

/** The sum of numbers that are public; null where none is. */
export function publicSum(numbers: readonly (number | null | undefined)[]): number | null {
  const told = numbers.flatMap((number) => number ?? [])
  return told.length === 0 ? null : told.reduce((sum, number) => sum + number, 0)
}
