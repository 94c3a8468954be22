/** What a field's rule does, step by step, and what can be left. */
import { bucketLabels, GENERALISED_VALUES, type GeneralisedDimension } from '../dimensions.js'
import type { FieldRule, Rulebook } from '../types.js'
import { code, counted, duration, listed, number, plain, sample } from './words.js'

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
        : `Anything else becomes ${code(rule.otherwise)}.`
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

function templated(
  rule: Extract<FieldRule, { do: 'template' }>,
  rulebook: Rulebook,
): readonly [steps: string, left: string] {
  if ('routes' in rule) {
    return [
      `It is matched against a list of ${counted(rule.routes.length, 'page')}, in which names and numbers stand as words like \`:id\`. A page that is not on the list becomes ${code(rule.otherwise)}.`,
      sample([...rule.routes, rule.otherwise], MAX_SHOWN),
    ]
  }
  const { words } = rule.generic
  const cut = 'What follows a question mark is cut off.'
  const left = 'the address of a page, like `/orders/:id`'
  if (words === 'any')
    return [
      `${cut} Each part that looks like a number or a code becomes \`:id\`; other parts stay as they are.`,
      left,
    ]
  const people = counted(rulebook.release.minUsers, 'person', 'people')
  return [
    `${cut} Each part that is not one of ${counted(words.length, 'approved word')} becomes \`:id\`. A new word is counted in memory only; one that ${people} used in a day is shown to the privacy team, who may approve it.`,
    left,
  ]
}

/** What happens, in order, and what can be left. */
export function way(rule: FieldRule, rulebook: Rulebook): readonly [steps: string, left: string] {
  switch (rule.do) {
    case 'truncate': {
      const cut = `It is cut to its first ${number(rule.ipv4)} of 32 bits (IPv4) or ${number(rule.ipv6)} of 128 bits (IPv6).`
      return rule.keeps === 'country'
        ? [
            `${cut} Then the country of what is left is looked up, in a list that we hold ourselves. Then that is forgotten too.`,
            'a country, like `IN`',
          ]
        : [`${cut} The rest is forgotten.`, `a network, like \`203.0.0.0/${rule.ipv4}\``]
    }
    case 'pseudonym': {
      const scopes = listed(rule.scope.map((scope) => DIMENSION_SCOPES[scope] ?? scope))
      return [
        `It is replaced by a keyed code, another one for each ${scopes}. When the key is destroyed, nobody can tell again who it was.`,
        'a code of 22 characters, until the key of its period is destroyed',
      ]
    }
    case 'coarsen':
      return [`It is rounded down to ${duration(rule.toMs)}.`, `the time to within ${duration(rule.toMs)}`]
    case 'template':
      return templated(rule, rulebook)
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
        `It is dropped (${plain(rule.because)})${rulebook.scan === null ? ', unread' : '; only the search for personal details reads it'}.`,
        'nothing',
      ]
    default: {
      const never: never = rule
      throw new TypeError(`unknown transform ${String(never)}`)
    }
  }
}
