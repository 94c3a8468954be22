/** The text of a first rulebook for an ERP: people who are signed in, on consent. */
import { DETECTORS } from '@tacit/rulebook'
import { type FirstParts, quoted } from './first-parts.js'

/** Tenants that a published number covers at least. */
const MIN_TENANTS = 3

export function erpRulebook(parts: FirstParts): string {
  const { effective, examples, expires, minUsers, name, origin, policy, region, site, version } = parts
  return `# A first rulebook, written by \`tacit rules init\`: how people who are signed in use the product, on consent.
# Look at it line by line before it rules. The marks "TO DO" say what only you can know.
#
#   npx tacit rules check FILE      what is wrong with it
#   npx tacit rules explain FILE    what it says, in plain English

rulebook: ${quoted(name)}
version: ${version}
# TO DO: your privacy policy, and what it promises. Consent to another version of it does not pass.
policy: { version: ${quoted(policy)}, clauses: ["2b", "3", "4", "7", "8", "9", "10", "11"] }
effective: ${effective}
expires: ${expires} # from the start of this day ingest stops: look at the rules again by then
default: drop # a field that is not named below never leaves memory

purpose:
  id: product-usage-stats
  consent: analytics # only "granted" passes
  max_consent_age: 13 months
  refuse_when: [gpc, dnt, objected, tenant_opted_out, account_closed, not_adult, wrong_region]

# Who a person is, and that they consented, comes only from a token that the ERP signs.
sites:
  ${site}:
    origins: [${quoted(origin)}] # TO DO: the pages that may send
    identity: signed
    lawful_basis: consent
    region: ${region}

epochs: { streams: [day], lateness: 1h, destroy_key_after: 48h, timezone: UTC }

fields:
${fields(parts)}

# One hit in any text of an event and it is dropped. Drops are counted by what was found.
scan:
  detectors: [${DETECTORS.join(', ')}]
  on_hit: drop_event

statistics:
${statistics(parts)}

# A number is published only of so many people of so many companies, none of which is most of it.
release:
  min_users: ${minUsers}
  min_tenants: ${MIN_TENANTS}
  max_share: 50%
  max_person_share: 25%
  max_events_per_person: 20 per kind and day
  noise: off # TO DO: where the staff of one company is watched day after day, noise is worth its error bars

keep: { log: 24h, staging: epoch + 48h, released: 25 months, audit: 400 days }
bots: drop
assets: drop
region: ${region}

examples:
${examples}
`
}

function fields({ events, otherwise }: FirstParts): string {
  const { measures, roles, versions } = events
  const template = `{ do: template, catalogue: routes.yaml, otherwise: ${otherwise} }`
  const list = (values: readonly string[]): string => `[${values.map(quoted).join(', ')}]`
  return [
    'user_id: { do: pseudonym, scope: [tenant, purpose, epoch] }',
    'tenant_id: { do: pseudonym, scope: [purpose, epoch] }',
    'user_agent: { do: generalise, to: [browser, os, device], max_bits: 4 }',
    'timestamp: { do: coarsen, to: 1h }',
    `path: ${template} # TO DO: look at every line of routes.yaml`,
    ...(measures.has('from_path') ? [`from_path: ${template}`] : []),
    'event_name: { do: allow, catalogue: events.yaml, otherwise: drop_event } # TO DO: and of events.yaml',
    ...(roles.length > 0
      ? [
          `role: { do: allow, values: ${list(roles)}, otherwise: other } # TO DO: are these roles, and no names?`,
        ]
      : []),
    ...(measures.has('load_ms') ? ['load_ms: { do: bucket, edges: [100, 300, 1000, 3000, 10000] }'] : []),
    ...(versions.length > 0
      ? [`app_version: { do: allow, values: ${list(versions)}, otherwise: other }`]
      : []),
  ]
    .map((line) => `  ${line}`)
    .join('\n')
}

interface Statistic {
  readonly id: string
  readonly title: string
  /** lines after the window */
  readonly lines: readonly string[]
}

/** Events of a kind are published once; a statistic is declared only where there is something to count. */
function statistics({ events, site }: FirstParts): string {
  const { kinds, measures, roles, versions } = events
  const known = new Set(kinds.values())
  const declared: readonly (Statistic | null)[] = [
    {
      id: 'pages',
      title: 'Pages',
      lines: ['where: { kind: page_view }', 'by: [path]', 'measures: [users, events]'],
    },
    measures.has('from_path')
      ? {
          id: 'navigation',
          title: 'Navigation paths',
          lines: ['where: { kind: page_view }', 'by: [from_path, path]', 'measures: [users]'],
        }
      : null,
    known.has('feature')
      ? {
          id: 'features',
          title: 'Feature adoption',
          lines: [
            'where: { kind: feature }',
            'by: [event_name]',
            ...(roles.length > 0 ? ['drill: [role]'] : []),
            'measures: [users, events]',
          ],
        }
      : null,
    { id: 'devices', title: 'Devices', lines: ['by: [device, os, browser]', 'measures: [users]'] },
    known.has('timing') && measures.has('load_ms')
      ? {
          id: 'speed',
          title: 'Load time',
          lines: ['where: { kind: timing }', 'by: [path]', 'histogram: load_ms'],
        }
      : null,
    known.has('device') && versions.length > 0
      ? {
          id: 'apps',
          title: 'App versions',
          lines: ['where: { kind: device }', 'by: [app_version]', 'measures: [users]'],
        }
      : null,
    known.has('error')
      ? {
          id: 'errors',
          title: 'Errors',
          lines: ['where: { kind: error }', 'by: [path]', 'measures: [users]'],
        }
      : null,
  ]
  return declared
    .flatMap((statistic) => statistic ?? [])
    .map(({ id, lines, title }) =>
      [
        `  ${id}:`,
        `    site: ${site}`,
        `    title: ${title}`,
        '    window: day',
        ...lines.map((line) => `    ${line}`),
      ].join('\n'),
    )
    .join('\n')
}
