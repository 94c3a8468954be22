/** The order of rows: by window; then as each shape is read. Pure. */
import type { Statistic } from '@tacit/rulebook'
import { compareBuckets } from './buckets.js'
import { compareText, dimsKey, isPooled, type ReleasedCell, stepLabel } from './cell.js'

type Compare = (a: ReleasedCell, b: ReleasedCell) => number

/** Largest first, pools last. */
const bySize: Compare = (a, b) =>
  Number(isPooled(a)) - Number(isPooled(b)) ||
  (b.users ?? b.events ?? 0) - (a.users ?? a.events ?? 0) ||
  (b.events ?? 0) - (a.events ?? 0) ||
  compareText(dimsKey(a.dims), dimsKey(b.dims))

/** The buckets of one place after one another, from the lowest. */
const byBucket: Compare = (a, b) =>
  Number(isPooled(a)) - Number(isPooled(b)) ||
  compareText(dimsKey(a.dims.slice(0, -1)), dimsKey(b.dims.slice(0, -1))) ||
  compareBuckets(a.dims.at(-1) ?? '', b.dims.at(-1) ?? '')

function byStep(steps: readonly string[]): Compare {
  return (a, b) => steps.indexOf(a.dims[0] ?? '') - steps.indexOf(b.dims[0] ?? '')
}

const byValue: Compare = (a, b) =>
  Number(isPooled(a)) - Number(isPooled(b)) || compareText(dimsKey(a.dims), dimsKey(b.dims))

/** How rows of a statistic follow one another. */
export function orderOf({ shape }: Statistic): Compare {
  const within = withinWindow(shape)
  return (a, b) => a.windowStart - b.windowStart || within(a, b)
}

function withinWindow(shape: Statistic['shape']): Compare {
  switch (shape.type) {
    case 'histogram':
      return byBucket
    case 'funnel':
      return byStep(shape.steps.map(stepLabel))
    case 'retention':
      return byValue
    case 'counts':
    case 'live':
      return bySize
    default: {
      const never: never = shape
      throw new TypeError(`unknown shape ${String(never)}`)
    }
  }
}
