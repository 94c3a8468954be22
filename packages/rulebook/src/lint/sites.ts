/** Sites: origins, identity and lawful basis. */
import type { LintContext } from './context.js'

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
/** Hosts as a browser writes them: names in ASCII, or an address. `*` is a host for URL, and for no browser. */
const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/

/** Whether a text is a bare origin that a browser would send: https, or http of this machine. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.origin !== text || !HOST.test(url.hostname)) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
}

type Site = LintContext['draft']['sites']['read'] extends ReadonlyMap<string, infer T> ? T : never

/** @param identities by origin, of the sites before */
function lintOrigins(
  { draft, report }: LintContext,
  id: string,
  { identity, origins }: Site,
  identities: Map<string, string>,
): void {
  for (const [index, origin] of (origins ?? []).entries()) {
    const place = draft.source.place(['sites', id, 'origins', index])
    if (!isOrigin(origin)) {
      const isPattern = origin.includes('*')
      const message = isPattern
        ? 'No page has this origin: there are no wildcards.'
        : 'This is not a bare https origin.'
      report('RULE_ORIGIN', place, message, isPattern ? 'Write each origin out.' : undefined)
    }
    if (origins?.indexOf(origin) !== index)
      report('RULE_VALUE_TWICE', place, 'This origin stands here a second time.')
    if (identity === undefined) continue
    const before = identities.get(origin)
    if (before !== undefined && before !== identity) {
      report('RULE_ORIGIN_SHARED', place, 'This origin belongs to a site of another identity too.')
    }
    identities.set(origin, identity)
  }
}

export function lintSites(context: LintContext): void {
  const { draft, report } = context
  const { sites, source, region, statistics } = draft
  if (sites.present && sites.good.size === 0 && sites.broken.size === 0) {
    report('RULE_SITES_EMPTY', source.place(['sites']), 'No site is declared.')
  }
  const identities = new Map<string, string>()
  const counted = new Set([...statistics.read.values()].map(({ site }) => site))
  const isKnown = statistics.present && statistics.read.size === statistics.good.size + statistics.broken.size
  for (const [id, site] of sites.read) {
    const basis = site.identity === 'signed' ? 'consent' : 'exempt-measurement'
    if (site.identity !== undefined && site.lawful_basis !== undefined && site.lawful_basis !== basis) {
      const message = `A site with identity ${site.identity} must have the lawful basis ${basis}.`
      report('RULE_BASIS', source.place(['sites', id, 'lawful_basis']), message)
    }
    if (region !== undefined && site.region !== undefined && site.region !== region) {
      const place = source.place(['sites', id, 'region'])
      report('RULE_REGION', place, 'The region is not the one of the rulebook.')
    }
    lintOrigins(context, id, site, identities)
    if (isKnown && !counted.has(id) && !counted.has(undefined)) {
      report('RULE_SITE_UNUSED', source.place(['sites', id], 'key'), `No statistic counts the site ${id}.`)
    }
  }
}
