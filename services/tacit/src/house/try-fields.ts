/** The table of `rules try`: each field of the rulebook, what came in, which rule acted, what leaves memory or why not. */
import {
  type AnonymizerInput,
  compileDimensions,
  compileEventScan,
  createUserAgentReader,
  DROP_EVENT,
  type EventContext,
  MAX_RAW_AGE_MS,
} from '@tacit/anonymizer'
import { type BeaconEvent, systemClock } from '@tacit/contracts'
import { type FieldRule, type Rulebook, yieldedDimensions } from '@tacit/rulebook'
import { compileOptions } from './countries.js'
import type { TryRecord } from './try-beacon.js'

/** One field of one event. */
export interface FieldRow {
  readonly field: string
  /** what came in; null where nothing did */
  readonly before: string | null
  readonly rule: string
  /** what is left; null where nothing is */
  readonly after: string | null
  /** why nothing of it leaves memory, or null where something does */
  readonly dropped: string | null
}

const MAX_SHOWN = 60
/** Controls, and marks that turn the direction of what follows: a beacon is a stranger's text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** A value as a terminal may show it: short, and without anything that would move its cursor. */
function shown(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text
}

/** What came in for the fields that are no dimensions of their own. */
function rawOf(field: string, input: AnonymizerInput, event: BeaconEvent): unknown {
  const claims = input.token.state === 'valid' ? input.token.claims : null
  switch (field) {
    case 'client_ip':
      return input.address === null ? undefined : addressText(input)
    case 'user_id':
      return claims?.sub ?? (input.address === null ? undefined : 'address and user agent')
    case 'tenant_id':
      return claims?.tenant
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
      return claims?.role
    case 'cohort':
      return claims?.cohort
    default:
      return event.props !== undefined && Object.hasOwn(event.props, field) ? event.props[field] : undefined
  }
}

function addressText(input: AnonymizerInput): string {
  const { address } = input
  if (address === null) return ''
  return address.family === 4 ? address.text : 'an IPv6 address'
}

/** Compiles the table of a rulebook. */
export function createFieldTable(
  rulebook: Rulebook,
): (input: AnonymizerInput, event: BeaconEvent, record: TryRecord | undefined) => readonly FieldRow[] {
  const agents = createUserAgentReader({ maxEntries: 2, maxAgeMs: MAX_RAW_AGE_MS, clock: systemClock })
  const names = Object.entries(rulebook.fields).flatMap(([field, rule]) => yieldedDimensions(field, rule))
  const { dimensions } = compileDimensions(rulebook, names, compileOptions(rulebook, agents, systemClock))
  const scan = compileEventScan(rulebook, systemClock)

  return (input, event, record) => {
    const claims = input.token.state === 'valid' ? input.token.claims : null
    const { address, beacon } = input
    const context: EventContext = { event, beacon, claims, agent: agents(input.userAgent), address }
    const hit = scan(context)
    const rows = Object.entries(rulebook.fields).map(([field, rule]): FieldRow => {
      const before = shown(rawOf(field, input, event))
      const head = { field, before, rule: ruleText(rule) }
      if (hit?.field === field)
        return { ...head, after: null, dropped: `holds ${hit.detector}: the event is dropped` }
      const own = dimensions.filter((dimension) => dimension.field === field)
      if (own.length === 0) return { ...head, ...withoutColumn(field, rule.do, before, record) }
      const values = own.map((dimension) => ({ name: dimension.name, value: dimension.value(context) }))
      if (values.some(({ value }) => value === DROP_EVENT))
        return { ...head, after: null, dropped: 'not listed: the event is dropped' }
      const after = values
        .filter(({ value }) => value !== '')
        .map(({ name, value }) => (name === field ? shown(value) : `${name}=${String(shown(value))}`))
        .join(' ')
      if (after === '')
        return { ...head, after: null, dropped: before === null ? null : 'not allowed: dropped' }
      const isRead = record === undefined || own.some(({ name }) => record[name] !== undefined)
      return { ...head, after, dropped: isRead ? null : 'no statistic reads it: never leaves memory' }
    })
    return [...rows, ...unnamedRows(rulebook, event, hit?.field === 'props' ? hit.detector : null)]
  }
}

/** Props that no rule names. @param detector what was found in one of them, or null */
function unnamedRows(rulebook: Rulebook, event: BeaconEvent, detector: string | null): readonly FieldRow[] {
  return Object.entries(event.props ?? {})
    .filter(([name]) => rulebook.fields[name] === undefined)
    .map(([name, value]) => ({
      field: shown(name) ?? '',
      before: shown(value),
      rule: 'no rule names it',
      after: null,
      dropped: detector === null ? 'dropped' : `a prop holds ${detector}: the event is dropped`,
    }))
}

/** Fields that become no dimension: people, times, and what is dropped. */
function withoutColumn(
  field: string,
  rule: FieldRule['do'],
  before: string | null,
  record: TryRecord | undefined,
): Pick<FieldRow, 'after' | 'dropped'> {
  if (rule === 'drop') return { after: null, dropped: before === null ? null : 'dropped' }
  const column = field === 'user_id' ? 'person' : field === 'tenant_id' ? 'tenant' : 'hour'
  return { after: shown(record?.[column]), dropped: null }
}

/** A rule in a few words. */
function ruleText(rule: FieldRule): string {
  switch (rule.do) {
    case 'truncate':
      return `truncate to /${rule.ipv4} or /${rule.ipv6}${rule.keeps === 'country' ? ', then country' : ''}`
    case 'pseudonym':
      return `pseudonym per ${rule.scope.join(', ')}`
    case 'coarsen':
      return `coarsen to ${rule.toMs / 60_000} min`
    case 'template':
      return 'routes' in rule
        ? `template of ${rule.routes.length} routes, else ${rule.otherwise}`
        : 'generic template'
    case 'generalise':
      return `generalise to ${rule.to.join(', ')}${rule.maxBits === undefined ? '' : ` within ${rule.maxBits} bits`}`
    case 'allow':
      return rule.pattern === undefined ? `allow ${rule.values?.length ?? 0} values` : `allow ${rule.pattern}`
    case 'bucket':
      return `bucket at ${rule.edges.join(', ')}`
    case 'drop':
      return `drop: ${rule.because}`
    default: {
      const never: never = rule
      return String(never)
    }
  }
}
