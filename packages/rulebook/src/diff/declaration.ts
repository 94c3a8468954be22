/** Whether a statistic means the very same under two rulebooks. */
import { fieldOf } from '../dimensions.js'
import { dimensionsOf } from '../plan.js'
import type { Rulebook } from '../types.js'
import { canonical } from './compare.js'

/** Everything that a statistic's numbers hang on, as text: its declaration, its fields' rules, its events, its thresholds. */
function declarationOf(rulebook: Rulebook, id: string): string | null {
  const statistic = rulebook.statistics.find((candidate) => candidate.id === id)
  if (statistic === undefined) return null
  const fields = [
    'user_id',
    'tenant_id',
    'timestamp',
    'event_name',
    ...dimensionsOf(statistic).map((name) => fieldOf(rulebook, name) ?? name),
  ]
  // A rate is worked out of what is published, by whoever asks.
  const { title: _title, per: _per, ...declaration } = statistic
  return canonical([
    declaration,
    [...new Set(fields)].sort().map((field) => [field, rulebook.fields[field] ?? null]),
    rulebook.events,
    rulebook.release,
    rulebook.purpose.id,
    rulebook.sites[statistic.site] ?? null,
    rulebook.epochs,
    rulebook.bots,
  ])
}

/**
 * Whether a statistic means the very same under two rulebooks: only then may a window that both ruled be released
 * (design.md, "Disclosure", step 7).
 */
export function sameDeclaration(from: Rulebook, to: Rulebook, id: string): boolean {
  const declaration = declarationOf(from, id)
  return declaration !== null && declaration === declarationOf(to, id)
}
