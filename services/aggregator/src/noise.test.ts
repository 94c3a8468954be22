import type { NoisePlan, TreeNoise } from '@tacit/disclosure'
import type { Rulebook } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { siteNoise, treeNoise } from './noise.js'

function noised(): Rulebook {
  const rulebook = shippedRulebook('erp')
  const noise = { unit: 'user-day', mechanism: 'laplace', epsilon: 1, capPerYear: 400 } as const
  return { ...rulebook, release: { ...rulebook.release, noise } }
}

function planOf(rulebook: Rulebook): NoisePlan | null {
  const { erp } = rulebook.sites
  return erp === undefined ? null : siteNoise(rulebook, erp)
}

function noiseOf(statistic: string, window: string): TreeNoise | null {
  const plan = planOf(noised())
  if (plan === null) throw new Error('no noise')
  return treeNoise(plan, statistic, window)
}

t.test('where the rulebook has noise off, there is no plan', async (t) => {
  t.equal(planOf(shippedRulebook('erp')), null)
})

t.test('a group is drawn once, however often it is looked at', async (t) => {
  const noise = noiseOf('pages', 'day')
  if (noise === null) throw new Error('it is not published')
  const first = Array.from({ length: 50 }, (_none, at) => noise.draw(null, [`/${String(at)}`]))
  t.same(
    first.map((_offsets, at) => noise.draw(null, [`/${String(at)}`])),
    first,
  )
  t.ok(new Set(first.map(({ events }) => events)).size > 10, 'and each group by itself')
  t.ok(
    new Set(Array.from({ length: 50 }, (_none, hour) => noise.draw(hour, ['/a']).users)).size > 2,
    'also of hours',
  )
  t.ok(noise.tau > 10, 'fewer noised people than that are nowhere')
  t.ok(noise.error.users > 0 && noise.error.events > 0)
})

t.test('a week whose cells somebody may be in without bound is not published with noise', async (t) => {
  t.equal(noiseOf('features', 'week'), null)
  t.equal(noiseOf('apps', 'week'), null)
  t.not(noiseOf('retention', 'week'), null, 'everybody is of one cohort')
  t.not(noiseOf('features', 'day'), null)
  t.equal(noiseOf('nothing', 'day'), null)
})
