/**
 * Draws noise for counted groups, once, and says what may be published of them.
 *
 * The draws are integers beside the exact counts: the release adds them, the independent checker is told them and adds
 * them on its own. They are as secret as the exact counts and never leave memory. Everything that follows — cutting off
 * below zero, flooring, sums, shares, percentiles — is made of noised numbers and costs nothing more (post-processing).
 */
import { UniformIntegers, type RandomSource } from './random.js'
import { discreteGaussian, discreteLaplace } from './samplers.js'
import type { NoisedMeasure, PlannedNumber, PlannedStatistic } from './plan.js'

/**
 * Exact numbers of one block or union; a measure that is absent or null is not public and gets no draw. `users` is
 * always there: it decides whether the group shows.
 */
export type ExactCounts = { readonly users: number } & {
  readonly [Measure in Exclude<NoisedMeasure, 'users'>]?: number | null
}

/** What is added to them, by measure. */
export type Offsets = { readonly [Measure in NoisedMeasure]?: number }

/** Noised numbers, none below zero; `shown`: the group is published at all. */
export interface NoisedCounts {
  readonly shown: boolean
  readonly counts: { readonly [Measure in NoisedMeasure]?: number }
}

function drawOne(uniform: UniformIntegers, { mechanism, parameter }: PlannedNumber): number {
  return mechanism === 'laplace' ? discreteLaplace(uniform, parameter) : discreteGaussian(uniform, parameter)
}

/**
 * One draw for each block and measure of the plan.
 * @param blocks groups of one statistic and window; of people also unions above blocks, each depth for itself
 * @param random the system's source; a seeded one in tests only
 * @returns offsets in the order of the blocks
 */
export function drawNoise(
  blocks: readonly ExactCounts[],
  plan: PlannedStatistic,
  random: RandomSource,
): readonly Offsets[] {
  const uniform = new UniformIntegers(random)
  return blocks.map((block) => {
    const offsets: { [Measure in NoisedMeasure]?: number } = {}
    for (const number of plan.numbers) {
      if (typeof block[number.measure] === 'number') offsets[number.measure] = drawOne(uniform, number)
    }
    return offsets
  })
}

/**
 * What one group says with its noise. A measure without a draw is not in the answer.
 * @throws RangeError where people have no draw: they would decide by their exact number
 */
export function applyNoise(
  block: ExactCounts,
  offsets: Offsets,
  plan: Pick<PlannedStatistic, 'tau'>,
): NoisedCounts {
  const counts: { [Measure in NoisedMeasure]?: number } = {}
  for (const [measure, offset] of Object.entries(offsets) as [NoisedMeasure, number][]) {
    const exact = block[measure]
    if (typeof exact === 'number') counts[measure] = Math.max(0, exact + offset)
  }
  if (counts.users === undefined) throw new RangeError('people need a draw')
  return { shown: counts.users >= plan.tau, counts }
}
