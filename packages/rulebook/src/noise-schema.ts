/** The schema of `release.noise`: off, or what one day of one person may cost. What the numbers may be is the linter's. */
import { z } from 'zod'
import { allowed, BOUND_TEXTS } from './bounds.js'

const cost = (like: number, bounds: string) =>
  z
    .number()
    .meta({ examples: [like] })
    .register(allowed, { text: bounds })

const mapSchema = z.strictObject({
  unit: z.literal('user-day').describe('whom it protects: all that one person did on one day'),
  mechanism: z
    .enum(['laplace', 'gaussian'])
    .describe('the noise: discrete Laplace (`epsilon`) or discrete Gaussian (`rho` and `delta`)'),
  epsilon: cost(1, BOUND_TEXTS.epsilon)
    .optional()
    .describe('what a day costs over all statistics of a site together; needed with laplace'),
  rho: cost(0.05, BOUND_TEXTS.rho)
    .optional()
    .describe('what a day costs over all statistics of a site together; needed with gaussian'),
  delta: cost(1e-6, BOUND_TEXTS.delta)
    .optional()
    .describe('the chance that the promise of a day does not hold; needed with gaussian'),
  cap_per_year: cost(365, BOUND_TEXTS.noiseCap).describe(
    'the most that the days of a year may cost, as epsilon or rho; nothing is published beyond it',
  ),
})

export const noiseSchema = z
  .union([z.literal('off'), mapSchema])
  .describe('random noise on what is published, drawn once: `off`, or its kind and budget; off without it')
  .meta({ examples: [{ unit: 'user-day', mechanism: 'laplace', epsilon: 1, cap_per_year: 365 }, 'off'] })

export type NoiseDraft = z.infer<typeof noiseSchema>
