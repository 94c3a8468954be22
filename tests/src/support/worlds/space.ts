/**
 * Every person that can be, as the columns of an integer program: how many have exactly these visits, and how many of
 * each class of visitors were in which state of a day. Given their visits, people's states of a day are free within
 * their class, so this says the same as one column for each whole person, with far fewer of them.
 */
import { cellsOf, type DayState, dayClass, daysOf, range, type Shape } from './shape.js'
import type { Person } from './world.js'

/** People that share the possible states of one day. */
export interface ClassOfDay {
  readonly day: number
  readonly key: string
  /** columns of those visits */
  readonly visitors: readonly number[]
  /** column and state */
  readonly states: readonly { readonly column: number; readonly state: DayState }[]
}

export interface Space {
  readonly shape: Shape
  readonly columns: number
  /** column i < visits: people whose visits are exactly mask i + 1 */
  readonly visits: number
  readonly classes: readonly ClassOfDay[]
}

/** A number of people in each column. */
export type Counts = Int32Array

export function spaceOf(shape: Shape): Space {
  const visits = 2 ** cellsOf(shape) - 1
  let columns = visits
  const classes = range(daysOf(shape)).flatMap((day) => {
    const found = new Map<string, { visitors: number[]; states: readonly DayState[] }>()
    for (const column of range(visits)) {
      const own = dayClass(shape, column + 1, day)
      if (own === null) continue
      const known = found.get(own.key)
      if (known === undefined) found.set(own.key, { visitors: [column], states: own.states })
      else known.visitors.push(column)
    }
    return [...found].map(([key, { visitors, states }]) => ({
      day,
      key,
      visitors,
      states: states.map((state) => ({ column: columns++, state })),
    }))
  })
  return { shape, columns, visits, classes }
}

const sameState = (left: DayState, right: DayState): boolean =>
  left.firsts === right.firsts && left.moves === right.moves && left.depth === right.depth

/** The truth, as the columns have it. */
export function countsOf(space: Space, people: readonly Person[]): Counts {
  const counts = new Int32Array(space.columns)
  const add = (column: number): void => {
    counts[column] = (counts[column] ?? 0) + 1
  }
  for (const person of people) {
    add(person.visits - 1)
    for (const { day, visitors, states } of space.classes) {
      if (!visitors.includes(person.visits - 1)) continue
      const own = person.states[day]
      const at = states.find(({ state }) => own != null && sameState(state, own))
      if (at === undefined) throw new RangeError('A person is in no state of the day.')
      add(at.column)
    }
  }
  return counts
}

/** People by class add up over their states: the rows that tie a day to the visits. */
export function tiesHold(space: Space, counts: Counts): boolean {
  const sum = (columns: readonly number[]) =>
    columns.reduce((total, column) => total + (counts[column] ?? 0), 0)
  return space.classes.every(
    ({ visitors, states }) => sum(visitors) === sum(states.map(({ column }) => column)),
  )
}
