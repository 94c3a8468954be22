/**
 * Families of day states. Anybody can have come to each page over any set of links, which is far too many states for a
 * program; but who shows that a group is not pinned needs only one world, and finds it among few states. The larger
 * family is for what the smaller one does not clear.
 */
import { bits, type DayRoom, type DayState, has, linksOnto, range, type Shape } from './shape.js'

export type Family = 'few' | 'many'

const subsetsOf = (mask: number): number[] => {
  const subsets: number[] = []
  for (let subset = mask; subset > 0; subset = (subset - 1) & mask) subsets.push(subset)
  return subsets
}

/** Ways onto a page: over one link, over all of them, and (in the larger family) over two. */
function waysOnto(shape: Shape, first: number, allowed: number, family: Family): number[] {
  const onto = linksOnto(shape, first) & allowed
  const size = family === 'few' ? 1 : 2
  return subsetsOf(onto).filter((way) => bits(way) <= size || way === onto)
}

/** Pages onto which somebody came in another way than the usual one. */
const DEVIATIONS = { few: 2, many: 3 } as const
const MOST_STATES = 4_000

/** Moves that differ from the usual way (from nowhere, or over every link) on a few pages. */
function movesOf(shape: Shape, { allowed, firsts }: DayRoom, family: Family): ReadonlySet<number> {
  const seen = range(shape.firsts).filter((first) => has(firsts, first))
  const ways = seen.map((first) => waysOnto(shape, first, allowed, family))
  const nowhere = seen.map((first) => linksOnto(shape, first) & allowed & ((1 << shape.firsts) - 1))
  const every = seen.map((first) => linksOnto(shape, first) & allowed)
  const deviations = family === 'many' && seen.length > 3 ? 2 : DEVIATIONS[family]
  const found = new Set<number>()
  const deviate = (at: number, left: number, moves: number, usual: readonly number[]): void => {
    if (at === seen.length) {
      found.add(moves)
      return
    }
    deviate(at + 1, left, moves | (usual[at] ?? 0), usual)
    if (left > 0) for (const way of ways[at] ?? []) deviate(at + 1, left - 1, moves | way, usual)
  }
  for (const usual of [nowhere, every]) deviate(0, deviations, 0, usual)
  if (found.size > MOST_STATES) throw new RangeError('Too many states of a day.')
  return found
}

/** The states of a family that people with the same room can be in. */
export function statesOf(shape: Shape, room: DayRoom, family: Family): DayState[] {
  return [...movesOf(shape, room, family)].flatMap((moves) => {
    const { least, most } = room.depths(moves)
    return range(most - least + 1).map((more) => ({ firsts: room.firsts, moves, depth: least + more }))
  })
}
