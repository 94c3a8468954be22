import { CHOICE_REASONS, TECHNICAL_REASONS, rfc3339 } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { finestWindow, isClosedHour, ledgerAnswer, statisticAnswer, statisticsCatalogue } from './answer.js'
import { cell, devices, pages, realm, rulebook } from './rulebook.fixture.js'

const answer = (cells: readonly ReturnType<typeof cell>[]) =>
  statisticAnswer({ rulebook, statistic: pages, window: 'day', sample: false, cells })

t.test('rows carry the window, the dimensions by name, the measures and the floor', async (t) => {
  const got = answer([cell('2026-11-02', '/b', 20, 44), cell('2026-11-01', '/a', null, 30)])
  t.same(got, {
    statistic: 'pages',
    window: 'day',
    rulebook: rulebook.hash,
    site: 'erp',
    sample: false,
    rows: [
      { window_start: '2026-11-01T00:00:00Z', path: '/a', users: null, events: 30 },
      { window_start: '2026-11-02T00:00:00Z', path: '/b', users: 20, events: 44, floor: 10 },
    ],
    withheld: { cells: 6 },
  })
})

t.test('a measure that the statistic does not declare is no key of a row', async (t) => {
  const one = { ...cell('2026-11-01', '', 30, 99), dims: ['admin', '2026-01'] }
  const got = statisticAnswer({ rulebook, statistic: devices, window: 'day', sample: true, cells: [one] })
  t.same(got.rows, [
    { window_start: '2026-11-01T00:00:00Z', role: 'admin', cohort: '2026-01', users: 30, floor: 10 },
  ])
  t.equal(got.withheld.cells, null, 'months are an open domain')
})

t.test(
  'largest values come first, (other) last, and (other) is not one of the declared values',
  async (t) => {
    const got = answer([
      cell('2026-11-01', '(other)', 90, 90),
      cell('2026-11-01', '/c', 10, 11),
      cell('2026-11-01', '/a', 50, 70),
    ])
    t.same(
      got.rows.map((row) => row['path']),
      ['/a', '/c', '(other)'],
    )
    t.same(got.withheld, { cells: 2 }, '/b and /other are declared and not published')
  },
)

t.test('withheld is a function of what is public: declared values times windows, minus rows', async (t) => {
  const day = fc.integer({ min: 1, max: 9 }).map((n) => `2026-11-0${n}`)
  const path = fc.constantFrom('/a', '/b', '/c', '/other', '(other)')
  const cells = fc.uniqueArray(
    fc
      .tuple(
        day,
        path,
        fc.nat({ max: 500 }).map((n) => n * 10),
      )
      .map(([d, p, users]) => cell(d, p, users, users)),
    { selector: (one) => `${one.windowStart} ${one.dims.join()}` },
  )
  fc.assert(
    fc.property(cells, (some) => {
      const { rows, withheld } = answer(some)
      const days = new Set(rows.map((row) => row['window_start'])).size
      const published = rows.filter((row) => row['path'] !== '(other)').length
      const sorted = rows.map((row) => String(row['window_start']))
      return (
        rows.length === some.length &&
        withheld.cells === 4 * days - published &&
        sorted.join() === [...sorted].sort().join()
      )
    }),
  )
  t.pass('held in every run')
})

t.test('the default window is the finest that is declared', async (t) => {
  t.equal(finestWindow(devices), 'day')
  t.equal(finestWindow({ ...devices, windows: ['month', 'week'] }), 'week')
  t.equal(finestWindow({ ...devices, windows: ['day', '5m', 'hour'] }), '5m')
})

t.test('the catalogue lists every realm and marks what is sample', async (t) => {
  const released = ['2026-11-02', '2026-11-09', '2026-11-03'].map((day) => ({
    statistic: 'pages',
    window: 'day',
    windowStart: Date.parse(day),
    cells: 3,
  }))
  const entries = statisticsCatalogue([
    { ...realm('main', []), released: [] },
    { ...realm('sample', []), released },
  ])
  t.same(
    entries.map(({ id, sample, latest }) => [id, sample, latest]),
    [
      ['pages', false, null],
      ['devices', false, null],
      ['pages', true, '2026-11-09T00:00:00Z'],
      ['devices', true, null],
    ],
  )
  t.match(entries[0], {
    title: 'Pages',
    windows: ['day'],
    by: ['path'],
    drill: ['device'],
    measures: ['users', 'events'],
    site: 'erp',
    people: 'floored',
    min_users: 10,
  })
})

t.test('whatever is dropped, the ledger shows one refused for all choices and its sums hold', async (t) => {
  const reason = fc.constantFrom(...CHOICE_REASONS, ...TECHNICAL_REASONS)
  const counts = fc.dictionary(reason, fc.nat({ max: 1_000 }))
  const choices: ReadonlySet<string> = new Set(CHOICE_REASONS)
  fc.assert(
    fc.property(counts, (dropped) => {
      const total = Object.values(dropped).reduce((sum, count) => sum + count, 0)
      const [row] = ledgerAnswer([
        { hour: '2026-11-01T10:00:00Z', received: total, accepted: 0, dropped },
      ]).rows
      const shown = Object.entries(row?.dropped ?? {})
      return (
        shown.every(([name, count]) => !choices.has(name) && count > 0) &&
        shown.reduce((sum, [, count]) => sum + count, 0) === total
      )
    }),
  )
  t.pass('held in every run')
})

t.test('an hour is closed once its day has ended and lateness has passed', async (t) => {
  const hour = Date.parse('2026-11-01T03:00:00Z')
  const end = Date.parse('2026-11-02T01:00:00Z')
  t.equal(isClosedHour(hour, end - 1, 3_600_000), false)
  t.equal(isClosedHour(hour, end, 3_600_000), true)
  const rows = [hour, end].map((time) => ({ hour: rfc3339(time), received: 1, accepted: 1, dropped: {} }))
  t.equal(ledgerAnswer(rows).rows.length, 2, 'on the machine itself every hour is shown')
  t.equal(ledgerAnswer(rows, { now: end, latenessMs: 3_600_000 }).rows.length, 1)
})
