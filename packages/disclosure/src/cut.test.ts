/** Which groups become blocks (design.md, "One event, one block", step 3). */
import fc from 'fast-check'
import t from 'tap'
import { type Cut, cutTree, unionKey } from './cut.js'
import { crowds, cutOf, NETWORK, shownBlocks, SIGNED, treeSpec } from './testing/crowds.js'
import { countTree, countUnion, worlds } from './testing/worlds.js'
import { type CountedUnion, isList, NONE, OTHER } from './types.js'

const splitOf = ({ split }: Cut) => split.map(({ dims }) => dims.join('|')).sort()

t.test('a group of which every child passes is split into them', async (t) => {
  const cut = cutOf(
    treeSpec(),
    crowds([['/a', 'desktop'], 30], [['/a', 'mobile'], 10], [['/a', 'tablet'], 12]),
  )
  t.same(shownBlocks(cut), ['/a|desktop 30', '/a|mobile 10', '/a|tablet 12'])
  t.same(splitOf(cut), ['/a'])
  t.same(cut.unions, [], 'nothing had to be counted again')
})

t.test('a group that fails is no block, however its children are', async (t) => {
  t.same(cutOf(treeSpec(), crowds([['/a', 'desktop'], 9])).blocks, [])
  t.same(cutOf(treeSpec(), crowds([['/a', 'desktop'], 5], [['/a', 'mobile'], 4])).blocks, [])
})

t.test('failing children that pass together are pooled within their parent', async (t) => {
  const cut = cutOf(
    treeSpec(),
    crowds([['/a', 'desktop'], 30], [['/a', 'mobile'], 5], [['/a', 'tablet'], 4], [['/a', 'tv'], 3]),
  )
  t.same(shownBlocks(cut), ['/a|desktop 30', '/a|{mobile+tablet+tv} 12'])
  t.same(splitOf(cut), ['/a'])
})

t.test('people who are in several failing children count once in their pool', async (t) => {
  const crowd = crowds(
    [['/a', 'desktop'], 30],
    [['/a', 'mobile'], 5, { first: 100 }],
    [['/a', 'tablet'], 5, { first: 100 }],
    [['/a', 'tv'], 5, { first: 100 }],
    [['/a', 'watch'], 12],
  )
  t.same(
    shownBlocks(cutOf(treeSpec(), crowd)),
    ['/a|desktop 30', '/a|{mobile+tablet+tv+watch} 17'],
    'five people are no pool: the smallest that passes joins them',
  )
})

t.test('the smallest passing siblings join a pool until it passes, as long as one remains', async (t) => {
  const cut = cutOf(
    treeSpec(),
    crowds([['/a', 'desktop'], 30], [['/a', 'mobile'], 12], [['/a', 'tablet'], 11], [['/a', 'tv'], 1]),
  )
  t.same(
    shownBlocks(cut),
    ['/a|desktop 30', '/a|{mobile+tablet+tv} 24'],
    'with the tablets alone it would be two',
  )
  const all = cutOf(treeSpec(), crowds([['/a', 'desktop'], 30], [['/a', 'mobile'], 12], [['/a', 'tv'], 1]))
  t.same(shownBlocks(all), ['/a 43'], 'with both no sibling would remain: it stays whole')
  t.same(all.split, [])
})

t.test(
  'a pool needs three values that could be in it: of two, each would be known to hold somebody',
  async (t) => {
    const rows = crowds([['/a', 'desktop'], 30], [['/a', 'mobile'], 9], [['/a', 'tv'], 9])
    const declared = (...devices: string[]) => treeSpec({ declared: [null, devices] })
    t.same(shownBlocks(cutOf(treeSpec(), rows)), ['/a 48'], 'of an open domain nobody knows another')
    t.same(shownBlocks(cutOf(declared('desktop', 'mobile', 'tv'), rows)), ['/a 48'])
    t.same(
      shownBlocks(cutOf(declared('desktop', 'mobile', 'tablet', 'tv'), rows)),
      ['/a|desktop 30', '/a|{mobile+tv} 18'],
      'the tablet may be in it though nobody had one',
    )
  },
)

t.test('a group of one child stays whole: it has no drill that could say so', async (t) => {
  const cut = cutOf(treeSpec(), crowds([['/a', 'desktop'], 30]))
  t.same(shownBlocks(cut), ['/a 30'])
  t.same(cut.split, [])
})

