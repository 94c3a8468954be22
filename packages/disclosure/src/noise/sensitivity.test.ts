import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { additiveSensitivity, peopleSensitivity } from './sensitivity.js'

const CAP = 4

/** One person's rows of a day, as the cells that they are in. */
const rowsOfOne = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 })
/** Which block each cell of the tree lies in. */
const cut = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 10, maxLength: 10 })

type Counts = Map<number, { readonly people: Set<number>; rows: number }>

function counted(rowsByPerson: readonly (readonly number[])[], blockOf: readonly number[]): Counts {
  const counts: Counts = new Map()
  for (const [person, rows] of rowsByPerson.entries()) {
    for (const cell of rows.slice(0, CAP)) {
      const block = blockOf[cell] ?? 0
      const count = counts.get(block) ?? { people: new Set<number>(), rows: 0 }
      count.people.add(person)
      count.rows++
      counts.set(block, count)
    }
  }
  return counts
}

function differences(
  left: Counts,
  right: Counts,
  of: (count: { people: Set<number>; rows: number }) => number,
) {
  const zero = { people: new Set<number>(), rows: 0 }
  const blocks = new Set([...left.keys(), ...right.keys()])
  return [...blocks].map((block) => Math.abs(of(left.get(block) ?? zero) - of(right.get(block) ?? zero)))
}

const l1 = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0)
const l2Squared = (numbers: readonly number[]) => BigInt(numbers.reduce((sum, x) => sum + x * x, 0))

t.test(
  'no user-day changes the blocks of a tree by more than the proof says, and some change them by as much',
  async (t) => {
    const [ofPeople, ofRows] = [peopleSensitivity(CAP), additiveSensitivity(CAP)]
    const most = { people: 0, rows: 0, rowsSquared: 0n }
    fc.assert(
      fc.property(fc.array(rowsOfOne, { minLength: 1, maxLength: 6 }), cut, (population, blockOf) => {
        const all = counted(population, blockOf)
        const without = counted([...population.slice(0, -1), []], blockOf)
        const byPeople = differences(all, without, ({ people }) => people.size)
        const byRows = differences(all, without, ({ rows }) => rows)
        most.people = Math.max(most.people, l1(byPeople))
        most.rows = Math.max(most.rows, l1(byRows))
        if (l2Squared(byRows) > most.rowsSquared) most.rowsSquared = l2Squared(byRows)
        return (
          byPeople.filter((x) => x > 0).length <= ofPeople.l0 &&
          l1(byPeople) <= ofPeople.l1 &&
          l2Squared(byPeople) <= ofPeople.l2Squared &&
          l1(byRows) <= ofRows.l1 &&
          l2Squared(byRows) <= ofRows.l2Squared
        )
      }),
      { seed: 7, numRuns: 3_000 },
    )
    t.same(
      most,
      { people: ofPeople.l1, rows: ofRows.l1, rowsSquared: ofRows.l2Squared },
      'the bounds are reached',
    )
  },
)

t.test('a day less of a capped week changes at most twice the cap, and that is reached', async (t) => {
  const hashes = Array.from({ length: 20 }, (_, cell) => createHash('sha256').update(`${cell}`).digest('hex'))
  const order = (cell: number) => hashes[cell] ?? ''
  const kept = (cells: readonly number[]) =>
    [...new Set(cells)].sort((a, b) => (order(a) < order(b) ? -1 : 1)).slice(0, CAP)
  const bound = peopleSensitivity(2 * CAP)
  let most = 0
  const day = fc.array(fc.integer({ min: 0, max: 19 }), { maxLength: 8 })
  fc.assert(
    fc.property(fc.array(day, { minLength: 2, maxLength: 7 }), (days) => {
      const [all, less] = [new Set(kept(days.flat())), new Set(kept(days.slice(1).flat()))]
      const changed =
        [...all].filter((cell) => !less.has(cell)).length + [...less].filter((cell) => !all.has(cell)).length
      most = Math.max(most, changed)
      return changed <= bound.l1 && kept(days.flat()).length <= CAP
    }),
    { seed: 7, numRuns: 20_000 },
  )
  t.equal(most, bound.l1)
})

t.test('seconds count as often as a row may add them', async (t) => {
  t.same(additiveSensitivity(20, 1800), { l0: 20, l1: 36_000, l2Squared: 1_296_000_000n })
  t.same(
    additiveSensitivity(10_000 * 5, 86_400).l2Squared,
    (10_000n * 5n * 86_400n) ** 2n,
    'beyond safe integers',
  )
})
