import type { CatalogueEntry, StatisticAnswer } from '@tacit/dashboard'
import t from 'tap'
import { answerTable, catalogueTable } from './statistics-table.js'

const answer: StatisticAnswer = {
  statistic: 'pages',
  window: 'day',
  rulebook: 'a'.repeat(64),
  site: 'erp',
  sample: false,
  rows: [],
  withheld: { cells: 0 },
}
const start = '2026-11-01T00:00:00Z'
const lines = (more: Partial<StatisticAnswer>): readonly string[] =>
  answerTable({ ...answer, ...more }).split('\n')

t.test('counts are a table, and notes say what its numbers mean', async (t) => {
  const got = lines({
    rows: [
      { window_start: start, path: '/a', users: 1_240, events: 5_000, floor: 10 },
      { window_start: start, path: '(other)', users: null, events: 60 },
    ],
    withheld: { cells: 3 },
    sample: true,
  })
  t.same(got, [
    'window_start          path     users  events',
    '────────────────────  ───────  ─────  ──────',
    '2026-11-01T00:00:00Z  /a       1,240   5,000',
    '2026-11-01T00:00:00Z  (other)      ·      60',
    'Sample data.',
    'People are rounded down to a multiple of 10.',
    '(other) holds values that are each too small to be shown alone.',
    '· is not published.',
    '3 declared values are not published: too few people, or nobody.',
  ])
})

t.test('a funnel is drawn by its conversion', async (t) => {
  const got = lines({
    rows: [
      { window_start: start, step: 'page:/new', users: 120, conversion: 100, floor: 10 },
      { window_start: start, step: 'event:send', users: 30, conversion: 25, floor: 10 },
    ],
  })
  t.same(got.slice(2, 4), [
    `${start}  page:/new     120  100 %       █████████████████████████`,
    `${start}  event:send     30   25 %       ██████`,
  ])
})

t.test('a histogram has its percentiles below', async (t) => {
  const got = lines({
    rows: [{ window_start: start, path: '/a', bucket: '<100', share: 100 }],
    percentiles: [{ window_start: start, path: '/a', p50: 50, p75: 75, p95: null }],
  })
  t.match(
    got.find((line) => line.includes('<100')),
    /100 % +█{25}$/,
  )
  t.match(got.at(-1), /\/a +50 +75 +·$/)
})

t.test('retention, comparison, rates and noise have their columns', async (t) => {
  const [head, , line] = lines({
    rows: [
      {
        window_start: start,
        path: '/a',
        users: 20,
        users_error: 6,
        rate: 1.3,
        previous_users: 30,
        floor: 10,
      },
    ],
  })
  t.match(head, /users +users ± +per 100 +previous_users/)
  t.match(line, /20 +6 +1\.3 +30$/)
  t.match(
    lines({ rows: [{ window_start: start, cohort: '2026-09', users: 30, week: 8, share: 50 }] })[2],
    /8 +50 %/,
  )
})

t.test('rows that are left out are said, and an empty range too', async (t) => {
  const [row] = [{ window_start: start, users: 20 }]
  t.match(lines({ rows: [row], truncated: true }).at(-1), /more rows than these 1 row; raise --limit/)
  t.same(lines({}), ['No cell is released in this range.'])
  t.match(lines({ window: '5m' }), [/^No number is public right now/])
})

t.test('notes say what a newcomer would ask, and nothing where there is nothing to say', async (t) => {
  const moves = [{ window_start: start, from_path: '(none)', path: '/a', users: 20 }]
  t.same(lines({ rows: moves }).slice(3), ['From (none) is where a visit began.'])
  const cohorts = [{ window_start: start, cohort: '2026-09', users: 30, week: 8, share: 120 }]
  t.match(lines({ rows: cohorts }).at(-1), /of the first .* by whose end all of the cohort had joined/)
  t.notMatch(lines({ rows: [{ window_start: start, path: '/a', users: 20 }] }).join('\n'), 'declared value')
})

t.test('rates stand below one another', async (t) => {
  const rows = [38, 9.7, 103.25].map((rate) => ({ window_start: start, path: '/a', users: 20, rate }))
  t.same(
    lines({ rows })
      .slice(2)
      .map((line) => line.slice(-7)),
    ['   38.0', '    9.7', '  103.3'],
  )
})

t.test('the catalogue says what each statistic is of', async (t) => {
  const entry: CatalogueEntry = {
    id: 'speed',
    title: 'Load time',
    shape: 'histogram',
    windows: ['day'],
    by: ['path'],
    drill: [],
    measures: [],
    people: 'floored',
    min_users: 10,
    site: 'erp',
    realm: 'main',
    sample: false,
    latest: null,
    field: 'load_ms',
  }
  const [, , speed, funnel] = catalogueTable([
    entry,
    {
      ...entry,
      id: 'invoice',
      shape: 'funnel',
      by: [],
      steps: ['page:/new', 'event:send'],
      measures: ['users'],
    },
  ]).split('\n')
  t.match(speed, /^speed +Load time +erp +histogram +day +path, load_ms +share$/)
  t.match(funnel, /^invoice .* 2 steps +users$/)
})
