/** A rulebook with a statistic of every shape, and what could have been released under it; for tests. */
import type { Rulebook, Statistic } from '@tacit/rulebook'
import type { LiveNumber, ReleasedCell } from './answer/index.js'
import { rulebook as base } from './rulebook.fixture.js'

const counts = { type: 'counts' } as const
const common = { site: 'erp', where: {}, by: [], drill: [], people: 'floored' } as const

const statistics: readonly Statistic[] = [
  {
    ...common,
    id: 'live',
    title: 'Right now',
    shape: { type: 'live' },
    windows: ['5m'],
    measures: ['users'],
  },
  {
    ...common,
    id: 'pages',
    title: 'Pages',
    shape: counts,
    windows: ['hour', 'day', 'week', 'month'],
    where: { kind: 'page_view' },
    by: ['path'],
    drill: ['device', 'role'],
    measures: ['users', 'events'],
  },
  {
    ...common,
    id: 'features',
    title: 'Feature adoption',
    shape: counts,
    windows: ['day'],
    where: { kind: 'feature' },
    by: ['event_name'],
    drill: ['role'],
    measures: ['users', 'events'],
  },
  {
    ...common,
    id: 'errors',
    title: 'Errors',
    shape: counts,
    windows: ['day'],
    where: { kind: 'error' },
    by: ['path'],
    measures: ['users', 'events'],
    per: 'pages',
  },
  {
    ...common,
    id: 'devices',
    title: 'Devices',
    shape: counts,
    windows: ['day'],
    by: ['device', 'os'],
    measures: ['users'],
  },
  {
    ...common,
    id: 'speed',
    title: 'Load time',
    shape: { type: 'histogram', field: 'load_ms' },
    windows: ['day'],
    where: { kind: 'timing' },
    by: ['path'],
    measures: [],
  },
  {
    ...common,
    id: 'invoice',
    title: 'Invoice funnel',
    shape: {
      type: 'funnel',
      steps: [
        { of: 'page', value: '/a' },
        { of: 'event', value: 'invoice.save' },
        { of: 'event', value: 'invoice.send' },
      ],
    },
    windows: ['day'],
    measures: ['users'],
  },
  {
    ...common,
    id: 'retention',
    title: 'Weekly retention',
    shape: { type: 'retention', cohort: 'cohort' },
    windows: ['week'],
    measures: ['users'],
  },
]

export const shapes: Rulebook = {
  ...base,
  name: 'shapes',
  hash: 'c'.repeat(64),
  fields: {
    ...base.fields,
    user_agent: { do: 'generalise', to: ['browser', 'os', 'device'] },
    event_name: { do: 'allow', values: ['invoice.save', 'invoice.send', 'export'], otherwise: 'drop_event' },
    load_ms: { do: 'bucket', edges: [100, 300, 1_000] },
  },
  events: {
    page_view: { kind: 'page_view' },
    'invoice.save': { kind: 'feature' },
    'invoice.send': { kind: 'feature' },
    export: { kind: 'feature', sensitive: true },
  },
  statistics,
}

const START = Date.parse('2026-11-02')
const DAY = 86_400_000

type Numbers = Partial<
  Pick<ReleasedCell, 'users' | 'events' | 'share' | 'window' | 'users_error' | 'events_error'>
>

function cell(statistic: string, start: number, dims: readonly string[], numbers: Numbers): ReleasedCell {
  const users = numbers.users ?? null
  return {
    statistic,
    window: 'day',
    windowStart: start,
    dims,
    events: null,
    visits: null,
    time_s: null,
    share: null,
    users_error: null,
    events_error: null,
    ...numbers,
    users,
    floor: users === null ? null : 10,
    rulebook: shapes.hash,
  }
}

/** Of the days, hours, week and month that begin on Monday, 2 November 2026, some cells of every statistic. */
function cellsOfDay(day: number): readonly ReleasedCell[] {
  const start = START + day * DAY
  const of = (statistic: string, dims: readonly string[], numbers: Numbers) =>
    cell(statistic, start, dims, numbers)
  return [
    of('pages', ['/a'], { users: 120 + day * 10, events: 400 + day }),
    of('pages', ['/b'], { users: 30, events: 91 }),
    of('pages', ['(other)'], { users: 20, events: 33 }),
    of('pages', ['/a', 'desktop'], { users: 90, events: 300 + day }),
    of('pages', ['/a', '(other)'], { users: 30, events: 100 }),
    of('pages', ['/a', 'desktop', 'admin'], { users: 40, events: 120 + day }),
    of('pages', ['/a', 'desktop', 'sales'], { users: 50, events: 180 }),
    of('features', ['invoice.save'], { users: 60, events: 90, users_error: 5, events_error: 8 }),
    of('errors', ['/a'], { users: 10, events: 13 }),
    of('errors', ['/b'], { users: null, events: 12 }),
    of('devices', ['desktop', 'windows'], { users: 80 }),
    of('devices', ['desktop', '(other)'], { users: 20 }),
    of('devices', ['mobile', '(other)'], { users: 20 }),
    of('devices', ['(other)', '(other)'], { users: 10 }),
    of('speed', ['/a', '<100'], { share: 30 }),
    of('speed', ['/a', '100-999'], { share: 60 }),
    of('speed', ['/a', '>=1000'], { share: 10 }),
    of('speed', ['(other)', '<300'], { share: 75 }),
    of('speed', ['(other)', '>=300'], { share: 25 }),
    of('invoice', ['page:/a'], { users: 100 }),
    of('invoice', ['event:invoice.save'], { users: 60 }),
  ]
}

export const shapeCells: readonly ReleasedCell[] = [
  ...[0, 1, 2].flatMap(cellsOfDay),
  ...[9, 10].map((hour) =>
    cell('pages', START + hour * 3_600_000, ['/a'], { window: 'hour', users: hour * 10 }),
  ),
  cell('pages', START, ['/a'], { window: 'week', users: 210, events: 1_203 }),
  cell('pages', Date.parse('2026-11-01'), ['/a'], { window: 'month', users: 240, events: 1_203 }),
  ...['2026-09', '2026-10', 'other'].map((cohort, at) =>
    cell('retention', START, [cohort], { window: 'week', users: 30 + at * 10 }),
  ),
  cell('retention', START - 7 * DAY, ['2026-09'], { window: 'week', users: 60 }),
]

export const shapeLive: readonly LiveNumber[] = [
  { statistic: 'live', windowStart: START + 10 * 3_600_000, users: 40, floor: 10, rulebook: shapes.hash },
]
