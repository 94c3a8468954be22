/** Noise: a budget that means something, or a word that there is none. */
import { NOISE_BOUNDS } from '../bounds.js'
import { isStated } from '../leaves.js'
import type { NoiseDraft } from '../noise-schema.js'
import { hasSite, type LintContext } from './context.js'

type Map = Exclude<NoiseDraft, 'off'>

/** The numbers that each mechanism needs; the first is what a day costs. */
const NEEDED = { laplace: ['epsilon'], gaussian: ['rho', 'delta'] } as const
const NUMBERS = ['epsilon', 'rho', 'delta'] as const

/** Closed groups know one another: who left is told by yesterday's number and today's, whatever the thresholds. */
function lintAdvised(context: LintContext): void {
  const { draft, report } = context
  if (draft.release === undefined || isStated(draft.source, ['release', 'noise'])) return
  if (!hasSite(context, 'signed')) return
  const place = draft.source.place(['release'], 'key')
  report('RULE_NOISE_ADVISED', place, 'A signed site is declared, and nothing is said about noise.')
}

function lintNumbers({ draft, report }: LintContext, noise: Map): void {
  const at = (key: string, part: 'key' | 'value' = 'value') =>
    draft.source.place(['release', 'noise', key], part)
  const needed: readonly string[] = NEEDED[noise.mechanism]
  for (const key of NUMBERS) {
    const value = noise[key]
    if (value === undefined && needed.includes(key)) {
      const message = `Noise of ${noise.mechanism} needs ${key}.`
      report('RULE_NOISE', draft.source.place(['release', 'noise']), message)
    } else if (value !== undefined && !needed.includes(key)) {
      report('RULE_NOISE', at(key, 'key'), `Noise of ${noise.mechanism} has no ${key}.`)
    } else if (value !== undefined && value <= 0) {
      report('RULE_NOISE', at(key), `${key} must be more than 0.`)
    }
  }
  if (noise.mechanism === 'gaussian' && (noise.delta ?? 0) > NOISE_BOUNDS.delta)
    report('RULE_NOISE', at('delta'), `delta must be at most ${NOISE_BOUNDS.delta}.`)
}

/** The epsilon that a day comes to, in either mechanism. Source: Bun and Steinke 2016, proposition 1.3. */
function epsilonOf({ delta, epsilon, mechanism, rho }: Map): number | undefined {
  if (mechanism === 'laplace') return epsilon
  if (rho === undefined || delta === undefined || rho <= 0 || delta <= 0 || delta >= 1) return undefined
  return rho + 2 * Math.sqrt(rho * Math.log(1 / delta))
}

function lintBudget({ draft, report }: LintContext, noise: Map): void {
  const key = NEEDED[noise.mechanism][0]
  const { cap_per_year: cap } = noise
  const day = noise[key]
  if (cap <= 0 || (day !== undefined && cap < day)) {
    const message = `cap_per_year is ${cap}; a day costs ${day ?? 'more than nothing'}.`
    report('RULE_NOISE_CAP', draft.source.place(['release', 'noise', 'cap_per_year']), message)
  }
  const epsilon = epsilonOf(noise) ?? 0
  if (epsilon <= NOISE_BOUNDS.epsilon) return
  const message = `A day comes to an epsilon of ${Number(epsilon.toFixed(1))}; above ${NOISE_BOUNDS.epsilon} it hides next to nothing.`
  report('RULE_NOISE_WEAK', draft.source.place(['release', 'noise', key]), message)
}

export function lintNoise(context: LintContext): void {
  lintAdvised(context)
  const noise = context.draft.release?.noise
  if (noise === undefined || noise === 'off') return
  lintNumbers(context, noise)
  lintBudget(context, noise)
}
