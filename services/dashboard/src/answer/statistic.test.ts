import fc from 'fast-check'
import t from 'tap'
import { cell, devices, pages, rulebook } from '../rulebook.fixture.js'
import type { ReleasedCell } from './cell.js'
import { statisticAnswer } from './statistic.js'
import type { Asked, Gathered } from './types.js'

const gathered: Gathered = { cells: [], counts: null, before: [], per: [], live: null }
const asked: Asked = {
  rulebook,
  ruled: (hash) => (hash === rulebook.hash ? rulebook : null),
  statistic: pages,
  window: 'day',
  sample: false,
  drill: null,
  limit: 10_000,
  top: null,
  compare: false,
  timezone: null,
  from: null,
}
const answer = (cells: readonly ReleasedCell[], more: Partial<Asked> = {}, read: Partial<Gathered> = {}) =>
  statisticAnswer({ ...asked, ...more }, { ...gathered, cells, ...read })
const of = (dims: readonly string[], more: Partial<ReleasedCell> = {}, day = '2026-11-01'): ReleasedCell => ({
  ...cell(day, '', 20, 40),
  dims,
  ...more,
})
const select = (rows: readonly Readonly<Record<string, unknown>>[], ...names: string[]) =>
  rows.map((row) => names.map((name) => row[name]))

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
  const got = answer([one], { statistic: devices, sample: true })
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

t.test('a drill has the rows of its level, named by all of its dimensions', async (t) => {
  const got = answer([of(['/a', 'mobile'], { users: 10 }), of(['/a', '(other)'])], { drill: 'device' })
  t.same(select(got.rows, 'path', 'device', 'users'), [
    ['/a', 'mobile', 10],
    ['/a', '(other)', 20],
  ])
  t.equal(got.withheld.cells, null, 'no field of these rules yields devices, so they are open')
})

t.test('hours carry people alone', async (t) => {
  const [row] = answer([of(['/a'], { window: 'hour', events: null })], { window: 'hour' }).rows
  t.same(Object.keys(row ?? {}), ['window_start', 'path', 'users', 'floor'])
})

t.test('visits, time and the reach of noise are shown where they are published', async (t) => {
  const statistic = { ...pages, measures: ['users', 'events', 'visits', 'time_s'] as never }
  const got = answer([of(['/a'], { visits: 7, time_s: 930, users_error: 4, events_error: 9 })], { statistic })
  t.match(got.rows, [
    { users: 20, events: 40, visits: 7, time_s: 930, users_error: 4, events_error: 9, floor: 10 },
  ])
  t.notOk('users_error' in (answer([of(['/a'])]).rows[0] ?? {}), 'without noise there is no such column')
})

t.test('a histogram has shares by bucket in their order, and percentiles within them', async (t) => {
  const statistic = {
    ...pages,
    id: 'speed',
    shape: { type: 'histogram' as const, field: 'load_ms' },
    drill: [],
    measures: [],
  }
  const share = (path: string, bucket: string, percent: number) =>
    of([path, bucket], { users: null, events: null, floor: null, share: percent })
  const got = answer(
    [
      share('/a', '>=3000', 10),
      share('/a', '<100', 40),
      share('/a', '100-2999', 50),
      share('/b', '>=1000', 100),
    ],
    { statistic },
  )
  t.same(select(got.rows, 'path', 'bucket', 'share'), [
    ['/a', '<100', 40],
    ['/a', '100-2999', 50],
    ['/a', '>=3000', 10],
    ['/b', '>=1000', 100],
  ])
  t.same(got.percentiles, [
    { window_start: '2026-11-01T00:00:00Z', path: '/a', p50: 680, p75: 2130, p95: null },
    { window_start: '2026-11-01T00:00:00Z', path: '/b', p50: null, p75: null, p95: null },
  ])
  t.same(
    select(
      answer([share('/a', '<100', 100), share('/b', '<100', 100)], { statistic, limit: 1 }).percentiles ?? [],
      'path',
    ),
    [],
    'a path whose buckets are cut has no percentiles',
  )
})

