/** One event of a tried case: what came in, and what of it stands in its records. */
import type { TryCase } from '@tacit/access-log'
import type { AnonymizerInput } from '@tacit/anonymizer'
import { type BeaconEvent, type Reason, STREAMS } from '@tacit/contracts'
import { isRecorded, type Rulebook } from '@tacit/rulebook'
import type { EventOutcome } from './try-events.js'
import { shown } from './try-words.js'

/** One field of one event. */
export interface FieldRow {
  readonly field: string
  /** what came in; null where nothing did */
  readonly before: string | null
  readonly rule: string
  /** what leaves memory; null where nothing does */
  readonly after: string | null
  /** why nothing, or not all of it, leaves memory; null where there is nothing to say */
  readonly dropped: string | null
}

/** One event of a case, and what became of it. */
export interface TriedEvent {
  readonly sample: TryCase
  readonly input: AnonymizerInput
  readonly event: BeaconEvent
  readonly outcome: EventOutcome
  /** time of receipt, ms */
  readonly at: number
  /** why the whole beacon was refused, or null */
  readonly refusal: Reason | null
}

/** The claims of a case as they were written, or as its token said them. */
export function claimsOf({ claims }: TryCase, { token }: AnonymizerInput): Readonly<Record<string, unknown>> {
  return claims ?? (token.state === 'valid' ? { ...token.claims } : {})
}

/** What came in for a field of the rulebook, as whoever typed it wrote it. */
export function rawOf(field: string, { event, input, sample }: TriedEvent): unknown {
  const claims = claimsOf(sample, input)
  switch (field) {
    case 'client_ip':
      return addressText(sample, input)
    case 'user_id':
      return claims['sub']
    case 'tenant_id':
      return claims['tenant']
    case 'timestamp':
      return `${event.age} ms ago`
    case 'user_agent':
      return input.userAgent
    case 'path':
      return event.path
    case 'from_path':
      return event.from_path
    case 'event_name':
      return event.name
    case 'utc_offset':
      return input.beacon.client?.utc_offset
    case 'language':
      return input.beacon.client?.language
    case 'role':
      return claims['role']
    case 'cohort':
      return claims['cohort']
    default:
      return event.props !== undefined && Object.hasOwn(event.props, field) ? event.props[field] : undefined
  }
}

/** The client's address: the peer's, unless a trusted proxy named another one. */
function addressText({ ip, rawHeaders }: TryCase, { address }: AnonymizerInput): string {
  const isForwarded = rawHeaders.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'x-forwarded-for')
  if (!isForwarded || address === null) return ip
  return address.family === 4 ? address.text : `${ip}, or what a trusted proxy says`
}

/** Values that stand in the event's records under a name, each once. */
export function recorded({ outcome }: TriedEvent, name: string): string | null {
  const values = outcome.records.flatMap((record) => record[name] ?? [])
  return values.length === 0 ? null : [...new Set(values)].map((value) => shown(value)).join(', ')
}

/** `name=value` of each name that stands in the event's records, or null. */
export function recordedPairs(tried: TriedEvent, names: readonly string[]): string | null {
  const pairs = names.flatMap((name) => {
    const value = recorded(tried, name)
    return value === null ? [] : [`${name}=${value}`]
  })
  return pairs.length === 0 ? null : pairs.join(' ')
}

/** Why an accepted event's value stands in none of its records. */
export function notKept(rulebook: Rulebook, { event, input, outcome }: TriedEvent): string {
  if (outcome.records.length > 0) return 'not kept: no statistic reads it'
  const kind = rulebook.events[event.name]?.kind
  const isRead =
    kind !== undefined && STREAMS.some((stream) => isRecorded(rulebook, input.beacon.site, kind, stream))
  return isRead
    ? 'not kept: an earlier event of this beacon said the same'
    : 'not kept: no statistic reads events of this kind'
}

/** What is said of a dropped event's field that is not to blame. */
export function wentWith({ refusal }: TriedEvent): string {
  return refusal === null ? 'dropped with its event' : 'dropped with the whole beacon'
}

/** What is said of a prop in which, or beside which, a detector found something. */
export const PROPS_HOLD = 'this or another prop, or a prop’s name, holds'
