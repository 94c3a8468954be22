/** Exact fractions: parameters of noise and sums of the budget are never rounded to a binary fraction. */

/** In lowest terms, with a positive denominator. */
export interface Rational {
  readonly numerator: bigint
  readonly denominator: bigint
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

/** @throws RangeError where the denominator is not positive */
export function rational(numerator: bigint, denominator = 1n): Rational {
  if (denominator <= 0n) throw new RangeError('a denominator is positive')
  const common = gcd(numerator, denominator)
  return { numerator: numerator / common, denominator: denominator / common }
}

const DECIMAL = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/

/**
 * The decimal number that a reader of the rulebook sees: 0.015 is 15/1000, not the nearest binary fraction.
 * @throws RangeError for a number that is negative or not finite
 */
export function rationalOf(value: number): Rational {
  // The shortest decimal that reads back as this number (ECMA-262, Number::toString): what was written.
  const match = DECIMAL.exec(String(value))
  if (match === null) throw new RangeError('a finite number of at least 0 is needed')
  const [, whole = '', fraction = '', exponent = '0'] = match
  const shift = Number(exponent) - fraction.length
  const digits = BigInt(whole + fraction)
  return shift >= 0 ? rational(digits * 10n ** BigInt(shift)) : rational(digits, 10n ** BigInt(-shift))
}

export function addRational(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
}

export function multiplyRational(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator)
}

/** @throws RangeError where `b` is not positive */
export function divideRational(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator, a.denominator * b.numerator)
}

/** Below zero, zero or above it, as `a` is less than, equal to or more than `b`. */
export function compareRational(a: Rational, b: Rational): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The nearest binary fraction, for what is shown. */
export function rationalToNumber({ numerator, denominator }: Rational): number {
  return Number(numerator) / Number(denominator)
}

/** `3/200`, or `7` */
export function formatRational({ numerator, denominator }: Rational): string {
  return denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`
}

/** Reads what {@link formatRational} wrote. @throws RangeError for any other text */
export function parseRational(text: string): Rational {
  const match = /^(\d{1,400})(?:\/(\d{1,400}))?$/.exec(text)
  if (match === null) throw new RangeError('that is no fraction')
  return rational(BigInt(match[1] ?? ''), BigInt(match[2] ?? '1'))
}
