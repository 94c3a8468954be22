/**
 * The decision: may this beacon be counted at all? One pure function, one closed list of reasons; anything unreadable,
 * missing or ahead of its time is "no". What the page says in the body can only refuse more (interface.md, privacy.md 1).
 */
import { DAY, HOUR, type Reason, type TokenClaims } from '@tacit/contracts'
import type { RefuseSignal, Rulebook, Site } from '@tacit/rulebook'

/** What became of the ERP's token; `missing` where none was sent. */
export type TokenResult =
  | { readonly state: 'valid'; readonly claims: TokenClaims }
  | { readonly state: 'missing' | 'expired' | 'forged' | 'wrong_audience' }

/** Standing refusals that a live system keeps in memory; filled by the rights issue, given in `rules try`. */
export interface PersonState {
  readonly objected?: boolean
  readonly tenant_opted_out?: boolean
  readonly account_closed?: boolean
  readonly withdrawn?: boolean
}

/** What the decision reads of a request. `source: line` is a line of an access log: no origin, no token to check. */
export interface DecisionFacts {
  readonly source: 'beacon' | 'line'
  readonly origin: string | null
  readonly gpc: boolean
  readonly dnt: boolean
  readonly token: TokenResult
  readonly person: PersonState
  /** whether the user agent names itself a crawler */
  readonly bot: boolean
  /** `consent.analytics` of the body, if any */
  readonly bodyConsent: string | undefined
}

const CONSENT_STATES: Readonly<Record<string, Reason | null>> = {
  granted: null,
  denied: 'consent.denied',
  unknown: 'consent.unknown',
  withdrawn: 'consent.withdrawn',
  expired: 'consent.expired',
}

/** The reason for which a stated consent refuses; null only for `granted`. */
function refusalOf(analytics: string | undefined): Reason | null {
  if (analytics === undefined) return 'consent.unknown'
  return Object.hasOwn(CONSENT_STATES, analytics)
    ? (CONSENT_STATES[analytics] as Reason | null)
    : 'consent.malformed'
}

/** RFC 3339 date-time with an offset; ms, or NaN. */
function instantOf(text: string | undefined): number {
  const shape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/
  return text !== undefined && shape.test(text) ? Date.parse(text) : Number.NaN
}

/** `time` moved back by whole calendar months, UTC; the 31st falls back to a shorter month's last day. */
export function monthsBefore(time: number, months: number): number {
  const at = new Date(time)
  const day = at.getUTCDate()
  at.setUTCDate(1)
  at.setUTCMonth(at.getUTCMonth() - months)
  const lastDay = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()
  at.setUTCDate(Math.min(day, lastDay))
  return at.getTime()
}

/** Shorter than any 13 calendar months; a younger consent needs no calendar. */
const SURELY_YOUNG_DAYS_PER_MONTH = 28

/** One token says the same consent with each of its beacons, so its time is read once. */
const consentTimes = new WeakMap<object, number>()

function consentTime(consent: { readonly at?: string | undefined }): number {
  let at = consentTimes.get(consent)
  if (at === undefined) {
    at = instantOf(consent.at)
    consentTimes.set(consent, at)
  }
  return at
}

function isTooOld(at: number, now: number, months: number): boolean {
  if (now - at < months * SURELY_YOUNG_DAYS_PER_MONTH * DAY) return false
  return at < monthsBefore(now, months)
}

/** Consent as the signed token states it, with its age and the policy version that it answered. */
export function decideConsent(
  rulebook: Rulebook,
  consent: TokenClaims['consent'],
  now: number,
): Reason | null {
  if (consent === undefined) return 'consent.unknown'
  const refusal = refusalOf(consent.analytics)
  if (refusal !== null) return refusal
  const at = consentTime(consent)
  if (Number.isNaN(at) || consent.policy === undefined) return 'consent.malformed'
  if (at > now + HOUR) return 'consent.future'
  if (isTooOld(at, now, rulebook.purpose.maxConsentAgeMonths)) return 'consent.expired'
  // Only consent to the very policy that these rules serve covers them: an older one does not, a newer one is unknown here.
  return consent.policy === rulebook.policy.version ? null : 'consent.stale_policy'
}

function decideOrigin(site: Site, facts: DecisionFacts): Reason | null {
  if (facts.origin !== null) return site.origins.includes(facts.origin) ? null : 'wrong_origin'
  return site.identity === 'signed' && facts.token.state === 'valid' ? null : 'no_origin'
}

/** What stands against a person for as long as they or their company say so. */
function decideState(refuse: ReadonlySet<RefuseSignal>, state: PersonState): Reason | null {
  if (refuse.has('objected') && state.objected === true) return 'objected'
  return refuse.has('tenant_opted_out') && state.tenant_opted_out === true ? 'tenant_opted_out' : null
}

/**
 * Why a beacon is dropped whole, or null where its events may go on. Where several reasons apply the first of this
 * order is told: site, origin, token, the token's consent, a withdrawal, the body's consent, GPC, DNT, objection,
 * opted-out tenant, age, region, closed account, crawler (design.md, "The way of a beacon"; privacy.md 1).
 * @param site the rulebook's site that the beacon names, undefined where there is none
 * @param now receipt, ms
 */
export function decide(
  rulebook: Rulebook,
  site: Site | undefined,
  facts: DecisionFacts,
  now: number,
): Reason | null {
  if (site === undefined) return 'unknown_site'
  const { person, token } = facts
  const isSigned = site.identity === 'signed'
  if (facts.source === 'line') {
    // Nobody asked the people of an access log: such lines pass only where no consent is needed.
    if (site.lawfulBasis === 'consent') return 'consent.unknown'
  } else {
    const origin = decideOrigin(site, facts)
    if (origin !== null) return origin
    if (isSigned && token.state !== 'valid') return `token.${token.state}`
  }
  const claims = isSigned && token.state === 'valid' ? token.claims : null
  const consent = claims === null ? null : decideConsent(rulebook, claims.consent, now)
  if (consent !== null) return consent
  if (person.withdrawn === true) return 'consent.withdrawn'
  const body = facts.bodyConsent === undefined ? null : refusalOf(facts.bodyConsent)
  if (body !== null) return body
  const refuse = rulebook.purpose.refuseWhen
  if (refuse.has('gpc') && facts.gpc) return 'signal.gpc'
  if (refuse.has('dnt') && facts.dnt) return 'signal.dnt'
  const state = decideState(refuse, person)
  if (state !== null) return state
  if (claims !== null) {
    if (refuse.has('not_adult') && claims.adult !== true) return 'not_adult'
    if (refuse.has('wrong_region') && claims.region !== site.region) return 'wrong_region'
  }
  if (refuse.has('account_closed') && person.account_closed === true) return 'account_closed'
  return rulebook.bots === 'drop' && facts.bot ? 'bot' : null
}
