/** How much the dimensions of a statistic can tell of a person, by what the rulebook declares (privacy.md 2.7). */
import { declaredValues, fieldOf } from '../dimensions.js'
import type { Report } from '../findings.js'
import type { Rulebook } from '../types.js'
import type { YamlSource } from '../yaml.js'

/** A site of so many people on its quietest day is what a rulebook is held to before anything is measured. */
const PEOPLE = 1000
/** What families tell at most that have a finding of their own for want of `max_bits`. */
const USUAL_BITS = 4

/** Dimensions that say who or what somebody is; what they did (pages, events, durations) describes nobody by itself. */
export function isDescriptive(rulebook: Rulebook, dimension: string): boolean {
  const field = fieldOf(rulebook, dimension)
  const rule = field === null ? undefined : rulebook.fields[field]
  return rule !== undefined && field !== 'event_name' && rule.do !== 'template' && rule.do !== 'bucket'
}

/**
 * The most bits that declared values can tell, the budget of their field included; null for a domain that no rule lists.
 * @param unbounded budget of families whose field states none
 */
export function declaredBits(
  rulebook: Rulebook,
  dimensions: readonly string[],
  unbounded = Number.POSITIVE_INFINITY,
): number | null {
  const byField = new Map<string, number>()
  for (const dimension of dimensions) {
    const field = fieldOf(rulebook, dimension)
    const values = declaredValues(rulebook, dimension)
    if (field === null || values === null) return null
    byField.set(field, (byField.get(field) ?? 1) * Math.max(1, values.length))
  }
  let bits = 0
  for (const [field, values] of byField) {
    const rule = rulebook.fields[field]
    const budget = rule?.do === 'generalise' ? (rule.maxBits ?? unbounded) : Number.POSITIVE_INFINITY
    bits += Math.min(Math.log2(values), budget)
  }
  return bits
}

/**
 * Statistics whose rows can tell more than a site of a thousand people hides. What was measured decides, once
 * something was (`measuredFindings`).
 * @param minUsers the threshold as stated
 */
export function lintBits(rulebook: Rulebook, minUsers: number, source: YamlSource, report: Report): void {
  const budget = Math.log2(PEOPLE / minUsers)
  for (const { by, drill, id } of rulebook.statistics) {
    const dimensions = [...new Set([...by, ...drill])].filter((name) => isDescriptive(rulebook, name))
    const bits = declaredBits(rulebook, dimensions, USUAL_BITS)
    if (bits === null || bits <= budget) continue
    const place = source.place(['statistics', id, by.length > 0 ? 'by' : 'drill'])
    const message =
      `The rows of statistics.${id} can tell ${bits.toFixed(1)} bits of a person; ` +
      `a site of ${PEOPLE} people hides ${Math.max(0, budget).toFixed(1)} (log2 of ${PEOPLE}/${minUsers}).`
    report('RULE_ROW_BITS', place, message)
  }
}
