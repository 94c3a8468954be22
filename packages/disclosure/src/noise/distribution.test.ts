import t from 'tap'
import {
  errorOfSum,
  gaussianExceeded,
  gaussianHalfWidth,
  gaussianProbability,
  laplaceExceeded,
  laplaceHalfWidth,
  laplaceProbability,
} from './distribution.js'

const SCALES = [0.05, 0.3, 0.5, 1, 1.7, 2, 2.5, 5, 20, 63.2, 200]
const CHANCES = [0.05, 1e-3, 1e-6, 1e-9]

const NOISES = [
  {
    name: 'laplace',
    probability: laplaceProbability,
    half: laplaceHalfWidth,
    exceeded: laplaceExceeded,
  },
  {
    name: 'gaussian',
    probability: gaussianProbability,
    half: gaussianHalfWidth,
    exceeded: gaussianExceeded,
  },
]

/** Adds up from the far end. */
function tailFrom(probability: (x: number) => number, from: number, scale: number): number {
  let tail = 0
  for (let x = Math.ceil(from + 60 * Math.max(1, scale)); x >= from; x--) tail += probability(x)
  return tail
}

/** The distribution of a sum of two independent numbers on −reach … reach. */
function convolved(left: readonly number[], right: readonly number[]): number[] {
  const sum = new Array<number>(left.length + right.length - 1).fill(0)
  for (const [i, p] of left.entries())
    for (const [j, q] of right.entries()) sum[i + j] = (sum[i + j] ?? 0) + p * q
  return sum
}

for (const { exceeded, half, name, probability } of NOISES) {
  t.test(`probabilities of ${name} noise add up to one`, async (t) => {
    for (const scale of SCALES) {
      const total = probability(scale, 0) + 2 * tailFrom((x) => probability(scale, x), 1, scale)
      t.ok(Math.abs(total - 1) < 1e-9, `scale ${scale}: ${total}`)
    }
  })

  t.test(
    `the interval of ${name} noise holds 95 %, and hardly more where the noise is no mere ripple`,
    async (t) => {
      for (const scale of SCALES) {
        const outside = 2 * tailFrom((x) => probability(scale, x), half(scale) + 1, scale)
        t.ok(outside <= 0.05, `scale ${scale}: ${outside}`)
        if (scale >= 20) t.ok(outside > 0.04, `scale ${scale}: ${outside}`)
      }
    },
  )

  t.test(
    `${name} noise reaches what it exceeds with a small chance no more often, and one less it does`,
    async (t) => {
      for (const scale of SCALES) {
        for (const chance of CHANCES) {
          const m = exceeded(scale, chance)
          t.ok(
            tailFrom((x) => probability(scale, x), m, scale) <= chance * (1 + 1e-9),
            `${scale}, ${chance}: ${m}`,
          )
          if (m > 1)
            t.ok(
              tailFrom((x) => probability(scale, x), m - 1, scale) > chance * (1 - 1e-9),
              `${scale}, ${chance}: least`,
            )
        }
      }
    },
  )

  t.test(`the error bar of a sum of ${name} noise holds 95 %`, async (t) => {
    for (const scale of [0.3, 1, 2.5, 5]) {
      const reach = Math.ceil(40 * Math.max(1, scale))
      const one = Array.from({ length: 2 * reach + 1 }, (_, at) => probability(scale, at - reach))
      let sum = one
      for (let parts = 2; parts <= 8; parts++) {
        sum = convolved(sum, one)
        const bar = errorOfSum(Array.from({ length: parts }, () => half(scale)))
        const middle = (sum.length - 1) / 2
        const inside = sum.slice(middle - bar, middle + bar + 1).reduce((total, p) => total + p, 0)
        t.ok(inside >= 0.95, `${parts} of scale ${scale}: ${inside}`)
      }
    }
  })
}

t.test('where a sum over values would take too long, a bound stands in that is no less', async (t) => {
  const summed = gaussianExceeded(10_000, 1e-6) / 10_000
  const bounded = gaussianExceeded(10_001, 1e-6) / 10_001
  t.ok(summed < bounded && bounded < 1.2 * summed, `${summed} and ${bounded}`)
})
