/** The independent checker on releases made by hand: good ones pass, and of each rule that is broken it says which. */
import t, { type Test } from 'tap'
import { type BrokenRule, type CheckedTree, checkWindow } from './checker.js'
import { checkTogether } from './checker-together.js'
import {
  type Checked,
  DAY,
  DRILLED,
  EXACT,
  MOVES,
  NOISED,
  PAGES,
  SIGNED_PAGE,
  SPEED,
  WEEK,
  alone,
  cell,
  noise,
  share,
  treeOf,
  unionOf,
} from './testing/checked.js'
import { NETWORK, nodeOf, SIGNED, treeSpec } from './testing/crowds.js'
import { type Cell, type CountedNode, OTHER } from './types.js'

for (const [what, checked] of [
  ['blocks and a pool of what failed', alone(PAGES)],
  ['drills, sums of blocks and a page that stays whole', alone(DRILLED)],
  ['moves of people alone', alone(MOVES)],
  ['a histogram', alone(SPEED)],
  ['a day and its hours', DAY],
  ['a week and its days', WEEK],
  ['exact people', alone(EXACT)],
  ['noise', alone(NOISED)],
  ['a signed site', alone(SIGNED_PAGE, SIGNED)],
  ['all statistics of a day together', { ...DAY, trees: [...DAY.trees, SPEED] }],
  ['a window in which nothing happened', { thresholds: NETWORK, trees: [] }],
] satisfies [string, Checked][]) {
  t.test(`the checker accepts ${what}`, async (t) => {
    t.same(checkWindow(checked.trees, checked.thresholds, checked.days), { ok: true })
  })
}

function names(t: Test, { days, thresholds, trees }: Checked, rule: BrokenRule): void {
  const verdict = checkWindow(trees, thresholds, days)
  t.notOk(verdict.ok, 'it is refused')
  if (!verdict.ok) t.ok(verdict.findings.includes(rule), verdict.findings.join(', '))
}

type Change<Value> = (value: Value) => Value

const withCell = (tree: CheckedTree, at: number, change: Partial<Cell>): CheckedTree => ({
  ...tree,
  cells: tree.cells.map((one, place) => (place === at ? { ...one, ...change } : one)),
})
const without = (tree: CheckedTree, at: number): CheckedTree => ({
  ...tree,
  cells: tree.cells.filter((_one, place) => place !== at),
})
const more = (tree: CheckedTree, ...cells: readonly Cell[]): CheckedTree => ({
  ...tree,
  cells: [...tree.cells, ...cells],
})
const withNode = (tree: CheckedTree, at: number, change: Partial<CountedNode>): CheckedTree => ({
  ...tree,
  nodes: tree.nodes.map((node, place) => (place === at ? { ...node, ...change } : node)),
})
const withPool = (tree: CheckedTree, change: Partial<CountedNode>): CheckedTree => ({
  ...tree,
  unions: tree.unions.map(({ node, union }) => ({ union, node: { ...node, ...change } })),
})
const withFirst = (checked: Checked, change: Change<CheckedTree>): Checked => ({
  ...checked,
  trees: checked.trees.map((tree, at) => (at === 0 ? change(tree) : tree)),
})
const unclaimed = ({ claims: _claims, ...tree }: CheckedTree): CheckedTree => tree