t.test('top-level groups that pass are never pooled; those that fail form one pool', async (t) => {
  const spec = treeSpec({ levels: ['path'] })
  const small = crowds([['/a'], 10], [['/b'], 40], [['/c'], 9], [['/d'], 8], [['/e'], 1])
  t.same(shownBlocks(cutOf(spec, small)), ['/a 10', '/b 40', '{/c+/d+/e} 18'])
  t.same(shownBlocks(cutOf(spec, crowds([['/a'], 10], [['/c'], 9]))), ['/a 10'], 'one that fails is nowhere')
  t.same(
    shownBlocks(cutOf(spec, crowds([['/a'], 10], [['/c'], 3], [['/d'], 3], [['/e'], 3]))),
    ['/a 10'],
    'a pool that fails is nowhere, and no sibling joins it',
  )
  t.same(shownBlocks(cutOf(spec, crowds([['/c'], 9], [['/d'], 9]))), [], 'a pool of two is nowhere')
  const declared = treeSpec({ levels: ['path'], declared: [['/c', '/d', '/e']] })
  t.same(shownBlocks(cutOf(declared, crowds([['/c'], 9], [['/d'], 9]))), ['{/c+/d} 18'])
})

t.test('several plain levels: a group that cannot be split joins the pool of its siblings', async (t) => {
  const spec = treeSpec({ levels: ['from_path', 'path'], plain: 2 })
  const cut = cutOf(
    spec,
    crowds(
      [['/a', '/x'], 10],
      [['/a', '/y'], 20],
      [['/b', '/x'], 30],
      [['/b', '/y'], 2],
      [['/c', '/x'], 4],
      [['/d', '/x'], 3],
    ),
  )
  t.same(shownBlocks(cut), ['/a|/x 10', '/a|/y 20', '{/b+/c+/d} 39'])
  t.same(splitOf(cut), ['/a'], 'what was tried below /b left nothing behind')
})

t.test(
  'several plain levels: a group with one child is split all the same, for its row has both values',
  async (t) => {
    const spec = treeSpec({ levels: ['from_path', 'path'], plain: 2, measures: ['users'] })
    t.same(shownBlocks(cutOf(spec, crowds([['/a', '/x'], 10]))), ['/a|/x 10'])
  },
)

t.test('three plain levels: a group in the middle that cannot be split joins its own siblings', async (t) => {
  const spec = treeSpec({ levels: ['device', 'os', 'browser'], plain: 3 })
  const rows = crowds(
    [['desktop', 'windows', 'chrome'], 30],
    [['desktop', 'windows', 'edge'], 10],
    [['desktop', 'macos', 'safari'], 15],
    [['desktop', 'macos', 'chrome'], 1],
    [['desktop', 'linux', 'firefox'], 2],
    [['desktop', 'other', 'firefox'], 3],
  )
  t.same(shownBlocks(cutOf(spec, rows)), [
    'desktop|windows|chrome 30',
    'desktop|windows|edge 10',
    'desktop|{linux+macos+other} 21',
  ])
})

t.test('values that read like (other) and (none) are pooled, whatever their size', async (t) => {
  const spec = treeSpec({ levels: ['path'] })
  const rows = crowds([[OTHER], 50], [[NONE], 30], [['/a'], 50], [['/b'], 1], [[''], 20])
  t.same(shownBlocks(cutOf(spec, rows)), [' 20', '/a 50', '{(none)+(other)+/b} 81'], 'an empty value stands')
  const drill = crowds([['/a', 'desktop'], 30], [['/a', OTHER], 20], [['/a', 'tv'], 1], [['/a', 'tablet'], 1])
  t.same(shownBlocks(cutOf(treeSpec(), drill)), ['/a|desktop 30', '/a|{(other)+tablet+tv} 22'])
})

t.test(
  'a child whose events may not be said is pooled, so that its parent’s sum lacks nothing',
  async (t) => {
    const rows = (each: number) => [
      ...crowds(
        [['/a', 'desktop'], 40, { each: 5 }],
        [['/a', 'mobile'], 10],
        [['/a', 'tablet'], 11],
        [['/a', 'tv'], 12],
      ),
      // One person with half of the events of the phones.
      ...crowds([['/a', 'mobile'], 1, { first: 40, each }]),
    ]
    t.same(shownBlocks(cutOf(treeSpec(), rows(8))), ['/a|desktop 40', '/a|{mobile+tablet+tv} 33'])
    // So much that neither the pool nor the parent may say events.
    t.equal(
      shownBlocks(cutOf(treeSpec(), rows(200))).length,
      4,
      'a parent without events needs none of its children',
    )
  },
)

t.test('where events alone are told, a group that may not say them is no block', async (t) => {
  const spec = treeSpec({ levels: ['path'], measures: ['events'] })
  const rows = [...crowds([['/a'], 10], [['/b'], 10]), ...crowds([['/a'], 1, { each: 9 }])]
  t.same(shownBlocks(cutOf(spec, rows)), ['/b 10'])
})

t.test('a pool whose events tell more people than it may say is none', async (t) => {
  const spec = treeSpec({ levels: ['path'] })
  // 27 people with 20 rows each: at least 27 people, where 18 fit into two of three parts.
  const busy = (each: number) => crowds([['/a'], 9, { each }], [['/b'], 9, { each }], [['/c'], 9, { each }])
  t.same(shownBlocks(cutOf(spec, busy(20))), [])
  t.same(shownBlocks(cutOf(spec, busy(2))), ['{/a+/b+/c} 27'])
})

