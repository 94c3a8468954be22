/** C5: the whole cross product of what a beacon can say about consent, against a list of rules in the documents' order. */
import { CHOICE_REASONS, HOUR, type Reason, TECHNICAL_REASONS, type TokenClaims } from '@tacit/contracts'
import type { Rulebook, Site } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import { monthsBefore } from './calendar.js'
import {
  compileDecision,
  type Decision,
  type DecisionFacts,
  decideConsent,
  type TokenResult,
} from './decide.js'
import { decisionTable } from './decision-tables.js'
import { shippedRulebook } from '@tacit/rulebook/testing'

const erp = shippedRulebook('erp')
const website = shippedRulebook('website')
const erpSite = erp.sites['erp'] as Site
const webSite = website.sites['website'] as Site
const NOW = Date.parse('2026-12-02T10:00:00Z')
const POLICY = erp.policy.version

const bodyOf = (analytics: string | undefined) => (analytics === undefined ? undefined : { analytics })
const iso = (time: number) => new Date(time).toISOString()
const GRANTED = { analytics: 'granted', policy: POLICY, at: iso(NOW - HOUR) }
const CLAIMS: TokenClaims = {
  tenant: 't-001',
  standing: 'established',
  sub: 'person',
  adult: true,
  region: 'in',
  consent: GRANTED,
}
const valid = (claims: TokenClaims): TokenResult => ({ state: 'valid', claims })
const FACTS: DecisionFacts = {
  source: 'beacon',
  origin: 'https://erp.example.in',
  gpc: false,
  dnt: false,
  token: valid(CLAIMS),
  person: {},
  bot: false,
  consent: { analytics: 'granted' },
}

const decisions = new Map<Rulebook, Map<Site, Decision>>()

/** The compiled decision of a site, or that there is no such site. */
function decide(
  rulebook: Rulebook,
  site: Site | undefined,
  facts: DecisionFacts,
  now: number,
): Reason | null {
  if (site === undefined) return 'unknown_site'
  const known = decisions.get(rulebook) ?? new Map<Site, Decision>()
  decisions.set(rulebook, known)
  const decision = known.get(site) ?? compileDecision(rulebook, site)
  known.set(site, decision)
  return decision(facts, now)
}

/** Each value of a dimension of the table, with the reason that it alone is dropped for; null where it may pass. */
type Dimension<T> = readonly (readonly [T, Reason | null])[]

const ORIGINS: Dimension<string | null> = [
  ['https://erp.example.in', null],
  ['https://evil.example', 'wrong_origin'],
  ['null', 'wrong_origin'],
  ['https://erp.example.in/', 'wrong_origin'],
  [null, null],
]
const ANALYTICS: Dimension<string | undefined> = [
  ['granted', null],
  ['denied', 'consent.denied'],
  ['unknown', 'consent.unknown'],
  ['withdrawn', 'consent.withdrawn'],
  ['expired', 'consent.expired'],
  ['GRANTED', 'consent.malformed'],
  ['constructor', 'consent.malformed'],
  [undefined, 'consent.unknown'],
]
/** 13 calendar months before 2 December 2026, 10:00, is 2 November 2025, 10:00. */
const OLDEST = Date.parse('2025-11-02T10:00:00Z')
const TIMES: Dimension<string | undefined> = [
  [iso(NOW - HOUR), null],
  [iso(NOW + HOUR), null],
  [iso(NOW + HOUR + 1), 'consent.future'],
  [iso(OLDEST), null],
  [iso(OLDEST - 1), 'consent.expired'],
  ['2026-12-02', 'consent.malformed'],
  ['2026-02-30T11:59:59Z', 'consent.malformed'],
  ['yesterday', 'consent.malformed'],
  [undefined, 'consent.malformed'],
]
const POLICIES: Dimension<string | undefined> = [
  [POLICY, null],
  ['2025-11-01', 'consent.stale_policy'],
  ['2027-11-01', 'consent.stale_policy'],
  [undefined, 'consent.malformed'],
]
const STATES: Dimension<DecisionFacts['person']> = [
  [{}, null],
  [{ objected: false, withdrawn: false }, null],
  [{ withdrawn: true }, 'consent.withdrawn'],
  [{ objected: true }, 'objected'],
  [{ tenant_opted_out: true }, 'tenant_opted_out'],
  [{ account_closed: true }, 'account_closed'],
]
const BODIES: Dimension<string | undefined> = [
  [undefined, null],
  ['granted', null],
  ['denied', 'consent.denied'],
  ['yes', 'consent.malformed'],
]
const ADULTS: Dimension<boolean | undefined> = [
  [true, null],
  [false, 'not_adult'],
  [undefined, 'not_adult'],
]
const REGIONS: Dimension<string | undefined> = [
  ['in', null],
  ['eu', 'wrong_region'],
  [undefined, 'wrong_region'],
]
const FLAGS = [false, true] as const

