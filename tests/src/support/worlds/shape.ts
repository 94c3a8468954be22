/**
 * The small worlds that the reconstruction attack is tried on: a grid of a first dimension (pages or events) and a
 * second one, which is a device, an hour or a day. A person is the set of cells that they were seen in, with what
 * else the statistics of a day look at: which links they followed and how far they came in the funnel.
 *
 * Masks: a set of cells, of firsts or of links is a whole number, bit i for member i; cell = first · seconds + second.
 */

export type Second = 'device' | 'hour' | 'day'

/** A way onto a page: from another page, or from nowhere (`null`, which navigation calls `(none)`). */
export interface Link {
  readonly from: number | null
  readonly to: number
}

export interface Shape {
  readonly second: Second
  /** values of the first dimension */
  readonly firsts: number
  /** values of the second one */
  readonly seconds: number
  /** from nowhere and from each page onto each page: nobody knows that a way is never taken */
  readonly links: readonly Link[]
  /** firsts 0, 1, … in order */
  readonly funnel: number
  /** events of one person on one day, at most; no fewer than a day has cells */
  readonly cap: number
}

/** What one day's navigation and funnel can tell people with the same visits apart by. */
export interface DayState {
  /** mask of the firsts that were seen */
  readonly firsts: number
  /** mask of the links that were followed */
  readonly moves: number
  /** steps of the funnel that were done in order */
  readonly depth: number
}

export const has = (mask: number, member: number): boolean => (mask & (1 << member)) !== 0
export const range = (length: number): number[] => Array.from({ length }, (_, index) => index)
export const bits = (mask: number): number => mask.toString(2).replaceAll('0', '').length

export const cellsOf = (shape: Shape): number => shape.firsts * shape.seconds
export const cellOf = (shape: Shape, first: number, second: number): number => first * shape.seconds + second
export const daysOf = (shape: Shape): number => (shape.second === 'day' ? shape.seconds : 1)
/** The days that a cell can be seen on: one. */
export const dayOf = (shape: Shape, cell: number): number =>
  shape.second === 'day' ? cell % shape.seconds : 0

/** Mask of the cells of one first, of one second, or of both. */
export function cellMask(shape: Shape, of: { first?: number; second?: number }): number {
  let mask = 0
  for (const first of range(shape.firsts)) {
    for (const second of range(shape.seconds)) {
      if ((of.first ?? first) === first && (of.second ?? second) === second) {
        mask |= 1 << cellOf(shape, first, second)
      }
    }
  }
  return mask
}

/** Mask of the firsts that visits show on a day. */
export function firstsOn(shape: Shape, visits: number, day: number): number {
  let mask = 0
  for (const cell of range(cellsOf(shape))) {
    if (has(visits, cell) && dayOf(shape, cell) === day) mask |= 1 << Math.floor(cell / shape.seconds)
  }
  return mask
}

/** First and last hour in which a page was seen; null where it was not. */
function hoursOf(shape: Shape, visits: number, first: number): { first: number; last: number } | null {
  const hours = range(shape.seconds).filter((hour) => has(visits, cellOf(shape, first, hour)))
  const [earliest] = hours
  const latest = hours.at(-1)
  return earliest === undefined || latest === undefined ? null : { first: earliest, last: latest }
}

/** How far visits by hour come: steps in the same hour count as in order. */
function depthByHours(shape: Shape, visits: number): number {
  let hour = 0
  for (const step of range(shape.funnel)) {
    const next = range(shape.seconds).find((at) => at >= hour && has(visits, cellOf(shape, step, at)))
    if (next === undefined) return step
    hour = next
  }
  return shape.funnel
}

/** Mask of the links that people with these visits can have followed. */
function followable(shape: Shape, visits: number, firsts: number): number {
  let mask = 0
  for (const [index, { from, to }] of shape.links.entries()) {
    if (!has(firsts, to)) continue
    if (from !== null) {
      if (!has(firsts, from)) continue
      if (shape.second === 'hour') {
        const [left, right] = [hoursOf(shape, visits, from), hoursOf(shape, visits, to)]
        if (left === null || right === null || left.first > right.last) continue
      }
    }
    mask |= 1 << index
  }
  return mask
}

/** Steps that were seen at all, whatever their order: 0 … the first that is missing. */
function longestDepth(shape: Shape, firsts: number): number {
  return range(shape.funnel).find((step) => !has(firsts, step)) ?? shape.funnel
}

/** The fewest steps that navigation proves: who followed the link from step 0 to step 1 did both in order. */
function provenDepth(shape: Shape, firsts: number, moves: number): number {
  if (!has(firsts, 0)) return 0
  const followed = shape.links.some(
    ({ from, to }, index) => has(moves, index) && from === 0 && to === 1 && shape.funnel > 1,
  )
  return followed ? 2 : 1
}

/** What people with some visits can have done on a day. */
export interface DayRoom {
  /** people with equal keys can have done exactly the same, independently of all else */
  readonly key: string
  /** mask of the firsts that were seen */
  readonly firsts: number
  /** mask of the links that can have been followed: at least one onto each first */
  readonly allowed: number
  /** steps of the funnel that were done in order, for people with these moves: between these two */
  readonly depths: (moves: number) => { readonly least: number; readonly most: number }
}

/** @returns null where people with these visits were not there on the day */
export function dayRoom(shape: Shape, visits: number, day: number): DayRoom | null {
  const firsts = firstsOn(shape, visits, day)
  if (firsts === 0) return null
  const allowed = followable(shape, visits, firsts)
  const byHours = shape.second === 'hour' ? depthByHours(shape, visits) : null
  const most = byHours ?? longestDepth(shape, firsts)
  const depths = (moves: number) => ({
    least: byHours ?? Math.min(most, provenDepth(shape, firsts, moves)),
    most,
  })
  return { key: `${firsts}|${allowed}|${most}|${byHours ?? ''}`, firsts, allowed, depths }
}

/** Mask of the links onto a first. */
export const linksOnto = (shape: Shape, first: number): number =>
  shape.links.reduce((mask, { to }, index) => (to === first ? mask | (1 << index) : mask), 0)
