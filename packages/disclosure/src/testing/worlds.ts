/** Random small worlds for the property tests: people who did things, counted by a plain and slow reference. */
import fc from 'fast-check'
import type { TreeNoise } from '../cells.js'
import { type CountedTree, questionsOf, releaseWindow, type WindowInput } from '../release.js'
import {
  type Cell,
  type CountedNode,
  type CountedUnion,
  OTHER,
  type Sum,
  type Thresholds,
  type TreeSpec,
  type Union,
} from '../types.js'

/** One cleaned row. */
export interface Row {
  readonly person: number
  readonly tenant: number
  readonly network: number
  readonly hour: number
  readonly dims: readonly string[]
  readonly visit: boolean
  readonly seconds: number
}

export interface World {
  readonly rows: readonly Row[]
  readonly specs: readonly TreeSpec[]
  readonly thresholds: Thresholds
}

function groupBy<Key>(rows: readonly Row[], of: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>()
  for (const row of rows) {
    const group = groups.get(of(row))
    if (group === undefined) groups.set(of(row), [row])
    else group.push(row)
  }
  return groups
}

const people = (rows: readonly Row[]) => new Set(rows.map((row) => row.person)).size
const events = (rows: readonly Row[]) => rows.length
const largest = (groups: Map<unknown, Row[]>, weigh: (rows: readonly Row[]) => number) =>
  Math.max(0, ...[...groups.values()].map(weigh))

function sumOf(rows: readonly Row[], signed: boolean, of: (row: Row) => number): Sum {
  const total = (some: readonly Row[]) => some.reduce((sum, row) => sum + of(row), 0)
  return {
    total: total(rows),
    people: people(rows.filter((row) => of(row) > 0)),
    largestTenant: signed
      ? largest(
          groupBy(rows, (row) => row.tenant),
          total,
        )
      : 0,
    largestPerson: largest(
      groupBy(rows, (row) => row.person),
      total,
    ),
  }
}

/** Everything that is counted of a group of rows. */
export function countNode(
  dims: readonly string[],
  hour: number | null,
  rows: readonly Row[],
  signed: boolean,
): CountedNode {
  const tenants = signed ? groupBy(rows, (row) => row.tenant) : new Map<number, Row[]>()
  return {
    dims,
    hour,
    users: people(rows),
    events: events(rows),
    tenants: tenants.size,
    networks: signed ? 0 : new Set(rows.map((row) => row.network)).size,
    largestTenantUsers: largest(tenants, people),
    largestTenantEvents: largest(tenants, events),
    largestPersonEvents: largest(
      groupBy(rows, (row) => row.person),
      events,
    ),
    visits: sumOf(rows, signed, (row) => Number(row.visit)),
    time_s: sumOf(rows, signed, (row) => row.seconds),
  }
}

const startsWith = (row: Row, start: readonly string[]) => start.every((value, at) => row.dims[at] === value)

/** A tree over rows, of every depth; of each hour where asked. `dims` of a row are the values of the levels. */
export function countTree(
  spec: TreeSpec,
  rows: readonly Row[],
  signed: boolean,
  hourly: boolean,
): CountedNode[] {
  return spec.levels.flatMap((_level, at) => {
    const groups = groupBy(rows, (row) =>
      JSON.stringify([hourly ? row.hour : null, ...row.dims.slice(0, at + 1)]),
    )
    return [...groups].map(([key, group]) => {
      const [hour, ...dims] = JSON.parse(key) as [number | null, ...string[]]
      return countNode(dims, hour, group, signed)
    })
  })
}

/** A union, counted over rows. */
export function countUnion(union: Union, rows: readonly Row[], signed: boolean): CountedUnion {
  const { hour, parent, parts } = union
  const of = new Set(parts)
  const inside = rows.filter(
    (row) =>
      (hour === null || row.hour === hour) &&
      startsWith(row, parent) &&
      of.has(row.dims[parent.length] ?? ''),
  )
  return { union, node: countNode(parent, hour, inside, signed) }
}

/** A release, and what it was made of. */
export interface Release {
  readonly input: WindowInput
  /** of each tree */
  readonly rows: readonly (readonly Row[])[]
  readonly cells: readonly (readonly Cell[])[]
  readonly funnels: readonly (readonly Cell[])[]
  readonly ok: boolean
  readonly findings: readonly string[]
}

/** Counts, asks, cuts and checks, as the aggregator does with the warehouse. */
export function release(
  trees: readonly {
    readonly tree: Omit<CountedTree, 'nodes' | 'unions' | 'cleanedRows'>
    readonly rows: readonly Row[]
  }[],
  thresholds: Thresholds,
  { days, funnels = [] }: Partial<Pick<WindowInput, 'days' | 'funnels'>> = {},
): Release {
  const signed = thresholds.identity === 'signed'
  let counted: readonly CountedTree[] = trees.map(({ rows, tree }) => ({
    ...tree,
    nodes: countTree(tree.spec, rows, signed, tree.window === 'hour'),
    unions: [],
    cleanedRows: rows.length,
  }))
  for (;;) {
    const input: WindowInput = {
      trees: counted,
      funnels,
      thresholds,
      ...(days === undefined ? {} : { days }),
    }
    const asked = questionsOf(input)
    if (asked.every((unions) => unions.length === 0)) {
      const { funnels: steps, trees: cells, verdict } = releaseWindow(input)
      return {
        input,
        rows: trees.map(({ rows }) => rows),
        cells,
        funnels: steps,
        ok: verdict.ok,
        findings: verdict.ok ? [] : verdict.findings,
      }
    }
    counted = counted.map((tree, at) => ({
      ...tree,
      unions: [
        ...tree.unions,
        ...(asked[at] ?? []).map((union) => countUnion(union, trees[at]?.rows ?? [], signed)),
      ],
    }))
  }
}

