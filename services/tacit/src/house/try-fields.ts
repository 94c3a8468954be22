/**
 * The table of `rules try`: each field of the rulebook, what came in, which rule acted, what of it stands in a record of
 * that very event, and why the rest does not. What is shown as left is read off the records, so that it is what leaves.
 */
import {
  compileDimensions,
  createUserAgentReader,
  type Dimension,
  DROP_EVENT,
  type EventContext,
  MAX_RAW_AGE_MS,
} from '@tacit/anonymizer'
import { systemClock } from '@tacit/contracts'
import { type FieldRule, isProp, type Rulebook, yieldedDimensions } from '@tacit/rulebook'
import { compileOptions } from './countries.js'
import { keptRows, unnamedRows } from './try-around.js'
import {
  type FieldRow,
  notKept,
  PROPS_HOLD,
  rawOf,
  recorded,
  recordedPairs,
  type TriedEvent,
  wentWith,
} from './tried-event.js'
import { ruleText, shown } from './try-words.js'

type Fate = Pick<FieldRow, 'after' | 'dropped'>
const NOTHING_CAME: Fate = { after: null, dropped: null }

/** Which of a dropped event's fields is to blame, in words; null for a field that only goes with it. */
function blame(field: string, { event, outcome }: TriedEvent, values: readonly unknown[]): string | null {
  const { detection, reason } = outcome
  const isPropOf = isProp(field) && event.props !== undefined && Object.hasOwn(event.props, field)
  if (detection !== null && (detection.field === field || (detection.field === 'props' && isPropOf))) {
    const where = detection.field === field ? 'holds' : PROPS_HOLD
    return `${where} ${detection.detector}: the event is dropped`
  }
  if (reason === 'event.unknown' && field === 'event_name')
    return 'not in the catalogue: the event is dropped'
  if (reason === 'late' && field === 'timestamp') return 'late, its window has closed: the event is dropped'
  if (reason === 'rule_failed' && values.includes(DROP_EVENT)) return 'not listed: the event is dropped'
  return null
}

/** Compiles the table of a rulebook. */
export function createFieldTable(rulebook: Rulebook): (tried: TriedEvent) => readonly FieldRow[] {
  const agents = createUserAgentReader({ maxEntries: 2, maxAgeMs: MAX_RAW_AGE_MS, clock: systemClock })
  const names = Object.entries(rulebook.fields).flatMap(([field, rule]) => yieldedDimensions(field, rule))
  const { dimensions } = compileDimensions(rulebook, names, compileOptions(rulebook, agents, systemClock))

  function fateOf(field: string, rule: FieldRule, before: string | null, tried: TriedEvent): Fate {
    const own = dimensions.filter((dimension) => dimension.field === field)
    const values = valuesOf(own, tried)
    if (tried.outcome.reason !== null) {
      const why = blame(field, tried, values)
      return { after: null, dropped: why ?? (before === null ? null : wentWith(tried)) }
    }
    if (before === null) return NOTHING_CAME
    if (rule.do === 'drop') return { after: null, dropped: 'dropped' }
    if (own.length === 0) return fateOfColumn(field, tried)
    return fateOfDimensions(field, own, values, tried)
  }

  function valuesOf(own: readonly Dimension[], { event, input }: TriedEvent): readonly unknown[] {
    const claims = input.token.state === 'valid' ? input.token.claims : null
    const { address, beacon, userAgent } = input
    const context: EventContext = { event, beacon, claims, agent: agents(userAgent), address }
    return own.map((dimension) => dimension.value(context))
  }

  /** People and times. */
  function fateOfColumn(field: string, tried: TriedEvent): Fate {
    const columns = field === 'user_id' ? ['person'] : field === 'tenant_id' ? ['tenant'] : ['hour', 'epoch']
    const after = columns.length === 1 ? recorded(tried, columns[0] as string) : recordedPairs(tried, columns)
    return { after, dropped: after === null ? notKept(rulebook, tried) : null }
  }

  function fateOfDimensions(
    field: string,
    own: readonly Dimension[],
    values: readonly unknown[],
    tried: TriedEvent,
  ): Fate {
    const ownNames = own.map(({ name }) => name)
    const after =
      ownNames.length === 1 && ownNames[0] === field ? recorded(tried, field) : recordedPairs(tried, ownNames)
    const lost = ownNames.filter((name) => recorded(tried, name) === null)
    if (lost.length === 0) return { after, dropped: null }
    const isAllowed = lost.some((name) => values[ownNames.indexOf(name)] !== '')
    const why = isAllowed ? notKept(rulebook, tried) : 'not allowed: dropped'
    return { after, dropped: after === null ? why : `${lost.join(', ')} ${why}` }
  }

  return (tried) => [
    ...Object.entries(rulebook.fields).map(([field, rule]): FieldRow => {
      const before = shown(rawOf(field, tried))
      return { field, before, rule: ruleText(rule), ...fateOf(field, rule, before, tried) }
    }),
    ...keptRows(rulebook, tried),
    ...unnamedRows(rulebook, tried),
  ]
}
