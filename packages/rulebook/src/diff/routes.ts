/** Changes of path templates: which pages are told apart that were not before. */
import { looksLikeId } from '../path-segments.js'
import type { FieldRule } from '../types.js'
import { compareSet } from './compare.js'
import type { Say } from './types.js'

type Template = Extract<FieldRule, { readonly do: 'template' }>
type Words = 'any' | readonly string[]
type Segments = readonly string[]

const segmentsOf = (route: string): Segments => route.split('/').slice(1)
const isParameter = (segment: string): boolean => segment.startsWith(':')
/** A route without the names of its parameters: what it matches. */
const shapeOf = (route: string): string =>
  segmentsOf(route)
    .map((segment) => (isParameter(segment) ? ':' : segment))
    .join('/')

/** Whether some path could match both. */
function meet(a: Segments, b: Segments): boolean {
  return (
    a.length === b.length &&
    a.every((segment, at) => isParameter(segment) || isParameter(b[at] ?? '') || segment === b[at])
  )
}

/** Whether every path of `narrow` matches `wide`. */
function covers(wide: Segments, narrow: Segments): boolean {
  return (
    wide.length === narrow.length &&
    wide.every((segment, at) => isParameter(segment) || segment === narrow[at])
  )
}

/** Of two routes that meet, whether `a` is the one that such a path is counted under: the first literal goes before. */
function goesBefore(a: Segments, b: Segments): boolean {
  const at = a.findIndex((segment, place) => isParameter(segment) !== isParameter(b[place] ?? ''))
  return at >= 0 && !isParameter(a[at] ?? '')
}

/**
 * Whether the pages of a route that goes away are counted together still: all as `otherwise`, or all under one other
 * route. Else they are parted by another segment than before.
 */
function staysWhole(removed: Segments, routes: readonly Segments[]): boolean {
  // A route that went before it has none of its pages.
  const heirs = routes.filter((route) => meet(removed, route) && !goesBefore(route, removed))
  if (heirs.length === 0) return true
  return heirs.some(
    (heir) => covers(heir, removed) && heirs.every((other) => other === heir || !goesBefore(other, heir)),
  )
}

function diffRoutes(say: Say, at: string, from: readonly string[], to: readonly string[]): void {
  const before = new Map(from.map((route) => [shapeOf(route), route]))
  const after = new Map(to.map((route) => [shapeOf(route), route]))
  const segments = to.map(segmentsOf)
  for (const [shape, route] of after) {
    const former = before.get(shape)
    if (former === undefined)
      say(at, 'loosen', null, route, `The page ${route} is counted under a name of its own.`)
    else if (former !== route) say(at, 'neutral', former, route, 'Parameters of the page have other names.')
  }
  for (const [shape, route] of before) {
    if (after.has(shape)) continue
    if (staysWhole(segmentsOf(route), segments))
      say(at, 'tighten', route, null, `The page ${route} is no longer counted under a name of its own.`)
    else
      say(
        at,
        'loosen',
        route,
        null,
        `The pages of ${route} are parted among other routes, by what was not told before.`,
      )
  }
}

/** Whether a segment stood in published paths before, as it is. */
const stood = (words: Words, segment: string): boolean =>
  (words === 'any' || words.includes(segment)) && !looksLikeId(segment)

/** A catalogue in place of words is coarser only where it tells no word that was not told before. */
function diffToCatalogue(say: Say, at: string, words: Words, routes: readonly string[]): void {
  const literals = routes.flatMap(segmentsOf).filter((segment) => segment !== '' && !isParameter(segment))
  const fresh = [...new Set(literals)].filter((literal) => !stood(words, literal))
  if (fresh.length === 0)
    say(at, 'tighten', 'generic', 'catalogue', 'Paths are matched against a list of pages.')
  for (const literal of fresh)
    say(
      at,
      'loosen',
      'generic',
      'catalogue',
      `The list of pages holds ${literal}, which was no approved word.`,
    )
}

function diffWords(say: Say, at: string, from: Words, to: Words): void {
  if (from === 'any' || to === 'any') {
    if (from === to) return
    if (to === 'any') say(at, 'loosen', 'a list', 'any', 'Any segment that looks like a word stays.')
    else say(at, 'tighten', 'any', 'a list', 'Only approved words stay.')
    return
  }
  compareSet(
    say,
    at,
    from,
    to,
    { class: 'loosen', says: (word) => `The word ${word} stays in paths.` },
    { class: 'tighten', says: (word) => `The word ${word} no longer stays in paths.` },
  )
}

/** The change of a path rule. @param at `fields.path` */
export function diffTemplate(say: Say, at: string, from: Template, to: Template): void {
  if ('routes' in from && 'routes' in to) {
    diffRoutes(say, `${at}.catalogue`, from.routes, to.routes)
    // The linter sees to it that it is no route, so nothing is told apart by it that was not before.
    if (from.otherwise !== to.otherwise)
      say(`${at}.otherwise`, 'neutral', from.otherwise, to.otherwise, 'Pages of no route have another name.')
  } else if ('generic' in from && 'generic' in to) {
    diffWords(say, `${at}.generic.words`, from.generic.words, to.generic.words)
  } else if ('generic' in from && 'routes' in to) {
    diffToCatalogue(say, at, from.generic.words, to.routes)
  } else {
    say(at, 'loosen', 'catalogue', 'generic', 'Paths are no longer matched against a list of pages.')
  }
}
