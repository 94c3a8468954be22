/** Groups of people that the declared dimensions define, and what an attacker would like to know about two of them. */
import {
  bits,
  cellMask,
  cellOf,
  cellsOf,
  type DayState,
  dayOf,
  daysOf,
  firstsOn,
  has,
  range,
  type Shape,
} from './shape.js'
import type { Counts, Space } from './space.js'
import type { Person } from './world.js'

/** A group by visits, by the state of one day, or by either (then both say the same). */
export interface Group {
  readonly name: string
  readonly ofVisits: ((visits: number) => boolean) | null
  readonly ofState: { readonly day: number; readonly has: (state: DayState) => boolean } | null
}

export const isIn = (group: Group, person: Person): boolean => {
  if (group.ofVisits !== null) return group.ofVisits(person.visits)
  const state = (group.ofState === null ? null : person.states[group.ofState.day]) ?? null
  return state !== null && (group.ofState?.has(state) ?? false)
}

/** People who were in any of some cells. */
export const visitors = (name: string, cells: number): Group => ({
  name,
  ofVisits: (visits) => (visits & cells) !== 0,
  ofState: null,
})

/** People who saw any of some firsts on a day. */
export const seenOn = (shape: Shape, name: string, day: number, firsts: number): Group => ({
  name,
  ofVisits: (visits) => (firstsOn(shape, visits, day) & firsts) !== 0,
  ofState: { day, has: (state) => (state.firsts & firsts) !== 0 },
})

/** People who followed any of some links on a day. */
export const moved = (name: string, day: number, links: number): Group => ({
  name,
  ofVisits: null,
  ofState: { day, has: (state) => (state.moves & links) !== 0 },
})

/** People who came at least so far in the funnel of a day. */
export const reached = (day: number, depth: number): Group => ({
  name: `funnel ${depth} on ${day}`,
  ofVisits: null,
  ofState: { day, has: (state) => state.depth >= depth },
})

/** Columns of a group: by visits where it can be told by visits. */
export function columnsOf(space: Space, group: Group): number[] {
  const { ofVisits, ofState } = group
  if (ofVisits !== null) return range(space.visits).filter((column) => ofVisits(column + 1))
  if (ofState === null) return []
  return space.classes
    .filter(({ day }) => day === ofState.day)
    .flatMap(({ states }) => states.filter(({ state }) => ofState.has(state)))
    .map(({ column }) => column)
}

/** Visitors, of whom some are in A, and some in B: in a class, any of A's can be B's. */
export interface Overlap {
  readonly all: readonly number[]
  readonly left: readonly number[]
  readonly right: readonly number[]
}

/** A group whose size must not be pinned inside [1, k−1]. */
export interface Target {
  readonly name: string
  /** its columns, or classes in which two groups overlap */
  readonly columns: readonly number[] | null
  readonly overlaps: readonly Overlap[]
  readonly holds: (person: Person) => boolean
}

const sum = (counts: Counts, columns: readonly number[]): number => {
  let total = 0
  for (const column of columns) total += counts[column] ?? 0
  return total
}

/** The least and the most people that the target can have when the columns have these numbers. */
export function sizeOf(target: Target, counts: Counts): { least: number; most: number } {
  if (target.columns !== null) {
    const size = sum(counts, target.columns)
    return { least: size, most: size }
  }
  let [least, most] = [0, 0]
  for (const { all, left, right } of target.overlaps) {
    const [ofAll, ofLeft, ofRight] = [sum(counts, all), sum(counts, left), sum(counts, right)]
    least += Math.max(0, ofLeft + ofRight - ofAll)
    most += Math.min(ofLeft, ofRight)
  }
  return { least, most }
}

type Sides = readonly [boolean, boolean]

/** Both groups, one without the other. */
const RELATIONS: readonly {
  readonly sides: Sides
  readonly name: (left: string, right: string) => string
}[] = [
  { sides: [true, true], name: (left, right) => `(${left}) and (${right})` },
  { sides: [true, false], name: (left, right) => `(${left}) without (${right})` },
  { sides: [false, true], name: (left, right) => `(${right}) without (${left})` },
]

/** Visitors and states of one day, in any of which two groups can overlap; null where they never share a day. */
function related(
  space: Space,
  left: Group,
  right: Group,
  sides: Sides,
): Pick<Target, 'columns' | 'overlaps'> | null {
  const overlaps: readonly Overlap[] = []
  if (left.ofVisits !== null && right.ofVisits !== null) {
    const [one, two] = [left.ofVisits, right.ofVisits]
    const inside = (visits: number) => one(visits) === sides[0] && two(visits) === sides[1]
    return { columns: range(space.visits).filter((column) => inside(column + 1)), overlaps }
  }
  if (left.ofState !== null && right.ofState !== null && left.ofState.day === right.ofState.day) {
    const { day, has: one } = left.ofState
    const { has: two } = right.ofState
    const inside = (state: DayState) => one(state) === sides[0] && two(state) === sides[1]
    const states = space.classes.filter((own) => own.day === day).flatMap((own) => own.states)
    return { columns: states.filter(({ state }) => inside(state)).map(({ column }) => column), overlaps }
  }
  if (left.ofVisits === null && right.ofVisits === null) return null
  const [visitGroup, stateGroup, [ofVisits, ofState]] =
    left.ofVisits !== null ? [left, right, sides] : [right, left, [sides[1], sides[0]] as const]
  // Who was not there on the day is in no state of it.
  const absent = ofState ? [] : absentees(space, visitGroup, stateGroup.ofState?.day ?? 0)
  return {
    columns: null,
    overlaps: [...overlapsOf(space, visitGroup, stateGroup, ofVisits, ofState), ...absent],
  }
}

