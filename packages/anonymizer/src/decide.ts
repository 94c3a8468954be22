/**
 * The decision: may this beacon be counted at all? One ordered table, from which both the function and what the privacy
 * team prints are made; one closed list of reasons. Anything unreadable, missing or ahead of its time is "no", and what
 * the page says in the body can only refuse more (interface.md, privacy.md 1).
 */
import { DAY, HOUR, parseInstant, type Reason, type TokenClaims } from '@tacit/contracts'
import type { RefuseSignal, Rulebook, Site } from '@tacit/rulebook'
import { monthsBefore } from './calendar.js'
import {
  type BodyConsent,
  type BodyConsentReader,
  createBodyConsentReader,
  refusalOfState,
} from './consent/index.js'

/** What became of the ERP's token; `missing` where none was sent, `replayed` where it sent far beyond its rate. */
export type TokenResult =
  | { readonly state: 'valid'; readonly claims: TokenClaims }
  | { readonly state: 'missing' | 'expired' | 'forged' | 'wrong_audience' | 'replayed' }

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
  /** `consent` of the body, if any */
  readonly consent: BodyConsent
}

/** Shorter than any 13 calendar months; a younger consent needs no calendar. */
const SURELY_YOUNG_DAYS_PER_MONTH = 28

/** One token says the same consent with each of its beacons, so its time is read once. */
const consentTimes = new WeakMap<object, number>()

