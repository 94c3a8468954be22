/** What a published number may say beside everything else that is published (design.md, "One event, one block", step 6). */
import t, { type Test } from 'tap'
import { floorTo, poolBound, withinClaims } from './capacity.js'
import type { CountedTree } from './release.js'
import { type Crowd, crowds, NETWORK, nodeOf, shownCells, treeSpec } from './testing/crowds.js'
import { release, type Row } from './testing/worlds.js'
import { type Cell, dimsKey, type TreeSpec } from './types.js'

type Tree = Omit<CountedTree, 'nodes' | 'unions' | 'cleanedRows'>
type Options = Parameters<typeof release>[2]

const PAGES = treeSpec({ levels: ['path'], measures: ['users'] })
const tree = (spec: TreeSpec, window: Tree['window'] = 'day'): Tree => ({ spec, window, kind: 'page_view' })

/** Cells of each tree, in a line each; the independent checker takes them. */
function released(
  t: Test,
  trees: readonly { readonly tree: Tree; readonly rows: readonly Row[] }[],
  options?: Options,
): string[][] {
  const { cells, findings } = release(trees, NETWORK, options)
  t.same(findings, [], 'the checker takes it')
  return cells.map(shownCells)
}

/** Pages by the day, and by the hours 0 to 2, of which everybody knows that there are no others. */
function dayAndHours(t: Test, groups: readonly Crowd[], spec = PAGES): string[][] {
  const rows = crowds(...groups)
  const hours: TreeSpec = { ...PAGES, hours: [0, 1, 2] }
  return released(t, [
    { tree: tree(spec), rows },
    { tree: tree(hours, 'hour'), rows },
  ])
}

t.test('people are floored to whole steps, and a pool is bound by all but one of its parts', async (t) => {
  t.same([floorTo(9, 10), floorTo(10, 10), floorTo(29, 10), floorTo(29, 14)], [0, 10, 20, 28])
  t.same(
    [1, 2, 3, 4, 12].map((parts) => poolBound(parts, NETWORK)),
    [0, 0, 10, 20, 90],
  )
  t.equal(poolBound(0, NETWORK), 0, 'never negative')
  t.equal(poolBound(4, { ...NETWORK, step: 12 }), 24)
})

t.test('a day says no more people than its hours leave open', async (t) => {
  const busy = (people: number): Crowd[] => [
    [['/a'], people, { hour: 0 }],
    [['/a'], 9, { hour: 1 }],
    [['/a'], 9, { hour: 2 }],
  ]
  // 29 + 9 people of one of two hours: any of both may be empty.
  t.same(dayAndHours(t, busy(21)), [['/a 30 users'], ['0h /a 20 users']])
  t.same(dayAndHours(t, busy(22)), [['/a 30 users'], ['0h /a 20 users']], 'forty would need all three')
})

t.test('a day of which no hour can be told is told where its hours could be empty, one by one', async (t) => {
  const quiet = (people: number): Crowd[] => [0, 1, 2].map((hour) => [['/a'], people, { hour }])
  t.same(dayAndHours(t, quiet(6)), [['/a 10 users'], []])
  t.same(dayAndHours(t, quiet(9)), [['/a 10 users'], []], 'twenty would need all three')
  const two = dayAndHours(t, [
    [['/a'], 12, { hour: 0 }],
    [['/a'], 9, { hour: 1 }],
    [['/a'], 9, { hour: 2 }],
  ])
  t.same(two, [['/a 20 users'], ['0h /a 10 users']], '19 and nine of the others')
})

t.test('a day of two hours that fail is not told: each would be known to hold somebody', async (t) => {
  const rows = crowds([['/a'], 9, { hour: 0 }], [['/a'], 9, { hour: 1 }], [['/b'], 30, { hour: 0 }])
  const hours: TreeSpec = { ...PAGES, hours: [0, 1] }
  t.same(
    released(t, [
      { tree: tree(PAGES), rows },
      { tree: tree(hours, 'hour'), rows },
    ]),
    [['/b 30 users'], ['0h /b 30 users']],
  )
})

t.test('people who came in several hours count once in the day, and bind nothing', async (t) => {
  const all = [0, 1, 2].map((hour): Crowd => [['/a'], 40, { hour, first: 0 }])
  t.same(dayAndHours(t, all), [['/a 40 users'], ['0h /a 40 users', '1h /a 40 users', '2h /a 40 users']])
})

