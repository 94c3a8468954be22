/** For tests by sentence: crowds of made-up people, and the cut of what they did. */
import { type Cut, type CutInput, cutTree } from '../cut.js'
import type { Cell, CountedNode, CountedUnion, Thresholds, TreeSpec } from '../types.js'
import { countTree, countUnion, type Row } from './worlds.js'

export const NETWORK: Thresholds = {
  identity: 'network',
  minUsers: 10,
  step: 10,
  minTenants: 3,
  minNetworks: 5,
  maxShare: 0.5,
  maxPersonShare: 0.25,
  maxEventsPerPerson: 20,
}

export const SIGNED: Thresholds = { ...NETWORK, identity: 'signed' }

/** Pages, and devices below them. */
export function treeSpec(change: Partial<TreeSpec> = {}): TreeSpec {
  const levels = change.levels ?? ['path', 'device']
  return {
    id: 'pages',
    levels,
    plain: 1,
    measures: ['users', 'events'],
    people: 'floored',
    declared: levels.map(() => null),
    histogram: false,
    ...change,
  }
}

export interface CrowdOptions {
  /** number of the first person; absent: nobody is in two crowds */
  readonly first?: number
  /** rows of each person */
  readonly each?: number
  readonly hour?: number
  /** how many of the people begin a visit */
  readonly visitors?: number
  /** of each row */
  readonly seconds?: number
}

export type Crowd = readonly [dims: readonly string[], people: number, options?: CrowdOptions]

const TENANTS = 8
const NETWORKS = 12

/** Rows of crowds: every person is of one of 8 tenants and of one of 12 networks. */
export function crowds(...groups: readonly Crowd[]): Row[] {
  let next = 0
  return groups.flatMap(
    ([dims, people, { each = 1, first = next, hour = 0, seconds = 0, visitors = 0 } = {}]) => {
      next = Math.max(next, first + people)
      return Array.from({ length: people * each }, (_none, at): Row => {
        const person = first + (at % people)
        const visit = at < visitors
        return { person, tenant: person % TENANTS, network: person % NETWORKS, hour, dims, visit, seconds }
      })
    },
  )
}

/** The cut of rows, with every union that it asks for counted over them. */
export function cutOf(
  spec: TreeSpec,
  rows: readonly Row[],
  thresholds: Thresholds = NETWORK,
  { hides, hourly = false }: Pick<CutInput, 'hides'> & { readonly hourly?: boolean } = {},
): Cut {
  const isSigned = thresholds.identity === 'signed'
  const nodes = countTree(spec, rows, isSigned, hourly)
  const unions: CountedUnion[] = []
  for (;;) {
    const cut = cutTree({ spec, thresholds, nodes, unions, ...(hides === undefined ? {} : { hides }) })
    if (!('ask' in cut)) return cut
    unions.push(...cut.ask.map((union) => countUnion(union, rows, isSigned)))
  }
}

/** Blocks in a line each: `/a/{mobile+tablet} 12`, with their people. */
export function shownBlocks({ blocks }: Cut): string[] {
  return blocks
    .map(({ bucket, dims, hour, node, pooled }) => {
      const at = hour === null ? '' : `${String(hour)}h `
      const parts = pooled === null ? [] : [bucket ?? `{${[...pooled].sort().join('+')}}`]
      return `${at}${[...dims, ...parts].join('|')} ${String(node.users)}`
    })
    .sort()
}

/** Cells in a line each: `/a|(other) 10 users, 24 events`; what is not public is left out. */
export function shownCells(cells: readonly Cell[]): string[] {
  return cells.map(({ dims, events, hour, share, time_s, users, visits }) => {
    const numbers = { users, events, visits, time_s, share }
    const said = Object.entries(numbers).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [`${String(value)} ${name}`],
    )
    return `${hour === undefined ? '' : `${String(hour)}h `}${dims.join('|')} ${said.join(', ')}`
  })
}

/** A node of a network site as it may be counted, with two rows of each person. */
export function nodeOf(
  dims: readonly string[],
  users: number,
  change: Partial<CountedNode> = {},
): CountedNode {
  return {
    dims,
    users,
    events: 2 * users,
    tenants: 0,
    networks: Math.min(users, NETWORKS),
    largestTenantUsers: 0,
    largestTenantEvents: 0,
    largestPersonEvents: Math.min(2, 2 * users),
    ...change,
  }
}
