/**
 * The positive control: thresholds with folding alone, as much of the field does it. Every group with k people is
 * published, floored to a step; the others of the same parent are folded into "other", published where it has k
 * people; totals are published. The attacker reads it with the same program.
 */
import { blockFacts } from './event-facts.js'
import { type Fact, known } from './facts.js'
import { columnsOf, type Group, isIn, moved, reached, seenOn, visitors } from './groups.js'
import { cellMask, cellOf, cellsOf, dayOf, daysOf, has, range } from './shape.js'
import type { Space } from './space.js'
import type { World } from './world.js'

interface Published {
  readonly space: Space
  readonly world: World
  /** people are floored to it; 1: exact */
  readonly step: number
}

const sizeIn = ({ people }: World, group: Group) => people.filter((person) => isIn(group, person)).length

/** The number that is published for a group, as its range; null where it has fewer than k people. */
function shown({ space, world, step }: Published, group: Group): Fact | null {
  const size = sizeIn(world, group)
  if (size < world.k) return null
  const least = size - (size % step)
  return known(group.name, columnsOf(space, group), least, least + step - 1)
}

const hidden = ({ space, world }: Published, group: Group): Fact =>
  known(`not ${group.name}`, columnsOf(space, group), 0, world.k - 1)

/** Siblings one by one, and those that fail together as "other" (or nowhere). */
function folded(
  published: Published,
  siblings: readonly Group[],
  union: (members: readonly number[]) => Group,
): Fact[] {
  const facts = siblings.map((group) => shown(published, group))
  const failing = range(siblings.length).filter((index) => facts[index] === null)
  const missing = failing.flatMap((index) => {
    const group = siblings[index]
    return group === undefined ? [] : [hidden(published, group)]
  })
  const found = [...facts.filter((fact) => fact !== null), ...missing]
  if (failing.length === 0) return found
  const other = union(failing)
  return [...found, shown(published, other) ?? hidden(published, other)]
}

const maskOf = (members: readonly number[]) => members.reduce((mask, member) => mask | (1 << member), 0)

function gridFacts(published: Published): Fact[] {
  const { shape } = published.world
  const cellsIn = (firsts: readonly number[], seconds: readonly number[]) =>
    maskOf(firsts.flatMap((first) => seconds.map((second) => cellOf(shape, first, second))))
  const all = range(shape.firsts)
  const rows = folded(
    published,
    all.map((first) => visitors(`first ${first}`, cellMask(shape, { first }))),
    (members) => visitors('other', cellsIn(members, range(shape.seconds))),
  )
  const total = visitors('anybody', cellMask(shape, {}))
  const below =
    shape.second === 'device'
      ? all.flatMap((first) =>
          folded(
            published,
            range(shape.seconds).map((second) =>
              visitors(`cell ${first} ${second}`, 1 << cellOf(shape, first, second)),
            ),
            (members) => visitors(`other of ${first}`, cellsIn([first], members)),
          ),
        )
      : range(shape.seconds).flatMap((second) =>
          folded(
            published,
            all.map((first) => visitors(`cell ${first} ${second}`, 1 << cellOf(shape, first, second))),
            (members) => visitors(`other of ${second}`, cellsIn(members, [second])),
          ),
        )
  return [...rows, ...below, shown(published, total) ?? hidden(published, total)]
}

/** Additive events of every cell that is published. */
function eventFacts({ space, world }: Published): Fact[] {
  const { shape, people, k } = world
  return range(daysOf(shape)).flatMap((day) => {
    const cells = range(cellsOf(shape)).filter(
      (cell) => dayOf(shape, cell) === day && people.filter(({ visits }) => has(visits, cell)).length >= k,
    )
    const blocks = cells.map((cell) => ({
      cells: 1 << cell,
      events: people.reduce((total, { events }) => total + (events[cell] ?? 0), 0),
    }))
    const own = shape.second === 'day' ? cellMask(shape, { second: day }) : cellMask(shape, {})
    return blockFacts(space, shape.cap, own, blocks)
  })
}

function dayFacts(published: Published, day: number): Fact[] {
  const { shape } = published.world
  const links = shape.links.map((_, index) => moved(`link ${index} on ${day}`, day, 1 << index))
  const steps = range(shape.funnel).map((step) =>
    step === 0 ? seenOn(shape, 'step 0', day, 1) : reached(day, step + 1),
  )
  const each = [...links, ...steps].map((group) => shown(published, group) ?? hidden(published, group))
  return each
}

/** Everything that thresholds with folding publish of a world, as facts. */
export function foldingFacts(space: Space, world: World, step: number): Fact[] {
  const published = { space, world, step }
  return [
    ...gridFacts(published),
    ...eventFacts(published),
    ...range(daysOf(world.shape)).flatMap((day) => dayFacts(published, day)),
  ]
}