t.test('exact people of a day are floored where they would tell of an hour', async (t) => {
  const exact: TreeSpec = { ...PAGES, people: 'exact' }
  const open: Crowd[] = [
    [['/a'], 15, { hour: 0 }],
    [['/a'], 9, { hour: 1, first: 0 }],
    [['/a'], 9, { hour: 2, first: 6 }],
  ]
  t.same(dayAndHours(t, open, exact), [['/a 15 users'], ['0h /a 10 users']])
  const tight: Crowd[] = [
    [['/a'], 15, { hour: 0 }],
    [['/a'], 9, { hour: 1 }],
    [['/a'], 9, { hour: 2 }],
  ]
  t.same(dayAndHours(t, tight, exact), [['/a 20 users'], ['0h /a 10 users']], '33 would need all three')
})

t.test(
  'an hour beside an exact day is floored like any other: nothing tells of those who are left',
  async (t) => {
    const exact: TreeSpec = { ...PAGES, people: 'exact' }
    const cells = (late: number) =>
      dayAndHours(
        t,
        [
          [['/a'], 30, { hour: 0 }],
          [['/a'], late, { hour: 1 }],
          [['/b'], 40, { hour: 2 }],
        ],
        exact,
      )
    t.same(cells(0), [
      ['/a 30 users', '/b 40 users'],
      ['0h /a 30 users', '2h /b 40 users'],
    ])
    t.same(cells(9)[1], ['0h /a 30 users', '2h /b 40 users'], 'nine, or none, came at another hour')
    t.same(cells(10)[1], ['0h /a 30 users', '1h /a 10 users', '2h /b 40 users'])
  },
)

const MOVES = treeSpec({
  id: 'navigation',
  levels: ['from_path', 'path'],
  plain: 2,
  measures: ['users'],
  declared: [
    ['/a', '/b', '/c', '/d'],
    ['/a', '/b', '/c', '/d'],
  ],
})

/** Pages, and the ways that led to them, of the same rows: `dims` are from and to. */
function pagesAndMoves(t: Test, groups: readonly Crowd[], pages = PAGES, options?: Options): string[][] {
  const moves = crowds(...groups)
  const rows = moves.map((row) => ({ ...row, dims: row.dims.slice(1) }))
  return released(
    t,
    [
      { tree: tree(pages), rows },
      { tree: tree(MOVES), rows: moves },
    ],
    options,
  )
}

t.test('a page says no more people than the ways to it leave open', async (t) => {
  const [pages, moves] = pagesAndMoves(t, [
    [['', '/a'], 29],
    [['/b', '/a'], 9],
    [['/c', '/a'], 9],
    [['/d', '/a'], 9],
    [['/a', '/a'], 9],
  ])
  t.same(moves, ['(none)|/a 20 users'])
  t.same(pages, ['/a 50 users'], '29 of one way, and nine of three of the other four: 56 are 50')
})

t.test('moves say nothing of a page of which less may be said', async (t) => {
  // /b is told in neither of the two hours: its day is withheld.
  const moves = crowds(
    [['/a', '/b'], 9, { hour: 0 }],
    [['/a', '/b'], 9, { hour: 1 }],
    [['/a', '/c'], 30, { hour: 0 }],
    [['', '/a'], 30, { hour: 0 }],
  )
  const rows = moves.map((row) => ({ ...row, dims: row.dims.slice(1) }))
  const hours: TreeSpec = { ...PAGES, hours: [0, 1] }
  const [pages, ways] = released(t, [
    { tree: tree(PAGES), rows },
    { tree: tree(MOVES), rows: moves },
    { tree: tree(hours, 'hour'), rows },
  ])
  t.same(pages, ['/a 30 users', '/c 30 users'], '/b has eighteen people, of whom nothing may be said')
  t.notMatch((ways ?? []).join(), '/b')
  t.match((ways ?? []).join(), '(none)|/a 30 users')
})

