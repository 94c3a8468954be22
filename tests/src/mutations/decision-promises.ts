/** What people were promised about whether they are counted at all, held against the ERP's rulebook. */
import { equal } from 'node:assert/strict'
import type { Reason } from '@tacit/contracts'
import { CLAIMS, NOW, type Sent, type Subject } from './subject.js'

/** A promise in a sentence; `holds` throws where it does not. */
export interface Promised {
  readonly name: string
  holds(subject: Subject): void
}

const fate = (name: string, reason: Reason | 'accepted', ...all: readonly Sent[]): Promised => ({
  name,
  holds: (subject) => {
    for (const sent of all) {
      const { reason: found, rows } = subject.send(sent)
      equal(found, reason)
      const days = rows.filter(({ stream }) => stream === 'day')
      equal(days.length, reason === 'accepted' ? 1 : 0)
      // Who came back is told by the week, whatever they did.
      equal(rows.length > days.length, reason === 'accepted')
    }
  },
})
const consent = (stated: Partial<NonNullable<typeof CLAIMS.consent>>): Sent => ({
  claims: { consent: { ...CLAIMS.consent, ...stated } },
})
const person = (state: NonNullable<Sent['request']>['person'] & object): Sent => ({
  request: { person: state },
})
const HOUR = 3_600_000

export const DECISION_PROMISES: readonly Promised[] = [
  fate('whoever granted it is counted', 'accepted', {}),
  fate(
    'consent to another policy is refused, an older and a newer one',
    'consent.stale_policy',
    consent({ policy: '2026-10-01' }),
    consent({ policy: '2027-01-01' }),
  ),
  fate('consent to no policy is refused', 'consent.malformed', consent({ policy: undefined })),
  fate(
    'consent at no readable time is refused',
    'consent.malformed',
    consent({ at: 'yesterday' }),
    consent({ at: undefined }),
  ),
  fate(
    'consent of an hour ahead and more is refused',
    'consent.future',
    consent({ at: '2026-12-02T11:48:00Z' }),
  ),
  fate(
    'consent of 13 months and a day is refused',
    'consent.expired',
    consent({ at: '2025-11-01T10:47:00Z' }),
  ),
  fate('consent of 13 months less a day counts', 'accepted', consent({ at: '2025-11-03T10:47:00Z' })),
  fate('whoever denied it is refused', 'consent.denied', consent({ analytics: 'denied' })),
  fate('who was not asked is refused', 'consent.unknown', consent({ analytics: 'unknown' }), {
    claims: { consent: undefined },
  }),
  fate('a state of consent that nobody knows is refused', 'consent.malformed', consent({ analytics: 'ok' })),
  fate(
    'whoever withdrew it in the token is refused',
    'consent.withdrawn',
    consent({ analytics: 'withdrawn' }),
  ),
  fate('whoever withdrew it since is refused', 'consent.withdrawn', person({ withdrawn: true })),
  fate('the page can refuse what the token granted', 'consent.denied', {
    beacon: { consent: { analytics: 'denied' } },
  }),
  fate('Google Consent Mode can refuse what the token granted', 'consent.denied', {
    beacon: { consent: { google: { analytics_storage: 'denied' } } },
  }),
  fate('the page cannot grant what the token denied', 'consent.denied', {
    ...consent({ analytics: 'denied' }),
    beacon: { consent: { analytics: 'granted' } },
  }),
  fate('GPC refuses', 'signal.gpc', { request: { gpc: true } }),
  fate('DNT refuses', 'signal.dnt', { request: { dnt: true } }),
  fate('an objection refuses', 'objected', person({ objected: true })),
  fate('a company’s opt-out refuses', 'tenant_opted_out', person({ tenant_opted_out: true })),
  fate('a closed account refuses', 'account_closed', person({ account_closed: true })),
  fate(
    'whoever is not said to be an adult is refused',
    'not_adult',
    { claims: { adult: false } },
    {
      claims: { adult: undefined },
    },
  ),
  fate(
    'another region and none are refused',
    'wrong_region',
    { claims: { region: 'eu' } },
    {
      claims: { region: undefined },
    },
  ),
  fate(
    'only the page of the ERP speaks for it',
    'wrong_origin',
    { request: { origin: 'https://evil.example' } },
    { request: { origin: 'https://www.example.in' } },
    { request: { origin: 'http://erp.example.in' } },
    { request: { origin: 'null' } },
  ),
  fate('without a page only a token speaks for it', 'no_origin', {
    request: { origin: null, token: { state: 'missing' } },
  }),
  fate('a back end with a token needs no page', 'accepted', { request: { origin: null } }),
  ...(['missing', 'expired', 'forged', 'wrong_audience', 'replayed'] as const).map((state) =>
    fate(`a token that is ${state} is refused`, `token.${state}`, { request: { token: { state } } }),
  ),
  fate('nobody asked whoever stands in an access log', 'consent.unknown', {
    request: { source: 'line', token: { state: 'missing' } },
  }),
  fate('a crawler is not counted', 'bot', {
    request: { userAgent: 'Googlebot/2.1 (+http://www.google.com/bot.html)' },
  }),
  fate('a site that nobody declared is dropped', 'unknown_site', { beacon: { site: 'crm' } }),
  fate('an event that nobody declared is dropped', 'event.unknown', { event: { name: 'made.up' } }),
  fate('beyond its rate a token sends nothing', 'rate', { request: { allowance: 0 } }),
  fate('what comes later than an hour after its day is late', 'late', {
    event: { age: HOUR + 1 },
    at: Date.UTC(2026, 11, 2, 1),
  }),
  fate('what comes within the hour after its day counts', 'accepted', {
    event: { age: HOUR },
    at: Date.UTC(2026, 11, 2, 1) - 1,
  }),
  {
    name: 'a beacon of the day before is late, whatever the day',
    holds: (subject) => equal(subject.send({ event: { age: 24 * HOUR }, at: NOW }).reason, 'late'),
  },
]
