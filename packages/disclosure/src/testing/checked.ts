/** For tests: releases made by hand that hold, with the counts that they are made of. */
import type { CheckedTree } from '../checker.js'
import {
  type Cell,
  type CountedNode,
  type CountedUnion,
  OTHER,
  type Thresholds,
  type TreeSpec,
} from '../types.js'
import { NETWORK, nodeOf, treeSpec } from './crowds.js'

type Noise = NonNullable<CheckedTree['noise']>

export interface Checked {
  readonly trees: readonly CheckedTree[]
  readonly thresholds: Thresholds
  readonly days?: ReadonlyMap<string, readonly (readonly Cell[])[]>
}

export const cell = (dims: readonly string[], users: number | null, events: number | null = null): Cell => ({
  dims,
  users,
  floor: users === null ? null : 10,
  events,
})

export const unionOf = (
  parent: readonly string[],
  parts: readonly string[],
  node: CountedNode,
): CountedUnion => ({
  union: { hour: null, parent, parts },
  node,
})

export function treeOf(
  spec: TreeSpec,
  tree: Pick<CheckedTree, 'nodes' | 'cells'> & Partial<CheckedTree>,
): CheckedTree {
  const leaves = tree.nodes.filter(({ dims }) => dims.length === spec.levels.length)
  const cleanedRows = leaves.reduce((sum, { events }) => sum + events, 0)
  return { spec, window: 'day', kind: 'page_view', unions: [], cleanedRows, ...tree }
}

export const alone = (tree: CheckedTree, thresholds = NETWORK): Checked => ({ trees: [tree], thresholds })

/** Two blocks, and four groups that are published together. */
export const PAGES = treeOf(treeSpec({ levels: ['path'] }), {
  nodes: [
    nodeOf(['/a'], 29),
    nodeOf(['/b'], 12),
    nodeOf(['/c'], 9),
    nodeOf(['/d'], 8),
    nodeOf(['/e'], 7),
    nodeOf(['/f'], 6),
  ],
  unions: [unionOf([], ['/c', '/d', '/e', '/f'], nodeOf([], 30))],
  cells: [cell(['/a'], 20, 58), cell(['/b'], 10, 24), cell([OTHER], 20, 60)],
})

/** A page that is split into a device, and three that are pooled; and a page that stays whole. */
export const DRILLED = treeOf(treeSpec({ measures: ['users', 'events', 'visits'] }), {
  nodes: [
    nodeOf(['/a'], 54, { visits: { total: 40, people: 30, largestTenant: 0, largestPerson: 2 } }),
    nodeOf(['/a', 'desktop'], 30, { visits: { total: 35, people: 25, largestTenant: 0, largestPerson: 2 } }),
    nodeOf(['/a', 'mobile'], 9),
    nodeOf(['/a', 'tablet'], 8),
    nodeOf(['/a', 'tv'], 7, { visits: { total: 5, people: 5, largestTenant: 0, largestPerson: 1 } }),
    nodeOf(['/b'], 15),
    nodeOf(['/b', 'desktop'], 15),
  ],
  unions: [
    unionOf(
      ['/a'],
      ['mobile', 'tablet', 'tv'],
      nodeOf(['/a'], 24, { visits: { total: 5, people: 5, largestTenant: 0, largestPerson: 1 } }),
    ),
  ],
  cells: [
    { ...cell(['/a'], 50, 108), visits: 35 },
    { ...cell(['/a', 'desktop'], 30, 60), visits: 35 },
    cell(['/a', OTHER], 10, 48),
    cell(['/b'], 10, 30),
  ],
})

/** Moves, of people alone: every move that passes, and no others. */
export const MOVES = treeOf(
  treeSpec({ id: 'navigation', levels: ['from_path', 'path'], plain: 2, measures: ['users'] }),
  {
    nodes: [
      nodeOf(['/a'], 30),
      nodeOf(['/a', '/x'], 10),
      nodeOf(['/a', '/y'], 20),
      nodeOf(['/b'], 32),
      nodeOf(['/b', '/x'], 30),
      nodeOf(['/b', '/y'], 2),
      nodeOf(['/c'], 4),
      nodeOf(['/c', '/x'], 4),
    ],
    cells: [cell(['/a', '/x'], 10), cell(['/a', '/y'], 20), cell(['/b', '/x'], 30)],
  },
)

