import fc from 'fast-check'
import t from 'tap'
import { type BrokenRule, type CheckedRelease, checkRelease, checkTogether } from './checker.js'
import { release, worlds } from './testing/worlds.js'
import { type Cell, type CountedNode, OTHER } from './types.js'

const thresholds = {
  identity: 'network',
  minUsers: 10,
  minTenants: 3,
  minNetworks: 5,
  maxShare: 0.5,
  maxPersonShare: 0.25,
} as const

function group(path: string, users: number): CountedNode {
  return {
    dims: [path],
    users,
    events: 2 * users,
    tenants: 0,
    networks: Math.min(users, 6),
    largestTenantUsers: 0,
    largestTenantEvents: 0,
    largestPersonEvents: 2,
  }
}

/** Two blocks, and four groups that are published together as `(other)`. */
const good: CheckedRelease = {
  spec: { id: 'pages', by: ['path'], measures: ['users', 'events'], people: 'floored' },
  thresholds,
  nodes: [group('/a', 29), group('/b', 12), group('/c', 9), group('/d', 8), group('/e', 7), group('/f', 6)],
  pool: group(OTHER, 30),
  cleanedRows: 142,
  cells: [
    { dims: ['/a'], users: 20, events: 58, floor: 10 },
    { dims: ['/b'], users: 10, events: 24, floor: 10 },
    { dims: [OTHER], users: 20, events: 60, floor: 10 },
  ],
}

function withCell(index: number, change: Partial<Cell>): CheckedRelease {
  return { ...good, cells: good.cells.map((cell, at) => (at === index ? { ...cell, ...change } : cell)) }
}

function withoutCell(index: number): CheckedRelease {
  return { ...good, cells: good.cells.filter((_, at) => at !== index) }
}

function withNode(index: number, change: Partial<CountedNode>): CheckedRelease {
  return { ...good, nodes: good.nodes.map((node, at) => (at === index ? { ...node, ...change } : node)) }
}

t.test('the checker accepts a release that holds', async (t) => {
  t.same(checkRelease(good), { ok: true })
})

for (const [what, rule, broken] of [
  ['people a step too high', 'people', withCell(0, { users: 30 })],
  ['people a step too low', 'people', withCell(0, { users: 10 })],
  ['exact people where they are floored', 'people', withCell(0, { users: 29, floor: null })],
  ['a floor that was not used', 'people', withCell(0, { floor: 5 })],
  ['one event too many', 'events', withCell(1, { events: 25 })],
  ['events withheld without a reason', 'events', withCell(1, { events: null })],
  ['more people in (other) than its parts can hide', 'capacity', withCell(2, { users: 30 })],
  ['a block that is missing', 'rows', withoutCell(1)],
  ['an (other) that is missing', 'rows', withoutCell(2)],
  ['a cell twice', 'twice', { ...good, cells: [...good.cells, ...good.cells.slice(0, 1)] }],
  ['an (other) of too many dimensions', 'unknown_group', withCell(2, { dims: [OTHER, OTHER] })],
  ['a cell of nobody', 'unknown_group', withCell(0, { dims: ['/z'] })],
  [
    'a group that fails',
    'thresholds',
    { ...good, cells: [...good.cells, { dims: ['/c'], users: null, events: 18, floor: null }] },
  ],
  ['rows that no node holds', 'rows', { ...good, cleanedRows: 143 }],
  ['a group counted twice', 'twice', { ...good, nodes: [...good.nodes, group('/a', 29)] }],
  ['a pool that holds other rows', 'pool', { ...good, pool: { ...group(OTHER, 30), events: 61 } }],
  [
    'a pool with fewer people than one of its parts',
    'pool',
    { ...good, pool: { ...group(OTHER, 30), users: 8 } },
  ],
  ['no pool though groups failed', 'pool', { ...good, pool: null }],
  ['a count that is text', 'counts', withNode(0, { users: '29' as unknown as number })],
  ['more people than events', 'counts', withNode(0, { users: 59 })],
  [
    'a share that is no number',
    'counts',
    { ...good, thresholds: { ...thresholds, maxPersonShare: Number.NaN } },
  ],
  ['a min_users of one', 'counts', { ...good, thresholds: { ...thresholds, minUsers: 1 } }],
] satisfies [string, BrokenRule, CheckedRelease][]) {
  t.test(`the checker names ${rule} for ${what}`, async (t) => {
    const verdict = checkRelease(broken)
    t.equal(verdict.ok, false)
    if (!verdict.ok) t.ok(verdict.findings.includes(rule), verdict.findings.join(', '))
  })
}

t.test('the checker names rows for a cell that says nothing but that its group passed', async (t) => {
  const silent: CheckedRelease = {
    ...good,
    spec: { ...good.spec, measures: ['events'] },
    nodes: [{ ...group('/a', 20), largestPersonEvents: 15 }],
    pool: null,
    cleanedRows: 40,
    cells: [],
  }
  t.same(checkRelease(silent), { ok: true })
  const cells = [{ dims: ['/a'], users: null, events: null, floor: null }]
  t.same(checkRelease({ ...silent, cells }), { ok: false, findings: ['rows'] })
})

t.test('the checker accepts exact people where they are declared, except in (other)', async (t) => {
  const exact: CheckedRelease = {
    ...good,
    spec: { ...good.spec, people: 'exact' },
    cells: [
      { dims: ['/a'], users: 29, events: 58, floor: null },
      { dims: ['/b'], users: 12, events: 24, floor: null },
      { dims: [OTHER], users: 20, events: 60, floor: 10 },
    ],
  }
  t.same(checkRelease(exact), { ok: true })
  const cells = exact.cells.map((cell, at) => (at === 2 ? { ...cell, users: 30, floor: null } : cell))
  t.same(checkRelease({ ...exact, cells }), { ok: false, findings: ['capacity'] })
})

