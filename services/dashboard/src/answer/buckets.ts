/** Buckets of a histogram by their labels, merged ones included, and percentiles within published shares. Pure. */

/** `<100` is from 0 to 100; `100-2999` from 100 to 3000; `>=1000` has no upper edge. */
export interface Bucket {
  readonly from: number
  /** null: open */
  readonly to: number | null
}

/** @returns null where the label is no bucket's (`(other)`, `(none)`) */
export function bucketOf(label: string): Bucket | null {
  const below = /^<(\d+)$/.exec(label)
  if (below !== null) return { from: 0, to: Number(below[1]) }
  const above = /^>=(\d+)$/.exec(label)
  if (above !== null) return { from: Number(above[1]), to: null }
  const between = /^(\d+)-(\d+)$/.exec(label)
  return between === null ? null : { from: Number(between[1]), to: Number(between[2]) + 1 }
}

/** Buckets in the order of their edges; what is none comes last. */
export function compareBuckets(a: string, b: string): number {
  const [left, right] = [bucketOf(a), bucketOf(b)]
  return (left?.from ?? Number.POSITIVE_INFINITY) - (right?.from ?? Number.POSITIVE_INFINITY) || 0
}

/**
 * The value below which `percent` of what is published lies, as if each bucket's share were spread evenly over it.
 * @param shares buckets in order, whole percents that sum to 100
 * @returns a whole number; null where the open bucket is reached
 */
export function percentile(
  shares: readonly { readonly label: string; readonly share: number }[],
  percent: number,
): number | null {
  let below = 0
  for (const { label, share } of shares) {
    const bucket = bucketOf(label)
    if (bucket === null) continue
    if (share > 0 && below + share >= percent) {
      if (bucket.to === null) return null
      return Math.round(bucket.from + ((percent - below) / share) * (bucket.to - bucket.from))
    }
    below += share
  }
  return null
}
