/** What the decision reads of a case: the first table of `rules try`. What it alone reads is never kept. */
import type { TryCase } from '@tacit/access-log'
import { type AnonymizerInput, decideConsent, decisionTable } from '@tacit/anonymizer'
import type { Reason } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import type { Followed } from './try-beacon.js'
import { claimsOf, type FieldRow } from './tried-event.js'
import { shown } from './try-words.js'

/** A case that is a beacon, followed to its end. */
export interface FollowedCase extends Followed {
  readonly sample: TryCase
  /** time of receipt, ms */
  readonly at: number
  /** why the whole beacon was refused, or null */
  readonly refusal: Reason | null
}

/** Why the decision refused a whole beacon; null where its events were looked at one by one. */
export function refusalOf(rulebook: Rulebook, { outcomes }: Followed): Reason | null {
  const reason = outcomes[0]?.reason ?? null
  const isDecided = decisionTable(rulebook).some(({ reasons }) => reasons.some((one) => one === reason))
  return isDecided ? reason : null
}

const KEPT_IN_PART: ReadonlySet<string> = new Set(['site', 'user agent'])
const FORMAT: ReadonlySet<string> = new Set(['content-type', 'content-encoding'])
const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set(['origin', 'sec-gpc', 'dnt', 'user-agent'])
/** Claims that the table of an event shows. */
const OF_PEOPLE: ReadonlySet<string> = new Set(['tenant', 'sub', 'role', 'cohort', 'standing'])
const OF_DECISION: ReadonlySet<string> = new Set(['consent', 'adult', 'region'])
const OF_TOKEN: ReadonlySet<string> = new Set(['aud', 'iat', 'exp', 'nbf'])

/** Lines of a header, by its name in lower case, each as it came. */
function headersOf({ rawHeaders }: TryCase): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] as string).toLowerCase()
    const value = rawHeaders[at + 1] as string
    const known = headers.get(name)
    if (known === undefined) headers.set(name, [value])
    else known.push(value)
  }
  return headers
}

/** Which of the rows below a refusal of the whole beacon comes from. */
function blamed(rulebook: Rulebook, { at, input, refusal }: FollowedCase): string | null {
  if (refusal === null) return null
  const { dnt, gpc, person, token } = input
  if (refusal.startsWith('token.')) return 'token'
  if (refusal.startsWith('consent.')) {
    const claims = token.state === 'valid' ? token.claims : null
    if (claims !== null && decideConsent(rulebook, claims.consent, at) === refusal) return 'consent (token)'
    return person.withdrawn === true ? 'what is on record' : 'consent (page)'
  }
  switch (refusal) {
    case 'unknown_site':
      return 'site'
    case 'wrong_origin':
    case 'no_origin':
      return 'origin'
    case 'signal.gpc':
      return gpc ? 'sec-gpc' : 'consent (page)'
    case 'signal.dnt':
      return dnt ? 'dnt' : null
    case 'not_adult':
      return 'adult'
    case 'wrong_region':
      return 'region'
    case 'bot':
      return 'user agent'
    default:
      return 'what is on record'
  }
}

/** The question of the decision that refused a whole beacon, in words; null where none did. */
export function refusalText(rulebook: Rulebook, followed: FollowedCase): string | null {
  const { refusal } = followed
  if (refusal === null) return null
  const guilty = blamed(rulebook, followed)
  const rows = decisionTable(rulebook).filter(({ reasons }) => reasons.includes(refusal))
  // Several questions have a reason in common: each is told by what else it refuses for.
  const row = rows.find(({ reasons }) => {
    if (guilty === 'consent (token)') return reasons.includes('consent.stale_policy')
    if (guilty === 'consent (page)') return reasons.includes('signal.gpc') && reasons.length > 1
    return guilty === 'token' || guilty === 'origin' || reasons.length === 1
  })
  return row === undefined ? null : `Refused by question ${row.order} of the decision: ${row.question}`
}

function tokenText({ claims }: TryCase, { beacon }: AnonymizerInput): string | null {
  if (claims !== null) {
    const times = Object.entries(claims).filter(([name]) => OF_TOKEN.has(name))
    return `claims that stand for one${times.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(times))}`}`
  }
  return beacon.token === undefined ? null : 'a token'
}

/** The rows, those that came and the one that is to blame; where something is asked for and did not come, it says so. */
export function decisionRows(rulebook: Rulebook, followed: FollowedCase): readonly FieldRow[] {
  const { input, refusal, sample } = followed
  const { beacon } = input
  const headers = headersOf(sample)
  const isSigned = rulebook.sites[beacon.site]?.identity === 'signed'
  const claims = isSigned ? claimsOf(sample, input) : {}
  const unread = isSigned ? [] : Object.keys(sample.claims ?? {})
  const known = Object.entries(sample.state).filter(([, holds]) => holds)
  const guilty = blamed(rulebook, followed)
  const asked = (field: string, value: unknown, rule: string): FieldRow[] => {
    const before = shown(value)
    if (before === null && field !== guilty) return []
    const kept = KEPT_IN_PART.has(field)
      ? 'what is kept of it: see the events'
      : 'not kept: read to decide only'
    const dropped = field === guilty ? `${String(refusal)}: the whole beacon is dropped` : kept
    return [{ field, before, rule, after: null, dropped }]
  }
  const never = (field: string, value: unknown, rule: string): FieldRow[] => [
    { field: shown(field) ?? '""', before: shown(value), rule, after: null, dropped: 'dropped' },
  ]
  const lines = (name: string): string | undefined => headers.get(name)?.join(' | ')
  return [
    ...asked('site', beacon.site, 'one of the rulebook'),
    ...asked('origin', lines('origin'), 'a page of the site'),
    ...(isSigned ? asked('token', tokenText(sample, input), 'signed, for Tacit, at most 15 minutes') : []),
    ...unread.flatMap((name) => never(`claim ${name}`, sample.claims?.[name], 'nobody signs at this site')),
    ...(isSigned || beacon.token === undefined ? [] : never('token', 'a token', 'nobody signs at this site')),
    ...asked('consent (token)', claims['consent'], 'granted, to this policy, in time'),
    ...asked('consent (page)', beacon.consent, 'may only refuse more'),
    ...asked('sec-gpc', lines('sec-gpc'), 'exactly 1 refuses'),
    ...asked('dnt', lines('dnt'), 'exactly 1 refuses'),
    ...asked('adult', claims['adult'], 'must be true'),
    ...asked('region', claims['region'], 'the site’s'),
    ...asked('what is on record', known.map(([name]) => name).join(', '), 'refuses'),
    ...asked('user agent', lines('user-agent'), 'is it a crawler?'),
    ...Object.entries(claims)
      .filter(([name]) => ![OF_PEOPLE, OF_DECISION, OF_TOKEN].some((names) => names.has(name)))
      .flatMap(([name, value]) => never(`claim ${name}`, value, 'no rule names it')),
    ...[...headers]
      .filter(([name]) => !SHOWN_ELSEWHERE.has(name))
      .flatMap(([name, values]) =>
        FORMAT.has(name)
          ? asked(name, values.join(' | '), 'how the body is written')
          : name === 'x-forwarded-for'
            ? asked(name, values.join(' | '), 'believed of trusted proxies only')
            : never(`header ${name}`, values.join(' | '), 'never read'),
      ),
  ]
}
