import fc from 'fast-check'
import t from 'tap'
import {
  addRational,
  compareRational,
  divideRational,
  formatRational,
  multiplyRational,
  parseRational,
  rational,
  rationalOf,
  rationalToNumber,
} from './rational.js'

t.test('a decimal number is what its reader sees', async (t) => {
  for (const [value, text] of [
    [0.015, '3/200'],
    [1, '1'],
    [0, '0'],
    [5.475, '219/40'],
    [1e-7, '1/10000000'],
    [1.5e-9, '3/2000000000'],
    [1e21, '1000000000000000000000'],
    [365, '365'],
  ] as const)
    t.equal(formatRational(rationalOf(value)), text)
  for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    t.throws(() => rationalOf(value), RangeError)
})

t.test('365 days of 0.015 are 5.475 exactly, which binary fractions miss', async (t) => {
  let sum = rational(0n)
  let floating = 0
  for (let day = 0; day < 365; day++) {
    sum = addRational(sum, rationalOf(0.015))
    floating += 0.015
  }
  t.equal(compareRational(sum, rationalOf(5.475)), 0)
  t.not(floating, 5.475)
})

t.test('fractions obey the laws of arithmetic, and read back as they were written', async (t) => {
  const fraction = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 12n }), fc.bigInt({ min: 1n, max: 10n ** 12n }))
    .map(([a, b]) => rational(a, b))
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fraction, fraction, fraction, (a, b, c) => {
        const left = multiplyRational(a, addRational(b, c))
        const right = addRational(multiplyRational(a, b), multiplyRational(a, c))
        const back = b.numerator === 0n ? a : multiplyRational(divideRational(a, b), b)
        return (
          compareRational(left, right) === 0 &&
          compareRational(back, a) === 0 &&
          formatRational(parseRational(formatRational(a))) === formatRational(a) &&
          Math.sign(compareRational(a, b)) === -Math.sign(compareRational(b, a)) &&
          Math.abs(rationalToNumber(a) - Number(a.numerator) / Number(a.denominator)) === 0
        )
      }),
      { seed: 1 },
    ),
  )
})

t.test('what is no fraction is not read', async (t) => {
  for (const text of ['', '1/0', '-1', '1.5', '1/2/3', ' 1', '0x1', '1/-2', '9'.repeat(401)])
    t.throws(() => parseRational(text), RangeError, text)
})
