/** What blocks say (design.md, "One event, one block", steps 4 and 5). */
import t from 'tap'
import type { Draft } from './capacity.js'
import { draftsOf, type GroupOffsets, type TreeNoise } from './cells.js'
import { crowds, cutOf, NETWORK, nodeOf, shownCells, treeSpec } from './testing/crowds.js'
import type { Row } from './testing/worlds.js'
import type { Cell, Thresholds, TreeSpec } from './types.js'

const cellsOf = (drafts: readonly Draft[]): Cell[] => drafts.map(({ cell }) => cell)

function published(
  spec: TreeSpec,
  rows: readonly Row[],
  { noise, thresholds = NETWORK }: { thresholds?: Thresholds; noise?: TreeNoise } = {},
): string[] {
  return shownCells(cellsOf(draftsOf(spec, cutOf(spec, rows, thresholds), thresholds, noise))).sort()
}

const PAGES = treeSpec({ levels: ['path'] })

t.test('people are floored to steps, and events are exact', async (t) => {
  const spec = PAGES
  const cut = cutOf(spec, crowds([['/a'], 29, { each: 2 }]))
  t.same(cellsOf(draftsOf(spec, cut, NETWORK)), [{ dims: ['/a'], users: 20, floor: 10, events: 58 }])
  const wider = { ...NETWORK, step: 15 }
  t.same(cellsOf(draftsOf(spec, cut, wider)), [{ dims: ['/a'], users: 15, floor: 15, events: 58 }])
})

t.test('people are exact where that is declared, and floored in pools and drills', async (t) => {
  const spec = treeSpec({ people: 'exact' })
  const rows = crowds(
    [['/a', 'desktop'], 23],
    [['/a', 'mobile'], 14],
    [['/b', 'tv'], 9],
    [['/c', 'tv'], 9],
    [['/d', 'tv'], 9],
  )
  t.same(published(spec, rows), [
    '(other) 10 users, 27 events',
    '/a 37 users, 37 events',
    '/a|desktop 20 users, 23 events',
    '/a|mobile 10 users, 14 events',
  ])
  const cells = cellsOf(draftsOf(spec, cutOf(spec, rows), NETWORK))
  t.same(cells.map(({ dims, floor }) => [dims.join('|'), floor]).sort(), [
    ['(other)', 10],
    ['/a', null],
    ['/a|desktop', 10],
    ['/a|mobile', 10],
  ])
})

t.test('a measure that is not declared is not public', async (t) => {
  const rows = crowds([['/a'], 12, { each: 2, visitors: 12, seconds: 30 }])
  t.same(published({ ...PAGES, measures: ['users'] }, rows), ['/a 10 users'])
  t.same(published({ ...PAGES, measures: ['events'] }, rows), ['/a 24 events'])
  t.same(published({ ...PAGES, measures: ['users', 'events', 'visits', 'time_s'] }, rows), [
    '/a 10 users, 24 events, 12 visits, 720 time_s',
  ])
})

t.test('a block that one person dominates shows people only', async (t) => {
  const rows = [...crowds([['/a'], 10]), ...crowds([['/a'], 1, { each: 9 }])]
  t.same(published(PAGES, rows), ['/a 10 users'])
})

t.test('visits and seconds of a block are public where enough people have some', async (t) => {
  const spec: TreeSpec = { ...PAGES, measures: ['users', 'events', 'visits', 'time_s'] }
  const rows = [...crowds([['/a'], 21, { visitors: 9 }]), ...crowds([['/a'], 9, { seconds: 30 }])]
  t.same(published(spec, rows), ['/a 20 users, 30 events'], 'nine began a visit, nine stayed for a while')
  const more = [...crowds([['/a'], 21, { visitors: 10 }]), ...crowds([['/a'], 10, { seconds: 30 }])]
  t.same(published(spec, more), ['/a 20 users, 31 events, 10 visits, 300 time_s'])
})

t.test('sums above blocks are sums of what the blocks publish, and never of rows', async (t) => {
  const spec = treeSpec({ measures: ['users', 'events', 'visits'] })
  const rows = crowds(
    [['/a', 'desktop'], 30, { visitors: 20 }],
    [['/a', 'mobile'], 15, { visitors: 5 }],
    [['/a', 'tablet'], 5],
    [['/a', 'tv'], 5],
    [['/a', 'watch'], 5],
  )
  t.same(published(spec, rows), [
    '/a 60 users, 60 events, 20 visits',
    '/a|(other) 10 users, 15 events',
    '/a|desktop 30 users, 30 events, 20 visits',
    '/a|mobile 10 users, 15 events',
  ])
})

t.test('a pool says no more people than its parts can hide', async (t) => {
  const said = (parts: number) => {
    const rows = crowds(...Array.from({ length: parts }, (_none, at) => [[`/${String(at)}`], 9] as const))
    return published(PAGES, rows)
  }
  t.same(said(2), [], 'nine people fit into one part: less than a step')
  t.same(said(3), ['(other) 10 users, 27 events'], 'eighteen fit into two')
  t.same(said(4), ['(other) 20 users, 36 events'])
  t.same(said(6), ['(other) 40 users, 54 events'])
  t.same(
    said(12),
    ['(other) 90 users, 108 events'],
    'ninety-nine fit into eleven, a hundred and eight are there',
  )
})