t.test('the checker accepts what the cut makes of any random world', async (t) => {
  const seen = { blocks: 0, pooled: 0, silentPeople: 0, peopleOnly: 0, nothing: 0 }
  fc.assert(
    fc.property(worlds, (world) => {
      const made = release(world)
      const other = made.cells.find((cell) => cell.dims.every((value) => value === OTHER))
      seen.blocks += made.cells.length > (other === undefined ? 0 : 1) ? 1 : 0
      seen.pooled += other === undefined ? 0 : 1
      seen.silentPeople += other?.users === null ? 1 : 0
      const { measures } = world.spec
      seen.peopleOnly +=
        measures.includes('events') && made.cells.some((cell) => cell.events === null) ? 1 : 0
      seen.nothing += made.nodes.length > 0 && made.cells.length === 0 ? 1 : 0
      const verdict = checkRelease(made)
      return verdict.ok
    }),
    { numRuns: 600 },
  )
  for (const [what, count] of Object.entries(seen)) t.ok(count > 0, `the worlds hold ${what} (${count})`)
})

/** Another value of the same member, drawn so that it differs. */
function altered(cell: Cell, k: number): fc.Arbitrary<Cell> {
  const near = (value: number | null, steps: readonly number[]) =>
    value === null
      ? fc.constantFrom(0, 1, k, 2 * k)
      : fc.constantFrom<number | null>(null, ...steps.map((step) => value + step))
  return fc.oneof(
    near(cell.users, [-k, k, -1, 1]).map((users) => ({ ...cell, users })),
    near(cell.events, [-1, 1, -k, k]).map((events) => ({ ...cell, events })),
    near(cell.floor, [-1, 1]).map((floor) => ({ ...cell, floor })),
    fc.constantFrom('/never', OTHER).map((value) => ({ ...cell, dims: [value, ...cell.dims.slice(1)] })),
  )
}

const sameCell = (left: Cell, right: Cell) => JSON.stringify(left) === JSON.stringify(right)

t.test('the checker rejects a release in which any single cell was altered', async (t) => {
  let altercations = 0
  fc.assert(
    fc.property(
      worlds.map(release).chain((made) =>
        made.cells.length === 0
          ? fc.constant({ made, cells: null })
          : fc.nat(made.cells.length - 1).chain((index) => {
              const cell = made.cells[index] as Cell
              return altered(cell, made.thresholds.minUsers).map((other) => ({
                made,
                cells: sameCell(cell, other)
                  ? null
                  : made.cells.map((each, at) => (at === index ? other : each)),
              }))
            }),
      ),
      ({ made, cells }) => {
        if (cells === null) return true
        altercations += 1
        return !checkRelease({ ...made, cells }).ok
      },
    ),
    { numRuns: 800 },
  )
  t.ok(altercations > 100, `altered ${altercations} cells`)
})

t.test('the checker rejects a release that lost, doubled or gained a cell', async (t) => {
  let tried = 0
  fc.assert(
    fc.property(worlds.map(release), fc.nat(), (made, pick) => {
      const index = made.cells.length === 0 ? -1 : pick % made.cells.length
      const own = new Set(made.cells.map((cell) => JSON.stringify(cell.dims)))
      const unpublished = made.nodes.filter((node) => !own.has(JSON.stringify(node.dims)))
      const k = made.thresholds.minUsers
      const gained = unpublished.map((node) => ({
        dims: node.dims,
        users: made.spec.measures.includes('users') ? Math.max(k, node.users - (node.users % k)) : null,
        events: made.spec.measures.includes('events') ? node.events : null,
        floor: made.spec.measures.includes('users') ? k : null,
      }))
      const variants = [
        ...(index < 0 ? [] : [made.cells.filter((_, at) => at !== index)]),
        ...(index < 0 ? [] : [[...made.cells, made.cells[index] as Cell]]),
        ...gained.map((cell) => [...made.cells, cell]),
      ]
      tried += variants.length
      return variants.every((cells) => !checkRelease({ ...made, cells }).ok)
    }),
    { numRuns: 400 },
  )
  t.ok(tried > 400, `tried ${tried} variants`)
})

t.test('the events of a kind may be public in one statistic of a window only', async (t) => {
  const manifest = {
    site: 'erp',
    statistic: 'pages',
    kind: 'page_view',
    window: 'day',
    windowStart: 0,
    cells: good.cells,
  }
  const silent = good.cells.map((cell) => ({ ...cell, events: null }))
  t.same(checkTogether([manifest, { ...manifest, statistic: 'navigation', cells: silent }]), { ok: true })
  t.same(checkTogether([manifest, { ...manifest, statistic: 'features', kind: 'feature' }]), { ok: true })
  t.same(checkTogether([manifest, { ...manifest, windowStart: 86_400_000 }]), { ok: true })
  const clash = { ok: false, findings: ['additive'] }
  t.same(checkTogether([manifest, { ...manifest, statistic: 'paths' }]), clash)
  t.same(checkTogether([manifest, { ...manifest, statistic: 'all', kind: null }]), clash)
  t.same(checkTogether([manifest, { ...manifest, cells: silent }]), { ok: false, findings: ['twice'] })
})
