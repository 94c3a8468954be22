/**
 * Every person that can be, as the columns of an integer program: how many have exactly these visits, and how many of
 * each class of visitors were in which state of a day. Given their visits, people's states of a day are free within
 * their class, so this says the same as one column for each whole person, with far fewer of them.
 */
import { cellsOf, type DayState, dayRoom, daysOf, range, type Shape } from './shape.js'
import { type Family, statesOf } from './states.js'
import type { Person, World } from './world.js'

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

const stateKey = ({ depth, moves }: DayState): string => `${moves} ${depth}`

/** @param family states that the attacker reckons with, beside those that people really are in */
export function spaceOf({ people, shape }: Pick<World, 'people' | 'shape'>, family: Family): Space {
  const visits = 2 ** cellsOf(shape) - 1
  let columns = visits
  const classes = range(daysOf(shape)).flatMap((day) => {
    const found = new Map<string, { visitors: number[]; states: Map<string, DayState> }>()
    for (const column of range(visits)) {
      const room = dayRoom(shape, column + 1, day)
      if (room === null) continue
      const known = found.get(room.key)
      if (known !== undefined) {
        known.visitors.push(column)
        continue
      }
      const states = statesOf(shape, room, family).map((state): [string, DayState] => [
        stateKey(state),
        state,
      ])
      found.set(room.key, { visitors: [column], states: new Map(states) })
    }
    for (const person of people) {
      const [state, room] = [person.states[day], dayRoom(shape, person.visits, day)]
      if (state !== null && state !== undefined && room !== null)
        found.get(room.key)?.states.set(stateKey(state), state)
    }
    return [...found].map(([key, { visitors, states }]) => ({
      day,
      key,
      visitors,
      states: [...states.values()].map((state) => ({ column: columns++, state })),
    }))
  })
  return { shape, columns, visits, classes }
}

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
      const own = person.states[day] ?? null
      const at = states.find(({ state }) => own !== null && stateKey(state) === stateKey(own))
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
