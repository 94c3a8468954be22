/** What a declared statistic asks of cleaned rows. */
import { type Statistic, streamOf } from '@tacit/rulebook'
import type { Stream } from '@tacit/contracts'
import type { TreeRequest } from './types.js'

/**
 * The trees that a statistic is counted by in a stream: `by` and `drill` of counts, and `by` alone per hour; the
 * buckets below `by` of a histogram; the cohorts of retention. A funnel has none, nor have the last minutes.
 * @param seconds by label of `time_spent_s`, for statistics that sum time
 */
export function treesOf(
  { by, drill, id, measures, shape, where, windows }: Statistic,
  stream: Stream,
  seconds: Readonly<Record<string, number>> = {},
): readonly TreeRequest[] {
  const rows = stream === 'day' ? where : { statistic: id }
  const own = windows.filter((window) => streamOf(window) === stream)
  const wanted: readonly string[] = measures
  const additive = {
    ...(wanted.includes('visits') ? { visits: true } : {}),
    ...(wanted.includes('time_s') ? { seconds } : {}),
  }
  switch (shape.type) {
    case 'counts':
      return own.flatMap((window): readonly TreeRequest[] => {
        if (window === 'hour') return [{ ...rows, levels: by, hourly: true }]
        return [{ ...rows, levels: [...by, ...drill], ...(stream === 'day' ? additive : {}) }]
      })
    case 'histogram':
      return own.map(() => ({ ...rows, levels: [...by, shape.field] }))
    case 'retention':
      return own.map(() => ({ ...rows, levels: [shape.cohort] }))
    case 'funnel':
    case 'live':
      return []
    default: {
      const never: never = shape
      throw new TypeError(`unknown shape ${String(never)}`)
    }
  }
}