for (const [rule, what, broken] of [
  ['counts', 'a count that is text', alone(withNode(PAGES, 0, { users: '29' as unknown as number }))],
  ['counts', 'a count below zero', alone(withNode(PAGES, 0, { networks: -1 }))],
  ['counts', 'half a person', alone(withNode(PAGES, 0, { users: 28.5 }))],
  ['counts', 'more people than events', alone(withNode(PAGES, 0, { users: 59 }))],
  ['counts', 'more networks than people', alone(withNode(PAGES, 0, { networks: 30 }))],
  [
    'counts',
    'more people who visited than people',
    alone(withNode(DRILLED, 6, { visits: { total: 90, people: 16, largestTenant: 0, largestPerson: 2 } })),
  ],
  [
    'counts',
    'a person with more visits than there are',
    alone(withNode(DRILLED, 6, { visits: { total: 3, people: 2, largestTenant: 0, largestPerson: 4 } })),
  ],
  ['counts', 'a group with other rows than its parts', alone(withNode(DRILLED, 0, { events: 109 }))],
  ['counts', 'a share that is no number', alone(PAGES, { ...NETWORK, maxPersonShare: Number.NaN })],
  ['counts', 'a share of more than all', alone(PAGES, { ...NETWORK, maxShare: 1.5 })],
  ['counts', 'a min_users of one', alone(PAGES, { ...NETWORK, minUsers: 1 })],
  ['counts', 'a min_networks that is no number', alone(PAGES, { ...NETWORK, minNetworks: Number.NaN })],
  ['counts', 'steps below min_users', alone(PAGES, { ...NETWORK, step: 5 })],
  ['counts', 'a cap of no events', alone(PAGES, { ...NETWORK, maxEventsPerPerson: 0 })],
  ['pool', 'a pool that holds other rows', alone(withPool(PAGES, { events: 61 }))],
  ['pool', 'a pool with fewer people than one of its parts', alone(withPool(PAGES, { users: 8 }))],
  ['pool', 'a pool with more people than its parts together', alone(withPool(PAGES, { users: 31 }))],
  ['pool', 'a pool with a larger tenant than its parts', alone(withPool(PAGES, { largestTenantUsers: 1 }))],
  [
    'pool',
    'a pool of a part that nobody counted',
    alone({ ...PAGES, unions: [unionOf([], ['/c', '/d', '/e', '/f', '/g'], nodeOf([], 30))] }),
  ],
  [
    'pool',
    'a pool of one group that may not stand alone',
    alone({
      ...treeOf(PAGES.spec, { nodes: [nodeOf(['/a'], 20)], cells: [cell([OTHER], 20, 40)] }),
      spec: { ...PAGES.spec, declared: [['/a', '/b', '/c', '/d', '/e']] },
      hides: () => true,
    }),
  ],
  [
    'unknown_group',
    'a list that says what is left over',
    alone({ ...MOVES, cells: [...MOVES.cells, cell([OTHER, OTHER], 10)] }),
  ],
  ['rows', 'a block that is missing', alone(without(SIGNED_PAGE, 0), SIGNED)],
  ['unknown_group', 'a block that is missing beside a pool', alone(without(PAGES, 1))],
  ['rows', 'a pool that is missing', alone(without(PAGES, 2))],
  ['sums', 'a drill that is missing beside a pool', alone(without(DRILLED, 1))],
  ['rows', 'a drill that is missing beside another', alone(without(EXACT, 1))],
  ['rows', 'a pool of drills that is missing', alone(without(DRILLED, 2))],
  ['rows', 'moves that are missing', alone(without(MOVES, 0))],
  ['unknown_group', 'a move that too few made', alone(more(MOVES, cell(['/b', '/y'], 10)))],
  ['rows', 'rows that no group holds', alone({ ...PAGES, cleanedRows: 143 })],
  ['rows', 'a bucket of a histogram that is missing', alone(without(SPEED, 1))],
  ['twice', 'a cell that stands twice', alone(more(PAGES, ...PAGES.cells.slice(0, 1)))],
  [
    'twice',
    'a group that was counted twice',
    alone({ ...PAGES, nodes: [...PAGES.nodes, nodeOf(['/a'], 29)] }),
  ],
  ['twice', 'a bucket that stands twice', alone(more(SPEED, share(['/a', '<100'], 50)))],
  ['unknown_group', 'a cell of nobody', alone(withCell(PAGES, 0, { dims: ['/z'] }))],
  ['unknown_group', 'a pool of too many dimensions', alone(withCell(PAGES, 2, { dims: [OTHER, OTHER] }))],
  ['unknown_group', 'a cell of too few dimensions', alone(withCell(MOVES, 2, { dims: [OTHER] }))],
  [
    'unknown_group',
    'a cell that says nothing but that its group passed',
    alone(withCell(PAGES, 1, { users: null, floor: null, events: null })),
  ],
  ['unknown_group', 'a pool of other groups than were counted', alone({ ...PAGES, unions: [] })],
  [
    'unknown_group',
    'a bucket across buckets that were not counted together',
    alone(withCell(SPEED, 2, { dims: ['/a', '>=100'] })),
  ],
  [
    'unknown_group',
    'a histogram of a group that fails',
    alone(more(SPEED, share(['/b', '<100'], 50), share(['/b', '>=100'], 50))),
  ],
  ['thresholds', 'a group with too few people', alone(more(PAGES, cell(['/c'], null, 18)))],
  ['thresholds', 'a group of too few networks', alone(withNode(PAGES, 0, { networks: 4 }))],
  [
    'thresholds',
    'a group that must not stand alone',
    alone({ ...PAGES, hides: ({ dims }) => dims[0] === '/a' }),
  ],
  ['thresholds', 'a group of too few tenants', alone(withNode(SIGNED_PAGE, 0, { tenants: 3 }), SIGNED)],
  [
    'thresholds',
    'a group that is nothing without its largest tenant',
    alone(withNode(SIGNED_PAGE, 0, { largestTenantUsers: 11 }), SIGNED),
  ],
  [
    'thresholds',
    'a group of which one tenant has most events',
    alone(withNode(SIGNED_PAGE, 0, { largestTenantEvents: 21 }), SIGNED),
  ],
  [
    'thresholds',
    'a histogram with a bucket of too few people',
    alone({
      ...SPEED,
      cells: [
        share(['/a', '<100'], 50),
        share(['/a', '100-299'], 25),
        share(['/a', '300-999'], 15),
        share(['/a', '>=1000'], 10),
      ],
    }),
  ],
  ['thresholds', 'a histogram of one bucket', alone({ ...SPEED, cells: [share(['/a', '<100'], 100)] })],
  ['thresholds', 'a group of fewer noised people than tau', alone({ ...NOISED, noise: noise({ tau: 35 }) })],
  ['people', 'people a step too high', alone(withCell(PAGES, 0, { users: 30 }))],
  ['people', 'people a step too low', alone(withCell(PAGES, 0, { users: 10 }))],
  ['people', 'exact people where they are floored', alone(withCell(PAGES, 0, { users: 29, floor: null }))],
  ['people', 'exact people of a drill', alone(withCell(EXACT, 2, { users: 12, floor: null }))],
  ['people', 'floored people that are said to be exact', alone(withCell(EXACT, 0, { users: 40 }))],
  ['people', 'a floor that was not used', alone(withCell(PAGES, 0, { floor: 5 }))],
  ['people', 'no people where there are some', alone(withCell(PAGES, 0, { users: null, floor: null }))],
  ['people', 'people of a bucket', alone(withCell(SPEED, 0, { users: 20, floor: 10 }))],
  ['people', 'people before noise', alone(withCell(NOISED, 0, { users: 20 }))],
  ['capacity', 'more people in a pool than its parts can hide', alone(withCell(PAGES, 2, { users: 30 }))],
  [
    'capacity',
    'a pool of two',
    alone(
      treeOf(PAGES.spec, {
        nodes: PAGES.nodes.slice(2, 4),
        unions: [unionOf([], ['/c', '/d'], nodeOf([], 17))],
        cells: [cell([OTHER], 10, 34)],
      }),
    ),
  ],
  [
    'capacity',
    'a day that tells of its hours',
    withFirst(DAY, (tree) => unclaimed(withCell(tree, 0, { users: 40 }))),
  ],
  [
    'capacity',
    'a week that tells of its days',
    withFirst(WEEK, (tree) => unclaimed(withCell(tree, 0, { users: 40 }))),
  ],
  ['events', 'one event too many', alone(withCell(PAGES, 1, { events: 25 }))],
  ['events', 'events that are withheld without a reason', alone(withCell(PAGES, 1, { events: null }))],
  ['events', 'events of which one person has most', alone(withNode(PAGES, 0, { largestPersonEvents: 15 }))],
  [
    'events',
    'a sum that is not one of what is published below',
    alone(withCell(DRILLED, 0, { events: 109 })),
  ],
  ['events', 'events before noise', alone(withCell(NOISED, 0, { events: 58 }))],
  [
    'events',
    'events that tell more people than a pool may say',
    alone(PAGES, { ...NETWORK, maxEventsPerPerson: 2 }),
  ],
  ['sums', 'visits of too few people', alone(withCell(DRILLED, 2, { visits: 5 }))],
  ['sums', 'visits of rows where blocks do not publish them', alone(withCell(DRILLED, 0, { visits: 40 }))],
  ['sums', 'seconds that are not declared', alone(withCell(DRILLED, 0, { time_s: 600 }))],
  ['sums', 'a share of what is no histogram', alone(withCell(PAGES, 0, { share: 40 }))],
  ['sums', 'shares that do not add up', alone(withCell(SPEED, 0, { share: 49 }))],
  ['sums', 'a share that is one off', alone(withCell(withCell(SPEED, 0, { share: 51 }), 1, { share: 24 }))],
  ['sums', 'visits of a bucket', alone(withCell(SPEED, 0, { visits: 3 }))],
] satisfies [BrokenRule, string, Checked][]) {
  t.test(`the checker names ${rule} for ${what}`, async (t) => names(t, broken, rule))
}

