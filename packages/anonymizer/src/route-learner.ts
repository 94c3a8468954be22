/**
 * Learning a catalogue of routes: the templates of paths that at least k people of at least m groups used.
 *
 * Paths are cut and decoded as {@link compileRoutes} does, into a tree of segments. A segment that could not stand in a
 * catalogue, looks like an id or holds what a detector finds is a parameter from the start. When all is read, the tree is
 * walked from its root: a segment that enough people used at its place stays, the others of that place are merged into
 * one parameter and looked at again together, so that `/customers/acme/orders` and `/customers/tata/orders` make
 * `/customers/:id/orders`. Where a route ends, enough people must have ended.
 *
 * Invariants
 * - Nothing but what {@link RouteLearner.learnt} answers leaves, and every segment of it was used at its place by enough people.
 * - A catalogue of the answer gives each path that made a route that very route: at a place where a segment is merged, no
 *   route has that segment as a literal.
 * - Places and members are bounded. What no longer fits is not counted, and makes crowds smaller, never larger.
 */
import { DETECTORS, isRouteLiteral, looksLikeId, ROUTE_LIMITS } from '@tacit/rulebook'
import { Crowd, type Member, type Room, type Thresholds } from './census.js'
import { fitsParameter, pathSegments } from './path-template.js'
import { createScanner } from './scan/index.js'

export interface RouteLearner {
  /** One use of a path by one person. */
  saw(path: string, member: Member): void
  learnt(): LearntRoutes
}

export interface LearntRoutes {
  /** sorted; parameters are `:id`, `:id2`, … */
  readonly routes: readonly string[]
  /** different paths (ids taken out) that became part of no route: too few people used them */
  readonly leftOut: number
  /** uses of paths that no route could match: undecodable, too deep, without a slash at the start */
  readonly unmatchable: number
  /** uses that were not followed, because the bounds were reached */
  readonly unfollowed: number
}

export interface RouteLearnerOptions extends Thresholds {
  /** places in the tree of paths; 100,000 by default */
  readonly places?: number
  /** members that all crowds remember together; 4,000,000 by default */
  readonly members?: number
  /** routes of the answer, those that were used most; as many as a catalogue takes by default */
  readonly routes?: number
}

const PLACES = 100_000
const MEMBERS = 4_000_000
/** A catalogue file is read up to 262,144 characters; quotes and indent count too. */
const CATALOGUE_CHARACTERS = 200_000
const PER_ROUTE = 8

interface Place {
  readonly literals: Map<string, Place>
  parameter: Place | null
  /** who came here or further */
  readonly reached: Crowd
  /** who ended here, and how often */
  ended: { readonly crowd: Crowd; uses: number } | null
}

interface Found {
  readonly route: string
  readonly uses: number
  /** different paths that became this route */
  readonly paths: number
}

/** Follows paths and who used them, in memory. */
export function createRouteLearner(options: RouteLearnerOptions): RouteLearner {
  const root = newPlace()
  const room: Room = { left: options.members ?? MEMBERS }
  const isWord = wordTest()
  let placesLeft = options.places ?? PLACES
  let unmatchable = 0
  let unfollowed = 0

  /** The place behind a segment; null where there is no room for a new one. */
  function step(from: Place, segment: string): Place | null {
    const literal = from.literals.get(segment)
    if (literal !== undefined) return literal
    const stays = isWord(segment)
    if (!stays && from.parameter !== null) return from.parameter
    if (placesLeft <= 0) return null
    placesLeft -= 1
    const place = newPlace()
    if (stays) from.literals.set(segment, place)
    else from.parameter = place
    return place
  }

  function follow(segments: readonly string[], member: Member): boolean {
    const way = [root]
    let at = root
    for (const segment of segments) {
      const next = step(at, segment)
      if (next === null) return false
      way.push(next)
      at = next
    }
    at.ended ??= { crowd: new Crowd(), uses: 0 }
    at.ended.uses += 1
    const fits = at.ended.crowd.add(member, options, room)
    return way.every((place) => place.reached.add(member, options, room)) && fits
  }

  return {
    saw(path, member) {
      const segments = pathSegments(path)
      if (segments === null || segments.length > ROUTE_LIMITS.segments || !segments.every(fitsParameter)) {
        unmatchable += 1
      } else if (!follow(segments, member)) unfollowed += 1
    },
    learnt() {
      const found: Found[] = []
      const leftOut = collect([root], [], options, found)
      const chosen = choose(found, options.routes ?? ROUTE_LIMITS.routes)
      return {
        routes: chosen.map(({ route }) => route).toSorted(),
        leftOut: leftOut + pathsOf(found) - pathsOf(chosen),
        unmatchable,
        unfollowed,
      }
    },
  }
}

