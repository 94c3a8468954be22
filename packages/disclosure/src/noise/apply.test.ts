import t from 'tap'
import { applyNoise, drawNoise } from './apply.js'
import { noisePlan, type PlannedStatistic, plannedFor } from './plan.js'
import { type RandomSource, systemRandom } from './random.js'
import { seededRandom } from './testing/seeded.js'
import { site } from './testing/sites.js'

const PAGES = plannedFor(
  noisePlan(site({ mechanism: 'laplace', epsilon: 1, capPerYear: 365 })),
  'pages',
  'day',
) as PlannedStatistic

t.test('each block and public measure has a draw of its own, and nothing else has', async (t) => {
  const blocks = Array.from({ length: 50 }, (_, at) => ({
    users: 500,
    events: at % 2 === 0 ? 900 : null,
    visits: 4,
  }))
  const draws = drawNoise(blocks, PAGES, seededRandom('draws'))
  t.same(
    draws.map((draw) => Object.keys(draw)),
    blocks.map(({ events }) => (events === null ? ['users'] : ['users', 'events'])),
    'visits are not in the plan',
  )
  t.ok(new Set(draws.map(({ users }) => users)).size > 40)
  t.same(drawNoise(blocks, PAGES, seededRandom('draws')), draws)
  t.notSame(drawNoise(blocks, PAGES, seededRandom('others')), draws)
})

t.test(
  'noised numbers are exact ones plus their draws, never below zero; a group below tau does not show',
  async (t) => {
    const plan = { tau: 400 }
    t.same(applyNoise({ users: 500, events: 900 }, { users: -100, events: 7 }, plan), {
      shown: true,
      counts: { users: 400, events: 907 },
    })
    t.same(applyNoise({ users: 500, events: 900 }, { users: -101, events: -901 }, plan), {
      shown: false,
      counts: { users: 399, events: 0 },
    })
    t.throws(() => applyNoise({ users: 500 }, {}, plan), RangeError, 'exact people decide nothing')
    t.throws(() => applyNoise({ users: 500, events: 900 }, { events: 7 }, plan), RangeError)
  },
)

const RUNS = 200_000

/** The chance that the events of one group are at least `limit` once noised. */
function chanceOf(events: number, limit: number, plan: PlannedStatistic, random: RandomSource): number {
  const blocks = Array.from({ length: RUNS }, () => ({ users: 500, events }))
  return drawNoise(blocks, plan, random).filter((draw) => events + (draw.events ?? 0) >= limit).length / RUNS
}

t.test(
  'one user-day changes the odds of an answer by the factor that it was charged for, two by more',
  async (t) => {
    // One statistic, two numbers: events have an epsilon of 1 of 2.
    const only = site({ mechanism: 'laplace', epsilon: 2, capPerYear: 730 })
    const statistics = [
      {
        id: 'pages',
        shape: { type: 'counts' } as const,
        windows: ['day'],
        where: { kind: 'page_view' },
        drill: [],
        measures: ['users', 'events'],
      },
    ]
    const plan = plannedFor(noisePlan({ ...only, statistics }), 'pages', 'day') as PlannedStatistic
    const random = seededRandom('odds')
    const [cap, events, limit] = [20, 1000, 1050]
    const without = chanceOf(events, limit, plan, random)
    const factor = (rows: number) => chanceOf(events + rows, limit, plan, random) / without
    // The largest change there is: all rows of a user-day in one group.
    const [one, two] = [factor(cap), factor(2 * cap)]
    t.ok(one > 0.97 * Math.E && one < 1.03 * Math.E, `${one}, and e is ${Math.E}`)
    t.ok(two > 6.5, `${two}: the test sees a user-day that is not capped`)
  },
)

t.test('noise from the system is there, and never the same twice', async (t) => {
  const blocks = Array.from({ length: 300 }, () => ({ users: 500, events: 900 }))
  const [first, second] = [drawNoise(blocks, PAGES, systemRandom), drawNoise(blocks, PAGES, systemRandom)]
  t.notSame(first, second)
  const spread = first.reduce((sum, { users = 0 }) => sum + Math.abs(users), 0) / first.length
  const [people] = PAGES.numbers
  const scale = people?.scale ?? 0
  t.ok(spread > scale / 2 && spread < scale * 2, `${spread} on average, at a scale of ${scale}`)
})
