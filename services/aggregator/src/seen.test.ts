import fc from 'fast-check'
import t from 'tap'
import { type Runs, runsOf, withNumber } from './seen.js'

const inside = (runs: Runs, number: number): boolean =>
  runs.some(([from, to]) => from <= number && number <= to)

t.test(
  'numbers in any order, some twice, are each taken once and held as runs that do not touch',
  async (t) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 80 }), (numbers) => {
        let runs: Runs = []
        const taken: number[] = []
        for (const number of numbers) {
          const next = withNumber(runs, number)
          if (next !== null) taken.push(number)
          runs = next ?? runs
          if (!inside(runs, number)) return false
        }
        const apart = runs.every(([from, to], at) => from <= to && from > (runs[at - 1]?.[1] ?? -2) + 1)
        const held = runs.reduce((sum, [from, to]) => sum + to - from + 1, 0)
        const distinct = new Set(numbers)
        return (
          apart && held === distinct.size && taken.length === distinct.size && new Set(taken).size === held
        )
      }),
    )
    t.same(runsOf([5, 3, 4, 9, 9, 0]), [
      [0, 0],
      [3, 5],
      [9, 9],
    ])
  },
)