/** What is told where several apply: the first of these. */
function expected(reasons: readonly (Reason | null)[]): Reason | null {
  return reasons.find((reason) => reason !== null) ?? null
}

t.test('INV-04, INV-05: over every combination, only the one that refuses nothing is accepted', async (t) => {
  const wrong: unknown[] = []
  let cases = 0
  let accepted = 0
  const check = (facts: DecisionFacts, wanted: Reason | null) => {
    cases++
    const found = decide(erp, erpSite, facts, NOW)
    if (found === null) accepted++
    if (found !== wanted) wrong.push({ facts, found, wanted })
  }
  for (const [analytics, a] of ANALYTICS)
    for (const [at, b] of TIMES)
      for (const [policy, c] of POLICIES) {
        // A malformed consent is told before its age and its policy.
        const consent = expected([
          a,
          b === 'consent.malformed' ? b : null,
          c === 'consent.malformed' ? c : null,
          b,
          c,
        ])
        for (const [adult, d] of ADULTS)
          for (const [region, e] of REGIONS) {
            const token = valid({
              ...CLAIMS,
              adult,
              region,
              consent: { analytics, at, policy },
            } as TokenClaims)
            for (const [origin, f] of ORIGINS)
              for (const [person, state] of STATES)
                for (const [bodyConsent, h] of BODIES)
                  for (const gpc of FLAGS)
                    for (const dnt of FLAGS) {
                      const withdrawn = state === 'consent.withdrawn' ? state : null
                      const closed = state === 'account_closed' ? state : null
                      const standing = withdrawn === null && closed === null ? state : null
                      const signals = [gpc ? 'signal.gpc' : null, dnt ? 'signal.dnt' : null] as const
                      check(
                        { ...FACTS, origin, gpc, dnt, token, person, consent: bodyOf(bodyConsent) },
                        expected([f, consent, withdrawn, h, ...signals, standing, d, e, closed]),
                      )
                    }
          }
      }
  t.same(wrong.slice(0, 3), [], 'the first that differ')
  t.equal(cases, 8 * 9 * 4 * 3 * 3 * 5 * 6 * 4 * 4)
  // granted; 3 good times; the policy; adult; region; 2 origins; 2 states; 2 bodies; no signal
  t.equal(accepted, 3 * 2 * 2 * 2)
})

t.test('a token that is not valid is told as what it is, whatever else is right or wrong', async (t) => {
  for (const state of ['missing', 'expired', 'forged', 'wrong_audience'] as const) {
    const token: TokenResult = { state }
    for (const gpc of FLAGS)
      for (const [person] of STATES)
        for (const [bodyConsent] of BODIES)
          t.equal(
            decide(erp, erpSite, { ...FACTS, token, gpc, person, consent: bodyOf(bodyConsent) }, NOW),
            `token.${state}`,
          )
    t.equal(decide(erp, erpSite, { ...FACTS, token, origin: 'https://evil.example' }, NOW), 'wrong_origin')
    t.equal(decide(erp, erpSite, { ...FACTS, token, origin: null }, NOW), 'no_origin')
  }
})

