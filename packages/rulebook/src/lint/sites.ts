/** Sites: origins, identity and lawful basis. */
import type { LintContext } from './context.js'

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether a text is a bare origin that a browser would send: https, or http of this machine. */
function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.origin !== text) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
}

export function lintSites({ draft, report }: LintContext): void {
  const { sites, source, region } = draft
  if (sites.present && sites.good.size === 0 && sites.broken.size === 0) {
    report('RULE_SITES_EMPTY', source.place(['sites']), 'No site is declared.')
  }
  const identities = new Map<string, string>()
  for (const [id, site] of sites.good) {
    const basis = site.identity === 'signed' ? 'consent' : 'exempt-measurement'
    if (site.lawful_basis !== basis) {
      const message = `A site with identity ${site.identity} must have the lawful basis ${basis}.`
      report('RULE_BASIS', source.place(['sites', id, 'lawful_basis']), message)
    }
    if (region !== undefined && site.region !== region) {
      report(
        'RULE_REGION',
        source.place(['sites', id, 'region']),
        'The region is not the one of the rulebook.',
      )
    }
    for (const [index, origin] of site.origins.entries()) {
      const place = source.place(['sites', id, 'origins', index])
      if (!isOrigin(origin)) report('RULE_ORIGIN', place, 'This is not a bare https origin.')
      const before = identities.get(origin)
      if (before !== undefined && before !== site.identity) {
        report('RULE_ORIGIN_SHARED', place, 'This origin belongs to a site of another identity too.')
      }
      identities.set(origin, site.identity)
    }
  }
}
