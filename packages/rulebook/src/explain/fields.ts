/** Every field in plain words: where it comes from, what happens to it in order, what can be left, and who reads it. */
import {
  bucketLabels,
  GENERALISED_VALUES,
  type GeneralisedDimension,
  yieldedDimensions,
} from '../dimensions.js'
import { dimensionsOf } from '../plan.js'
import { type FieldOrigin, sourceOf } from '../sources.js'
import type { FieldRule, Rulebook } from '../types.js'
import { type Block, table, text } from './document.js'
import { counted, duration, listed, number, sample, sentence } from './words.js'

const ORIGINS: Readonly<Record<FieldOrigin, string>> = {
  request: 'the connection',
  token: 'the ERP’s signed token',
  page: 'the page, about itself',
  event: 'the page, with the event',
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

const NAMES: Readonly<Record<string, string>> = {
  browser: 'the browser’s family',
  os: 'the operating system’s family',
  device: 'desktop, mobile or tablet',
  model_class: 'the class of device',
}
const DIMENSION_SCOPES: Readonly<Record<string, string>> = {
  tenant: 'company',
  purpose: 'purpose',
  epoch: 'period (day, week or month)',
}
const MAX_SHOWN = 6

function allowed(rule: Extract<FieldRule, { do: 'allow' }>): readonly [steps: string, left: string] {
  const otherwise =
    rule.otherwise === undefined
      ? 'Anything else is dropped.'
      : rule.otherwise === 'drop_event'
        ? 'With anything else the whole event is dropped.'
        : `Anything else becomes \`${rule.otherwise}\`.`
  if (rule.pattern === 'month') return [`It passes if it is a month. ${otherwise}`, 'a month, like `2026-03`']
  if (rule.pattern === 'quarter_hours') {
    return [
      `It passes if it is a time zone of whole quarter hours. ${otherwise}`,
      'minutes from UTC, like `330`',
    ]
  }
  const values = (rule.values ?? []).map(String)
  const left =
    rule.otherwise === undefined || rule.otherwise === 'drop_event' ? values : [...values, rule.otherwise]
  return [
    `It passes if it is on a list of ${counted(values.length, 'value')}. ${otherwise}`,
    sample([...new Set(left)], MAX_SHOWN),
  ]
}

/** What happens, in order, and what can be left. */
function way(rule: FieldRule): readonly [steps: string, left: string] {
  switch (rule.do) {
    case 'truncate': {
      const cut = `It is cut to its first ${number(rule.ipv4)} of 32 bits (IPv4) or ${number(rule.ipv6)} of 128 bits (IPv6) before anything looks at it.`
      return rule.keeps === 'country'
        ? [
            `${cut} Then the country of that network is looked up, in a list that we hold ourselves. Then the network is forgotten.`,
            'a country, like `IN`',
          ]
        : [`${cut} The rest is forgotten.`, 'a network of thousands, like `203.0.0.0/16`']
    }
    case 'pseudonym': {
      const scopes = listed(rule.scope.map((scope) => DIMENSION_SCOPES[scope] ?? scope))
      return [
        `It is replaced by a keyed code, another one for each ${scopes}. When the key is destroyed, nobody can tell again who it was.`,
        'a code of 22 characters, until its period’s key dies',
      ]
    }
    case 'coarsen':
      return [`It is rounded down to ${duration(rule.toMs)}.`, 'the beginning of that time']
    case 'template':
      if ('routes' in rule) {
        return [
          `It is matched against a list of ${counted(rule.routes.length, 'page')}; names and numbers in it become words like \`:id\`. A page that is not on the list becomes \`${rule.otherwise}\`.`,
          sample(rule.routes, MAX_SHOWN),
        ]
      }
      return [
        rule.generic.words === 'any'
          ? 'What follows a question mark is cut off. Parts that look like a number or a code become `:id`; other parts stay.'
          : `What follows a question mark is cut off. Every part that is not one of ${counted(rule.generic.words.length, 'approved word')} becomes \`:id\`.`,
        'a page’s address, like `/orders/:id`',
      ]
    case 'generalise': {
      const families = listed(rule.to.map((name) => NAMES[name] ?? name))
      const budget =
        rule.maxBits === undefined
          ? ''
          : ` At most ${number(Math.floor(2 ** rule.maxBits))} different combinations can leave (${rule.maxBits} bits); rarer ones become \`other\`.`
      const values = rule.to.flatMap((name) =>
        Object.hasOwn(GENERALISED_VALUES, name) ? GENERALISED_VALUES[name as GeneralisedDimension] : [],
      )
      return [
        `Only ${families} ${rule.to.length === 1 ? 'is' : 'are'} kept, never a version or a model.${budget}`,
        sample([...new Set(values)], MAX_SHOWN),
      ]
    }
    case 'allow':
      return allowed(rule)
    case 'bucket': {
      const labels = bucketLabels(rule.edges)
      return [
        `The number is replaced by one of ${counted(labels.length, 'step')}.`,
        sample(labels, MAX_SHOWN),
      ]
    }
    case 'drop':
      return [
        `It is dropped (${rule.because}); nothing reads it but the search for personal details.`,
        'nothing',
      ]
    default: {
      const never: never = rule
      throw new TypeError(`unknown transform ${String(never)}`)
    }
  }
}

/** The titles of the statistics that read a field, or what becomes of it without one. */
function readers(rulebook: Rulebook, field: string, rule: FieldRule): string {
  if (rule.do === 'drop') return '—'
  if (rule.do === 'pseudonym') return 'counts people and companies in every statistic'
  if (rule.do === 'coarsen') return 'says which hour and day an event belongs to'
  const dimensions = new Set(yieldedDimensions(field, rule))
  const titles = rulebook.statistics
    .filter((statistic) => dimensionsOf(statistic).some((name) => dimensions.has(name)))
    .map(({ title }) => title)
  return titles.length === 0
    ? 'no statistic reads it, so it never leaves memory'
    : listed([...new Set(titles)])
}

/** The table of fields and the words around it. */
export function fieldBlocks(rulebook: Rulebook): readonly Block[] {
  const rows = Object.entries(rulebook.fields).map(([field, rule]) => {
    const [steps, left] = way(rule)
    const meaning = MEANINGS[field]
    const { from } = sourceOf(field)
    return [
      `\`${field}\`${meaning === undefined ? '' : ` (${meaning})`}`,
      sentence(ORIGINS[from]),
      steps,
      sentence(left),
      sentence(readers(rulebook, field, rule)),
    ]
  })
  return [
    text(
      `These ${number(rows.length)} things are looked at, and nothing else. Whatever a page sends beyond them is dropped in memory and only counted. There is no cookie and no number that follows a person from one day to the next.`,
    ),
    table(
      ['What', 'Where it comes from', 'What happens to it, in order', 'What can be left', 'What it is for'],
      rows,
    ),
  ]
}
