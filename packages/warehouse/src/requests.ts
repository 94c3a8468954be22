/** What a declared statistic asks of cleaned rows. */
import type { Stream } from '@tacit/contracts'
import {
  bucketSeconds,
  isReleased,
  type Rulebook,
  type Statistic,
  streamOf,
  type Window,
} from '@tacit/rulebook'
import { SECONDS_COLUMN } from './scratch.js'
import type { TreeRequest } from './types.js'

/** Seconds by label of `time_spent_s`. */
function secondsOf(rulebook: Rulebook): Readonly<Record<string, number>> {
  const rule = rulebook.fields[SECONDS_COLUMN]
  return rule?.do === 'bucket' ? bucketSeconds(rule) : {}
}

/** The windows that a statistic is released for out of a stream, in the order of its trees. */
export function releasedWindows(statistic: Statistic, stream: Stream): readonly Window[] {
  return statistic.windows.filter((window) => streamOf(window) === stream && isReleased(statistic, window))
}

/**
 * The trees that a statistic is counted by in a stream, of the windows that are released: `by` and `drill` of counts,
 * and `by` alone per hour; the buckets below `by` of a histogram; the cohorts of retention. A funnel has none, nor have
 * the last minutes.
 */
export function treesOf(rulebook: Rulebook, statistic: Statistic, stream: Stream): readonly TreeRequest[] {
  const { by, drill, id, measures, shape, where } = statistic
  const rows = stream === 'day' ? where : { statistic: id }
  const own = releasedWindows(statistic, stream)
  switch (shape.type) {
    case 'counts':
      return own.map((window) => {
        if (window === 'hour') return { ...rows, levels: by, hourly: true }
        return {
          ...rows,
          levels: [...by, ...drill],
          // Those of a week or a month are sums of its published days.
          ...(stream === 'day' && measures.includes('visits') ? { visits: true } : {}),
          ...(stream === 'day' && measures.includes('time_s') ? { seconds: secondsOf(rulebook) } : {}),
        }
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