/** A few popular values, a tail of rare ones, and one that reads like the pool. */
const VALUES = ['/a', '/a', '/a', '/a', '/b', '/b', '/b', '/c', '/c', '/d', '/e', '', OTHER]
const DECLARED = ['/a', '/b', '/c', '/d', '/e', '/f', '/g']
const DRILLS = ['desktop', 'desktop', 'desktop', 'mobile', 'mobile', 'tablet', '']
const DRILL_DECLARED = ['desktop', 'mobile', 'tablet', 'other']
const PEOPLE = 90

export const thresholdsOf: fc.Arbitrary<Thresholds> = fc
  .record({
    identity: fc.constantFrom<Thresholds['identity']>('signed', 'network'),
    minUsers: fc.integer({ min: 2, max: 7 }),
    more: fc.constantFrom(0, 0, 1, 3),
    minTenants: fc.integer({ min: 1, max: 3 }),
    minNetworks: fc.integer({ min: 1, max: 5 }),
    maxShare: fc.constantFrom(0.3, 0.5, 0.75, 1),
    maxPersonShare: fc.constantFrom(0.1, 0.25, 0.5, 1),
    maxEventsPerPerson: fc.constantFrom(3, 20, 400),
  })
  .map(({ more, ...limits }) => ({ ...limits, step: limits.minUsers + more }))

const spec: fc.Arbitrary<TreeSpec> = fc.record({
  id: fc.constant('pages'),
  levels: fc.constant(['path', 'device']),
  plain: fc.constantFrom(1, 1, 2),
  measures: fc.constantFrom<TreeSpec['measures']>(
    ['users', 'events'],
    ['users', 'events', 'visits', 'time_s'],
    ['users'],
    ['events'],
  ),
  people: fc.constantFrom<TreeSpec['people']>('floored', 'floored', 'exact'),
  declared: fc.constantFrom<TreeSpec['declared']>(
    [DECLARED, DRILL_DECLARED],
    [null, DRILL_DECLARED],
    [null, null],
  ),
  histogram: fc.constant(false),
})

const rowsOf = fc
  .record({
    homes: fc.array(fc.tuple(fc.nat(7), fc.nat(11)), { minLength: PEOPLE, maxLength: PEOPLE }),
    visits: fc.array(
      fc.tuple(
        fc.nat(PEOPLE - 1),
        fc.constantFrom(...VALUES),
        fc.constantFrom(...DRILLS),
        fc.nat(3),
        fc.boolean(),
        fc.constantFrom(0, 10, 60),
      ),
      { maxLength: 400, size: 'max' },
    ),
  })
  .map(({ homes, visits }) =>
    visits.map(([person, path, device, hour, visit, seconds]): Row => {
      const [tenant, network] = homes[person] ?? [0, 0]
      return { person, tenant, network, hour, dims: [path, device], visit, seconds }
    }),
  )

/** Worlds of up to 90 people in up to 8 tenants and 12 networks, with up to 400 rows in four hours. */
export const worlds: fc.Arbitrary<World> = fc
  .record({ first: spec, thresholds: thresholdsOf, rows: rowsOf })
  .map(({ first, rows, thresholds }) => ({ rows, thresholds, specs: [first] }))

const BUCKETS = ['<10', '10-59', '>=60']
const bucketOf = (seconds: number): string => BUCKETS[seconds < 10 ? 0 : seconds < 60 ? 1 : 2] ?? ''

/** Noise that is the same for a group each time it is asked, and for others another. @param tau as of a plan */
export function steadyNoise(tau: number, width: number): TreeNoise {
  const at = (hour: number | null, dims: readonly string[], what: string): number => {
    let sum = 7
    for (const character of JSON.stringify([what, hour, dims]))
      sum = (sum * 31 + character.charCodeAt(0)) % 65_521
    return (sum % (2 * width + 1)) - width
  }
  return {
    tau,
    error: { users: width, events: width },
    draw: (hour, dims) => ({
      users: at(hour, dims, 'users'),
      events: 9 * at(hour, dims, 'events'),
      visits: at(hour, dims, 'visits'),
      time_s: at(hour, dims, 'time_s'),
      share: at(hour, dims, 'share'),
    }),
  }
}

/** The release of a world: its tree by the day, people of its plain rows by the hour, and shares of its seconds by path. */
export function releaseOf({ rows, specs, thresholds }: World, noise?: TreeNoise): Release {
  const [declared] = specs as [TreeSpec]
  const hours: TreeSpec = {
    ...declared,
    levels: declared.levels.slice(0, declared.plain),
    measures: ['users'],
    people: 'floored',
  }
  const shares: TreeSpec = {
    ...declared,
    id: 'speed',
    levels: ['path', 'seconds'],
    plain: 1,
    measures: ['users'],
    people: 'floored',
    declared: [declared.declared[0] ?? null, BUCKETS],
    histogram: true,
  }
  const noised = noise === undefined ? {} : { noise }
  const day = { spec: declared, window: 'day' as const, kind: 'page_view', ...noised }
  const hour = { spec: hours, window: 'hour' as const, kind: 'page_view', ...noised }
  return release(
    [
      { tree: day, rows },
      { tree: hour, rows: rows.map((row) => ({ ...row, dims: row.dims.slice(0, declared.plain) })) },
      {
        tree: { ...day, spec: shares },
        rows: rows.map((row) => ({ ...row, dims: [row.dims[0] ?? '', bucketOf(row.seconds)] })),
      },
    ],
    thresholds,
  )
}