t.test('what must not stand alone is pooled though it passes', async (t) => {
  const rows = crowds(
    [['/a', 'desktop'], 30],
    [['/a', 'mobile'], 20],
    [['/a', 'tablet'], 15],
    [['/a', 'tv'], 1],
  )
  const hides = ({ dims }: { dims: readonly string[] }) => dims[1] === 'mobile'
  t.same(shownBlocks(cutOf(treeSpec(), rows, NETWORK, { hides })), [
    '/a|desktop 30',
    '/a|{mobile+tablet+tv} 36',
  ])
  const roots = crowds([['/a'], 30], [['/b'], 20], [['/c'], 1], [['/d'], 1])
  const hidesRoot = ({ dims }: { dims: readonly string[] }) => dims[0] === '/b'
  t.same(shownBlocks(cutOf(treeSpec({ levels: ['path'] }), roots, NETWORK, { hides: hidesRoot })), [
    '/a 30',
    '{/b+/c+/d} 22',
  ])
})

t.test('each hour is cut by itself', async (t) => {
  const spec = treeSpec({ levels: ['path'], measures: ['users', 'events'] })
  const rows = crowds(
    [['/a'], 10, { hour: 8 }],
    [['/a'], 9, { hour: 9 }],
    [['/b'], 9, { hour: 9 }],
    [['/c'], 9, { hour: 9 }],
    [['/b'], 9, { hour: 10 }],
  )
  t.same(shownBlocks(cutOf(spec, rows, NETWORK, { hourly: true })), ['8h /a 10', '9h {/a+/b+/c} 27'])
})

t.test('a tenant that dominates a child of a signed site sends it into the pool', async (t) => {
  const rows = [
    ...crowds([['/a', 'desktop'], 40], [['/a', 'tablet'], 24], [['/a', 'tv'], 24]),
    ...crowds([['/a', 'mobile'], 16, { first: 200 }]).map((row) => ({ ...row, tenant: row.person % 2 })),
  ]
  t.same(shownBlocks(cutOf(treeSpec(), rows, SIGNED)), ['/a|desktop 40', '/a|{mobile+tablet+tv} 64'])
})

t.test('statistics of people alone are lists: every group that passes, and no pools', async (t) => {
  const spec = treeSpec({ measures: ['users'] })
  const rows = crowds(
    [['/a', 'desktop'], 30],
    [['/a', 'mobile'], 5],
    [['/a', 'tablet'], 4],
    [['/a', 'tv'], 3],
    [['/b', 'tv'], 9],
    [['/c', 'tv'], 9],
    [['/d', OTHER], 40],
  )
  t.same(shownBlocks(cutOf(spec, rows)), ['/a 42', '/a|desktop 30', '/d 40'])
  const moves = treeSpec({ levels: ['from_path', 'path'], plain: 2, measures: ['users'] })
  t.same(shownBlocks(cutOf(moves, rows)), ['/a|desktop 30'], 'above the plain rows there are none')
})

t.test('the cut asks for unions until it knows them, and never twice for the same', async (t) => {
  let asked = 0
  fc.assert(
    fc.property(worlds, ({ rows, specs: [spec = treeSpec()], thresholds }) => {
      const isSigned = thresholds.identity === 'signed'
      const nodes = countTree(spec, rows, isSigned, false)
      const unions = new Map<string, CountedUnion>()
      for (;;) {
        const cut = cutTree({ spec, thresholds, nodes, unions: [...unions.values()] })
        if (!('ask' in cut)) return
        for (const union of cut.ask) {
          if (unions.has(unionKey(union))) throw new Error('asked again for what it knows')
          asked += 1
        }
        for (const union of cut.ask) unions.set(unionKey(union), countUnion(union, rows, isSigned))
      }
    }),
    { numRuns: 60 },
  )
  t.ok(asked > 30, `${String(asked)} unions`)
})

t.test(
  'every row lies in one block at most, and the order in which groups were counted says nothing',
  async (t) => {
    let blocks = 0
    fc.assert(
      fc.property(worlds, ({ rows, specs: [spec = treeSpec()], thresholds }) => {
        const cut = cutOf(spec, rows, thresholds)
        blocks += cut.blocks.length
        for (const { dims } of isList(spec) ? [] : rows) {
          const inside = cut.blocks.filter(({ dims: place, pooled }) => {
            const isBelow = place.every((value, at) => dims[at] === value)
            return isBelow && (pooled === null || pooled.includes(dims[place.length] ?? ''))
          })
          if (inside.length > 1) throw new Error(`${JSON.stringify(dims)} is in several blocks`)
        }
        const backwards = cutOf(spec, rows.toReversed(), thresholds)
        if (shownBlocks(backwards).join() !== shownBlocks(cut).join()) throw new Error('another cut')
      }),
      { numRuns: 60 },
    )
    t.ok(blocks > 60, `${String(blocks)} blocks`)
  },
)
