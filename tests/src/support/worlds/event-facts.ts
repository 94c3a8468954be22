/**
 * What published events tell of people: everybody in a block has at least one event in each of its cells that they
 * visited, and nobody has more than the cap in a day. Events of several blocks tell no more than this: by Hall's theorem
 * for flows, numbers of extra events fit exactly if every set of blocks has enough people with room for its extra ones.
 */
import type { Cell } from '@tacit/disclosure'
import { deviceName, firstName } from './count.js'
import type { Fact } from './facts.js'
import { bits, cellMask, cellOf, range, type Shape } from './shape.js'
import type { Space } from './space.js'

/** Events of disjoint groups of cells of one day. */
export interface EventBlock {
  /** mask */
  readonly cells: number
  readonly events: number
}

/** All facts of the blocks of one day. @param day mask of the day's cells */
export function blockFacts(space: Space, cap: number, day: number, blocks: readonly EventBlock[]): Fact[] {
  const every = range(space.visits)
  const least = blocks.map(
    ({ cells, events }): Fact => ({
      name: `${events} events`,
      alternatives: [
        [
          {
            columns: every,
            weights: every.map((column) => bits((column + 1) & cells)),
            least: 0,
            most: events,
          },
        ],
      ],
    }),
  )
  const sets = range(2 ** blocks.length - 1).map((set): Fact => {
    const own = blocks.filter((_, index) => ((set + 1) & (1 << index)) !== 0)
    const cells = own.reduce((mask, block) => mask | block.cells, 0)
    const events = own.reduce((total, block) => total + block.events, 0)
    const weights = every.map((column) => {
      const visits = column + 1
      const inside = bits(visits & cells)
      return inside === 0 ? 0 : inside + cap - bits(visits & day)
    })
    return {
      name: `room for ${events} events`,
      alternatives: [[{ columns: every, weights, least: events, most: Infinity }]],
    }
  })
  return [...least, ...sets]
}

const OTHER = '(other)'

/** The blocks of a day's tree, by its published cells: rows of devices where a page is split, else the page. */
export function dayEventFacts(space: Space, shape: Shape, day: number, pages: readonly Cell[]): Fact[] {
  const firstsOf = (value: string | undefined) =>
    range(shape.firsts).filter((first) => firstName(first) === value)
  const own = (first: number) =>
    shape.second === 'day' ? 1 << cellOf(shape, first, day) : cellMask(shape, { first })
  const split = new Set(pages.filter(({ dims }) => dims.length > 1).map(({ dims }) => dims[0]))
  const blocks = pages.flatMap(({ dims, events }): EventBlock[] => {
    const [value, below] = dims
    // The pool of pages holds those that are missing, unless one of them is withheld: its events then tell less.
    if (events === null || value === OTHER || (below === undefined && split.has(value))) return []
    const [first] = firstsOf(value)
    if (first === undefined) return []
    if (below === undefined) return [{ cells: own(first), events }]
    const siblings = pages.filter(({ dims: other }) => other.length === 2 && other[0] === value)
    const named = new Set(siblings.map(({ dims: other }) => other[1]))
    const devices = range(shape.seconds).filter((at) =>
      below === OTHER ? !named.has(deviceName(at)) : deviceName(at) === below,
    )
    return [{ cells: devices.reduce((mask, at) => mask | (1 << cellOf(shape, first, at)), 0), events }]
  })
  return blockFacts(
    space,
    shape.cap,
    shape.second === 'day' ? cellMask(shape, { second: day }) : cellMask(shape, {}),
    blocks,
  )
}
