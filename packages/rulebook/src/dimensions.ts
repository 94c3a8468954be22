/** Dimensions: what a field yields once its rule has acted, and the values that it can have. */
import type { EventKind, FieldRule, Rulebook } from './types.js'

/** The closed families that `generalise` maps to, by dimension. Source: privacy.md 2.7. */
export const GENERALISED_VALUES = {
  browser: ['chrome', 'edge', 'firefox', 'safari', 'other'],
  os: ['windows', 'macos', 'linux', 'android', 'ios', 'other'],
  device: ['desktop', 'mobile', 'tablet', 'other'],
  model_class: ['desktop', 'phone', 'tablet', 'other'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type GeneralisedDimension = keyof typeof GENERALISED_VALUES

/** What `generalise` can make of which field. */
export const GENERALISED_FROM: Readonly<Record<string, readonly GeneralisedDimension[]>> = {
  user_agent: ['browser', 'os', 'device'],
  device_model: ['model_class'],
}

/**
 * Labels of buckets: edges [100, 300] give `<100`, `100-299`, `>=300`.
 * @param edges whole numbers in rising order; bucket i begins at edge i − 1
 */
export function bucketLabels(edges: readonly number[]): readonly string[] {
  const last = edges.at(-1)
  if (last === undefined) return []
  const inner = edges.slice(1).map((edge, index) => `${edges[index]}-${edge - 1}`)
  return [`<${edges[0]}`, ...inner, `>=${last}`]
}

/**
 * The lower edge of each bucket by its label, for measures that add up what is only known by its bucket: edges
 * [10, 30] give `<10` → 0, `10-29` → 10, `>=30` → 30.
 */
export function bucketSeconds({
  edges,
}: {
  readonly edges: readonly number[]
}): Readonly<Record<string, number>> {
  return Object.fromEntries(bucketLabels(edges).map((label, index) => [label, edges[index - 1] ?? 0]))
}

/** The dimensions that a field yields: `user_agent` its families, others themselves, people and times none. */
export function yieldedDimensions(
  field: string,
  rule: {
    readonly do: FieldRule['do']
    readonly to?: unknown
    /** as compiled */
    readonly keeps?: unknown
    /** as written */
    readonly then?: unknown
  },
): readonly string[] {
  switch (rule.do) {
    case 'generalise':
      return Array.isArray(rule.to) ? rule.to.map(String) : []
    case 'truncate':
      return [rule.keeps === 'country' || rule.then === 'country' ? 'country' : field]
    case 'template':
    case 'allow':
    case 'bucket':
      return [field]
    case 'pseudonym':
    case 'coarsen':
    case 'drop':
      return []
    default: {
      const never: never = rule.do
      throw new TypeError(`unknown transform ${String(never)}`)
    }
  }
}

/** How many different rows some generalised dimensions can have together; other names count for one. */
export function combinationsOf(dimensions: readonly string[]): number {
  return dimensions.reduce((product, name) => product * (generalisedValues(name)?.length ?? 1), 1)
}

/**
 * The dimensions that a field could yield whose rule is not readable enough to tell: a mistake in it is no reason to
 * say that nothing yields them.
 * @param rule what of it reads well
 */
export function conceivableDimensions(
  field: string,
  rule: { readonly do: FieldRule['do']; readonly to?: unknown } | undefined,
): readonly string[] {
  if (rule !== undefined && (rule.do !== 'generalise' || rule.to !== undefined) && rule.do !== 'truncate')
    return []
  return [field, ...(GENERALISED_FROM[field] ?? []), ...(field === 'client_ip' ? ['country'] : [])]
}

/** The field whose rule yields `dimension`, or null. */
export function fieldOf(rulebook: Rulebook, dimension: string): string | null {
  const found = Object.entries(rulebook.fields).find(([field, rule]) =>
    yieldedDimensions(field, rule).includes(dimension),
  )
  return found?.[0] ?? null
}

function generalisedValues(dimension: string): readonly string[] | null {
  return Object.hasOwn(GENERALISED_VALUES, dimension)
    ? GENERALISED_VALUES[dimension as GeneralisedDimension]
    : null
}

function withOtherwise(values: readonly string[], otherwise: string | undefined): readonly string[] {
  return otherwise === undefined || otherwise === 'drop_event' ? values : [...new Set([...values, otherwise])]
}

/**
 * Every value that a dimension can have, `otherwise` included; null where that is open (generic paths, months,
 * networks) or where nothing yields the dimension. For `withheld`: declared values minus published ones.
 * @param kind narrows event names to those of one kind
 */
export function declaredValues(
  rulebook: Rulebook,
  dimension: string,
  kind?: EventKind,
): readonly string[] | null {
  const field = fieldOf(rulebook, dimension)
  const rule = field === null ? undefined : rulebook.fields[field]
  if (field === null || rule === undefined) return null
  switch (rule.do) {
    case 'generalise':
      return generalisedValues(dimension)
    case 'bucket':
      return bucketLabels(rule.edges)
    case 'template':
      return 'routes' in rule ? withOtherwise(rule.routes, rule.otherwise) : null
    case 'allow': {
      if (rule.values === undefined) return null
      const values = rule.values.map(String)
      if (field !== 'event_name' || kind === undefined) return withOtherwise(values, rule.otherwise)
      return values.filter((name) => rulebook.events[name]?.kind === kind)
    }
    case 'truncate':
    case 'pseudonym':
    case 'coarsen':
    case 'drop':
      return null
    default: {
      const never: never = rule
      throw new TypeError(`unknown transform ${String(never)}`)
    }
  }
}
