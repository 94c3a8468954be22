/**
 * The noise of one site: which numbers get how much of it, so that all of them together cost what the rulebook says.
 *
 * - What one user-day costs (epsilon, or rho of zero-concentrated differential privacy) is split evenly over the numbers
 *   that are drawn: statistic × window × measure, people once for each published depth of the tree.
 * - Laplace: b = L1 / epsilon of the number. Gaussian: σ² = L2² / (2 · rho of the number).
 * - Hours, days, weeks and months are releases of their own; a week's events are sums of published days and cost nothing.
 * - A cell that the exact thresholds let stand is published only if its noised people are at least tau, so that one that
 *   has just enough people shows with the chance delta at most, shared by all cells that a user-day can bring about.
 * - What no bound is known for is planned nowhere, and must not be published while noise is on (`unbounded`): fail closed.
 * Source: privacy.md, 2.5; Bun, Steinke, "Concentrated Differential Privacy", 2016; docs/noise.md has what it means.
 */
import { gaussianExceeded, gaussianHalfWidth, laplaceExceeded, laplaceHalfWidth } from './distribution.js'
import {
  divideRational,
  multiplyRational,
  type Rational,
  rational,
  rationalOf,
  rationalToNumber,
} from './rational.js'
import { additiveSensitivity, peopleSensitivity, type Sensitivity } from './sensitivity.js'

/** As the rulebook's `release.noise`: what one user-day costs over all statistics of a site together. */
export type NoiseBudget =
  | { readonly mechanism: 'laplace'; readonly epsilon: number; readonly capPerYear: number }
  | {
      readonly mechanism: 'gaussian'
      readonly rho: number
      readonly delta: number
      readonly capPerYear: number
    }

/** `share`: rows of a histogram's buckets, of which shares are made */
export type NoisedMeasure = 'users' | 'events' | 'visits' | 'time_s' | 'share'

/** What a plan reads of a statistic; the rulebook's own type fits. */
export interface PlannedInput {
  readonly id: string
  readonly shape:
    | { readonly type: 'counts' | 'live' | 'histogram' | 'retention' }
    | { readonly type: 'funnel'; readonly steps: readonly unknown[] }
  readonly windows: readonly string[]
  readonly where: { readonly kind?: string }
  readonly drill: readonly string[]
  readonly measures: readonly string[]
}

export interface NoisePlanInput {
  readonly noise: NoiseBudget
  readonly minUsers: number
  /** rows of one person that count, per kind and day */
  readonly maxEventsPerPerson: number
  /** kinds of events that the site can have: a statistic of all kinds reads the cap of each */
  readonly kinds: number
  /** distinct cells of one person, statistic and week or month that cleaning keeps; null: as many as there are */
  readonly membershipsPerPerson: number | null
  /** the most that one row adds to `time_s` */
  readonly largestSeconds: number
  /** of the site, all that are released */
  readonly statistics: readonly PlannedInput[]
}

/** Noise of one number, drawn apart for each cell. */
export interface PlannedNumber {
  readonly measure: NoisedMeasure
  readonly sensitivity: Sensitivity
  /** depths of the tree at which it is drawn */
  readonly depths: number
  readonly mechanism: 'laplace' | 'gaussian'
  /** b of the discrete Laplace distribution, or σ² of the Gaussian one */
  readonly parameter: Rational
  /** b or σ, to be shown */
  readonly scale: number
  /** of the interval that holds 95 % of the noise of a cell */
  readonly halfWidth: number
  /** what one user-day costs, all depths together: epsilon, or rho */
  readonly cost: Rational
}

export interface PlannedStatistic {
  readonly statistic: string
  readonly window: string
  /** `users` is always among them, unless the window's cells are sums of published days; published or not, it decides over `tau` */
  readonly numbers: readonly PlannedNumber[]
  /** a cell whose noised people are fewer is not published */
  readonly tau: number
}

export interface NoisePlan {
  readonly unit: 'user-day'
  readonly in: 'epsilon' | 'rho'
  /** of one user-day */
  readonly budget: Rational
  readonly capPerYear: Rational
  /** chance, of one user-day, that it is seen in the existence of a cell */
  readonly delta: number
  readonly statistics: readonly PlannedStatistic[]
  /** must not be published: nothing bounds what a user-day changes */
  readonly unbounded: readonly { readonly statistic: string; readonly window: string }[]
}

/** A pure epsilon has no delta of its own; that of existence is this one (privacy.md, 2.5). */
export const EXISTENCE_DELTA = 1e-6

interface Draft {
  readonly statistic: string
  readonly window: string
  readonly numbers: readonly {
    readonly measure: NoisedMeasure
    readonly sensitivity: Sensitivity
    readonly depths: number
  }[]
}

const ADDITIVE = ['events', 'visits', 'time_s'] as const

function dayNumbers(input: NoisePlanInput, statistic: PlannedInput): Draft['numbers'] {
  const rows = input.maxEventsPerPerson * (statistic.where.kind === undefined ? input.kinds : 1)
  // Where people are not published, they are drawn for blocks alone, and a row is in one of them.
  const depths = statistic.measures.includes('users') ? 1 + statistic.drill.length : 1
  return [
    { measure: 'users', sensitivity: peopleSensitivity(rows), depths },
    ...ADDITIVE.filter((measure) => statistic.measures.includes(measure)).map((measure) => ({
      measure,
      sensitivity: additiveSensitivity(rows, measure === 'time_s' ? input.largestSeconds : 1),
      depths: 1,
    })),
  ]
}

