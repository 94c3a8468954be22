/** Who uses the sample ERP: tenants of very unequal size, their people, what these chose, and what they sit at. */
import { createHash } from 'node:crypto'
import { type Beacon, DAY, HOUR, rfc3339, type TokenClaims, utcDay } from '@tacit/contracts'
import { SAMPLE_AGENTS, type SampleAgent } from './agents.js'
import type { SampleRole } from './catalogue.js'
import { Random, Weighted } from './random.js'

export interface Population {
  readonly seed: number
  readonly tenants: number
  readonly users: number
  /** first day of the sample, ms, UTC midnight */
  readonly start: number
  readonly days: number
  readonly origin: string
  /** version of the privacy policy that is in force */
  readonly policy: string
}

export interface Device {
  readonly agent: SampleAgent
  readonly headers: Readonly<Record<string, string>>
}

export interface Person {
  readonly claims: TokenClaims
  readonly role: SampleRole
  readonly client: NonNullable<Beacon['client']>
  readonly consent: NonNullable<Beacon['consent']>
  /** address of the tenant's office, of the home, of the telephone */
  readonly office: string
  readonly home: string
  readonly roaming: string
  readonly desk: Device
  readonly phone: Device | null
  /** chance of a visit on an ordinary working day */
  readonly activity: number
  /** index of the first day, 0 for those who were there before */
  readonly joins: number
  /** index of the first day on which the person no longer comes; infinite for those who stay */
  readonly leaves: number
  /** 0 takes up new features at once, 1 never */
  readonly novelty: number
  /** 0 updates the app at once, 1 last */
  readonly laggard: number
}

/** Sizes of ERP tenants fall off somewhat faster than Zipf's law: one whale, half of the tenants around ten people. */
const ZIPF_EXPONENT = 1.25
const SMALLEST_MIXED_SAMPLE = 10
const JOINERS = 0.12
/** Share of people who give up during the sample: who is new often does not stay, who has been there for long mostly does. */
const LEAVERS = { new: 0.35, recent: 0.2, old: 0.04 } as const
const RECENT_MS = 90 * DAY
/** Days that somebody new stays at least, and about how many more. */
const STAYS = { least: 2, about: 8 } as const
const EARLIER_POLICIES = ['2025-06-01', '2025-01-01'] as const

const ROLES = new Weighted<SampleRole>([
  ['sales', 36],
  ['accounts', 32],
  ['operations', 26],
  ['admin', 6],
])
const LANGUAGES = new Weighted([
  ['en-IN', 70],
  ['hi-IN', 12],
  ['en-GB', 6],
  ['ta-IN', 4],
  ['mr-IN', 4],
  ['gu-IN', 4],
])
/** Every day, most days, now and then. */
const ACTIVITY = new Weighted([
  [0.92, 55],
  [0.62, 30],
  [0.2, 15],
])
/** What people chose, or what keeps their data out. */
const CHOICES = new Weighted<'granted' | 'denied' | 'gpc' | 'dnt' | 'stale' | 'minor'>([
  ['granted', 87.4],
  ['denied', 8],
  ['gpc', 1.5],
  ['dnt', 1],
  ['stale', 1.5],
  ['minor', 0.6],
])
const byForm = (...forms: readonly SampleAgent['form'][]) =>
  new Weighted(
    SAMPLE_AGENTS.filter(({ form }) => forms.includes(form)).map((agent) => [agent, agent.weight] as const),
  )
const DESKS = byForm('desktop')
const PHONES = byForm('mobile', 'tablet')

/** People per tenant, largest first: Zipf, by largest remainder, at least one each. */
export function tenantSizes(tenants: number, users: number): number[] {
  const weights = Array.from({ length: tenants }, (_, rank) => (rank + 1) ** -ZIPF_EXPONENT)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const shares = weights.map((weight) => 1 + ((users - tenants) * weight) / total)
  const sizes = shares.map(Math.floor)
  const missing = users - sizes.reduce((sum, size) => sum + size, 0)
  const byRemainder = shares.map((share, rank) => ({ rank, remainder: share % 1 }))
  byRemainder.sort((left, right) => right.remainder - left.remainder)
  for (const { rank } of byRemainder.slice(0, missing)) sizes[rank] = (sizes[rank] ?? 0) + 1
  return sizes
}

/** A few tenants only try the product out, one is the vendor's own; a sample of few tenants has neither. */
function standingOf(rank: number, tenants: number): TokenClaims['standing'] {
  if (tenants < SMALLEST_MIXED_SAMPLE) return 'established'
  const at = (share: number) => Math.floor(tenants * share)
  if (rank === at(0.4)) return 'internal'
  return [at(0.55), at(0.7), at(0.85)].includes(rank) ? 'trial' : 'established'
}