t.test('a site that the rulebook does not have is unknown', async (t) => {
  t.equal(decide(erp, undefined, FACTS, NOW), 'unknown_site')
})

t.test('a crawler is dropped or counted as the rulebook says, and told last', async (t) => {
  const counting: Rulebook = { ...erp, bots: 'count' }
  t.equal(decide(erp, erpSite, { ...FACTS, bot: true }, NOW), 'bot')
  t.equal(
    decide(erp, erpSite, { ...FACTS, bot: true, person: { account_closed: true } }, NOW),
    'account_closed',
  )
  t.equal(decide(counting, erpSite, { ...FACTS, bot: true }, NOW), null)
})

t.test('a network site asks for no token, consent, age or region, but honours every refusal', async (t) => {
  const facts = { ...FACTS, origin: 'https://www.example.in', consent: undefined }
  const tokens: TokenResult[] = [
    { state: 'missing' },
    { state: 'forged' },
    valid({ ...CLAIMS, adult: false, region: 'eu', consent: { analytics: 'denied' } }),
  ]
  for (const token of tokens) {
    t.equal(decide(website, webSite, { ...facts, token }, NOW), null)
    t.equal(decide(website, webSite, { ...facts, token, origin: null }, NOW), 'no_origin')
    t.equal(decide(website, webSite, { ...facts, token, origin: 'https://example.in' }, NOW), 'wrong_origin')
    t.equal(decide(website, webSite, { ...facts, token, gpc: true }, NOW), 'signal.gpc')
    t.equal(decide(website, webSite, { ...facts, token, dnt: true }, NOW), 'signal.dnt')
    t.equal(decide(website, webSite, { ...facts, token, person: { objected: true } }, NOW), 'objected')
    t.equal(
      decide(website, webSite, { ...facts, token, person: { withdrawn: true } }, NOW),
      'consent.withdrawn',
    )
    t.equal(
      decide(website, webSite, { ...facts, token, consent: { analytics: 'denied' } }, NOW),
      'consent.denied',
    )
    t.equal(
      decide(website, webSite, { ...facts, token, consent: { analytics: 'ok' } }, NOW),
      'consent.malformed',
    )
  }
})

t.test(
  'a line of an access log passes only where no consent is needed, without origin or token',
  async (t) => {
    const line: DecisionFacts = {
      ...FACTS,
      source: 'line',
      origin: null,
      token: { state: 'missing' },
      consent: undefined,
    }
    t.equal(decide(website, webSite, line, NOW), null)
    t.equal(decide(erp, erpSite, line, NOW), 'consent.unknown')
    t.equal(decide(website, { ...webSite, lawfulBasis: 'consent' }, line, NOW), 'consent.unknown')
    t.equal(decide({ ...website, bots: 'drop' }, webSite, { ...line, bot: true }, NOW), 'bot')
    t.equal(decide(website, webSite, { ...line, bot: true }, NOW), null)
  },
)