function pathsOf(found: readonly Found[]): number {
  return found.reduce((sum, { paths }) => sum + paths, 0)
}

function newPlace(): Place {
  return { literals: new Map(), parameter: null, reached: new Crowd(), ended: null }
}

/** Whether a segment may ever stand in a route as it is. */
function wordTest(): (segment: string) => boolean {
  const scanner = createScanner(DETECTORS)
  return (segment) => isRouteLiteral(segment) && !looksLikeId(segment) && scanner.scan(segment) === null
}

/**
 * Walks places that are one place of the catalogue, and all below them.
 * @param way segments of the catalogue that lead here @param found gets the routes
 * @returns how many different paths became part of no route
 */
function collect(
  places: readonly Place[],
  way: readonly string[],
  thresholds: Thresholds,
  found: Found[],
): number {
  let leftOut = 0
  const ends = places.flatMap(({ ended }) => ended ?? [])
  if (
    isEnough(
      ends.map(({ crowd }) => crowd),
      thresholds,
    )
  ) {
    const uses = ends.reduce((sum, end) => sum + end.uses, 0)
    found.push({ route: `/${way.join('/')}`, uses, paths: ends.length })
  } else leftOut += ends.length

  const pooled: Place[] = []
  for (const [segment, alike] of literalsOf(places)) {
    if (isEnoughReached(alike, thresholds)) leftOut += collect(alike, [...way, segment], thresholds, found)
    else for (const place of alike) pooled.push(place)
  }
  for (const { parameter } of places) if (parameter !== null) pooled.push(parameter)
  if (pooled.length === 0) return leftOut
  if (!isEnoughReached(pooled, thresholds)) return leftOut + pathsBelow(pooled)
  return leftOut + collect(pooled, [...way, parameterAfter(way)], thresholds, found)
}

/** The places behind each literal segment. */
function literalsOf(places: readonly Place[]): ReadonlyMap<string, Place[]> {
  const alike = new Map<string, Place[]>()
  for (const { literals } of places) {
    for (const [segment, place] of literals) {
      const others = alike.get(segment)
      if (others === undefined) alike.set(segment, [place])
      else others.push(place)
    }
  }
  return alike
}

function isEnoughReached(places: readonly Place[], thresholds: Thresholds): boolean {
  return isEnough(
    places.map(({ reached }) => reached),
    thresholds,
  )
}

/** Whether crowds together are enough. */
function isEnough(crowds: readonly Crowd[], thresholds: Thresholds): boolean {
  const together = new Crowd()
  for (const crowd of crowds) {
    together.join(crowd)
    if (together.isEnough(thresholds)) return true
  }
  return false
}

function pathsBelow(places: readonly Place[]): number {
  let paths = 0
  const waiting = [...places]
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (place.ended !== null) paths += 1
    if (place.parameter !== null) waiting.push(place.parameter)
    for (const next of place.literals.values()) waiting.push(next)
  }
  return paths
}

function parameterAfter(way: readonly string[]): string {
  const before = way.filter((segment) => segment.startsWith(':')).length
  return before === 0 ? ':id' : `:id${before + 1}`
}

/** The routes that a catalogue takes: no identifier is put together from segments, and of too many the most used stay. */
function choose(found: readonly Found[], most: number): readonly Found[] {
  const scanner = createScanner(DETECTORS)
  const chosen: Found[] = []
  let characters = 0
  for (const one of found.toSorted((a, b) => b.uses - a.uses)) {
    const { route } = one
    if (chosen.length >= most) break
    if (route.length > ROUTE_LIMITS.characters) continue
    if ((scanner.scan(route) ?? scanner.scanSplit(route.slice(1).split('/'))) !== null) continue
    if (characters + route.length + PER_ROUTE > CATALOGUE_CHARACTERS) break
    characters += route.length + PER_ROUTE
    chosen.push(one)
  }
  return chosen
}
