/** Random small worlds for the property tests: people who did things, counted by a plain and slow reference. */
import fc from 'fast-check'
import { cellsOf } from '../cells.js'
import type { CheckedRelease } from '../checker.js'
import { cut } from '../cut.js'
import { type CountedNode, OTHER, type StatisticSpec, type Thresholds } from '../types.js'

/** One cleaned row. */
export interface Row {
  readonly person: number
  readonly tenant: number
  readonly network: number
  readonly dims: readonly string[]
}

export interface World {
  readonly rows: readonly Row[]
  readonly spec: StatisticSpec
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

function countNode(dims: readonly string[], rows: readonly Row[], signed: boolean): CountedNode {
  const tenants = signed ? groupBy(rows, (row) => row.tenant) : new Map<number, Row[]>()
  return {
    dims,
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
  }
}

/** Every row of a group, by the group's dimensions. */
export function groupsOf(world: World): Map<string, Row[]> {
  return groupBy(world.rows, (row) => JSON.stringify(row.dims))
}

/** A release with the rows that its pool was counted over. */
export interface Release extends CheckedRelease {
  readonly pooled: readonly Row[]
}

/** Counts, cuts and makes cells, as the aggregator does with the warehouse. */
export function release(world: World): Release {
  const { rows, spec, thresholds } = world
  const signed = thresholds.identity === 'signed'
  const groups = [...groupsOf(world).values()]
  const nodes = groups.map((group) => countNode(group[0]?.dims ?? [], group, signed))
  const { blocks, failing } = cut(nodes, thresholds)
  const failed = new Set(failing.map((node) => JSON.stringify(node.dims)))
  const pooled = rows.filter((row) => failed.has(JSON.stringify(row.dims)))
  const other = spec.by.map(() => OTHER)
  const pool = failing.length === 0 ? null : countNode(other, pooled, signed)
  const cells = cellsOf(spec, blocks, pool, failing.length, thresholds)
  return { spec, thresholds, nodes, pool, cleanedRows: rows.length, cells, pooled }
}

/** A few popular values, a tail of rare ones, and one that reads like the pool. */
const VALUES = ['/a', '/a', '/a', '/a', '/b', '/b', '/b', '/c', '/c', '/d', '/e', '/f', '/g', '/h', OTHER]
const PEOPLE = 90

const thresholds: fc.Arbitrary<Thresholds> = fc.record({
  identity: fc.constantFrom('signed', 'network'),
  minUsers: fc.integer({ min: 2, max: 7 }),
  minTenants: fc.integer({ min: 1, max: 3 }),
  minNetworks: fc.integer({ min: 1, max: 5 }),
  maxShare: fc.constantFrom(0.3, 0.5, 0.75, 1),
  maxPersonShare: fc.constantFrom(0.1, 0.25, 0.5, 1),
})

const spec: fc.Arbitrary<StatisticSpec> = fc
  .record({
    measures: fc.constantFrom<StatisticSpec['measures']>(
      ['users', 'events'],
      ['users', 'events'],
      ['users'],
      ['events'],
    ),
    people: fc.constantFrom<StatisticSpec['people']>('floored', 'exact'),
    by: fc.constantFrom(['path'], ['path'], ['from_path', 'path']),
  })
  .map((parts) => ({ id: 'pages', ...parts }))

/** Worlds of up to 90 people in up to 8 tenants and 12 networks, with up to 400 rows. */
export const worlds: fc.Arbitrary<World> = spec.chain((declared) =>
  fc
    .record({
      thresholds,
      homes: fc.array(fc.tuple(fc.nat(7), fc.nat(11)), { minLength: PEOPLE, maxLength: PEOPLE }),
      visits: fc.array(
        fc.tuple(
          fc.nat(PEOPLE - 1),
          fc.array(fc.constantFrom(...VALUES), {
            minLength: declared.by.length,
            maxLength: declared.by.length,
          }),
        ),
        { maxLength: 400, size: 'max' },
      ),
    })
    .map(({ thresholds: limits, homes, visits }) => ({
      spec: declared,
      thresholds: limits,
      rows: visits.map(([person, dims]) => {
        const [tenant, network] = homes[person] ?? [0, 0]
        return { person, tenant, network, dims }
      }),
    })),
)
