/** What was declared: the values that cells of a level can have. Pure. */
import { declaredValues, type Rulebook, type Statistic } from '@tacit/rulebook'
import { levelsOf, stepLabel } from './cell.js'

/** Values of one level of a statistic; null where that is open (months, generic paths). */
export type Domain = ReadonlySet<string> | null

const known = new WeakMap<Rulebook, WeakMap<Statistic, readonly Domain[]>>()

/** One domain a level, coarsest first; kept for as long as the rulebook is. */
export function domainsOf(rulebook: Rulebook, statistic: Statistic): readonly Domain[] {
  const ofRulebook = known.get(rulebook) ?? new WeakMap<Statistic, readonly Domain[]>()
  known.set(rulebook, ofRulebook)
  const domains = ofRulebook.get(statistic) ?? declaredDomains(rulebook, statistic)
  ofRulebook.set(statistic, domains)
  return domains
}

function declaredDomains(rulebook: Rulebook, statistic: Statistic): readonly Domain[] {
  if (statistic.shape.type === 'funnel') return [new Set(statistic.shape.steps.map(stepLabel))]
  return levelsOf(statistic).map((dimension) => {
    const values = declaredValues(rulebook, dimension, statistic.where.kind)
    return values === null ? null : new Set(values)
  })
}

/** How many tuples there are of these; null where one is open. */
export function sizeOf(domains: readonly Domain[]): number | null {
  return domains.reduce<number | null>(
    (product, domain) => (product === null || domain === null ? null : product * domain.size),
    1,
  )
}

/** Whether every value is one that is declared: `(other)`, `(none)` and merged buckets are not. */
export function isDeclared(domains: readonly Domain[], dims: readonly string[]): boolean {
  return dims.every((value, at) => domains[at]?.has(value) === true)
}
