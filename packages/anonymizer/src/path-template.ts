/**
 * Paths become templates: of a catalogue of routes, or, where there is none, by what a segment looks like. The first
 * is the rule (a path outside the catalogue is `otherwise`); the second lets slugs and titles through (privacy.md 2.8).
 */
import { TacitError } from '@tacit/contracts'
import { looksLikeId } from '@tacit/rulebook'

export type PathTemplate = (path: string) => string

/** What stands in for a segment that looks like an id. */
const ID = ':id'
const MAX_DECODINGS = 3

interface RouteNode {
  readonly literals: Map<string, RouteNode>
  parameter: RouteNode | null
  /** the route as the catalogue writes it; null where none ends here */
  route: string | null
}

/**
 * Compiles a catalogue such as `/customers/:id/invoice/:no`. The function answers a route of the catalogue, as
 * written, or `otherwise`; never a part of the path.
 *
 * Query, fragment and matrix parameters are cut, %XX is decoded up to three times, then NFKC; case counts, one
 * trailing slash does not. A parameter takes one segment that is not empty, `.` or `..`; a literal goes before a
 * parameter. Of two routes that differ in parameter names only, the first is answered.
 * @throws TacitError ERR_RULEBOOK_INVALID for a route that does not start with a slash
 */
export function compileRoutes(routes: readonly string[], otherwise: string): PathTemplate {
  const root = routeNode()
  let depth = 0
  for (const route of routes) {
    const segments = segmentsOf(route)
    if (segments === null) throw new TacitError('ERR_RULEBOOK_INVALID', 'A route starts with a slash')
    depth = Math.max(depth, segments.length)
    addRoute(root, segments, route)
  }
  return (path) => {
    const segments = pathSegments(path)
    if (segments === null || segments.length > depth) return otherwise
    return match(root, segments, 0) ?? otherwise
  }
}

function routeNode(): RouteNode {
  return { literals: new Map(), parameter: null, route: null }
}

function addRoute(root: RouteNode, segments: readonly string[], route: string): void {
  let node = root
  for (const segment of segments) {
    let next = segment.startsWith(':') ? node.parameter : node.literals.get(segment)
    if (next === null || next === undefined) {
      next = routeNode()
      if (segment.startsWith(':')) node.parameter = next
      else node.literals.set(segment, next)
    }
    node = next
  }
  node.route ??= route
}

/** Visits a node of the catalogue at most once: the work is bounded by the catalogue, whatever the path. */
function match(node: RouteNode, segments: readonly string[], at: number): string | null {
  const segment = segments[at]
  if (segment === undefined) return node.route
  const literal = node.literals.get(segment)
  const found = literal === undefined ? null : match(literal, segments, at + 1)
  if (found !== null || node.parameter === null) return found
  if (!fitsParameter(segment)) return null
  return match(node.parameter, segments, at + 1)
}

/** The segments of a path as {@link compileRoutes} matches them; null where no route could match. `/` has none. */
export function pathSegments(path: string): readonly string[] | null {
  const plain = plainPath(path)
  return plain === null ? null : segmentsOf(plain)
}

/** Whether a parameter of a route takes this segment. */
export function fitsParameter(segment: string): boolean {
  return segment !== '' && segment !== '.' && segment !== '..'
}

/** The decoded path without query and fragment; null where it cannot be decoded. */
function plainPath(path: string): string | null {
  let plain = withoutQuery(path)
  for (let round = 0; round < MAX_DECODINGS && plain.includes('%'); round += 1) {
    try {
      plain = withoutQuery(decodeURIComponent(plain))
    } catch {
      return null
    }
  }
  // NFKC turns full-width ？ ＃ into ? #, so the cut comes once more.
  return withoutQuery(plain.normalize('NFKC'))
}

/** Segments without matrix parameters; null where the path does not start with a slash. `/` has none. */
function segmentsOf(path: string): readonly string[] | null {
  if (!path.startsWith('/')) return null
  const end = path.endsWith('/') ? path.length - 1 : path.length
  if (end <= 1) return path.length <= 1 ? [] : ['']
  const segments = path.slice(1, end).split('/')
  return path.includes(';') ? segments.map(withoutMatrix) : segments
}

function withoutMatrix(segment: string): string {
  const at = segment.indexOf(';')
  return at < 0 ? segment : segment.slice(0, at)
}

function withoutQuery(path: string): string {
  for (let at = 0; at < path.length; at += 1) {
    const code = path.charCodeAt(at)
    if (code === 0x3f || code === 0x23) return path.slice(0, at)
  }
  return path
}

/**
 * Compiles `generic: { words }`: the path is cut at the first `?` or `#` and not decoded; a segment that looks like
 * an id becomes `:id` (all digits, a UUID, eight or more hexadecimal digits with at least one digit, twenty or more
 * letters and digits mixed without a separator, or `@` or `%` in it). With a set of words, so does every segment that
 * is not one of them; with `any`, every other segment stays as it is. Source: interface.md, "Import".
 */
export function compileGeneric(words: 'any' | ReadonlySet<string>): PathTemplate {
  const stays =
    words === 'any'
      ? (segment: string) => !looksLikeId(segment)
      : (segment: string) => segment === '' || (words.has(segment) && !looksLikeId(segment))
  return (path) =>
    withoutQuery(path)
      .split('/')
      .map((segment) => (stays(segment) ? segment : ID))
      .join('/')
}

/** The segments of a path that a list of words does not approve, as `generic` sees them: what became `:id`. */
export function unapprovedSegments(path: string, words: ReadonlySet<string>): readonly string[] {
  return withoutQuery(path)
    .split('/')
    .filter((segment) => segment !== '' && !words.has(segment))
}
