import fc from 'fast-check'
import t from 'tap'
import { cellsOf } from './cells.js'
import { cut } from './cut.js'
import { groupsOf, type Release, release, type Row, type World, worlds } from './testing/worlds.js'
import { type Cell, type CountedNode, OTHER, type StatisticSpec, type Thresholds } from './types.js'

const thresholds: Thresholds = {
  identity: 'network',
  minUsers: 10,
  minTenants: 3,
  minNetworks: 5,
  maxShare: 0.5,
  maxPersonShare: 0.25,
}
const spec: StatisticSpec = { id: 'pages', by: ['path'], measures: ['users', 'events'], people: 'floored' }

function group(path: string, users: number, change: Partial<CountedNode> = {}): CountedNode {
  return {
    dims: [path],
    users,
    events: 2 * users,
    tenants: 0,
    networks: 9,
    largestTenantUsers: 0,
    largestTenantEvents: 0,
    largestPersonEvents: 2,
    ...change,
  }
}

const pooled = (cells: readonly Cell[]) => cells.find((cell) => cell.dims.every((value) => value === OTHER))

t.test('people are floored to a step of min_users, events are exact', async (t) => {
  t.same(cellsOf(spec, [group('/a', 29)], null, 0, thresholds), [
    { dims: ['/a'], users: 20, events: 58, floor: 10 },
  ])
})

t.test('people are exact where that is declared, and floored in (other) all the same', async (t) => {
  const exact: StatisticSpec = { ...spec, people: 'exact' }
  t.same(cellsOf(exact, [group('/a', 29)], group(OTHER, 27), 9, thresholds), [
    { dims: ['/a'], users: 29, events: 58, floor: null },
    { dims: [OTHER], users: 20, events: 54, floor: 10 },
  ])
})

t.test('a measure that is not declared is not public', async (t) => {
  t.same(cellsOf({ ...spec, measures: ['users'] }, [group('/a', 10)], null, 0, thresholds), [
    { dims: ['/a'], users: 10, events: null, floor: 10 },
  ])
  t.same(cellsOf({ ...spec, measures: ['events'] }, [group('/a', 10)], null, 0, thresholds), [
    { dims: ['/a'], users: null, events: 20, floor: null },
  ])
})

t.test(
  'a block that one person dominates shows people only, and nothing where only events are declared',
  async (t) => {
    const dominated = group('/a', 10, { events: 20, largestPersonEvents: 6 })
    t.same(cellsOf(spec, [dominated], null, 0, thresholds), [
      { dims: ['/a'], users: 10, events: null, floor: 10 },
    ])
    t.same(cellsOf({ ...spec, measures: ['events'] }, [dominated], null, 0, thresholds), [])
  },
)

t.test('(other) says no more people than its parts can hide', async (t) => {
  const said = (users: number, parts: number) =>
    pooled(cellsOf(spec, [], group(OTHER, users), parts, thresholds))?.users
  t.equal(said(45, 2), null, 'nine people fit into one part: less than a step')
  t.equal(said(45, 3), 10, 'eighteen fit into two')
  t.equal(said(45, 4), 20)
  t.equal(said(45, 6), 40, 'forty-five fit into five: its own floor decides')
  t.equal(said(45, 100), 40)
})

t.test('a pool that fails is published nowhere', async (t) => {
  t.same(cellsOf(spec, [], group(OTHER, 9), 5, thresholds), [])
  t.same(cellsOf(spec, [], group(OTHER, 90, { networks: 4 }), 20, thresholds), [])
})

t.test('a value that reads like the pool is pooled, whatever its size', async (t) => {
  const { blocks, failing } = cut([group(OTHER, 500), group('/a', 500)], thresholds)
  t.same(
    blocks.map((node) => node.dims),
    [['/a']],
  )
  t.same(
    failing.map((node) => node.dims),
    [[OTHER]],
  )
})

/** Rows behind a published cell. */
function rowsBehind(world: World, made: Release, cell: Cell): readonly Row[] {
  return cell === pooled(made.cells) ? made.pooled : (groupsOf(world).get(JSON.stringify(cell.dims)) ?? [])
}

t.test('no random world publishes a group below its thresholds', async (t) => {
  fc.assert(
    fc.property(worlds, (world) => {
      const made = release(world)
      const { identity, minUsers, minTenants, minNetworks, maxShare, maxPersonShare } = world.thresholds
      for (const cell of made.cells) {
        const rows = rowsBehind(world, made, cell)
        const users = new Map<number, Set<number>>()
        const perTenant = new Map<number, number>()
        const perPerson = new Map<number, number>()
        for (const { person, tenant } of rows) {
          users.set(tenant, (users.get(tenant) ?? new Set()).add(person))
          perTenant.set(tenant, (perTenant.get(tenant) ?? 0) + 1)
          perPerson.set(person, (perPerson.get(person) ?? 0) + 1)
        }
        const total = perPerson.size
        if (total < minUsers) return false
        if (identity === 'network' && new Set(rows.map((row) => row.network)).size < minNetworks) return false
        if (identity === 'signed') {
          // the attacker is each tenant in turn: it subtracts its own people
          const tenants = [...users.values()].map((set) => set.size)
          if (tenants.length - 1 < minTenants) return false
          if (tenants.some((own) => total - own < minUsers || own / total > maxShare)) return false
          if ([...perTenant.values()].some((own) => own / rows.length > maxShare)) return false
        }
        const dominated = [...perPerson.values()].some((own) => own / rows.length > maxPersonShare)
        if (cell.events !== null && (dominated || cell.events !== rows.length)) return false
      }
      return true
    }),
    { numRuns: 400 },
  )
  t.pass('held in every run')
})

t.test('no random world says more people than there are, or a number that is no step', async (t) => {
  fc.assert(
    fc.property(worlds, (world) => {
      const made = release(world)
      const k = world.thresholds.minUsers
      return made.cells.every((cell) => {
        if (cell.users === null) return cell.floor === null && cell.events !== null
        const total = new Set(rowsBehind(world, made, cell).map((row) => row.person)).size
        const exact = world.spec.people === 'exact' && cell !== pooled(made.cells)
        if (exact) return cell.users === total && cell.floor === null
        return cell.floor === k && cell.users >= k && cell.users % k === 0 && cell.users <= total
      })
    }),
    { numRuns: 400 },
  )
  t.pass('held in every run')
})

t.test('nobody can conclude from (other) that one of its groups holds anybody', async (t) => {
  fc.assert(
    fc.property(worlds, (world) => {
      const made = release(world)
      const users = pooled(made.cells)?.users ?? null
      if (users === null) return true
      const parts = new Set(made.pooled.map((row) => JSON.stringify(row.dims))).size
      // every other part as large as a small group can be: what is left for the last one?
      return users - (parts - 1) * (world.thresholds.minUsers - 1) <= 0
    }),
    { numRuns: 400 },
  )
  t.pass('held in every run')
})
