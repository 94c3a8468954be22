import fc from 'fast-check'
import t from 'tap'
import { Random, Weighted } from './random.js'

t.test('xoshiro128** gives the numbers of its published recurrence', async (t) => {
  // computed apart, with unbounded integers, from the recurrence in the paper
  const random = new Random([1, 2, 3, 4])
  t.same(
    Array.from({ length: 10 }, () => random.uint32()),
    [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804],
  )
})

t.test('the same seed and label give the same numbers, another label gives others', async (t) => {
  const draw = (seed: number, label: string) => {
    const random = Random.of(seed, label)
    return Array.from({ length: 5 }, () => random.uint32())
  }
  t.same(draw(7, 'a'), draw(7, 'a'))
  t.notSame(draw(7, 'a'), draw(7, 'b'))
  t.notSame(draw(7, 'a'), draw(8, 'a'))
})

t.test('numbers stay within their bounds', async (t) => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1_000_000 }), (seed, limit) => {
      const random = Random.of(seed, 'bounds')
      const unit = random.unit()
      const below = random.below(limit)
      const exponential = random.exponential(10, limit)
      return (
        unit >= 0 &&
        unit < 1 &&
        Number.isInteger(below) &&
        below >= 0 &&
        below < limit &&
        exponential >= 0 &&
        exponential <= limit &&
        random.logNormal(100, 0.5) > 0 &&
        /^[0-9a-f]{16}$/.test(random.id())
      )
    }),
  )
  t.pass('held in every run')
})

t.test('items are drawn by their weight, and never at weight zero', async (t) => {
  const weights = fc
    .array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 12 })
    .filter((list) => list.some((weight) => weight > 0))
  fc.assert(
    fc.property(weights, fc.integer(), (list, seed) => {
      const draws = 4_000
      const random = Random.of(seed, 'weights')
      const weighted = new Weighted(list.map((weight, index) => [index, weight] as const))
      const seen = list.map(() => 0)
      for (let draw = 0; draw < draws; draw += 1) {
        const item = weighted.draw(random)
        seen[item] = (seen[item] ?? 0) + 1
      }
      const total = list.reduce((sum, weight) => sum + weight, 0)
      return list.every((weight, index) => {
        const share = weight / total
        // six standard deviations of a binomial share: a chance miss in a run of tests is out of the question
        const slack = 6 * Math.sqrt((share * (1 - share)) / draws)
        return Math.abs((seen[index] ?? 0) / draws - share) <= slack
      })
    }),
    { numRuns: 50 },
  )
  t.pass('held in every run')
})

t.test('weights of nothing are refused', async (t) => {
  t.throws(() => new Weighted([]), RangeError)
  t.throws(() => new Weighted([['a', 0]]), RangeError)
})
