import fc from 'fast-check'
import t from 'tap'
import { laplaceProbability } from './distribution.js'
import { EXISTENCE_DELTA, type NoisePlanInput, noisePlan, type PlannedStatistic, plannedFor } from './plan.js'
import { addRational, formatRational, rational, rationalOf } from './rational.js'
import { ERP_STATISTICS, site } from './testing/sites.js'

const LAPLACE: NoisePlanInput['noise'] = { mechanism: 'laplace', epsilon: 1, capPerYear: 365 }
const GAUSSIAN: NoisePlanInput['noise'] = { mechanism: 'gaussian', rho: 0.1, delta: 1e-6, capPerYear: 36.5 }

const planFor = (noise: NoisePlanInput['noise'], change: Partial<NoisePlanInput> = {}) =>
  noisePlan({ ...site(noise), ...change })

const costsOf = (statistics: readonly PlannedStatistic[]) =>
  statistics.flatMap(({ numbers }) => numbers).reduce((sum, { cost }) => addRational(sum, cost), rational(0n))

for (const noise of [LAPLACE, GAUSSIAN]) {
  t.test(
    `all numbers of a site with ${noise.mechanism} noise cost a user-day what the rulebook says, exactly`,
    async (t) => {
      const plan = planFor(noise)
      t.equal(formatRational(costsOf(plan.statistics)), formatRational(plan.budget))
      t.same(plan.budget, rationalOf(noise.mechanism === 'laplace' ? 1 : 0.1))
      t.ok(plan.statistics.length > 5)
    },
  )
}

t.test('a scale is the sensitivity over the share of the budget, an exact fraction', async (t) => {
  const one = { ...site(LAPLACE), statistics: ERP_STATISTICS.filter(({ id }) => id === 'pages') }
  const laplace = noisePlan({ ...one, noise: { mechanism: 'laplace', epsilon: 0.3, capPerYear: 110 } })
  // hour: people; day: people of pages, people of pages by device, events
  t.same(
    laplace.statistics.map(({ numbers, window }) => [
      window,
      ...numbers.map(({ cost, depths, measure, parameter }) => [
        measure,
        depths,
        formatRational(parameter),
        formatRational(cost),
      ]),
    ]),
    [
      ['hour', ['users', 1, '800/3', '3/40']],
      ['day', ['users', 2, '800/3', '3/20'], ['events', 1, '800/3', '3/40']],
    ],
  )
  const gaussian = noisePlan({
    ...one,
    noise: { mechanism: 'gaussian', rho: 0.5, delta: 1e-6, capPerYear: 200 },
  })
  t.same(
    gaussian.statistics.map(({ numbers }) => numbers.map(({ parameter }) => formatRational(parameter))),
    [['80'], ['80', '1600']],
    'σ² = 20 · 4 / (2 · 0.5) for people, and 20² · 4 / (2 · 0.5) for events',
  )
})

t.test('each shape has its own sensitivity', async (t) => {
  const plan = planFor(LAPLACE)
  const l1 = (id: string, window: string) =>
    plannedFor(plan, id, window)?.numbers.map(({ measure, sensitivity }) => [measure, sensitivity.l1])
  t.same(
    l1('features', 'week'),
    [['users', 80]],
    'twice the memberships, and no events: they are sums of days',
  )
  t.same(l1('devices', 'day'), [['users', 80]], 'the cap of four kinds')
  t.same(
    l1('speed', 'day'),
    [
      ['users', 20],
      ['share', 20],
    ],
    'people decide whether a path shows',
  )
  t.same(l1('invoice', 'day'), [['users', 3]])
  t.same(l1('retention', 'week'), [['users', 1]])
  t.same(
    l1('time', 'day'),
    [
      ['users', 20],
      ['visits', 20],
      ['time_s', 36_000],
    ],
    'people are drawn, though not published',
  )
})

t.test('what nothing bounds is planned nowhere', async (t) => {
  const plan = planFor(LAPLACE)
  t.same(plan.unbounded, [{ statistic: 'live', window: '5m' }])
  t.equal(plannedFor(plan, 'live', '5m'), null)
  const endless = planFor(LAPLACE, { membershipsPerPerson: null })
  t.same(endless.unbounded, [
    { statistic: 'live', window: '5m' },
    { statistic: 'features', window: 'week' },
    { statistic: 'apps', window: 'week' },
  ])
  t.equal(formatRational(costsOf(endless.statistics)), '1', 'the rest has the whole budget')
})

