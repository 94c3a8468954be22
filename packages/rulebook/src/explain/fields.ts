/** Every field that a rule names: where it comes from, what happens to it in order, what can be left, and who reads it. */
import { yieldedDimensions } from '../dimensions.js'
import { dimensionsOf } from '../plan.js'
import { type FieldOrigin, sourceOf } from '../sources.js'
import type { FieldRule, Rulebook } from '../types.js'
import { type Block, table, text } from './document.js'
import { sitesOf } from './identity.js'
import { kindsOf } from './record.js'
import { way } from './steps.js'
import { code, codes, counted, listed, plain, sentence } from './words.js'

const ORIGINS: Readonly<Record<FieldOrigin, string>> = {
  request: 'the browser’s request',
  token: 'the ERP’s signed token',
  page: 'the page, about itself',
  event: 'the page, with the event',
}

/** Where a field is not simply sent. */
const MADE: Readonly<Record<string, string>> = {
  timestamp: 'when it was received, less the age that the page states',
}

/** What a field is, where its name does not say it to everybody. */
const MEANINGS: Readonly<Record<string, string>> = {
  client_ip: 'internet address',
  user_agent: 'browser’s description of itself',
  timestamp: 'time of the event',
  user_id: 'who the person is',
  tenant_id: 'which company',
  role: 'role at work',
  cohort: 'month of joining',
  utc_offset: 'time zone, as minutes from UTC',
  language: 'language of the page',
  event_name: 'what was done',
  path: 'page',
  from_path: 'page before',
  load_ms: 'loading time in milliseconds',
  time_spent_s: 'time spent in seconds',
  visit_start: 'whether a visit begins',
  app_version: 'version of the app',
  device_model: 'kind of device',
  connection_class: 'kind of connection',
  search_text: 'what was searched for',
}

/** What tells devices apart on sites without accounts, whatever the field's own rule is. */
const IDENTIFYING: ReadonlySet<string> = new Set(['client_ip', 'user_agent'])

/** What a field serves besides the statistics that read it. */
function besides(rulebook: Rulebook, field: string): readonly string[] {
  const network = sitesOf(rulebook, 'network')
  return [
    ...(field === 'event_name'
      ? [`it says of what kind an event is, which stands on its record: ${kindsOf(rulebook)}`]
      : []),
    ...(IDENTIFYING.has(field) && network.length > 0
      ? [
          `on ${codes(network)} it also tells devices apart, in memory and before any of this is done to it (see “Who is counted, and how”)`,
        ]
      : []),
    ...(field === 'user_agent' && rulebook.bots === 'drop' ? ['it says whether it is a crawler'] : []),
  ]
}

/** The statistics that read a field, or what becomes of it without one. */
function readers(rulebook: Rulebook, field: string, rule: FieldRule): string {
  const dimensions = new Set(yieldedDimensions(field, rule))
  const titles = rulebook.statistics
    .filter((statistic) => dimensionsOf(statistic).some((name) => dimensions.has(name)))
    .map(({ title }) => plain(title))
  if (titles.length === 0) return 'no statistic reads it, so it never leaves memory'
  return `for ${listed([...new Set(titles)])}`
}

function purpose(rulebook: Rulebook, field: string, rule: FieldRule): string {
  if (rule.do === 'pseudonym')
    return field === 'tenant_id'
      ? 'Tells how many companies there were.'
      : 'Tells how many people there were.'
  if (rule.do === 'coarsen') return 'Says which hour and day an event belongs to.'
  const also = besides(rulebook, field).map((words) => `${sentence(words)}.`)
  if (rule.do === 'drop') return also.length === 0 ? '—' : also.join(' ')
  const own = readers(rulebook, field, rule)
  // Where something of it is read all the same, what is unread is only what its rule leaves.
  const words =
    also.length > 0
      ? own.replace(/^no statistic reads it, so it/, 'no statistic reads the value itself, so that')
      : own
  return [`${sentence(words)}.`, ...also].join(' ')
}

/** The table of fields and the words around it. */
export function fieldBlocks(rulebook: Rulebook): readonly Block[] {
  const rows = Object.entries(rulebook.fields).map(([field, rule]) => {
    const [steps, left] = way(rule, rulebook)
    const meaning = MEANINGS[field]
    const { from } = sourceOf(field)
    return [
      `${code(field)}${meaning === undefined ? '' : ` (${meaning})`}`,
      sentence(MADE[field] ?? ORIGINS[from]),
      steps,
      sentence(left),
      purpose(rulebook, field, rule),
    ]
  })
  const rest =
    rulebook.scan === null
      ? 'is dropped in memory'
      : 'is searched for personal details like all others, and then dropped in memory'
  return [
    text(
      `These rules name ${counted(rows.length, 'field')}. Whatever else a page sends of an event ${rest}; only how many such things there were is counted. What tells people and devices apart stands above; what is read to decide whether to count at all, and what a record holds besides, stands below.`,
    ),
    table(
      ['What', 'Where it comes from', 'What happens to it, in order', 'What can be left', 'What it is for'],
      rows,
    ),
  ]
}
