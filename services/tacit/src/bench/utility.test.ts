import t from 'tap'
import { benchUtility, type UtilityBench, UTILITY_KS } from './utility.js'

const shownOf = ({ rows }: UtilityBench, k: number, statistic: string, window: string, level?: string) => {
  const row = rows.find(
    (one) =>
      one.k === k &&
      one.statistic === statistic &&
      one.window === window &&
      (level === undefined || one.level === level),
  )
  return row?.people_shown ?? Number.NaN
}

/** Whoever passes ten passes five: at every level that is never pooled with what passes. */
function growsWithSmallerK(bench: UtilityBench): readonly string[] {
  return bench.rows
    .filter(({ k, level }) => k === 10 && !level.includes(','))
    .filter(({ level, people_shown, statistic, window }) => {
      const looser = shownOf(bench, 5, statistic, window, level)
      return (people_shown ?? 0) > looser
    })
    .map(({ statistic, window }) => `${statistic} by the ${window}`)
}

// What is measured at the rulebook's own k is compared with the committed manifests, byte for byte, by the benchmark itself.
t.test('of twenty people next to nothing stays visible, and of two hundred most pages do', async (t) => {
  const small = await benchUtility({ people: 20, seed: 1, ks: UTILITY_KS }, () => {})
  t.ok(small.people_a_day >= 12 && small.people_a_day <= 28, `${small.people_a_day} people a day`)
  for (const [statistic, window] of [
    ['pages', 'hour'],
    ['features', 'day'],
    ['devices', 'day'],
    ['speed', 'day'],
    ['retention', 'week'],
  ] as const)
    t.equal(shownOf(small, 10, statistic, window), 0, `${statistic} by the ${window}`)
  t.ok(shownOf(small, 10, 'pages', 'day', 'path') <= 20, 'a page or two')
  const week = shownOf(small, 10, 'pages', 'week', 'path')
  t.ok(week >= 10 && week <= 40, 'by the week a little more')
  t.same(growsWithSmallerK(small), [])

  const larger = await benchUtility({ people: 200, seed: 1, ks: UTILITY_KS }, () => {})
  t.ok(larger.people_a_day >= 140 && larger.people_a_day <= 240, `${larger.people_a_day} people a day`)
  const [hour, day, byWeek] = ['hour', 'day', 'week'].map((window) =>
    shownOf(larger, 10, 'pages', window, 'path'),
  ) as [number, number, number]
  t.ok(hour <= 20, `${hour} % by the hour`)
  t.ok(day >= 65 && day <= 90, `${day} % by the day`)
  t.ok(byWeek >= 90, `${byWeek} % by the week`)
  t.ok(shownOf(larger, 10, 'features', 'week', 'event_name') >= 85, 'features by the week')
  t.ok(shownOf(larger, 10, 'pages', 'day', 'path, device') <= 25, 'a drill costs most of it')
  t.same(growsWithSmallerK(larger), [])
})

t.test('the same seed has the same figures', async (t) => {
  const options = { people: 20, seed: 3, ks: [10] }
  const [once, twice] = [await benchUtility(options, () => {}), await benchUtility(options, () => {})]
  t.same(once, twice)
})
