/**
 * Single values: buckets, allow-lists, patterns, coarse times. Each compiled rule answers a value that the rulebook
 * can enumerate, or null: the value is dropped.
 */
import { bucketLabels, type FieldRule } from '@tacit/rulebook'

export type AllowRule = Extract<FieldRule, { readonly do: 'allow' }>

/** The answer of a rule with `otherwise: drop_event`: not the value, the whole event goes. */
export const DROP_EVENT: unique symbol = Symbol('drop_event')

export type ValueRule = (value: unknown) => string | null
export type AllowedValue = (value: unknown) => string | null | typeof DROP_EVENT

const OFFSET_STEP = 15
/** UTC−12:00 and UTC+14:00 in minutes: the offsets that civil time uses. */
const OFFSET_MIN = -720
const OFFSET_MAX = 840

/**
 * A number becomes the label of its bucket: `<100`, `100-299`, `>=300` for the edges 100 and 300. Anything but a
 * finite number is dropped.
 * @param edges whole numbers, rising
 */
export function compileBucket(edges: readonly number[]): ValueRule {
  const labels = bucketLabels(edges)
  return (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return null
    let bucket = 0
    while (bucket < edges.length && value >= (edges[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1
    return labels[bucket] ?? null
  }
}

/**
 * An allow-list or a pattern. A value counts with its type (`true` is not `"true"`). What is not allowed becomes the
 * rule's `otherwise`, {@link DROP_EVENT} or null; an absent value stays absent.
 */
export function compileAllow(rule: AllowRule): AllowedValue {
  const allowed = allowedBy(rule)
  const otherwise = rule.otherwise === 'drop_event' ? DROP_EVENT : (rule.otherwise ?? null)
  return (value) => {
    if (value === undefined || value === null) return null
    return allowed(value) ?? otherwise
  }
}

function allowedBy(rule: AllowRule): ValueRule {
  switch (rule.pattern) {
    case 'quarter_hours':
      return compileUtcOffset()
    case 'month':
      return compileMonth()
    case undefined: {
      const values = new Map<unknown, string>((rule.values ?? []).map((value) => [value, String(value)]))
      return (value) => values.get(value) ?? null
    }
    default: {
      const never: never = rule.pattern
      throw new TypeError(`unknown pattern ${String(never)}`)
    }
  }
}

/** Minutes east of UTC in quarter hours, from −720 to 840; as decimal text. */
export function compileUtcOffset(): ValueRule {
  return (value) =>
    typeof value === 'number' && value % OFFSET_STEP === 0 && value >= OFFSET_MIN && value <= OFFSET_MAX
      ? String(value)
      : null
}

/** A month, `YYYY-MM`. */
export function compileMonth(): ValueRule {
  return (value) => (typeof value === 'string' && /^\d{4}-(?:0[1-9]|1[0-2])$/.test(value) ? value : null)
}

/** The start of the step of `toMs` milliseconds, counted from the Unix epoch, that holds `time`. */
export function coarsen(time: number, toMs: number): number {
  return Math.floor(time / toMs) * toMs
}
