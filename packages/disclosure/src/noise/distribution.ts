/**
 * Probabilities of the noise, for what is said about it: error bars and the threshold of existence. They are computed in
 * floating point and rounded to the safe side; no draw ever depends on them.
 */

/** Above this, a sum over single values takes too long, and a bound stands in for it. */
const SUMMED_SIGMA = 10_000

/** Bits of a double: of a tail of 40 σ nothing is left. */
const NOTHING_BEYOND = 40

/** P(x) of the discrete Laplace distribution of scale b. */
export function laplaceProbability(scale: number, x: number): number {
  const p = Math.exp(-1 / scale)
  return ((1 - p) / (1 + p)) * Math.exp(-Math.abs(x) / scale)
}

/** The factor that makes e^(−x²/2σ²) on the integers a probability: by Poisson summation σ√2π but for small σ. */
function gaussianMass(sigma: number): number {
  if (sigma > 2) return sigma * Math.sqrt(2 * Math.PI)
  let mass = 1
  for (let x = 1; x <= NOTHING_BEYOND * Math.max(1, sigma); x++)
    mass += 2 * Math.exp(-(x * x) / (2 * sigma * sigma))
  return mass
}

/** P(x) of the discrete Gaussian distribution. @param sigma its parameter; for σ > 2 also its standard deviation */
export function gaussianProbability(sigma: number, x: number): number {
  return Math.exp(-(x * x) / (2 * sigma * sigma)) / gaussianMass(sigma)
}

/** The least m ≥ 1 with P(X ≥ m) ≤ chance, by the geometric series of the tail: P(X ≥ m) = p^m / (1 + p), p = e^(−1/b). */
export function laplaceExceeded(scale: number, chance: number): number {
  const p = Math.exp(-1 / scale)
  return Math.max(1, Math.ceil(-scale * Math.log(chance * (1 + p))))
}

/** The least m ≥ 1 with P(X ≥ m) ≤ chance; for large σ a little more, by e^(−m²/2σ²) (Canonne et al. 2020, proposition 25). */
export function gaussianExceeded(sigma: number, chance: number): number {
  const bound = Math.max(1, Math.ceil(sigma * Math.sqrt(2 * Math.log(1 / chance))))
  if (sigma > SUMMED_SIGMA) return bound
  let tail = 0
  // From far out inwards, so that small terms are added up before large ones.
  for (let m = Math.max(bound, Math.ceil(NOTHING_BEYOND * sigma)); m >= 1; m--) {
    tail += gaussianProbability(sigma, m)
    if (tail > chance) return m + 1
  }
  return 1
}

/** |X| exceeds b·ln 20 with a chance of at most 5 %: P(|X| > h) = 2p^(h+1)/(1+p) ≤ e^(−h/b). */
const LAPLACE_95 = Math.log(20)
/** The 97.5 % quantile of the standard normal distribution. */
const GAUSSIAN_95 = 1.959964

/** Half the width of an interval that holds the noise with 95 % at least. @param scale b */
export function laplaceHalfWidth(scale: number): number {
  return Math.ceil(scale * LAPLACE_95)
}

/** Likewise. @param sigma σ */
export function gaussianHalfWidth(sigma: number): number {
  return Math.ceil(sigma * GAUSSIAN_95)
}

/**
 * The half width of a sum of numbers whose noise was drawn apart: the root of the sum of squares. For Gaussian noise that
 * is what it is; a sum of Laplace noise is closer to its middle than that (its tails thin out), so it is no less than 95 %.
 * @param halfWidths of the parts
 */
export function errorOfSum(halfWidths: readonly number[]): number {
  return Math.ceil(Math.sqrt(halfWidths.reduce((sum, half) => sum + half * half, 0)))
}
