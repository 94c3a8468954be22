/** Whether two samples of times could be one: medians and distributions against what chance alone does. */

/** One round of an interleaved measurement: two of the same kind, and one of each other kind; µs. */
export interface Round {
  readonly first: number
  readonly second: number
  readonly others: Readonly<Record<string, number>>
}

export interface Distance {
  /** |difference of the medians|, µs */
  readonly median: number
  /** Kolmogorov and Smirnov's D, 0 to 1 */
  readonly ks: number
}

const sorted = (sample: readonly number[]): Float64Array => Float64Array.from(sample).sort()
const middle = (sample: Float64Array): number => sample[sample.length >> 1] ?? Number.NaN

/** The largest gap between two empirical distributions, both sorted. */
function gap(a: Float64Array, b: Float64Array): number {
  let largest = 0
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const value = Math.min(a[i] as number, b[j] as number)
    while (i < a.length && (a[i] as number) <= value) i++
    while (j < b.length && (b[j] as number) <= value) j++
    largest = Math.max(largest, Math.abs(i / a.length - j / b.length))
  }
  return largest
}

export function distance(a: readonly number[], b: readonly number[]): Distance {
  const [left, right] = [sorted(a), sorted(b)]
  return { median: Math.abs(middle(left) - middle(right)), ks: gap(left, right) }
}

/**
 * How far apart two samples of one kind lie by chance: the two of each round are told apart by a coin, many times over.
 * @returns the 99th percentile of each distance
 */
export function chance(rounds: readonly Round[], comparisons: number, coin: () => boolean): Distance {
  const distances = Array.from({ length: comparisons }, () => {
    const a: number[] = []
    const b: number[] = []
    for (const { first, second } of rounds) {
      const heads = coin()
      a.push(heads ? first : second)
      b.push(heads ? second : first)
    }
    return distance(a, b)
  })
  const percentile = (values: readonly number[]): number =>
    sorted(values)[Math.min(comparisons - 1, Math.ceil(comparisons * 0.99) - 1)] ?? Number.NaN
  return {
    median: percentile(distances.map(({ median }) => median)),
    ks: percentile(distances.map(({ ks }) => ks)),
  }
}
