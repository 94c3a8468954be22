/** Random small worlds by seed: a few to some sixty people whose visits are skewed towards a few habits. */
import {
  cellsOf,
  type DayState,
  dayOf,
  type DayRoom,
  dayRoom,
  daysOf,
  has,
  type Link,
  linksOnto,
  range,
  type Second,
  type Shape,
} from './shape.js'

export interface Person {
  readonly tenant: number
  /** mask of cells */
  readonly visits: number
  /** events by cell: at least one where it was visited, no more than the cap in a day */
  readonly events: readonly number[]
  /** by day; null where the person was not there */
  readonly states: readonly (DayState | null)[]
}

export interface World {
  readonly seed: number
  readonly shape: Shape
  /** min_users */
  readonly k: number
  readonly identity: 'network' | 'signed'
  /** people of the first level of trees are published exactly */
  readonly exact: boolean
  readonly people: readonly Person[]
}

export type Random = () => number

/** mulberry32: 32 bits of state are plenty for worlds that have to be made again from their seed. */
export function randomOf(seed: number): Random {
  let state = (seed * 2_654_435_769) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const below = (random: Random, limit: number): number => Math.floor(random() * limit)

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[below(random, items.length)]
  if (item === undefined) throw new RangeError('Nothing to pick from.')
  return item
}

/** One of the first items far more often than one of the last. */
function pickSkewed<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor(items.length * random() ** 2.5)]
  if (item === undefined) throw new RangeError('Nothing to pick from.')
  return item
}

/** From nowhere onto every page, and from every page onto every page, itself included. */
const linksOf = (firsts: number): Link[] =>
  [null, ...range(firsts)].flatMap((from) => range(firsts).map((to) => ({ from, to })))

export interface Grid {
  readonly firsts: number
  readonly seconds: number
}

const SECONDS: readonly Second[] = ['device', 'hour', 'day']
const THRESHOLDS = [3, 3, 4, 5, 5, 10]

function visitsOf(random: Random, popularity: readonly number[]): number {
  const activity = 0.4 + random() * 1.2
  const mask = popularity.reduce(
    (visits, likely, cell) => (random() < likely * activity ? visits | (1 << cell) : visits),
    0,
  )
  return mask === 0 ? 1 << below(random, popularity.length) : mask
}

/** At least one event in each cell that was visited, and no more than the cap in a day. */
function eventsOf(random: Random, shape: Shape, visits: number): number[] {
  const events: number[] = range(cellsOf(shape)).map((cell) => (has(visits, cell) ? 1 : 0))
  for (const day of range(daysOf(shape))) {
    const own = range(cellsOf(shape)).filter((cell) => has(visits, cell) && dayOf(shape, cell) === day)
    if (own.length === 0) continue
    for (let left = below(random, shape.cap - own.length + 1); left > 0; left -= 1) {
      const cell = pick(random, own)
      events[cell] = (events[cell] ?? 0) + 1
    }
  }
  return events
}

/** Mostly one way onto each page, from nowhere more often than from another page. */
function stateOf(random: Random, shape: Shape, room: DayRoom): DayState {
  let moves = 0
  for (const first of range(shape.firsts).filter((own) => has(room.firsts, own))) {
    const onto = linksOnto(shape, first) & room.allowed
    const ways = range(shape.links.length).filter((link) => has(onto, link))
    do moves |= 1 << pickSkewed(random, ways)
    while (random() < 0.3)
  }
  const { least, most } = room.depths(moves)
  return { firsts: room.firsts, moves, depth: least + below(random, most - least + 1) }
}

/** Habits that many share, and people of their own: intersections and rests of every size occur. */
function personOf(random: Random, shape: Shape, habits: readonly number[], own: number): Person {
  const visits = random() < own ? 1 + below(random, 2 ** cellsOf(shape) - 1) : pickSkewed(random, habits)
  const events = eventsOf(random, shape, visits)
  const states = range(daysOf(shape)).map((day) => {
    const room = dayRoom(shape, visits, day)
    return room === null ? null : stateOf(random, shape, room)
  })
  return { tenant: Math.floor(8 * random() ** 1.6), visits, events, states }
}

/**
 * The world of a seed. Second dimension and identity rotate with it: every third world has devices, hours or days;
 * every fifth is a signed site of up to eight tenants, the others are network sites, where a group passes exactly
 * when it has k people (which tells the attacker most).
 */
export function worldOf(seed: number, grid: Grid): World {
  const random = randomOf(seed)
  const second = SECONDS[seed % SECONDS.length] ?? 'device'
  // A day and an hour are a window each; devices are children of their page, and a pool needs three of them.
  const turned = second === 'device' && Math.floor(seed / 3) % 2 === 1
  const [firsts, seconds] = turned ? [grid.seconds, grid.firsts] : [grid.firsts, grid.seconds]
  const shape: Shape = {
    second,
    firsts,
    seconds,
    links: linksOf(firsts),
    funnel: Math.min(3, firsts),
    cap: 2 * (second === 'day' ? firsts : firsts * seconds) + below(random, 9),
  }
  const k = pick(random, THRESHOLDS)
  const popularity = range(cellsOf(shape)).map(() => random() ** 1.5)
  const habits = range(2 + below(random, 7)).map(() => visitsOf(random, popularity))
  const own = random() ** 2
  const people = range(Math.floor(3 + random() ** 1.3 * (k === 10 ? 62 : 45))).map(() =>
    personOf(random, shape, habits, own),
  )
  return {
    seed,
    shape,
    k,
    identity: seed % 5 === 4 ? 'signed' : 'network',
    exact: seed % 7 === 3,
    people,
  }
}