const funnel = {
  ...pages,
  id: 'invoice',
  shape: {
    type: 'funnel' as const,
    steps: [
      { of: 'page' as const, value: '/new' },
      { of: 'event' as const, value: 'save' },
      { of: 'event' as const, value: 'send' },
    ],
  },
  by: [],
  drill: [],
}

t.test('a funnel has its steps in order, with the percent of the first that came so far', async (t) => {
  const got = answer(
    [of(['event:send'], { users: 30 }), of(['page:/new'], { users: 120 }), of(['event:save'], { users: 80 })],
    { statistic: funnel },
  )
  t.same(select(got.rows, 'step', 'users', 'conversion'), [
    ['page:/new', 120, 100],
    ['event:save', 80, 67],
    ['event:send', 30, 25],
  ])
  t.same(got.withheld, { cells: 0 })
  const without = answer([of(['event:save'], { users: 80 })], { statistic: funnel })
  t.same(select(without.rows, 'conversion'), [[null]], 'there is no share of what is not published')
  t.same(without.withheld, { cells: 2 })
})

t.test('of a sensitive event it is hidden that everybody did it, or nobody', async (t) => {
  const rules = {
    ...rulebook,
    events: { ...rulebook.events, save: { kind: 'feature' as const, sensitive: true } },
  }
  const rows = (users: number) =>
    select(
      answer([of(['page:/new'], { users: 100 }), of(['event:save'], { users })], {
        statistic: funnel,
        rulebook: rules,
      }).rows,
      'conversion',
    )
  t.same(rows(100), [[100], [null]])
  t.same(rows(90), [[100], [90]])
  t.same(rows(0), [[100], [null]])
})

t.test(
  'retention tells the week of a cohort, and what share came back of the first window by whose end all had joined',
  async (t) => {
    const statistic = { ...pages, shape: { type: 'retention' as const, cohort: 'cohort' }, by: [], drill: [] }
    const cells = [
      of(['2026-10'], { window: 'week', users: 20 }, '2026-10-12'),
      of(['other'], { window: 'week', users: 20 }, '2026-10-12'),
      of(['2026-10'], { window: 'week', users: 50 }, '2026-10-26'),
      of(['2026-10'], { window: 'week', users: 30 }, '2026-11-02'),
      of(['other'], { window: 'week', users: 30 }, '2026-11-02'),
    ]
    const got = answer(cells, { statistic, window: 'week' })
    t.same(select(got.rows, 'cohort', 'week', 'users', 'share'), [
      ['2026-10', 1, 20, null],
      ['other', null, 20, 100],
      ['2026-10', 3, 50, 100],
      ['2026-10', 4, 30, 60],
      ['other', null, 30, 150],
    ])
    const later = answer(cells, { statistic, window: 'week', from: '2026-11-01' })
    t.same(select(later.rows, 'share'), [[60], [150]], 'the range changes no share')
    t.equal(got.withheld.cells, null)
  },
)

t.test('the number of now is one row, and null while it is too small', async (t) => {
  const statistic = { ...pages, id: 'live', shape: { type: 'live' as const }, by: [], drill: [] }
  const live = {
    statistic: 'live',
    windowStart: Date.parse('2026-11-01T10:05:00Z'),
    floor: 10,
    rulebook: 'b',
  }
  const now = (users: number | null) => answer([], { statistic, window: '5m' }, { live: { ...live, users } })
  t.same(now(40).rows, [{ window_start: '2026-11-01T10:05:00Z', users: 40, floor: 10 }])
  t.same([now(40).withheld, now(null).withheld], [{ cells: 0 }, { cells: 1 }])
  t.same(now(null).rows, [{ window_start: '2026-11-01T10:05:00Z', users: null, floor: 10 }])
  t.same(answer([], { statistic, window: '5m' }).rows, [])
})

