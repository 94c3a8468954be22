import fc from 'fast-check'
import t from 'tap'
import { bucketGroups, joinedLabel, wholePercents } from './buckets.js'
import { draftsOf } from './cells.js'
import { crowds, cutOf, NETWORK, nodeOf, shownBlocks, shownCells, treeSpec } from './testing/crowds.js'
import type { CountedNode, CountedUnion } from './types.js'

const ORDER = ['<100', '100-299', '300-999', '1000-2999', '>=3000']

/** Groups of buckets whose people are all different. */
function groupsOf(people: Readonly<Record<string, number>>, change: Partial<CountedNode> = {}) {
  const nodes = Object.entries(people).map(([label, users]) => nodeOf(['/a', label], users, change))
  const asked: string[][] = []
  const count = (parts: readonly string[]): CountedUnion => {
    asked.push([...parts])
    const users = parts.reduce((sum, label) => sum + (people[label] ?? 0), 0)
    return { union: { hour: null, parent: ['/a'], parts }, node: nodeOf(['/a'], users, change) }
  }
  const groups = bucketGroups(ORDER, nodes, NETWORK, count)
  return {
    asked,
    labels: groups?.map(({ label, node: { users } }) => `${label} ${String(users)}`) ?? null,
    groups,
  }
}

t.test('buckets that pass stand by themselves', async (t) => {
  const { asked, labels } = groupsOf({ '<100': 30, '100-299': 20, '300-999': 10 })
  t.same(labels, ['<100 30', '100-299 20', '300-999 10'])
  t.same(asked, [])
})

t.test('a bucket that fails merges with its smaller neighbour, the left one of equals', async (t) => {
  t.same(groupsOf({ '<100': 30, '100-299': 5, '300-999': 20 }).labels, ['<100 30', '100-999 25'])
  t.same(groupsOf({ '<100': 20, '100-299': 5, '300-999': 30 }).labels, ['<300 25', '300-999 30'])
  t.same(groupsOf({ '<100': 20, '100-299': 5, '300-999': 20 }).labels, ['<300 25', '300-999 20'])
  t.same(
    groupsOf({ '<100': 5, '100-299': 30, '300-999': 30 }).labels,
    ['<300 35', '300-999 30'],
    'the first has one',
  )
  t.same(
    groupsOf({ '100-299': 30, '300-999': 30, '>=3000': 1 }).labels,
    ['100-299 30', '>=300 31'],
    'the last, too',
  )
})

t.test('they merge on until all pass', async (t) => {
  const { groups, labels } = groupsOf({ '<100': 4, '100-299': 4, '300-999': 4, '1000-2999': 40, '>=3000': 9 })
  t.same(labels, ['<1000 12', '>=1000 49'])
  t.same(
    groups?.map(({ parts }) => parts),
    [
      ['<100', '100-299', '300-999'],
      ['1000-2999', '>=3000'],
    ],
  )
})

t.test('a bucket between two that nobody is in belongs to those around it', async (t) => {
  t.same(groupsOf({ '<100': 4, '300-999': 12, '>=3000': 40 }).labels, ['<1000 16', '>=3000 40'])
})

t.test('fewer than two groups of buckets are no histogram', async (t) => {
  t.equal(groupsOf({ '<100': 9, '>=3000': 9 }).labels, null)
  t.equal(groupsOf({ '100-299': 40 }).labels, null)
  t.equal(groupsOf({}).labels, null)
})

t.test('a bucket of which one person has more than a quarter of the rows merges, too', async (t) => {
  const { labels } = groupsOf({ '<100': 10, '100-299': 10, '300-999': 30 }, { largestPersonEvents: 6 })
  t.same(labels, ['<300 20', '300-999 30'])
})

t.test('no value is no bucket', async (t) => {
  t.same(groupsOf({ '': 90, '<100': 30, '>=3000': 30 }).labels, ['<100 30', '>=3000 30'])
})

