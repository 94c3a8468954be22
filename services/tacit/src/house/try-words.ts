/** The words of `rules try`: values as a terminal may show them, rules and reasons as people read them. */
import type { Reason } from '@tacit/contracts'
import type { FieldRule } from '@tacit/rulebook'
import { counted } from '../counted.js'

const MAX_SHOWN = 60
/** Controls, and marks that turn the direction of what follows: a beacon is a stranger's text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** A value as a terminal may show it: short, and without anything that would move its cursor. */
export function shown(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text
}

/** A rule in a few words. */
export function ruleText(rule: FieldRule): string {
  switch (rule.do) {
    case 'truncate':
      return `truncate to /${rule.ipv4} or /${rule.ipv6}${rule.keeps === 'country' ? ', then country' : ''}`
    case 'pseudonym':
      return `pseudonym per ${rule.scope.join(', ')}`
    case 'coarsen':
      return `coarsen to ${rule.toMs / 60_000} min`
    case 'template':
      return 'routes' in rule
        ? `template of ${counted(rule.routes.length, 'route')}, else ${rule.otherwise}`
        : 'generic template'
    case 'generalise':
      return `generalise to ${rule.to.join(', ')}${rule.maxBits === undefined ? '' : ` within ${counted(rule.maxBits, 'bit')}`}`
    case 'allow':
      return rule.pattern === undefined
        ? `allow ${counted(rule.values?.length ?? 0, 'value')}`
        : `allow ${rule.pattern}`
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

/** Why an event is dropped, in a few words; the reason itself where it says enough. */
export function reasonText(reason: Reason): string {
  if (reason.startsWith('pii.')) return `it holds what looks like ${reason.slice('pii.'.length)}`
  switch (reason) {
    case 'event.unknown':
      return 'no catalogue lists its name'
    case 'late':
      return 'the finest window that would count it has closed'
    case 'rule_failed':
      return 'a rule could not be applied to it'
    default:
      return reason
  }
}
