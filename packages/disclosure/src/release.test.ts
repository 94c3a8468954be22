/** What the whole of disclosure promises, on random worlds. */
import fc from 'fast-check'
import t from 'tap'
import { checkWindow } from './checker.js'
import { type Release, releaseOf, worlds } from './testing/worlds.js'
import { type Cell, OTHER } from './types.js'

const RUNS = { numRuns: 400 }

function checked({ cells, input }: Release, at: number, changed: readonly Cell[]) {
  const trees = input.trees.map((tree, index) => ({
    ...tree,
    cells: index === at ? changed : (cells[index] ?? []),
  }))
  return checkWindow(trees, input.thresholds)
}

t.test('the independent checker takes what the engine releases', async () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const { findings, ok } = releaseOf(world)
      if (!ok) throw new Error(findings.join(', '))
    }),
    RUNS,
  )
})

/** Every way in which one number of a cell may be wrong. */
function alterations(cell: Cell, step: number): Cell[] {
  const numbers = (value: number | null) =>
    value === null ? [step, 0] : [value + 1, value - 1, value + step, value - step, null]
  return [
    ...numbers(cell.users).map((users) => ({ ...cell, users })),
    ...numbers(cell.events).map((events) => ({ ...cell, events })),
    ...[1, (cell.floor ?? 0) + 1, null].flatMap((floor) => (floor === cell.floor ? [] : { ...cell, floor })),
    { ...cell, visits: (cell.visits ?? 0) + 1 },
    { ...cell, time_s: (cell.time_s ?? 0) + 1 },
    { ...cell, share: 50 },
    { ...cell, dims: cell.dims.map((value, at) => (at === 0 ? '/nowhere' : value)) },
    { ...cell, dims: [...cell.dims, OTHER] },
  ]
}

t.test('the checker rejects a release with any single cell altered, dropped or repeated', async (t) => {
  let altered = 0
  fc.assert(
    fc.property(worlds, (world) => {
      const release = releaseOf(world)
      for (const [at, cells] of release.cells.entries()) {
        for (const [index, cell] of cells.entries()) {
          const others = cells.filter((_, place) => place !== index)
          const wrong = [
            ...alterations(cell, world.thresholds.step).map((one) => [...others, one]),
            [...others, cell, cell],
            others,
          ]
          for (const changed of wrong) {
            altered += 1
            if (checked(release, at, changed).ok)
              throw new Error(`taken: ${JSON.stringify(changed)} for ${JSON.stringify(cells)}`)
          }
        }
      }
    }),
    { numRuns: 20 },
  )
  t.ok(altered > 2_000, `${String(altered)} altered releases`)
})
