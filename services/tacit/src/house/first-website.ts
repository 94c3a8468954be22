/** The text of a first rulebook for a public site: devices by address and user agent, audience measurement. */
import { DETECTORS } from '@tacit/rulebook'
import { type FirstParts, quoted } from './first-parts.js'

/** Networks that a published number covers at least. */
const MIN_NETWORKS = 5

export function websiteRulebook(parts: FirstParts): string {
  const { effective, examples, expires, minUsers, name, origin, otherwise, policy, region, site, version } =
    parts
  return `# A first rulebook, written by \`tacit rules init\`: how many devices asked for which page of a public site.
# Look at it line by line before it rules. The marks "TO DO" say what only you can know.
#
#   npx tacit rules check FILE      what is wrong with it
#   npx tacit rules explain FILE    what it says, in plain English

rulebook: ${quoted(name)}
version: ${version}
policy: { version: ${quoted(policy)}, clauses: ["2b", "3", "4", "7"] } # TO DO: your privacy policy, and what it promises
effective: ${effective}
expires: ${expires} # from the start of this day ingest stops: look at the rules again by then
default: drop # a field that is not named below never leaves memory

purpose:
  id: audience-measurement
  consent: analytics # a page that says "denied" is believed
  max_consent_age: 13 months
  refuse_when: [gpc, dnt, objected]

# TO DO: the exemption from consent holds for measuring your own audience only, for nobody else, and never together with
# data of signed-in people.
sites:
  ${site}:
    origins: [${quoted(origin)}] # TO DO: the pages that may send
    identity: network # a device is its address and user agent, under a key that dies with the day
    lawful_basis: exempt-measurement
    region: ${region}

epochs: { streams: [day], lateness: 1h, destroy_key_after: 48h, timezone: UTC }

fields:
  timestamp: { do: coarsen, to: 1h }
  event_name: { do: allow, catalogue: events.yaml, otherwise: drop_event }
  path: { do: template, catalogue: routes.yaml, otherwise: ${otherwise} } # TO DO: look at every line of routes.yaml
  user_agent: { do: generalise, to: [browser, os, device], max_bits: 4 }

# One hit in any text of an event and it is dropped. Drops are counted by what was found.
scan:
  detectors: [${DETECTORS.join(', ')}]
  on_hit: drop_event

statistics:
  pages:
    site: ${site}
    title: Pages
    window: day
    where: { kind: page_view }
    by: [path]
    measures: [users, events]
  devices:
    site: ${site}
    title: Devices
    window: day
    by: [device, os, browser]
    measures: [users]

# A number is published only of so many devices in so many networks, and people in steps of min_users.
release:
  min_users: ${minUsers}
  min_networks: ${MIN_NETWORKS}
  max_person_share: 50%
  max_events_per_person: 100 per kind and day
  noise: off

keep: { log: 24h, staging: epoch + 48h, released: 25 months, audit: 400 days }
bots: drop # programs that say so are not counted
assets: drop # and neither are images, styles and scripts
region: ${region}

examples:
${examples}
`
}