/** What is drawn for one window of a statistic; null where nothing bounds it. */
function numbersOf(input: NoisePlanInput, statistic: PlannedInput, window: string): Draft['numbers'] | null {
  const people = (cells: number, depths = 1): Draft['numbers'] => [
    { measure: 'users', sensitivity: peopleSensitivity(cells), depths },
  ]
  const rows = input.maxEventsPerPerson * (statistic.where.kind === undefined ? input.kinds : 1)
  switch (statistic.shape.type) {
    // A person can be in every five minutes of a day, and none of them is committed: no budget could hold it.
    case 'live':
      return null
    case 'funnel':
      return window === 'day' ? people(statistic.shape.steps.length) : null
    case 'retention':
      return window === 'week' || window === 'month' ? people(1) : null
    case 'histogram':
      return window === 'day'
        ? [...people(rows), { measure: 'share', sensitivity: additiveSensitivity(rows), depths: 1 }]
        : null
    case 'counts':
      if (window === 'hour') return people(rows)
      if (window === 'day') return dayNumbers(input, statistic)
      if (window !== 'week' && window !== 'month') return null
      if (!statistic.measures.includes('users')) return []
      if (input.membershipsPerPerson === null) return null
      return people(2 * input.membershipsPerPerson, 1 + statistic.drill.length)
    default: {
      const never: never = statistic.shape
      throw new TypeError(`unknown shape ${JSON.stringify(never)}`)
    }
  }
}

function planned(
  noise: NoiseBudget,
  drafts: readonly Draft[],
  minUsers: number,
  delta: number,
): PlannedStatistic[] {
  const all = drafts.flatMap((draft) => draft.numbers)
  const parts = BigInt(all.reduce((sum, { depths }) => sum + depths, 0))
  // Cells that a user-day can bring about, in all statistics and depths together.
  const cells = all
    .filter(({ measure }) => measure === 'users')
    .reduce((sum, { depths, sensitivity }) => sum + depths * sensitivity.l0, 0)
  const budget = rationalOf(noise.mechanism === 'laplace' ? noise.epsilon : noise.rho)
  const each = parts === 0n ? budget : divideRational(budget, rational(parts))
  const numberOf = ({ depths, measure, sensitivity }: Draft['numbers'][number]): PlannedNumber => {
    const common = { measure, sensitivity, depths, cost: multiplyRational(each, rational(BigInt(depths))) }
    if (noise.mechanism === 'laplace') {
      const parameter = divideRational(rational(BigInt(sensitivity.l1)), each)
      const scale = rationalToNumber(parameter)
      return { ...common, mechanism: 'laplace', parameter, scale, halfWidth: laplaceHalfWidth(scale) }
    }
    const parameter = divideRational(rational(sensitivity.l2Squared, 2n), each)
    const scale = Math.sqrt(rationalToNumber(parameter))
    return { ...common, mechanism: 'gaussian', parameter, scale, halfWidth: gaussianHalfWidth(scale) }
  }
  return drafts.map(({ numbers, statistic, window }) => {
    const made = numbers.map(numberOf)
    const people = made.find(({ measure }) => measure === 'users')
    const exceeded = noise.mechanism === 'laplace' ? laplaceExceeded : gaussianExceeded
    const tau = people === undefined ? 0 : minUsers + exceeded(people.scale, delta / cells)
    return { statistic, window, numbers: made, tau }
  })
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0
}

function checked(input: NoisePlanInput): void {
  const { noise } = input
  const costs = noise.mechanism === 'laplace' ? [noise.epsilon] : [noise.rho, noise.delta]
  const counts = [input.maxEventsPerPerson, input.kinds, input.membershipsPerPerson ?? 1, input.minUsers]
  const readsTime = input.statistics.some(({ measures }) => measures.includes('time_s'))
  if (![...costs, noise.capPerYear].every(isPositive)) throw new RangeError('a budget of noise is positive')
  if (noise.mechanism === 'gaussian' && noise.delta >= 1) throw new RangeError('a delta is below 1')
  if (!counts.every((count) => Number.isSafeInteger(count) && count > 0))
    throw new RangeError('what bounds a person is a positive whole number')
  if (readsTime && !(Number.isSafeInteger(input.largestSeconds) && input.largestSeconds > 0))
    throw new RangeError('seconds need a positive whole number as their most')
}

/**
 * Plans the noise of a site.
 * @throws RangeError where a parameter is not what the types' comments say
 */
export function noisePlan(input: NoisePlanInput): NoisePlan {
  checked(input)
  const { noise } = input
  const drafts: Draft[] = []
  const unbounded: { readonly statistic: string; readonly window: string }[] = []
  for (const statistic of input.statistics) {
    for (const window of statistic.windows) {
      const numbers = numbersOf(input, statistic, window)
      if (numbers === null) unbounded.push({ statistic: statistic.id, window })
      else drafts.push({ statistic: statistic.id, window, numbers })
    }
  }
  const delta = noise.mechanism === 'laplace' ? EXISTENCE_DELTA : noise.delta
  return {
    unit: 'user-day',
    in: noise.mechanism === 'laplace' ? 'epsilon' : 'rho',
    budget: rationalOf(noise.mechanism === 'laplace' ? noise.epsilon : noise.rho),
    capPerYear: rationalOf(noise.capPerYear),
    delta,
    statistics: planned(noise, drafts, input.minUsers, delta),
    unbounded,
  }
}

/** The noise of one window of a statistic; null where it must not be published. */
export function plannedFor(plan: NoisePlan, statistic: string, window: string): PlannedStatistic | null {
  return plan.statistics.find((one) => one.statistic === statistic && one.window === window) ?? null
}
