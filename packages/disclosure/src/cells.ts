/** From blocks to published cells: floors, exact people where declared, and the capacity of `(other)`. */
import { passes } from './thresholds.js'
import { type Cell, type CountedNode, OTHER, type StatisticSpec, type Thresholds } from './types.js'

/** The largest whole number of steps that is no more than `people`. */
function floorTo(people: number, step: number): number {
  return Math.floor(people / step) * step
}

/**
 * What may be said of the people in a pool of `parts` groups that each have fewer than `k` in the worst case: with
 * no more than (k−1)(parts−1) nobody can conclude that any one of the parts holds anybody (design.md, "Capacity").
 * @returns a multiple of k, or null where less than k may be said
 */
function pooledPeople(people: number, parts: number, k: number): number | null {
  const lower = floorTo(Math.min(people, (k - 1) * (parts - 1)), k)
  return lower >= k ? lower : null
}

function cell(
  spec: StatisticSpec,
  dims: readonly string[],
  people: Omit<Cell, 'dims' | 'events'>,
  events: number | null,
): Cell[] {
  const users = spec.measures.includes('users') ? people.users : null
  const additive = spec.measures.includes('events') ? events : null
  // A cell without any public measure would still say that its group passed: it is not published.
  if (users === null && additive === null) return []
  return [
    {
      dims,
      users,
      events: additive,
      floor: users === null ? null : people.floor,
    },
  ]
}

/**
 * The cells of a one-level statistic.
 * @param blocks what {@link cut} let stand
 * @param pool the union of what it did not, counted anew over the same rows; null where nothing failed
 * @param pooledParts how many nodes failed
 */
export function cellsOf(
  spec: StatisticSpec,
  blocks: readonly CountedNode[],
  pool: CountedNode | null,
  pooledParts: number,
  thresholds: Thresholds,
): Cell[] {
  const k = thresholds.minUsers
  const cells = blocks.flatMap((block) => {
    const people =
      spec.people === 'exact'
        ? { users: block.users, floor: null }
        : { users: floorTo(block.users, k), floor: k }
    return cell(spec, block.dims, people, passes(block, thresholds).events ? block.events : null)
  })
  if (pool === null) return cells
  const standing = passes(pool, thresholds)
  if (!standing.block) return cells
  const dims = spec.by.map(() => OTHER)
  const people = { users: pooledPeople(pool.users, pooledParts, k), floor: k }
  return [...cells, ...cell(spec, dims, people, standing.events ? pool.events : null)]
}