t.test('a union that is not counted yet has to be counted first', async (t) => {
  const nodes = [nodeOf(['/a', '<100'], 5), nodeOf(['/a', '100-299'], 30), nodeOf(['/a', '>=3000'], 30)]
  const asked: (readonly string[])[] = []
  const groups = bucketGroups(ORDER, nodes, NETWORK, (parts) => {
    asked.push(parts)
    return undefined
  })
  t.equal(groups, null)
  t.same(asked, [['<100', '100-299']])
})

t.test('neighbouring labels read as one', async (t) => {
  for (const [first, last, joined] of [
    ['<100', '<100', '<100'],
    ['<100', '100-299', '<300'],
    ['100-299', '300-999', '100-999'],
    ['300-999', '>=3000', '>=300'],
    ['<100', '>=3000', 'all'],
  ] as const)
    t.equal(joinedLabel(first, last), joined)
})

t.test('people who were in two buckets count once in both together', async (t) => {
  const spec = treeSpec({
    levels: ['path', 'load_ms'],
    plain: 2,
    measures: ['events'],
    histogram: true,
    declared: [null, ORDER],
  })
  const rows = crowds(
    [['/a', '<100'], 9],
    [['/a', '100-299'], 9, { first: 0 }],
    [['/a', '300-999'], 12, { first: 50 }],
    [['/a', '>=3000'], 12, { first: 100 }],
  )
  t.same(
    shownBlocks(cutOf(spec, rows)),
    ['/a|<1000 21', '/a|>=3000 12'],
    'nine people are no bucket, however often',
  )
})

t.test('paths without a histogram of their own are in none together', async (t) => {
  const spec = treeSpec({
    levels: ['path', 'load_ms'],
    plain: 2,
    measures: ['events'],
    histogram: true,
    declared: [null, ORDER],
  })
  const rows = crowds(
    [['/a', '<100'], 20],
    [['/a', '>=3000'], 20],
    [['/b', '<100'], 9],
    [['/c', '<100'], 9],
    [['/d', '>=3000'], 15],
    [['/e', '>=3000'], 9],
  )
  const cut = cutOf(spec, rows)
  t.same(shownBlocks(cut), ['/a|<100 20', '/a|>=3000 20'])
  t.same(shownCells(draftsOf(spec, cut, NETWORK).map(({ cell }) => cell)), [
    '/a|<100 50 share',
    '/a|>=3000 50 share',
  ])
})

t.test('below several levels each group that has a histogram stands by itself', async (t) => {
  const spec = treeSpec({
    levels: ['path', 'device', 'load_ms'],
    plain: 3,
    measures: ['events'],
    histogram: true,
    declared: [null, null, ORDER],
  })
  const rows = crowds(
    [['/a', 'desktop', '<100'], 20],
    [['/a', 'desktop', '100-299'], 20],
    [['/a', 'mobile', '<100'], 9],
    [['/a', 'tablet', '<100'], 9],
    [['/a', 'tv', '<100'], 12],
    [['/a', 'watch', '<100'], 12],
    [['/a', 'watch', '>=3000'], 12],
    [['/b', 'tv', '<100'], 30],
  )
  const expected = ['/a|desktop|100-299 20', '/a|desktop|<100 20', '/a|watch|<100 12', '/a|watch|>=3000 12']
  t.same(shownBlocks(cutOf(spec, rows)), expected)
})

t.test('shares are whole percents that add up to a hundred, each less than one off', async (t) => {
  t.same(wholePercents([1, 1, 1]), [34, 33, 33])
  t.same(wholePercents([0, 5]), [0, 100])
  t.same(wholePercents([1, 2, 3, 4]), [10, 20, 30, 40])
  fc.assert(
    fc.property(
      fc.array(fc.nat(100_000), { minLength: 1 }),
      fc.integer({ min: 1, max: 100_000 }),
      (some, one) => {
        const counts = [...some, one]
        const total = counts.reduce((sum, count) => sum + count, 0)
        const shares = wholePercents(counts)
        const isNear = shares.every((share, at) => Math.abs(share - (100 * (counts[at] ?? 0)) / total) < 1)
        return isNear && shares.reduce((sum, share) => sum + share, 0) === 100
      },
    ),
  )
})