t.test('a funnel says no more of a step than the pages leave to be said', async (t) => {
  const rows = crowds([['/new'], 29, { hour: 0 }], [['/new'], 9, { hour: 1 }], [['/new'], 9, { hour: 2 }])
  const hours: TreeSpec = { ...PAGES, hours: [0, 1, 2] }
  const step = (label: string, users: number) => ({ label, node: nodeOf([label], users), sensitive: false })
  const trees = [
    { tree: tree(PAGES), rows },
    { tree: tree(hours, 'hour'), rows },
  ]
  const steps = [step('page:/new', 47), step('event:save', 45), step('page:/elsewhere', 20)]
  const { cells, findings, funnels } = release(trees, NETWORK, { funnels: [{ id: 'f', steps }] })
  t.same(findings, [])
  t.same(shownCells(cells[0] ?? []), ['/new 30 users'], '29 + 9 are less than forty')
  t.same(shownCells(funnels[0] ?? []), [
    'page:/new 30 users',
    'event:save 30 users',
    // It has fewer than ten in each of three hours.
    'page:/elsewhere 10 users',
  ])
})

/** A week of a statistic beside the cells of its days. */
function weekOf(t: Test, people: number, days: readonly (readonly Cell[])[]): string[] {
  const spec: TreeSpec = { ...PAGES, id: 'features' }
  const trees = [{ tree: tree(spec, 'week'), rows: crowds([['/a'], people]) }]
  return released(t, trees, { days: new Map([['features', days]]) })[0] ?? []
}

const said = (users: number | null, floor: number | null = 10): readonly Cell[] => [
  { dims: ['/a'], users, floor: users === null ? null : floor, events: users === null ? 40 : null },
]

t.test('a week says no more people than its days leave open', async (t) => {
  const quiet = [[], []]
  t.same(weekOf(t, 60, [said(20), said(10), ...quiet]), ['/a 50 users'], '29 + 19 + 9 people: 57')
  t.same(weekOf(t, 47, [said(20), said(10), ...quiet]), ['/a 40 users'])
  t.same(weekOf(t, 25, quiet), [], 'nine people fit into all days but one')
  t.same(weekOf(t, 25, [[], [], []]), ['/a 10 users'])
})

t.test('a week of days that all are told may say what it counts', async (t) => {
  t.same(weekOf(t, 60, [said(20), said(10)]), ['/a 60 users'])
  t.same(weekOf(t, 60, [said(20, null), []]), ['/a 20 users'], 'of an exact day: 20 people and no more')
})

t.test('a day that tells events and no people leaves the week open', async (t) => {
  t.same(weekOf(t, 60, [said(null), [], []]), ['/a 60 users'])
})

t.test('a day on which a group may be within (other) leaves the week open only below the top', async (t) => {
  const pool: readonly Cell[] = [{ dims: ['(other)'], users: 10, floor: 10, events: null }]
  t.same(
    weekOf(t, 60, [said(20), pool]),
    ['/a 20 users'],
    'in a pool it has fewer than k, as everybody knows',
  )
})

t.test('events that would tell more people than a cell may say are withheld', async (t) => {
  const spec = treeSpec({ levels: ['path'] })
  const rows = crowds(
    [['/a'], 29, { hour: 0, each: 20 }],
    [['/a'], 9, { hour: 1, each: 20 }],
    [['/a'], 9, { hour: 2, each: 20 }],
  )
  const hours: TreeSpec = { ...PAGES, hours: [0, 1, 2] }
  const both = [
    { tree: tree(spec), rows },
    { tree: tree(hours, 'hour'), rows },
  ]
  t.same(released(t, both)[0], ['/a 30 users'], '47 people have 940 events, which 38 people cannot have')
  const few = both.map((one) => ({ ...one, rows: rows.filter((_row, at) => at % 2 === 0) }))
  t.match(released(t, few)[0]?.join(), 'events')
})

t.test(
  'a cell that may say nothing any more is nowhere, and what is left of one says no error of it',
  async (t) => {
    const cell = { dims: ['/a'], floor: null, events: 60, events_error: 10 }
    const draft = (users: number | null) => ({ cell: { ...cell, users }, node: nodeOf(['/a'], 30) })
    const limits = { ...NETWORK, step: 10, maxEventsPerPerson: 2 }
    const within = (users: number | null) =>
      withinClaims([draft(users)], new Map([[dimsKey(['/a']), 10]]), limits).map((one) => one.cell)
    t.same(within(null), [], '60 events are of 30 people at least')
    t.same(within(30), [{ dims: ['/a'], users: 10, floor: 10, events: null }])
    t.same(withinClaims([draft(null)], new Map(), limits), [draft(null)])
  },
)
