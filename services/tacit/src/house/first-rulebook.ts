/** The texts of a first rulebook: what `rules init` writes, with and without a log that was studied. */
import { compileRoutes, createScanner } from '@tacit/anonymizer'
import { utcDay } from '@tacit/contracts'
import { DETECTORS, type EventKind, RULEBOOK_FILE } from '@tacit/rulebook'
import { erpRulebook } from './first-erp.js'
import { type FirstContent, type FirstOptions, type FirstParts, quoted } from './first-parts.js'
import { websiteRulebook } from './first-website.js'
import type { LogKind } from './log-study.js'

/** Without a log: a few pages that most sites have, to be replaced. */
export const STARTER: Readonly<Record<LogKind, FirstContent>> = {
  website: {
    routes: ['/', '/about', '/contact', '/products', '/products/:id'],
    events: { kinds: new Map(), roles: [], versions: [], measures: new Set() },
    from: 'nothing',
  },
  erp: {
    routes: ['/', '/customers', '/customers/:id', '/customers/:id/invoice/:id2', '/reports', '/settings'],
    events: {
      kinds: new Map<string, EventKind>([
        ['page_view', 'page_view'],
        ['invoice.save', 'feature'],
      ]),
      roles: [],
      versions: [],
      measures: new Set(),
    },
    from: 'nothing',
  },
}

export const DEFAULTS: Readonly<Record<LogKind, Pick<FirstOptions, 'name' | 'site' | 'origin'>>> = {
  website: { name: 'website-audience', site: 'website', origin: 'https://www.example.in' },
  erp: { name: 'erp-usage', site: 'erp', origin: 'https://erp.example.in' },
}

/** What a path of no route becomes: the first of these that is no route itself. */
const OTHERWISE = ['/other', '/unlisted', '/elsewhere', '/no-route'] as const
/** What stands for a parameter in an example: made up, and nobody's. */
const MADE_UP = '48211'
const MAX_EXAMPLES = 2

/** The files of a first rulebook, by name. */
export function firstRulebook(
  kind: LogKind,
  options: FirstOptions,
  content: FirstContent,
): Readonly<Record<string, string>> {
  // A catalogue holds at least one route; the first page is nobody's.
  const routes = content.routes.length === 0 ? ['/'] : content.routes
  const otherwise = OTHERWISE.find((path) => !routes.includes(path)) ?? '/other'
  const kinds = new Map(content.events.kinds)
  const hasLearntEvents = content.from === 'log' && kinds.size > 0
  if (![...kinds.values()].includes('page_view')) kinds.set('page_view', 'page_view')
  const parts: FirstParts = {
    ...options,
    ...content,
    routes,
    events: { ...content.events, kinds },
    ...validity(options.today),
    otherwise,
    examples: examplesOf(routes, otherwise),
  }
  return {
    [RULEBOOK_FILE]: kind === 'erp' ? erpRulebook(parts) : websiteRulebook(parts),
    'routes.yaml': routesFile(parts),
    'events.yaml': eventsFile(parts, hasLearntEvents),
  }
}

function validity(today: number): Pick<FirstParts, 'effective' | 'expires' | 'version'> {
  const at = new Date(today)
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()]
  return {
    effective: utcDay(today),
    expires: utcDay(Date.UTC(year + 1, month, at.getUTCDate())),
    version: `${year}.${month + 1}.1`,
  }
}

/** Examples from routes with a parameter, else from any, that hold by themselves; and one of what is found in a path. */
function examplesOf(routes: readonly string[], otherwise: string): string {
  const template = compileRoutes(routes, otherwise)
  const scanner = createScanner(DETECTORS)
  const cases = routes
    .toSorted((a, b) => Number(b.includes(':')) - Number(a.includes(':')))
    .map((route) => ({ route, path: route.replaceAll(/:[a-z0-9_]+/g, MADE_UP) }))
    .filter(({ path, route }) => template(path) === route && scanner.scan(path) === null)
    .slice(0, MAX_EXAMPLES)
    .map(({ path, route }) => `  - { in: { path: ${quoted(path)} }, out: { path: ${quoted(route)} } }\n`)
  return `${cases.join('')}  - { in: { path: "/a/x@y.in" }, out: { dropped: pii.email } }`
}

function routesFile({ from, minUsers, routes }: FirstParts): string {
  const origin =
    from === 'nothing'
      ? '# Examples: put the pages of your site in their place.'
      : `# Learnt from a log: every segment that stands here as it is was used at its place by at least ${minUsers} people.`
  return `${origin}
# Look at each line: a name of a customer, a person or a product that many people open is still a name. Put :id in its
# place, or take the line out. Pages that are missing are counted together; add them by hand.
routes:
${routes.map((route) => `  - ${route}\n`).join('')}`
}

function eventsFile({ events, minUsers }: FirstParts, isLearnt: boolean): string {
  const origin = !isLearnt
    ? '# Every event that may be sent, and its kind: page_view, feature, timing, error or device.'
    : `# The events that at least ${minUsers} people sent. Their kinds are guesses: look at each one (page_view, feature, timing,
# error, device).`
  const lines = [...events.kinds].map(([name, kind]) => `  ${quoted(name)}: { kind: ${kind} }\n`)
  return `${origin}
# An event of any other name is dropped before it is looked at.
events:
${lines.join('')}`
}
