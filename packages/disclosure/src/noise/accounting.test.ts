import t from 'tap'
import { epsilonOf, rhoOf } from './accounting.js'
import { noisePlan } from './plan.js'

t.test('published deployments are reckoned as they are published', async (t) => {
  // Wikimedia's country-project-page: 0.015 a day is about 1 at 1e-7, and a year of it 26.8 at 1e-9.
  t.equal(epsilonOf(0.015, 1e-7).toFixed(1), '1.0')
  t.equal(epsilonOf(0.015 * 365, 1e-9).toFixed(1), '26.8')
  t.equal(epsilonOf(0.005 * 365, 1e-9).toFixed(1), '14.1')
  t.equal(rhoOf(1), 0.5)
})

t.test('the scales are those of the textbook', async (t) => {
  const one = (cap: number, noise: Parameters<typeof noisePlan>[0]['noise']) => {
    const plan = noisePlan({
      noise,
      minUsers: 10,
      maxEventsPerPerson: cap,
      kinds: 1,
      membershipsPerPerson: null,
      largestSeconds: 0,
      statistics: [
        {
          id: 'pages',
          shape: { type: 'counts' },
          windows: ['day'],
          where: {},
          drill: [],
          measures: ['users'],
        },
      ],
    })
    return plan.statistics[0]?.numbers[0]
  }
  // ±3.0 b: 1 and 10 events of a person at an epsilon of 1.
  t.match(one(1, { mechanism: 'laplace', epsilon: 1, capPerYear: 1 }), { scale: 1, halfWidth: 3 })
  t.match(one(10, { mechanism: 'laplace', epsilon: 1, capPerYear: 1 }), { scale: 10, halfWidth: 30 })
  const gaussian = one(10, { mechanism: 'gaussian', rho: 0.015, delta: 1e-7, capPerYear: 1 })
  t.equal(gaussian?.scale.toFixed(1), '18.3')
})