function consentTime(consent: { readonly at?: string | undefined }): number {
  let at = consentTimes.get(consent)
  if (at === undefined) {
    at = consent.at === undefined ? Number.NaN : parseInstant(consent.at)
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
  const refusal = refusalOfState(consent.analytics)
  if (refusal !== null) return refusal
  const at = consentTime(consent)
  if (Number.isNaN(at) || consent.policy === undefined) return 'consent.malformed'
  if (at > now + HOUR) return 'consent.future'
  if (isTooOld(at, now, rulebook.purpose.maxConsentAgeMonths)) return 'consent.expired'
  // Only consent to the very policy that these rules serve covers them: an older one does not, a newer one is unknown here.
  return consent.policy === rulebook.policy.version ? null : 'consent.stale_policy'
}

/** A compiled check: the reason for which it refuses, or null. */
export type Decision = (facts: DecisionFacts, now: number) => Reason | null

interface Setting {
  readonly rulebook: Rulebook
  readonly site: Site
  readonly readBody: BodyConsentReader
}

/** What the checks read, beside which site it is and whether it is a beacon or a line. */
export type DecisionRead =
  | 'origin'
  | 'token'
  | 'token.consent'
  | 'token.adult'
  | 'token.region'
  | 'page.consent'
  | 'gpc'
  | 'dnt'
  | 'bot'
  | `person.${keyof PersonState}`

export interface Check {
  readonly question: string
  readonly reasons: readonly Reason[]
  /** the sites that it is asked for, in words */
  readonly where: string
  /** which clause or law it keeps */
  readonly because: string
  /** what it looks at, of a site */
  reads(site: Site): readonly DecisionRead[]
  applies(rulebook: Rulebook, site: Site): boolean
  compile(setting: Setting): Decision
}

const everywhere = (): boolean => true
const only =
  (...reads: readonly DecisionRead[]) =>
  (): readonly DecisionRead[] =>
    reads
const isSigned = (_rulebook: Rulebook, site: Site): boolean => site.identity === 'signed'
const refuses =
  (signal: RefuseSignal) =>
  (rulebook: Rulebook): boolean =>
    rulebook.purpose.refuseWhen.has(signal)
const refusesSigned =
  (signal: RefuseSignal) =>
  (rulebook: Rulebook, site: Site): boolean =>
    site.identity === 'signed' && rulebook.purpose.refuseWhen.has(signal)
const claimsOf = ({ token }: DecisionFacts): TokenClaims | null =>
  token.state === 'valid' ? token.claims : null

const EVERYWHERE = 'every site'
const SIGNED = 'sites with signed identity'
const BEACONS = 'beacons of every site'
const BEACONS_SIGNED = 'beacons of sites with signed identity'

/** In the order in which a reason is told where several apply (design.md, "The way of a beacon"). */
export const CHECKS: readonly Check[] = [
  {
    question:
      'Is it a line of an access log, of a site where people are asked for consent? Nobody asked them.',
    reasons: ['consent.unknown'],
    where: 'access-log lines of sites on consent',
    because: 'DPDP Act s. 6; GDPR Art. 6(1)(a)',
    reads: only(),
    applies: (_rulebook, site) => site.lawfulBasis === 'consent',
    compile: () => (facts) => (facts.source === 'line' ? 'consent.unknown' : null),
  },
  {
    question:
      'Is the page that sent it listed for the site? Where no page is named, only a valid token of a signed site will do.',
    reasons: ['wrong_origin', 'no_origin'],
    where: BEACONS,
    because: 'Nobody else may speak for the site',
    reads: ({ identity }) => (identity === 'signed' ? ['origin', 'token'] : ['origin']),
    applies: everywhere,
    compile: ({ site }) => {
      const origins = new Set(site.origins)
      const signed = site.identity === 'signed'
      return ({ origin, source, token }) => {
        if (source === 'line') return null
        if (origin !== null) return origins.has(origin) ? null : 'wrong_origin'
        return signed && token.state === 'valid' ? null : 'no_origin'
      }
    },
  },
  {
    question:
      'Is there a token of the ERP that is signed by it, meant for Tacit, in its 15 minutes and within its rate?',
    reasons: ['token.missing', 'token.expired', 'token.forged', 'token.wrong_audience', 'token.replayed'],
    where: BEACONS_SIGNED,
    because: 'Identity and consent come signed, or not at all',
    reads: only('token'),
    applies: isSigned,
    compile:
      () =>
      ({ source, token }) =>
        source === 'line' || token.state === 'valid' ? null : `token.${token.state}`,
  },
  {
    question:
      'Does the token say that this person granted analytics, to this very policy, not too long ago and not ahead of time?',
    reasons: [
      'consent.denied',
      'consent.unknown',
      'consent.withdrawn',
      'consent.malformed',
      'consent.future',
      'consent.expired',
      'consent.stale_policy',
    ],
    where: SIGNED,
    because: 'Policy clauses 4, 8 and 11; DPDP Act s. 6; consent is asked for anew after 13 months (CNIL)',
    reads: only('token.consent'),
    applies: isSigned,
    compile:
      ({ rulebook }) =>
      (facts, now) => {
        const claims = claimsOf(facts)
        return claims === null ? null : decideConsent(rulebook, claims.consent, now)
      },
  },
  {
    question: 'Has this person withdrawn consent since?',
    reasons: ['consent.withdrawn'],
    where: EVERYWHERE,
    because: 'Policy clause 8; DPDP Act s. 6(4); GDPR Art. 7(3)',
    reads: only('person.withdrawn'),
    applies: everywhere,
    compile:
      () =>
      ({ person }) =>
        person.withdrawn === true ? 'consent.withdrawn' : null,
  },
  {
    question:
      'Does the page say anything but "granted", by its own word, a TCF or GPP string or Google Consent Mode? It can only refuse more.',
    reasons: [
      'consent.denied',
      'consent.unknown',
      'consent.withdrawn',
      'consent.expired',
      'consent.future',
      'consent.malformed',
      'signal.gpc',
    ],
    where: EVERYWHERE,
    because: 'Policy clause 4: analytics can be refused on the page',
    reads: only('page.consent'),
    applies: everywhere,
    compile:
      ({ readBody }) =>
      (facts, now) =>
        facts.consent === undefined ? null : readBody(facts.consent, now),
  },
  {
    question: 'Does the browser send Global Privacy Control (`Sec-GPC: 1`)?',
    reasons: ['signal.gpc'],
    where: EVERYWHERE,
    because: 'Our stricter choice: the signal speaks of sale and sharing, and we take it for analytics too',
    reads: only('gpc'),
    applies: refuses('gpc'),
    compile: () => (facts) => (facts.gpc ? 'signal.gpc' : null),
  },
  {
    question: 'Does the browser send Do Not Track (`DNT: 1`)?',
    reasons: ['signal.dnt'],
    where: EVERYWHERE,
    because: 'Policy clause 4',
    reads: only('dnt'),
    applies: refuses('dnt'),
    compile: () => (facts) => (facts.dnt ? 'signal.dnt' : null),
  },
  {
    question: 'Has this person objected?',
    reasons: ['objected'],
    where: EVERYWHERE,
    because: 'Policy clause 8; GDPR Art. 21',
    reads: only('person.objected'),
    applies: refuses('objected'),
    compile:
      () =>
      ({ person }) =>
        person.objected === true ? 'objected' : null,
  },
  {
    question: 'Has this person’s company opted out?',
    reasons: ['tenant_opted_out'],
    where: EVERYWHERE,
    because: 'Policy clause 8',
    reads: only('person.tenant_opted_out'),
    applies: refuses('tenant_opted_out'),
    compile:
      () =>
      ({ person }) =>
        person.tenant_opted_out === true ? 'tenant_opted_out' : null,
  },
  {
    question: 'Does the token say that this person is an adult? Absent is no.',
    reasons: ['not_adult'],
    where: SIGNED,
    because: 'Policy clause 10; DPDP Act s. 9',
    reads: only('token.adult'),
    applies: refusesSigned('not_adult'),
    compile: () => (facts) => {
      const claims = claimsOf(facts)
      return claims !== null && claims.adult !== true ? 'not_adult' : null
    },
  },
  {
    question: 'Does the token name the site’s region? Absent is no.',
    reasons: ['wrong_region'],
    where: SIGNED,
    because: 'Policy clause 9: keys and records stay in their region',
    reads: only('token.region'),
    applies: refusesSigned('wrong_region'),
    compile:
      ({ site }) =>
      (facts) => {
        const claims = claimsOf(facts)
        return claims !== null && claims.region !== site.region ? 'wrong_region' : null
      },
  },
  {
    question: 'Is the account closed?',
    reasons: ['account_closed'],
    where: EVERYWHERE,
    because: 'Policy clause 7',
    reads: only('person.account_closed'),
    applies: refuses('account_closed'),
    compile:
      () =>
      ({ person }) =>
        person.account_closed === true ? 'account_closed' : null,
  },
  {
    question: 'Does the browser say that it is a crawler?',
    reasons: ['bot'],
    where: EVERYWHERE,
    because: 'Statistics are about people',
    reads: only('bot'),
    applies: (rulebook) => rulebook.bots === 'drop',
    compile: () => (facts) => (facts.bot ? 'bot' : null),
  },
]

/**
 * Compiles the decision of one site: the checks of the table that apply to it, in order. The function answers why a
 * beacon is dropped whole, or null where its events may go on. @see CHECKS
 */
export function compileDecision(rulebook: Rulebook, site: Site): Decision {
  const readBody = createBodyConsentReader(rulebook.purpose.maxConsentAgeMonths)
  const checks = CHECKS.filter((check) => check.applies(rulebook, site)).map((check) =>
    check.compile({ rulebook, site, readBody }),
  )
  return (facts, now) => {
    for (const check of checks) {
      const reason = check(facts, now)
      if (reason !== null) return reason
    }
    return null
  }
}