t.test('each window stands beside the one before it', async (t) => {
  const got = answer(
    [cell('2026-11-02', '/a', 30, 60), cell('2026-11-02', '/b', 10, 20)],
    { compare: true },
    {
      before: [cell('2026-11-01', '/a', 20, 45), cell('2026-10-31', '/b', 90, 90)],
    },
  )
  t.same(select(got.rows, 'path', 'previous_users', 'previous_events'), [
    ['/a', 20, 45],
    ['/b', null, null],
  ])
  const month = answer(
    [of(['/a'], { window: 'month' }, '2026-03-01')],
    { compare: true, window: 'month' },
    {
      before: [of(['/a'], { window: 'month', users: 70 }, '2026-02-01')],
    },
  )
  t.same(select(month.rows, 'previous_users'), [[70]])
})

t.test('a rate is events per hundred of the other statistic, of what is public of both', async (t) => {
  const statistic = { ...pages, id: 'errors', per: 'pages' }
  const got = answer(
    [cell('2026-11-01', '/a', 10, 13), cell('2026-11-01', '/b', 10, 5), cell('2026-11-01', '/c', 10)],
    { statistic },
    {
      per: [
        cell('2026-11-01', '/a', 90, 1_000),
        cell('2026-11-01', '/c', 90, 500),
        cell('2026-11-02', '/b', 90, 500),
      ],
    },
  )
  t.same(select(got.rows, 'path', 'rate'), [
    ['/a', 1.3],
    ['/b', null],
    ['/c', null],
  ])
})

t.test('a time zone changes what is written beside the window, and nothing else', async (t) => {
  const [row] = answer([cell('2026-11-01', '/a', 20, 40)], { timezone: 'Asia/Kolkata' }).rows
  t.same(row, {
    window_start: '2026-11-01T00:00:00Z',
    window_local: '2026-11-01T05:30:00+05:30',
    path: '/a',
    users: 20,
    events: 40,
    floor: 10,
  })
  for (const [zone, local] of [
    ['UTC', '2026-11-01T00:00:00+00:00'],
    ['America/New_York', '2026-10-31T20:00:00-04:00'],
    ['Asia/Kathmandu', '2026-11-01T05:45:00+05:45'],
  ] as const) {
    t.equal(answer([cell('2026-11-01', '/a', 20)], { timezone: zone }).rows[0]?.['window_local'], local)
  }
})

t.test('what is beyond the limit is said to be there, and counts as published', async (t) => {
  const cells = ['/a', '/b', '/c'].map((path, at) => cell('2026-11-01', path, 90 - at * 10))
  const counts = [{ windowStart: Date.parse('2026-11-01'), rulebook: rulebook.hash, cells: 3 }]
  const got = answer(cells, { limit: 2 }, { counts })
  t.match(got, { truncated: true, withheld: { cells: 1 } })
  t.equal(got.rows.length, 2)
  t.notOk('truncated' in answer(cells, { limit: 3 }))
  t.equal(answer(cells, { limit: 2 }).withheld.cells, null, 'without a count nobody knows')
})

t.test('cells of former rules are named and counted by those', async (t) => {
  const former = {
    ...rulebook,
    hash: 'f'.repeat(64),
    fields: { path: { do: 'template' as const, routes: ['/a'], otherwise: '/other' } },
    statistics: [{ ...pages, by: ['path'] }],
  }
  const cells = [{ ...cell('2026-11-01', '/a', 20), rulebook: former.hash }, cell('2026-11-02', '/a', 20)]
  const ruled = (hash: string) => [rulebook, former].find((one) => one.hash === hash) ?? null
  t.equal(answer(cells, { ruled }).withheld.cells, 1 + 3, 'two values were declared, then four')
  t.equal(answer(cells).withheld.cells, null, 'rules that are not known here declare nothing')
  t.equal(answer(cells, { ruled }).rulebook, rulebook.hash)
})