// Addresses are of the ranges set aside for documentation and benchmarks only: RFC 2544, RFC 5737, RFC 3849.
const DOCUMENTATION = ['192.0.2', '198.51.100', '203.0.113'] as const

/** One of the tenant's public addresses: a /24 of 198.18.0.0/15 each, one address for every forty people. */
function officeAddress(rank: number, size: number, random: Random): string {
  return `198.${18 + ((rank >> 8) & 1)}.${rank & 255}.${1 + random.below(Math.min(250, 1 + Math.floor(size / 40)))}`
}

function otherAddress(random: Random, shareOfIpv6: number): string {
  if (!random.chance(shareOfIpv6)) return `${random.pick(DOCUMENTATION)}.${1 + random.below(254)}`
  const part = () => random.below(65_536).toString(16)
  return `2001:db8:${part()}:${part()}:${part()}:${part()}:${part()}:${part()}`
}

/** Stands for what the ERP puts into `sub`: keyed there, fixed per person. */
function subjectOf(seed: number, tenant: string, user: number): string {
  return createHash('sha256')
    .update(`tacit-sample/${seed}/${tenant}/${user}`)
    .digest('base64url')
    .slice(0, 22)
}

interface Choice {
  readonly signals: Readonly<Record<string, string>>
  readonly consent: NonNullable<TokenClaims['consent']>
  readonly adult: boolean
}

function choiceOf(random: Random, policy: string, at: number): Choice {
  const choice = CHOICES.draw(random)
  const earlier = EARLIER_POLICIES.find((version) => version !== policy) ?? policy
  return {
    signals: choice === 'gpc' ? { 'sec-gpc': '1' } : choice === 'dnt' ? { dnt: '1' } : {},
    consent: {
      analytics: choice === 'denied' ? 'denied' : 'granted',
      policy: choice === 'stale' ? earlier : policy,
      at: rfc3339(at),
    },
    adult: choice !== 'minor',
  }
}

/** When the person joined: most long ago, some during the sample. */
function joining(random: Random, { start, days }: Population): { day: number; time: number } {
  if (random.chance(JOINERS)) {
    const day = random.below(days)
    return { day, time: start + day * DAY }
  }
  const monthsAgo = 1 + Math.floor(24 * random.unit() ** 1.5)
  return { day: 0, time: start - monthsAgo * 30 * DAY }
}

/** The day on which the person gives up: the new ones soon after they came, others at any time. */
function leaving(random: Random, joined: { day: number; time: number }, { days, start }: Population): number {
  const who = joined.day > 0 ? 'new' : joined.time > start - RECENT_MS ? 'recent' : 'old'
  if (!random.chance(LEAVERS[who])) return Number.POSITIVE_INFINITY
  if (who !== 'new') return STAYS.least + random.below(days)
  return joined.day + STAYS.least + Math.floor(random.exponential(STAYS.about, days))
}

function person(
  population: Population,
  random: Random,
  tenant: string,
  rank: number,
  size: number,
  user: number,
): Person {
  const joined = joining(random, population)
  const agreed =
    Math.max(joined.time, population.start - (1 + random.below(60)) * DAY) + random.below(24) * HOUR
  const choice = choiceOf(random, population.policy, Math.min(agreed, population.start + joined.day * DAY))
  const language = LANGUAGES.draw(random)
  const role = user === 0 ? 'admin' : ROLES.draw(random)
  const device = (agent: SampleAgent): Device => ({
    agent,
    headers: {
      'user-agent': agent.userAgent,
      'content-type': 'text/plain;charset=UTF-8',
      'accept-language': language,
      origin: population.origin,
      ...choice.signals,
    },
  })
  return {
    claims: {
      tenant,
      standing: standingOf(rank, population.tenants),
      sub: subjectOf(population.seed, tenant, user),
      role,
      cohort: utcDay(joined.time).slice(0, 7),
      adult: choice.adult,
      region: 'in',
      consent: choice.consent,
    },
    role,
    client: { utc_offset: 330, language },
    consent: { analytics: choice.consent.analytics ?? 'unknown' },
    office: officeAddress(rank, size, random),
    home: otherAddress(random, 0.3),
    roaming: otherAddress(random, 0.6),
    desk: device(DESKS.draw(random)),
    phone: random.chance(0.4) ? device(PHONES.draw(random)) : null,
    activity: ACTIVITY.draw(random),
    joins: joined.day,
    leaves: leaving(random, joined, population),
    novelty: random.unit(),
    laggard: random.unit(),
  }
}

/** Everybody of the sample, tenant by tenant. Claims and headers of a person are one object all along. */
export function samplePeople(population: Population): Person[] {
  const random = Random.of(population.seed, 'people')
  return tenantSizes(population.tenants, population.users).flatMap((size, rank) => {
    const tenant = `t-${String(rank + 1).padStart(3, '0')}`
    return Array.from({ length: size }, (_, user) => person(population, random, tenant, rank, size, user))
  })
}
