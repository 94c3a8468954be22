/** Dimensions against what was measured: the budget of log2(N/k) bits, by released cells alone. */
import fc from 'fast-check'
import t from 'tap'
import { placeOf, places, shipped, shippedRulebook } from '../testing/shipped.js'
import { type MeasuredCell, type MeasuredStatistic, measuredFindings } from './measured.js'

const FILE = 'rulebook.yaml'
const DAY = '2026-11-15T00:00:00Z'

const cell = (
  users: number | null,
  values: Readonly<Record<string, string>>,
  window = DAY,
): MeasuredCell => ({
  window,
  users,
  values,
})
const pages = (...cells: readonly MeasuredCell[]): MeasuredStatistic => ({
  id: 'pages',
  site: 'erp',
  by: ['path'],
  cells,
})
const devices = (...cells: readonly MeasuredCell[]): MeasuredStatistic => ({
  id: 'devices',
  site: 'erp',
  by: ['device', 'os', 'browser'],
  cells,
})
const desktop = { device: 'desktop', os: 'windows', browser: 'chrome' }
const phone = { device: 'mobile', os: 'android', browser: 'chrome' }
const rulebook = shippedRulebook('erp')

t.test('nothing was measured: nothing is found', async (t) => {
  t.same(measuredFindings(rulebook, FILE, []), [])
  t.same(measuredFindings(rulebook, FILE, [pages(cell(null, { path: '/a' }))]), [])
})

t.test('a thousand people hide what a rulebook declares; thirty do not', async (t) => {
  t.same(measuredFindings(rulebook, FILE, [pages(cell(1000, { path: '/dashboard' }))]), [])
  const found = measuredFindings(rulebook, FILE, [
    pages(cell(1000, { path: '/dashboard' }, '2026-11-16T00:00:00Z'), cell(30, { path: '/dashboard' })),
  ])
  t.same(places(found), [
    `RULE_BITS_MEASURED ${placeOf(shipped('erp'), '[path]\n    drill')}`,
    `RULE_BITS_MEASURED ${placeOf(shipped('erp'), '[event_name]')}`,
    `RULE_BITS_MEASURED ${placeOf(shipped('erp'), '[device, os, browser]\n    measures')}`,
    `RULE_BITS_MEASURED ${placeOf(shipped('erp'), '[app_version, model_class]')}`,
  ])
  t.match(found[2]?.message, /devices can tell 4\.0 bits .* 2026-11-15 .* 30 people, which hide 1\.6 bits/)
  t.equal(found[0]?.severity, 'error')
})

t.test('what was measured goes before what was declared', async (t) => {
  const alike = measuredFindings(rulebook, FILE, [
    devices(cell(30, desktop)),
    pages(cell(40, { path: '/a' })),
  ])
  t.notOk(
    alike.some(({ message }) => message.includes('statistics.devices ')),
    'one family tells nothing',
  )
  // Twelve families of ten people each, of 40 people: somebody with three devices is in three.
  const many = Array.from({ length: 12 }, (_, at) => cell(10, { ...phone, browser: `b${String(at)}` }))
  const found = measuredFindings(rulebook, FILE, [devices(...many), pages(cell(40, { path: '/a' }))]).find(
    ({ message }) => message.includes('statistics.devices '),
  )
  t.match(found?.message, /devices tell 3\.6 bits/)
})

t.test('pages and durations describe nobody, and an open domain is judged once it is measured', async (t) => {
  const cohorts = shippedRulebook('erp', ['by: [app_version, model_class]', 'by: [cohort]'])
  const spread = (by: string, count: number): MeasuredStatistic => ({
    id: 'apps',
    site: 'erp',
    by: [by],
    cells: Array.from({ length: count }, (_, at) => cell(10, { [by]: `v${String(at)}` })),
  })
  const about = (list: readonly MeasuredStatistic[], id: string, book = rulebook) =>
    measuredFindings(book, FILE, list).filter(({ message }) => message.includes(`statistics.${id} `)).length
  const people = pages(
    cell(100, { path: '/a' }),
    ...Array.from({ length: 40 }, (_, at) => cell(10, { path: `/p${String(at)}` })),
  )
  t.equal(about([people], 'navigation'), 0)
  t.equal(about([people], 'speed'), 0)
  t.equal(about([people], 'apps', cohorts), 0, 'not measured')
  t.equal(about([people, spread('cohort', 12)], 'apps', cohorts), 1)
  t.equal(about([people, spread('cohort', 8)], 'apps', cohorts), 0)
})

t.test('more people never make a finding', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 5_000 }), (few, more) => {
        const of = (people: number) =>
          measuredFindings(rulebook, FILE, [pages(cell(people, { path: '/a' }))]).length
        return of(few + more) <= of(few)
      }),
    ),
  )
})