export const share = (dims: readonly string[], percent: number): Cell => ({
  ...cell(dims, null),
  share: percent,
})

/** Load times of a page whose two slowest buckets are one. */
export const SPEED = treeOf(
  treeSpec({
    id: 'speed',
    levels: ['path', 'load_ms'],
    plain: 2,
    measures: ['events'],
    histogram: true,
    declared: [null, ['<100', '100-299', '300-999', '>=1000']],
  }),
  {
    nodes: [
      nodeOf(['/a'], 40),
      nodeOf(['/a', '<100'], 20),
      nodeOf(['/a', '100-299'], 10),
      nodeOf(['/a', '300-999'], 6),
      nodeOf(['/a', '>=1000'], 4),
      nodeOf(['/b'], 8),
      nodeOf(['/b', '<100'], 8),
    ],
    unions: [unionOf(['/a'], ['300-999', '>=1000'], nodeOf(['/a'], 10))],
    cells: [share(['/a', '<100'], 50), share(['/a', '100-299'], 25), share(['/a', '>=300'], 25)],
  },
)

const hourly = (hour: number, users: number): CountedNode => ({ ...nodeOf(['/a'], users), hour })

/** A day of 47 people of which one of three hours is told: 29 and nine. */
export const DAY: Checked = {
  thresholds: NETWORK,
  trees: [
    treeOf(treeSpec({ levels: ['path'], measures: ['users'] }), {
      nodes: [nodeOf(['/a'], 47)],
      cells: [cell(['/a'], 30)],
      claims: new Map([['["/a"]', 38]]),
    }),
    treeOf(treeSpec({ levels: ['path'], measures: ['users'], hours: [0, 1, 2] }), {
      window: 'hour',
      nodes: [hourly(0, 29), hourly(1, 9), hourly(2, 9)],
      cells: [{ ...cell(['/a'], 20), hour: 0 }],
    }),
  ],
}

/** A week of 47 people, of which one of three days is told. */
export const WEEK: Checked = {
  thresholds: NETWORK,
  days: new Map([['features', [[cell(['/a'], 20)], [], []]]]),
  trees: [
    treeOf(treeSpec({ id: 'features', levels: ['path'], measures: ['users'] }), {
      window: 'week',
      nodes: [nodeOf(['/a'], 47)],
      cells: [cell(['/a'], 30)],
      claims: new Map([['["/a"]', 38]]),
    }),
  ],
}

/** Exact people by page beside drills. */
export const EXACT = treeOf(treeSpec({ people: 'exact', measures: ['users'] }), {
  nodes: [nodeOf(['/a'], 42), nodeOf(['/a', 'desktop'], 30), nodeOf(['/a', 'mobile'], 12)],
  cells: [{ ...cell(['/a'], 42), floor: null }, cell(['/a', 'desktop'], 30), cell(['/a', 'mobile'], 10)],
})

/** Page /a with noise: of 29 people 34 are said, of 58 events 50; /b is not shown. */
export const noise = (change: Partial<Noise> = {}): Noise => ({
  tau: 15,
  draw: (_hour, [page]) => (page === '/a' ? { users: 5, events: -8 } : { users: 0, events: 0 }),
  ...change,
})
export const NOISED = treeOf(treeSpec({ levels: ['path'] }), {
  nodes: [nodeOf(['/a'], 29), nodeOf(['/b'], 12)],
  cells: [cell(['/a'], 30, 50)],
  noise: noise(),
})

const signedNode = nodeOf(['/a'], 20, {
  networks: 0,
  tenants: 4,
  largestTenantUsers: 10,
  largestTenantEvents: 20,
})
export const SIGNED_PAGE = treeOf(treeSpec({ levels: ['path'] }), {
  nodes: [signedNode],
  cells: [cell(['/a'], 20, 40)],
})
