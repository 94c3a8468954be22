/** Thirty days of operation and where they are interrupted: each named point once, and twenty clean restarts between. */
import { DAY, HOUR, MINUTE } from '@tacit/contracts'
import type { Chance } from '../crash/setting.js'
import {
  CLOSE_POINTS,
  CREATE_POINTS,
  DESTROY_POINTS,
  HEAD_POINTS,
  type Kind,
  type Point,
} from './dying-files.js'
import { addsUp } from './life-order.js'

/** A Monday, so that weeks begin with days 0, 7 …, and two and a half weeks before a month does. */
export const START = Date.parse('2026-12-14T00:00:00Z')
export const DAYS = 30
export const RESTARTS = 20
export const POINTS: readonly Point[] = [...CREATE_POINTS, ...DESTROY_POINTS, ...CLOSE_POINTS, ...HEAD_POINTS]
/** Those in which a week or a month begins, and a week's or a month's root dies, at the next midnight. */
const LAST_OF_WEEK = 6
const LAST_OF_MONTH = 17
const WEEK_DIES = 8
const MONTH_DIES = 19

export interface Interruption {
  /** ms: from here on the point is deadly; for a restart (null), when it ends */
  readonly at: number
  readonly kill: { readonly point: Point; readonly kind: Kind | null } | null
  /** ms until the next life begins */
  readonly downMs: number
}

const isOneOf = (points: readonly Point[], point: Point): boolean => points.includes(point)

/** Whose roots come to a point between a day's morning and one o'clock of the next; the rarest ones last. */
function kindsAt(point: Point, day: number): readonly (Kind | null)[] {
  if (isOneOf(HEAD_POINTS, point)) return [null]
  if (isOneOf(DESTROY_POINTS, point)) {
    if (day === MONTH_DIES) return ['month']
    if (day >= WEEK_DIES && day % 7 === WEEK_DIES % 7 && diesInTime(day - WEEK_DIES)) return ['week']
    // The first days have no roots to lose; the one before yesterday's dies at the end of this one.
    return day > 2 && diesInTime(day - 2) ? ['hour', 'day'] : ['hour']
  }
  const longer: readonly Kind[] =
    day === LAST_OF_MONTH ? ['month'] : day % 7 === LAST_OF_WEEK ? ['week'] : ['day']
  // Tenants are neither closed by the clock, nor is an hour.
  return isOneOf(CLOSE_POINTS, point)
    ? longer
    : day === LAST_OF_MONTH || day % 7 === LAST_OF_WEEK
      ? longer
      : ['hour', 'tenant', ...longer]
}

/** Whether the root of an epoch that begins on this day dies in time: others are held. */
const diesInTime = (day: number): boolean => addsUp(START + day * DAY)

/** The interruptions in their order. */
export function plan(chance: Chance): readonly Interruption[] {
  const left = shuffled(POINTS, chance)
  const take = (of: readonly Point[]): Point => {
    const at = left.findIndex((point) => of.includes(point))
    return left.splice(at, 1)[0] as Point
  }
  const points = new Map<number, Point>([
    [LAST_OF_WEEK, take(CREATE_POINTS)],
    [WEEK_DIES, take(DESTROY_POINTS)],
    [LAST_OF_MONTH, take(CREATE_POINTS)],
    [MONTH_DIES, take(DESTROY_POINTS)],
  ])
  const days = shuffled(
    Array.from({ length: DAYS }, (_, day) => day).filter((day) => !points.has(day)),
    chance,
  )
  for (const [at, point] of left.entries()) points.set(days[at] as number, point)
  const restarted = new Set(
    shuffled(
      Array.from({ length: DAYS }, (_, day) => day),
      chance,
    ).slice(0, RESTARTS),
  )
  return Array.from({ length: DAYS }, (_, day) =>
    ofDay(day, points.get(day), restarted.has(day), chance),
  ).flat()
}

/** A restart before or, where nothing kills that day, over its midnight; a kill in the hours between. */
function ofDay(day: number, point: Point | undefined, isRestarted: boolean, chance: Chance): Interruption[] {
  const start = START + day * DAY
  const pick = <T>(list: readonly T[]): T => list[chance.below(list.length)] as T
  const morning = { at: start + 5 * HOUR + 5 * chance.below(48) * MINUTE, kill: null, downMs: pick(SHORT) }
  if (point === undefined) {
    const night = { at: start + 23 * HOUR + 5 * chance.below(12) * MINUTE, kill: null, downMs: pick(LONG) }
    return isRestarted ? [night] : []
  }
  const kill = {
    at: start + 10 * HOUR + 5 * chance.below(108) * MINUTE,
    kill: { point, kind: pick(kindsAt(point, day)) },
    downMs: pick([...SHORT, ...LONG]),
  }
  return isRestarted ? [morning, kill] : [kill]
}

const SHORT = [0, 5 * MINUTE, 15 * MINUTE]
/** Over midnight, or over the closing of a day. */
const LONG = [HOUR, 3 * HOUR]

function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = chance.below(i + 1)
    const item = mixed[i] as T
    mixed[i] = mixed[j] as T
    mixed[j] = item
  }
  return mixed
}
