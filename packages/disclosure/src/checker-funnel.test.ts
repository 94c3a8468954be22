import t from 'tap'
import { type BrokenRule, type CheckedFunnel, type CheckedTree, checkWindow } from './checker.js'
import { nodeOf } from './testing/crowds.js'
import type { Cell, Thresholds } from './types.js'

const THRESHOLDS: Thresholds = {
  identity: 'network',
  minUsers: 10,
  step: 10,
  minTenants: 3,
  minNetworks: 2,
  maxShare: 0.5,
  maxPersonShare: 0.5,
  maxEventsPerPerson: 20,
}

const step = (label: string, users: number, sensitive = false) => ({
  label,
  node: nodeOf([label], users),
  sensitive,
})
const shown = (label: string, users: number): Cell => ({ dims: [label], users, floor: 10, events: null })

const GOOD: CheckedFunnel = {
  steps: [step('page:/new', 47), step('event:save', 33), step('event:send', 8)],
  cells: [shown('page:/new', 40), shown('event:save', 30)],
}

const findings = (funnel: CheckedFunnel, trees: readonly CheckedTree[] = []) => {
  const verdict = checkWindow(trees, THRESHOLDS, new Map(), [funnel])
  return verdict.ok ? [] : verdict.findings
}

t.test('the checker takes a funnel of crowds that ends where a step is none', async (t) => {
  t.same(findings(GOOD), [])
})

const cells = (...changed: readonly Cell[]): CheckedFunnel => ({ ...GOOD, cells: changed })
const [first, second] = GOOD.cells as [Cell, Cell]

for (const [what, rule, funnel] of [
  ['a step too many people', 'people', cells({ ...first, users: 50 }, second)],
  ['a step too few people', 'people', cells(first, { ...second, users: 20 })],
  ['exact people', 'people', cells({ ...first, users: 47, floor: null }, second)],
  ['a step that is no crowd', 'thresholds', cells(first, second, shown('event:send', 10))],
  ['a step that is missing', 'rows', cells(first)],
  ['another step', 'unknown_group', cells(first, { ...second, dims: ['event:other'] })],
  ['steps in another order', 'unknown_group', cells(second, first)],
  ['events', 'sums', cells({ ...first, events: 90 }, second)],
  [
    'a sensitive step that everybody did',
    'thresholds',
    { ...GOOD, steps: [step('page:/new', 33), step('event:save', 33, true)] },
  ],
] as const satisfies readonly (readonly [string, BrokenRule, CheckedFunnel])[]) {
  t.test(`the checker names ${rule} for a funnel with ${what}`, async (t) => {
    t.ok((findings(funnel) as readonly string[]).includes(rule), findings(funnel).join(', '))
  })
}

t.test('a funnel beside hours says no more of its steps than the hours leave', async (t) => {
  // At eight 16 were on /a and nobody on /b, at nine 9 on each: who did /b after /a and not /a at eight, did both at nine.
  const hour = (at: number, page: string, users: number) => ({ ...nodeOf([page], users), hour: at })
  const nodes = [hour(8, '/a', 16), hour(9, '/a', 9), hour(9, '/b', 25)]
  const hours: CheckedTree = {
    spec: {
      id: 'pages',
      levels: ['path'],
      plain: 1,
      measures: ['users'],
      people: 'floored',
      declared: [['/a', '/b']],
      hours: [8, 9],
      histogram: false,
    },
    window: 'hour',
    kind: 'page_view',
    nodes,
    unions: [],
    cleanedRows: nodes.reduce((sum, { events }) => sum + events, 0),
    cells: [
      { dims: ['/a'], hour: 8, users: 10, floor: 10, events: null },
      { dims: ['/b'], hour: 9, users: 20, floor: 10, events: null },
    ],
  }
  const funnel = (users: number): CheckedFunnel => ({
    steps: [step('page:/a', 24), step('page:/b', 21)],
    cells: [shown('page:/a', 10), shown('page:/b', users)].slice(0, users === 0 ? 1 : 2),
  })
  // By the hours of /a alone: 19 at eight, and fewer than ten at nine, who must not all be told of.
  t.same(findings(funnel(10), [hours]), [])
  t.same(findings(funnel(20), [hours]), ['capacity'])
})