function overlapsOf(
  space: Space,
  group: Group,
  state: Group,
  ofVisits: boolean,
  ofState: boolean,
): Overlap[] {
  return space.classes
    .filter(({ day }) => day === state.ofState?.day)
    .map(({ visitors: all, states }) => ({
      all,
      left: all.filter((column) => group.ofVisits?.(column + 1) === ofVisits),
      right: states.filter((own) => state.ofState?.has(own.state) === ofState).map(({ column }) => column),
    }))
    .filter(({ left, right }) => left.length > 0 && right.length > 0)
}

function absentees(space: Space, group: Group, day: number): Overlap[] {
  const there = new Set(space.classes.filter((own) => own.day === day).flatMap((own) => own.visitors))
  const left = range(space.visits).filter((column) => !there.has(column) && group.ofVisits?.(column + 1))
  return left.length === 0 ? [] : [{ all: left, left, right: left }]
}

/** All subsets of at least two, but not all, of some members. */
function properUnions(members: readonly number[]): number[] {
  const all = members.reduce((mask, member) => mask | (1 << member), 0)
  const unions: number[] = []
  for (let subset = (all - 1) & all; subset > 0; subset = (subset - 1) & all) {
    if (bits(subset) > 1) unions.push(subset)
  }
  return unions
}

/** Cells, rows and columns of the grid, and what a tree may pool: several firsts, several children of one first. */
function visitGroups(shape: Shape): { basic: Group[]; unions: Group[] } {
  const { firsts, seconds, second } = shape
  const cells = range(cellsOf(shape)).map((cell) => {
    const [first, at] = [Math.floor(cell / seconds), cell % seconds]
    const name = `first ${first} ${second} ${at}`
    return second === 'day' ? seenOn(shape, name, dayOf(shape, cell), 1 << first) : visitors(name, 1 << cell)
  })
  const rows = range(firsts).map((first) =>
    second === 'day'
      ? visitors(`first ${first}`, cellMask(shape, { first }))
      : seenOn(shape, `first ${first}`, 0, 1 << first),
  )
  const columns = range(seconds).map((at) => visitors(`${second} ${at}`, cellMask(shape, { second: at })))
  const anybody = visitors('anybody', cellMask(shape, {}))
  const ofRows = properUnions(range(firsts)).map((mask) =>
    visitors(
      `firsts ${range(firsts).filter((first) => has(mask, first))}`,
      range(firsts).reduce((all, first) => (has(mask, first) ? all | cellMask(shape, { first }) : all), 0),
    ),
  )
  const within = range(firsts).flatMap((first) =>
    properUnions(range(seconds)).map((mask) =>
      visitors(
        `first ${first} ${second}s ${range(seconds).filter((at) => has(mask, at))}`,
        range(seconds).reduce((all, at) => (has(mask, at) ? all | (1 << cellOf(shape, first, at)) : all), 0),
      ),
    ),
  )
  const below = range(seconds).flatMap((at) =>
    properUnions(range(firsts)).map((mask) =>
      visitors(
        `${second} ${at} firsts ${range(firsts).filter((first) => has(mask, first))}`,
        range(firsts).reduce(
          (all, first) => (has(mask, first) ? all | (1 << cellOf(shape, first, at)) : all),
          0,
        ),
      ),
    ),
  )
  return { basic: [...cells, ...rows, ...columns, anybody], unions: [...ofRows, ...within, ...below] }
}

/** Links, pages that people came from, and steps of the funnel, of one day. */
function stateGroups(shape: Shape, day: number): Group[] {
  const links = shape.links.map(({ from, to }, index) =>
    moved(`${from ?? '(none)'}→${to} on ${day}`, day, 1 << index),
  )
  const froms = [null, ...range(shape.firsts)].flatMap((from) => {
    const mask = shape.links.reduce((all, link, index) => (link.from === from ? all | (1 << index) : all), 0)
    return bits(mask) < 2 ? [] : [moved(`from ${from ?? '(none)'} on ${day}`, day, mask)]
  })
  const steps = range(shape.funnel - 1).map((step) => reached(day, step + 2))
  return [...links, ...froms, ...steps]
}

const pairsOf = <Item>(items: readonly Item[]): [Item, Item][] =>
  items.flatMap((left, index) => items.slice(index + 1).map((right): [Item, Item] => [left, right]))

/**
 * Everything that must not be pinned: each group, the unions that the trees may pool, and of each pair of groups those
 * in both, and those in one alone (so complements within a page or a day, steps that were not done, moves not made).
 * @param isWanted by name and people: a program is made of those alone
 */
export function targetsOf(
  space: Space,
  isWanted: (name: string, holds: Target['holds']) => boolean,
): Target[] {
  const { shape } = space
  const { basic, unions } = visitGroups(shape)
  const states = range(daysOf(shape)).flatMap((day) => stateGroups(shape, day))
  const singles = [...basic, ...unions, ...states].flatMap((group): Target[] => {
    const holds = (person: Person) => isIn(group, person)
    if (!isWanted(group.name, holds)) return []
    return [{ name: group.name, columns: columnsOf(space, group), overlaps: [], holds }]
  })
  const pairs = pairsOf([...basic, ...states]).flatMap(([left, right]) =>
    RELATIONS.flatMap(({ sides, name }): Target[] => {
      const own = name(left.name, right.name)
      const holds = (person: Person) => isIn(left, person) === sides[0] && isIn(right, person) === sides[1]
      if (!isWanted(own, holds)) return []
      const target = related(space, left, right, sides)
      return target === null ? [] : [{ name: own, holds, ...target }]
    }),
  )
  return [...singles, ...pairs]
}
