/** Pearson's chi-square, for draws against an exact distribution or against other draws. */

/** Cells with fewer draws than that are put together: below, the statistic is not chi-square distributed. */
const LEAST_EXPECTED = 20

/** The value that chi-square with `degrees` of freedom exceeds with the chance of a normal deviate above `z` (Wilson, Hilferty 1931). */
export function chiSquareLimit(degrees: number, z: number): number {
  const ninth = 2 / (9 * degrees)
  return degrees * (1 - ninth + z * Math.sqrt(ninth)) ** 3
}

export function histogramOf(draws: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const draw of draws) counts.set(draw, (counts.get(draw) ?? 0) + 1)
  return counts
}

export interface Fit {
  readonly statistic: number
  readonly degrees: number
}

/** Draws against the probability of each integer; the values from the first with enough expected draws on are cells, both tails are one each. */
export function fitTo(draws: readonly number[], probability: (x: number) => number): Fit {
  const counts = histogramOf(draws)
  const expected = (x: number) => draws.length * probability(x)
  let edge = 0
  while (expected(edge + 1) >= LEAST_EXPECTED) edge++
  let statistic = 0
  let [inside, drawnInside] = [0, 0]
  for (let x = -edge; x <= edge; x++) {
    const [e, o] = [expected(x), counts.get(x) ?? 0]
    statistic += (o - e) ** 2 / e
    inside += e
    drawnInside += o
  }
  const tail = draws.length - inside
  statistic += (draws.length - drawnInside - tail) ** 2 / tail
  return { statistic, degrees: 2 * edge + 1 }
}

/** Two sets of draws of the same size against each other. */
export function fitTogether(left: readonly number[], right: readonly number[]): Fit {
  const [a, b] = [histogramOf(left), histogramOf(right)]
  const values = [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x - y)
  let statistic = 0
  let cells = 0
  let [l, r] = [0, 0]
  for (const value of values) {
    l += a.get(value) ?? 0
    r += b.get(value) ?? 0
    if (l + r < LEAST_EXPECTED) continue
    statistic += (l - r) ** 2 / (l + r)
    cells++
    ;[l, r] = [0, 0]
  }
  return { statistic, degrees: cells - 1 }
}
