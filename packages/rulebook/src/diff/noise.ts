/** Changes of noise: how well one day of one person is hidden in what is published. */
import type { Noise } from '../types.js'
import { compareNumber, compareRest } from './compare.js'
import type { Say } from './types.js'

const noiseText = (noise: Noise | null): string => (noise === null ? 'off' : noise.mechanism)

/** Noise hides what was told without it; less of it, or more days of it, tells more. */
export function diffNoise(say: Say, from: Noise | null, to: Noise | null): void {
  const at = 'release.noise'
  if (from === null || to === null) {
    if (from === to) return
    const on = to !== null
    say(
      at,
      on ? 'tighten' : 'loosen',
      noiseText(from),
      noiseText(to),
      on ? 'Noise is added.' : 'No noise is added any more.',
    )
    return
  }
  // One kind of noise does not follow from the other.
  if (from.mechanism !== to.mechanism) {
    say(`${at}.mechanism`, 'loosen', from.mechanism, to.mechanism, 'Noise is of another kind.')
    return
  }
  const day = {
    up: 'A day of a person is hidden by less noise.',
    down: 'A day of a person is hidden by more noise.',
  }
  if (from.mechanism === 'laplace' && to.mechanism === 'laplace')
    compareNumber(say, `${at}.epsilon`, from.epsilon, to.epsilon, 'loosen', day)
  if (from.mechanism === 'gaussian' && to.mechanism === 'gaussian') {
    compareNumber(say, `${at}.rho`, from.rho, to.rho, 'loosen', day)
    compareNumber(say, `${at}.delta`, from.delta, to.delta, 'loosen', {
      up: 'The promise of noise may fail more often.',
      down: 'The promise of noise may fail less often.',
    })
  }
  compareNumber(say, `${at}.cap_per_year`, from.capPerYear, to.capPerYear, 'loosen', {
    up: 'More may be published of a year.',
    down: 'Less may be published of a year.',
  })
  const classed = ['mechanism', 'epsilon', 'rho', 'delta', 'capPerYear']
  compareRest<Record<string, unknown>>(say, at, { ...from }, { ...to }, classed)
}