t.test('what breaks a rule in one statistic refuses all of the window', async (t) => {
  const trees = [SPEED, withCell(PAGES, 0, { users: 30 }), MOVES]
  t.same(checkWindow(trees, NETWORK), { ok: false, findings: ['people'] })
})

t.test('findings are rules, and no values', async (t) => {
  const verdict = checkWindow([withCell(PAGES, 0, { users: 33, events: 59, dims: ['/secret'] })], NETWORK)
  t.notMatch(JSON.stringify(verdict), /secret|33|59/)
})

t.test('a page that may say less binds the moves that lead to it', async (t) => {
  const pages = treeOf(treeSpec({ levels: ['path'], measures: ['users'] }), {
    nodes: [nodeOf(['/x'], 44), nodeOf(['/y'], 22)],
    cells: [cell(['/x'], 40), cell(['/y'], 20)],
  })
  t.same(checkWindow([pages, MOVES], NETWORK), { ok: true })
  // As though the hours had left ten people of /y.
  const lower = { ...withCell(pages, 1, { users: 10 }), claims: new Map([['["/y"]', 10]]) }
  t.same(checkWindow([lower, MOVES], NETWORK), { ok: false, findings: ['capacity'] })
})

t.test('the events of a kind may be public in one statistic of a window only', async (t) => {
  const { cells } = PAGES
  const manifest = {
    site: 'erp',
    statistic: 'pages',
    kind: 'page_view',
    window: 'day',
    windowStart: 0,
    cells,
  }
  const silent = cells.map((one) => ({ ...one, events: null }))
  t.same(checkTogether([manifest, { ...manifest, statistic: 'navigation', cells: silent }]), { ok: true })
  t.same(checkTogether([manifest, { ...manifest, statistic: 'features', kind: 'feature' }]), { ok: true })
  t.same(checkTogether([manifest, { ...manifest, windowStart: 86_400_000 }]), { ok: true })
  t.same(checkTogether([manifest, { ...manifest, site: 'website' }]), { ok: true })
  const clash = { ok: false, findings: ['additive'] }
  t.same(checkTogether([manifest, { ...manifest, statistic: 'paths' }]), clash)
  t.same(checkTogether([manifest, { ...manifest, statistic: 'all', kind: null }]), clash)
  t.same(checkTogether([manifest, { ...manifest, cells: silent }]), { ok: false, findings: ['twice'] })
})