t.test('a window of sums of published days costs nothing', async (t) => {
  const [sums] = ERP_STATISTICS.filter(({ id }) => id === 'time').map((one) => ({
    ...one,
    windows: ['day', 'week'],
  }))
  const plan = noisePlan({ ...site(LAPLACE), statistics: sums === undefined ? [] : [sums] })
  t.same(plannedFor(plan, 'time', 'week'), { statistic: 'time', window: 'week', numbers: [], tau: 0 })
})

t.test('a group that has just enough people shows with the chance that a user-day has for it', async (t) => {
  const plan = planFor(LAPLACE)
  let cells = 0
  for (const { numbers } of plan.statistics)
    for (const { depths, measure, sensitivity } of numbers)
      if (measure === 'users') cells += depths * sensitivity.l0
  let all = 0
  for (const { numbers, tau } of plan.statistics) {
    const [people] = numbers
    t.equal(people?.measure, 'users')
    const { depths = 0, scale = 1, sensitivity = { l0: 0 } } = people ?? {}
    let chance = 0
    for (let noise = tau - 10; noise < tau - 10 + 60 * scale; noise++)
      chance += laplaceProbability(scale, noise)
    t.ok(chance <= EXISTENCE_DELTA / cells, `${chance} of ${EXISTENCE_DELTA / cells}`)
    all += chance * depths * sensitivity.l0
  }
  t.ok(
    all <= EXISTENCE_DELTA && all > EXISTENCE_DELTA / 2,
    `${all}: together no more than the delta, and no less by much`,
  )
})

t.test('a parameter that bounds nothing is refused', async (t) => {
  const refused: readonly Partial<NoisePlanInput>[] = [
    { noise: { mechanism: 'laplace', epsilon: 0, capPerYear: 1 } },
    { noise: { mechanism: 'laplace', epsilon: Number.NaN, capPerYear: 1 } },
    { noise: { mechanism: 'laplace', epsilon: 1, capPerYear: Number.POSITIVE_INFINITY } },
    { noise: { mechanism: 'gaussian', rho: -1, delta: 1e-6, capPerYear: 1 } },
    { noise: { mechanism: 'gaussian', rho: 1, delta: 1, capPerYear: 1 } },
    { maxEventsPerPerson: 0 },
    { maxEventsPerPerson: 1.5 },
    { membershipsPerPerson: 0 },
    { kinds: 0 },
    { minUsers: 0 },
    { largestSeconds: 0 },
  ]
  for (const change of refused) t.throws(() => noisePlan({ ...site(LAPLACE), ...change }), RangeError)
})

t.test(
  'whatever the site, its numbers cost the budget together and are as large as their error bars say',
  async (t) => {
    const statistic = fc.constantFrom(...ERP_STATISTICS)
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(
          fc.uniqueArray(statistic, { minLength: 2, selector: ({ id }) => id }),
          fc.integer({ min: 1, max: 100 }),
          fc.integer({ min: 1, max: 2_000 }),
          fc.constantFrom('laplace', 'gaussian'),
          (statistics, cap, thousandths, mechanism) => {
            const cost = thousandths / 1000
            const noise =
              mechanism === 'laplace'
                ? ({ mechanism, epsilon: cost, capPerYear: 1e4 } as const)
                : ({ mechanism: 'gaussian', rho: cost, delta: 1e-6, capPerYear: 1e4 } as const)
            const plan = noisePlan({ ...site(noise), statistics, maxEventsPerPerson: cap })
            const numbers = plan.statistics.flatMap((planned) => planned.numbers)
            return (
              formatRational(costsOf(plan.statistics)) === formatRational(rationalOf(cost)) &&
              numbers.every(
                ({ halfWidth, scale }) => halfWidth >= 1.95 * scale && halfWidth <= 3 * scale + 1,
              ) &&
              plan.statistics.every(({ tau }) => tau > 10)
            )
          },
        ),
        { seed: 3, numRuns: 300 },
      ),
    )
  },
)