t.test('what is pooled above the plain rows has no values of its own', async (t) => {
  const spec = treeSpec({ levels: ['device', 'os', 'browser'], plain: 3 })
  const rows = crowds(
    [['desktop', 'windows', 'chrome'], 30],
    [['desktop', 'linux', 'firefox'], 2],
    [['desktop', 'macos', 'safari'], 5],
    [['desktop', 'other', 'firefox'], 5],
    [['phone', 'android', 'chrome'], 5],
    [['tv', 'tizen', 'other'], 5],
    [['watch', 'other', 'other'], 5],
  )
  t.same(published(spec, rows), [
    '(other)|(other)|(other) 10 users, 15 events',
    'desktop|(other)|(other) 10 users, 12 events',
    'desktop|windows|chrome 30 users, 30 events',
  ])
})

t.test('an empty value reads (none)', async (t) => {
  t.same(published(treeSpec(), crowds([['', 'desktop'], 12], [['', ''], 13])), [
    '(none) 20 users, 25 events',
    '(none)|(none) 10 users, 13 events',
    '(none)|desktop 10 users, 12 events',
  ])
})

t.test('cells of hours say which hour', async (t) => {
  const spec: TreeSpec = { ...PAGES, measures: ['users'] }
  const cut = cutOf(spec, crowds([['/a'], 12, { hour: 7 }], [['/a'], 13, { hour: 23 }]), NETWORK, {
    hourly: true,
  })
  t.same(cellsOf(draftsOf(spec, cut, NETWORK)), [
    { dims: ['/a'], hour: 7, users: 10, floor: 10, events: null },
    { dims: ['/a'], hour: 23, users: 10, floor: 10, events: null },
  ])
})

/** The same for every group. */
function evenNoise(offsets: GroupOffsets, tau = 10): TreeNoise {
  return { tau, error: { users: 4, events: 30 }, draw: () => offsets }
}

t.test('noise is added to what a block says, and its error bars stand beside it', async (t) => {
  const spec = treeSpec()
  const rows = crowds(
    [['/a', 'desktop'], 25],
    [['/a', 'mobile'], 15],
    [['/a', 'tablet'], 15],
    [['/a', 'tv'], 15],
  )
  const cut = cutOf(spec, rows)
  const cells = cellsOf(draftsOf(spec, cut, NETWORK, evenNoise({ users: 6, events: -5 })))
  const of = (...dims: string[]) => cells.find((cell) => cell.dims.join() === dims.join())
  t.same(of('/a', 'desktop'), {
    dims: ['/a', 'desktop'],
    users: 30,
    floor: 10,
    events: 20,
    users_error: 4,
    events_error: 30,
  })
  t.match(of('/a'), { users: 70, events: 50, users_error: 4 }, 'a sum is one of noised numbers')
  t.equal(of('/a')?.events_error, 60, 'of four draws the error is twice as wide')
})

t.test('a group of fewer noised people than tau is nowhere, and its sums are in none', async (t) => {
  const spec = treeSpec()
  const rows = crowds([['/a', 'desktop'], 25], [['/a', 'mobile'], 15])
  const noise: TreeNoise = {
    ...evenNoise({ users: 0, events: 0 }, 12),
    draw: (_hour, dims) => ({ users: dims.includes('mobile') ? -4 : 0, events: 0 }),
  }
  t.same(published(spec, rows, { noise }), ['/a 40 users, 25 events', '/a|desktop 20 users, 25 events'])
})

t.test('no noise makes a number negative', async (t) => {
  const spec: TreeSpec = { ...PAGES, people: 'exact' }
  t.same(published(spec, crowds([['/a'], 12]), { noise: evenNoise({ users: -30, events: -99 }, -50) }), [
    '/a 0 users, 0 events',
  ])
})

t.test('shares of a histogram tell of the events of each group, and of nothing else', async (t) => {
  const spec = treeSpec({
    levels: ['path', 'load_ms'],
    plain: 2,
    measures: [],
    histogram: true,
    declared: [null, ['<100', '100-299', '>=300']],
  })
  const rows = crowds(
    [['/a', '<100'], 20],
    [['/a', '100-299'], 10, { each: 2 }],
    [['/a', '>=300'], 20],
    [['/a', ''], 40],
    [['/b', '<100'], 9],
    [['/b', '>=300'], 9],
    [['/c', '<100'], 12],
  )
  t.same(
    published({ ...spec, measures: ['events'] }, rows),
    ['/a|100-299 33 share', '/a|<100 34 share', '/a|>=300 33 share'],
    'nine do not make a bucket, nor twelve in one bucket a histogram',
  )
  const [cell] = cellsOf(draftsOf(spec, cutOf({ ...spec, measures: ['events'] }, rows), NETWORK))
  t.same(cell, { dims: ['/a', '<100'], users: null, floor: null, events: null, share: 34 })
})

t.test('of a histogram of which noise hides one bucket, none is shown', async (t) => {
  const spec = treeSpec({
    levels: ['load_ms'],
    measures: ['events'],
    histogram: true,
    declared: [['<100', '>=100']],
  })
  const rows = crowds([['<100'], 20], [['>=100'], 20])
  t.same(published(spec, rows), ['<100 50 share', '>=100 50 share'])
  const draw =
    (change: GroupOffsets) =>
    (_hour: number | null, [label]: readonly string[]) =>
      label === '<100' ? change : { users: 0 }
  const noise = (change: GroupOffsets): TreeNoise => ({ ...evenNoise({ users: 0 }), draw: draw(change) })
  t.same(published(spec, rows, { noise: noise({ users: 0, share: 20 }) }), [
    '<100 67 share',
    '>=100 33 share',
  ])
  t.same(published(spec, rows, { noise: noise({ users: -11 }) }), [])
})

t.test('the node behind a cell goes with it', async (t) => {
  const cut = cutOf(PAGES, crowds([['/a'], 12]))
  const [draft] = draftsOf(PAGES, cut, NETWORK)
  t.match(draft?.node, { ...nodeOf(['/a'], 12), events: 12, largestPersonEvents: 1 })
})
