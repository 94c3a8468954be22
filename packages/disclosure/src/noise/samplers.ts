/**
 * Exact draws of discrete Laplace and Gaussian noise, by whole numbers alone.
 *
 * Noise of floating-point numbers gives secrets away in its last bits (Mironov, "On significance of the least
 * significant bits for differential privacy", 2012): here nothing is rounded, every probability is a fraction of whole
 * numbers, and a draw has exactly the distribution that the proof speaks of.
 * Source: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020, algorithms 1 to 3.
 */
import type { UniformIntegers } from './random.js'
import type { Rational } from './rational.js'

/** One draw. @throws RangeError where it is no safe integer: the scale is far beyond any count */
function drawn(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new RangeError('the noise is larger than any count')
  return number
}

/** True with probability exp(−numerator/denominator), for a fraction from 0 to 1 (algorithm 1, first case). */
function bernoulliExpUnit(uniform: UniformIntegers, numerator: bigint, denominator: bigint): boolean {
  let k = 1n
  // The chance to come past step k is γ^k / k!; the alternating series of exp(−γ) adds up the odd ends.
  while (uniform.isBelow(numerator, denominator * k)) k += 1n
  return (k & 1n) === 1n
}

/** True with probability exp(−numerator/denominator), for any fraction of at least 0 (algorithm 1). */
export function bernoulliExp(uniform: UniformIntegers, numerator: bigint, denominator: bigint): boolean {
  const whole = numerator / denominator
  for (let i = 0n; i < whole; i += 1n) if (!bernoulliExpUnit(uniform, 1n, 1n)) return false
  return bernoulliExpUnit(uniform, numerator % denominator, denominator)
}

/** As {@link discreteLaplace}, for the scale t/s (algorithm 2). */
function laplace(uniform: UniformIntegers, t: bigint, s: bigint): bigint {
  for (;;) {
    const remainder = uniform.below(t)
    if (!bernoulliExpUnit(uniform, remainder, t)) continue
    let wholes = 0n
    while (bernoulliExpUnit(uniform, 1n, 1n)) wholes += 1n
    const magnitude = (remainder + t * wholes) / s
    const negative = uniform.isBelow(1n, 2n)
    // Zero has one sign only.
    if (negative && magnitude === 0n) continue
    return negative ? -magnitude : magnitude
  }
}

/**
 * One draw of the discrete Laplace distribution: P(x) = (e^(1/b) − 1) / (e^(1/b) + 1) · e^(−|x|/b) on the integers.
 * @param scale b, positive
 */
export function discreteLaplace(uniform: UniformIntegers, scale: Rational): number {
  return drawn(laplace(uniform, scale.numerator, scale.denominator))
}

/** The largest integer whose square is at most `value` (Newton). */
function squareRoot(value: bigint): bigint {
  if (value < 2n) return value
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

/**
 * One draw of the discrete Gaussian distribution: P(x) ∝ e^(−x²/2σ²) on the integers (algorithm 3).
 * @param variance σ², positive
 */
export function discreteGaussian(uniform: UniformIntegers, variance: Rational): number {
  const { numerator: a, denominator: b } = variance
  const t = squareRoot(a / b) + 1n
  // (|y| − σ²/t)² / 2σ², over a common denominator.
  const denominator = 2n * a * b * t * t
  for (;;) {
    const y = laplace(uniform, t, 1n)
    const distance = (y < 0n ? -y : y) * b * t - a
    if (bernoulliExp(uniform, distance * distance, denominator)) return drawn(y)
  }
}
