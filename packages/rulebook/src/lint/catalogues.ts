/** Catalogues: routes that can match as they read, and values that can be told apart. */
import { type Catalogue, ROUTE_LIMITS } from '../catalogues.js'
import type { Place } from '../findings.js'
import { type LintContext, POOLED } from './context.js'

const LITERAL = /^[A-Za-z0-9._~-]{1,64}$/
const PARAMETER = /^:[a-z][a-z0-9_]{0,31}$/

/** All digits, a UUID, or eight and more hexadecimal digits with a digit among them. */
const RAW_ID = /^(\d+|[0-9a-f-]{36}|(?=[a-f]*\d)[0-9a-f]{8,})$/i

/** Whether a text is a route at all. */
export function isRoute(text: string): boolean {
  return segmentsOf(text) !== null
}

/** Whether a segment may stand in a route as it is. */
export function isRouteLiteral(segment: string): boolean {
  return LITERAL.test(segment) && !RAW_ID.test(segment)
}

function segmentsOf(route: string): readonly string[] | null {
  if (route === '/') return []
  if (!route.startsWith('/')) return null
  const segments = route.slice(1).split('/')
  const sound = segments.every((segment) => LITERAL.test(segment) || PARAMETER.test(segment))
  return sound && segments.length <= ROUTE_LIMITS.segments ? segments : null
}

function lintRoutes({ report }: LintContext, catalogue: Catalogue): void {
  const shapes = new Map<string, Place>()
  for (const [index, route] of (catalogue.routes ?? []).entries()) {
    const place = catalogue.placeOf(index)
    const segments = segmentsOf(route)
    if (segments === null) {
      report('RULE_ROUTE_SYNTAX', place, 'This is not a route like /customers/:id.')
      continue
    }
    if (segments.some((segment) => RAW_ID.test(segment))) {
      report('RULE_ROUTE_RAW_ID', place, 'A segment of this route looks like an id.')
    }
    const shape = segments.map((segment) => (segment.startsWith(':') ? ':' : segment)).join('/')
    const before = shapes.get(shape)
    if (before === undefined) shapes.set(shape, place)
    else report('RULE_ROUTE_SHADOWED', place, `This route has the shape of the one in line ${before.line}.`)
  }
}

function lintList({ report }: LintContext, catalogue: Catalogue, key: 'values' | 'words'): void {
  const seen = new Set<string>()
  for (const [index, value] of (catalogue[key] ?? []).entries()) {
    const place = catalogue.placeOf(index)
    const text = String(value)
    if (text === POOLED) report('RULE_VALUE_RESERVED', place, `\`${POOLED}\` is reserved.`)
    if (seen.has(text)) report('RULE_VALUE_TWICE', place, 'This value stands here a second time.')
    if (key === 'words' && RAW_ID.test(text)) report('RULE_WORD_RAW_ID', place, 'This word looks like an id.')
    seen.add(text)
  }
}

/** A path of no route must not become one. */
function lintOtherwise({ draft, catalogues, report }: LintContext): void {
  for (const [field, rule] of draft.fields.read) {
    if (rule.do !== 'template' || rule.otherwise === undefined) continue
    const routes = catalogues.get(`routes ${rule.catalogue}`)?.routes ?? []
    if (routes.includes(rule.otherwise)) {
      const place = draft.source.place(['fields', field, 'otherwise'])
      report(
        'RULE_DIMENSION_TWICE',
        place,
        'This is a route of the catalogue too.',
        'Choose a path that is no route.',
      )
    }
  }
}

export function lintCatalogues(context: LintContext): void {
  for (const catalogue of context.catalogues.values()) {
    if (catalogue.isWhole && Object.keys(catalogue.events ?? { any: true }).length === 0) {
      const place = catalogue.source.place(['events'])
      context.report(
        'RULE_EVENT_UNKNOWN',
        place,
        'No event is listed: every event would be dropped.',
        'List an event.',
      )
    }
    lintRoutes(context, catalogue)
    lintList(context, catalogue, 'values')
    lintList(context, catalogue, 'words')
  }
  lintOtherwise(context)
}
