/** Who is counted and how: what tells people or devices apart on each site, and what is left of it. */
import { MAX_RAW_AGE_MS } from '@tacit/contracts'
import { storedPlans } from '../plan.js'
import { IDENTITY_BITS } from '../sources.js'
import type { Rulebook, Site } from '../types.js'
import { type Block, table, text } from './document.js'
import { codes, counted, duration, listed, number } from './words.js'

/** Where people are known by what. */
export function sitesOf(rulebook: Rulebook, identity: Site['identity']): readonly string[] {
  return Object.values(rulebook.sites)
    .filter((site) => site.identity === identity)
    .map(({ id }) => id)
}

/** `day`, or `day, week and month`: the periods that records are kept for. */
export function storedPeriods(rulebook: Rulebook, and = 'and'): string {
  return listed(
    storedPlans(rulebook).map(({ stream }) => stream),
    and,
  )
}

function signed(site: Site, periods: string): readonly string[] {
  return [
    site.id,
    'People, by their account. The ERP’s signed token names the person by a code that the ERP made (`sub`) and the company (`tenant`). Neither the internet address nor the browser tells people apart.',
    `In memory both are replaced by keyed codes: the person’s under a key of the ${periods} and the company, the company’s under a key of the ${periods}.`,
    'Two codes of 22 characters, one for the person and one for the company. When the key is destroyed, nobody can tell again who it was.',
  ]
}

function network(site: Site, rulebook: Rulebook, periods: string): readonly string[] {
  const { address, network: of } = IDENTITY_BITS
  const least = counted(rulebook.release.minNetworks, 'network')
  return [
    site.id,
    `Devices, not people: visitors have no account. A device is told apart by its whole internet address (all ${number(address.ipv4)} bits of IPv4, the first ${number(address.ipv6)} of 128 of IPv6) and by its browser’s description of itself, exactly as sent.`,
    `In memory the two are put together and replaced by one keyed code, under a key of the ${periods} and the site. A second keyed code is made of the network alone (the first ${number(of.ipv4)} bits of IPv4, ${number(of.ipv6)} of IPv6); it serves only to see that a number covers at least ${least}.`,
    `Two codes of 22 characters, one for the device and one for its network. Address and description stay in memory for at most ${duration(MAX_RAW_AGE_MS)} and are written nowhere. When the key is destroyed, nobody can tell again which device it was.`,
  ]
}

/** A table of sites, and what holds of all of them. */
export function identityBlocks(rulebook: Rulebook): readonly Block[] {
  const stored = storedPlans(rulebook).map(({ stream }) => stream)
  const periods = storedPeriods(rulebook, 'or')
  const rows = Object.values(rulebook.sites).map((site) =>
    site.identity === 'signed' ? signed(site, periods) : network(site, rulebook, periods),
  )
  const longest = stored.at(-1) ?? 'day'
  const [people, devices] = [sitesOf(rulebook, 'signed'), sitesOf(rulebook, 'network')]
  const apart = listed(
    [
      ...stored.map((stream) => `${stream}s`),
      'purposes',
      ...(people.length > 0 ? ['companies'] : []),
      ...(devices.length > 0 ? [people.length > 0 ? 'sites without accounts' : 'sites'] : []),
    ],
    'or',
  )
  const ruled = Object.entries(rulebook.fields).filter(([, rule]) => rule.do === 'pseudonym')
  const by = ruled.length === 0 ? '' : ` (${codes(ruled.map(([field]) => field))} below)`
  return [
    table(
      ['Site', 'Who is counted, and told apart by what', 'What happens to that, in memory', 'What is left'],
      rows,
    ),
    text(
      `The codes${by} are the same throughout one ${periods}, and other ones in the next. Those of two ${apart} cannot be compared. There is no cookie, nothing is stored in the browser, and no visit has a number: nothing on record leads from one ${longest} to another.`,
    ),
    ...(stored.length > 1
      ? [text(`Each ${listed(stored)} has codes of its own, and no record holds those of two of them.`)]
      : []),
  ]
}