t.test('a body can only refuse more: it never turns a refusal into an acceptance', async (t) => {
  const body = fc.option(
    fc.oneof(fc.constantFrom(...BODIES.map(([value]) => value ?? 'granted')), fc.string()),
    { nil: undefined },
  )
  const facts = fc.record({
    gpc: fc.boolean(),
    dnt: fc.boolean(),
    bot: fc.boolean(),
    origin: fc.constantFrom(...ORIGINS.map(([value]) => value)),
    person: fc.constantFrom(...STATES.map(([value]) => value)),
    analytics: fc.constantFrom(...ANALYTICS.map(([value]) => value)),
  })
  const closed = new Set<string>([...CHOICE_REASONS, ...TECHNICAL_REASONS])
  fc.assert(
    fc.property(facts, body, ({ analytics, ...rest }, bodyConsent) => {
      const token = valid({ ...CLAIMS, consent: { ...GRANTED, analytics } })
      const silent = decide(erp, erpSite, { ...FACTS, ...rest, token, consent: undefined }, NOW)
      const said = decide(erp, erpSite, { ...FACTS, ...rest, token, consent: bodyOf(bodyConsent) }, NOW)
      t.ok(said === null || closed.has(said), 'a reason of the closed list')
      t.ok(silent === null || said !== null, 'no refusal is lifted')
      if (bodyConsent !== undefined && bodyConsent !== 'granted') t.not(said, null)
    }),
  )
})

t.test('13 calendar months end at the millisecond, and at a shorter month its last day', async (t) => {
  const at = (text: string) => Date.parse(text)
  t.equal(monthsBefore(at('2026-12-02T10:00:00Z'), 13), at('2025-11-02T10:00:00Z'))
  t.equal(monthsBefore(at('2026-03-31T23:59:59.999Z'), 13), at('2025-02-28T23:59:59.999Z'))
  t.equal(monthsBefore(at('2025-03-29T00:00:00Z'), 13), at('2024-02-29T00:00:00Z'))
  t.equal(monthsBefore(at('2026-01-31T00:00:00Z'), 13), at('2024-12-31T00:00:00Z'))
  const days = fc.date({
    min: new Date('2024-01-01T00:00:00Z'),
    max: new Date('2034-01-01T00:00:00Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(days, (date) => {
      const now = date.getTime()
      const oldest = monthsBefore(now, 13)
      const consent = (time: number) => ({ ...GRANTED, at: iso(time) })
      t.equal(decideConsent(erp, consent(oldest), now), null)
      t.equal(decideConsent(erp, consent(oldest - 1), now), 'consent.expired')
      t.equal(decideConsent(erp, consent(now + HOUR), now), null)
      t.equal(decideConsent(erp, consent(now + HOUR + 1), now), 'consent.future')
    }),
  )
})

t.test('a time of consent is RFC 3339 with an offset, or malformed', async (t) => {
  const consent = (at: string) => decideConsent(erp, { ...GRANTED, at }, NOW)
  for (const at of ['2026-12-02T09:00:00Z', '2026-12-02T14:30:00+05:30', '2026-12-02T09:00:00.123456Z']) {
    t.equal(consent(at), null, at)
  }
  for (const at of [
    '2026-12-02T09:00:00',
    '2026-12-02 09:00:00Z',
    '1764666000',
    '',
    '2026-13-02T09:00:00Z',
    'now',
  ]) {
    t.equal(consent(at), 'consent.malformed', at)
  }
})

t.test(
  'the printed table holds every reason that a decision gives, in its order, and no other',
  async (t) => {
    const rows = decisionTable(erp)
    t.same(
      rows.map(({ order }) => order),
      rows.map((_row, at) => at + 1),
    )
    const told = new Set(rows.flatMap(({ reasons }) => reasons))
    const decided: readonly Reason[] = [
      ...CHOICE_REASONS,
      ...TECHNICAL_REASONS.filter((reason) =>
        /^(?:token\.|wrong_origin|no_origin|unknown_site|bot)/.test(reason),
      ),
    ]
    t.same([...told].sort(), [...decided].sort())
    for (const { because, question, where } of rows)
      t.ok(question.endsWith('?') || question.includes('? '), because + where)
    const network = decisionTable(website).map(({ where }) => where)
    t.notOk(
      network.some((where) => where.includes('signed')),
      'a network site is asked nothing of a token',
    )
  },
)

t.test('a token that was replayed far beyond its rate is refused', async (t) => {
  t.equal(decide(erp, erpSite, { ...FACTS, token: { state: 'replayed' } }, NOW), 'token.replayed')
})
