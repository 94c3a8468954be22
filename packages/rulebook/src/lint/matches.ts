/** Allow-lists that can never match: a pattern or a value of a kind that its field never has. */
import type { FieldDraft } from '../field-schema.js'
import type { Leaves } from '../leaves.js'
import { isProp } from '../sources.js'
import type { LintContext } from './context.js'

/** The patterns that a field's values can have; a prop may have any. */
const PATTERNS: Readonly<Record<string, readonly string[]>> = {
  utc_offset: ['quarter_hours'],
  cohort: ['month'],
}
/** A value counts with its type: the minutes of an offset are numbers, all else of token and page is text. */
const NUMBERS: ReadonlySet<string> = new Set(['utc_offset'])

export function lintMatches(context: LintContext, field: string, rule: Leaves<FieldDraft>): void {
  if (rule.do !== 'allow' || isProp(field)) return
  const { catalogues, draft, report } = context
  const fitting = PATTERNS[field] ?? []
  if (rule.pattern !== undefined && !fitting.includes(rule.pattern)) {
    const place = draft.source.place(['fields', field, 'pattern'])
    const offer = fitting.map((name) => `, or \`pattern: ${name}\``).join('')
    const message = `${field} is never written as ${rule.pattern}.`
    report('RULE_PATTERN', place, message, `Use a list of values${offer}.`)
  }
  const wanted = NUMBERS.has(field) ? 'number' : 'string'
  const name = wanted === 'number' ? 'a number' : 'text'
  const message = `${field} is always ${name}: this value never matches.`
  for (const [index, value] of (rule.values ?? []).entries()) {
    if (typeof value !== wanted)
      report('RULE_VALUE_TYPE', draft.source.place(['fields', field, 'values', index]), message)
  }
  const listed = catalogues.get(`values ${rule.catalogue}`)
  for (const [index, value] of (listed?.values ?? []).entries()) {
    if (listed !== undefined && typeof value !== wanted)
      report('RULE_VALUE_TYPE', listed.placeOf(index), message)
  }
}
