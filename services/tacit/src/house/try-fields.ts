/** The table of `rules try`: each field of the rulebook, what came in, which rule acted, what leaves memory. */
import { type AnonymizerInput, DROP_EVENT, createUserAgentReader, MAX_RAW_AGE_MS } from '@tacit/anonymizer'
import { type BeaconEvent, systemClock } from '@tacit/contracts'
import type { FieldRule } from '@tacit/rulebook'
import type { BeaconTrial, TryRecord } from './try-beacon.js'

const NOTHING = '—'
const UNREAD = 'no statistic reads it: never leaves memory'
const MAX_SHOWN = 60

function shown(value: unknown): string {
  if (value === undefined || value === null || value === '') return NOTHING
  const text = typeof value === 'string' ? value : JSON.stringify(value)
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

/** Rows of field, before, rule, after. @param record the record that the event left, if any */
export function fieldRows(
  trial: BeaconTrial,
  input: AnonymizerInput,
  event: BeaconEvent,
  record: TryRecord | undefined,
): string[][] {
  const agent = createUserAgentReader({ maxEntries: 2, maxAgeMs: MAX_RAW_AGE_MS, clock: systemClock })(
    input.userAgent,
  )
  const claims = input.token.state === 'valid' ? input.token.claims : null
  const context = { event, beacon: input.beacon, claims, agent, address: input.address }
  const rows: string[][] = []
  for (const [field, rule] of Object.entries(trial.rulebook.fields)) {
    const columns = trial.anonymizer.dimensions.filter((dimension) => dimension.field === field)
    const after = columns.map((dimension) => {
      const value = dimension.value(context)
      if (value === DROP_EVENT) return 'the event is dropped'
      return columns.length > 1 || dimension.name !== field
        ? `${dimension.name}=${shown(value)}`
        : shown(value)
    })
    rows.push([
      field,
      shown(rawOf(field, input, event)),
      ruleText(rule),
      after.length > 0 ? after.join(' ') : withoutColumn(field, rule.do, record),
    ])
  }
  for (const name of Object.keys(event.props ?? {})) {
    if (trial.rulebook.fields[name] === undefined)
      rows.push([name, shown(event.props?.[name]), 'no rule names it', 'dropped'])
  }
  return rows
}

function withoutColumn(field: string, rule: string, record: TryRecord | undefined): string {
  if (rule === 'drop') return 'dropped'
  if (record === undefined) return rule === 'pseudonym' || rule === 'coarsen' ? NOTHING : UNREAD
  if (field === 'user_id') return shown(record['person'])
  if (field === 'tenant_id') return shown(record['tenant'])
  return field === 'timestamp' ? shown(record['hour']) : UNREAD
}

/** A rule in a few words. */
function ruleText(rule: FieldRule): string {
  switch (rule.do) {
    case 'truncate':
      return `truncate to /${rule.ipv4} or /${rule.ipv6}`
    case 'pseudonym':
      return `pseudonym per ${rule.scope.join(', ')}`
    case 'coarsen':
      return `coarsen to ${rule.toMs / 60_000} min`
    case 'template':
      return 'routes' in rule
        ? `template of ${rule.routes.length} routes, else ${rule.otherwise}`
        : 'generic template'
    case 'generalise':
      return `generalise to ${rule.to.join(', ')}`
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
