/**
 * Two years of released cells, made inside ClickHouse: 38 routes of each of 300 tenants every day, with a drill; hours of
 * three months, weeks, and some of every other shape. What is released of one busy vendor would be less.
 */
import { DAY, HOUR } from '@tacit/contracts'
import type { Rulebook, Statistic } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import type { ServerAddress } from '@tacit/warehouse'
import { query } from '../server-query.js'

const TENANTS = 300
const ROUTES = 38
export const PATHS = TENANTS * ROUTES
/** 25 months */
export const DAYS = 760
/** a Monday */
export const FIRST_DAY = Date.UTC(2024, 9, 7)
export const LAST_DAY = FIRST_DAY + (DAYS - 1) * DAY
const HOUR_DAYS = 90
const HOUR_PATHS = 500
const WEEKS = Math.floor(DAYS / 7)
const SPEED_PATHS = 300

const base = shippedRulebook('erp')
const common = { site: 'erp', where: {}, by: [], drill: [], people: 'floored' } as const

const statistics: readonly Statistic[] = [
  {
    ...common,
    id: 'pages',
    title: 'Pages',
    shape: { type: 'counts' },
    windows: ['hour', 'day', 'week'],
    where: { kind: 'page_view' },
    by: ['path'],
    drill: ['device'],
    measures: ['users', 'events'],
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
        { of: 'page', value: '/invoices/new' },
        { of: 'event', value: 'invoice.save' },
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

/** Written alike here and in the SQL below. */
const pathOf = (number: number): string =>
  `/tenant-${String(Math.floor(number / ROUTES))}/route-${String(number % ROUTES)}`
const PATH_SQL = `concat('/tenant-', toString(intDiv(p, ${ROUTES})), '/route-', toString(p % ${ROUTES}))`

export const twoYears: Rulebook = {
  ...base,
  statistics,
  fields: {
    ...base.fields,
    path: {
      do: 'template',
      routes: Array.from({ length: PATHS }, (_, at) => pathOf(at)),
      otherwise: '/other',
    },
  },
}

interface Part {
  readonly statistic: string
  readonly window: string
  /** cells of a window */
  readonly width: number
  readonly windows: number
  /** of `w`, the number of the window */
  readonly start: string
  /** of `n`, the number of the cell in its window, and `p` and `v` */
  readonly dims: string
  readonly depth: number
  /** more expressions of `n` */
  readonly path?: string
  readonly variant?: string
  readonly users?: string
  readonly events?: string
  readonly share?: string
}

const seconds = (ms: number): string => String(ms / 1_000)
const daily = `${seconds(FIRST_DAY)} + w * 86400`
const PEOPLE = `10 * (1 + intDiv(${PATHS}, n + 1) + w % 7)`
const DEVICES = "['desktop', 'mobile', 'tablet'][1 + v]"

const PARTS: readonly Part[] = [
  {
    statistic: 'pages',
    window: 'day',
    width: PATHS,
    windows: DAYS,
    start: daily,
    dims: `[${PATH_SQL}]`,
    depth: 1,
    users: PEOPLE,
    events: `4 * ${PEOPLE}`,
  },
  {
    statistic: 'pages',
    window: 'day',
    width: PATHS,
    windows: DAYS,
    start: daily,
    dims: `[${PATH_SQL}, ${DEVICES}]`,
    depth: 2,
    path: 'intDiv(n, 3)',
    variant: 'n % 3',
    users: PEOPLE,
    events: `4 * ${PEOPLE}`,
  },
  {
    statistic: 'pages',
    window: 'hour',
    width: HOUR_PATHS,
    windows: HOUR_DAYS * 24,
    start: `${seconds(LAST_DAY + DAY - HOUR_DAYS * DAY)} + w * ${seconds(HOUR)}`,
    dims: `[${PATH_SQL}]`,
    depth: 1,
    users: PEOPLE,
  },
  {
    statistic: 'pages',
    window: 'week',
    width: PATHS,
    windows: WEEKS,
    start: `${seconds(FIRST_DAY)} + w * 604800`,
    dims: `[${PATH_SQL}]`,
    depth: 1,
    users: PEOPLE,
    events: `28 * ${PEOPLE}`,
  },
  {
    statistic: 'speed',
    window: 'day',
    width: SPEED_PATHS * 4,
    windows: DAYS,
    start: daily,
    dims: `[${PATH_SQL}, ['<100', '100-299', '300-999', '>=1000'][1 + v]]`,
    depth: 2,
    path: 'intDiv(n, 4)',
    variant: 'n % 4',
    share: '25',
  },
  {
    statistic: 'invoice',
    window: 'day',
    width: 2,
    windows: DAYS,
    start: daily,
    dims: "[['page:/invoices/new', 'event:invoice.save'][1 + n]]",
    depth: 1,
    users: '200 - 50 * n',
  },
  {
    statistic: 'retention',
    window: 'week',
    width: 25,
    windows: WEEKS,
    start: `${seconds(FIRST_DAY)} + w * 604800`,
    dims: "[concat('20', toString(24 + intDiv(n, 12)), '-', leftPad(toString(1 + n % 12), 2, '0'))]",
    depth: 1,
    users: '300 - 10 * n',
  },
]

function insertOf(database: string, part: Part): string {
  const { depth, dims, events, path, share, start, statistic, users, variant, width, window, windows } = part
  const numbers = [
    `concat('erp/${statistic}/${window}/', toString(w))`,
    `'${statistic}'`,
    `'${window}'`,
    `toDateTime(${start})`,
    String(depth),
    'n + 1',
    String(width),
    dims,
    users ?? 'NULL',
    users === undefined ? 'NULL' : '10',
    events ?? 'NULL',
    share ?? 'NULL',
    `'${twoYears.hash}'`,
  ]
  return (
    `INSERT INTO ${database}.cells (manifest, statistic, window, window_start, depth, rank, listed, dims, users, floor, events, share, rulebook) ` +
    `SELECT ${numbers.join(', ')} FROM (SELECT number % ${width} AS n, intDiv(number, ${width}) AS w, ` +
    `${path ?? 'n'} AS p, ${variant ?? '0'} AS v FROM numbers(${width * windows}))`
  )
}

/** Fills the table of a database that was migrated. @returns how many cells there are */
export async function fillTwoYears(address: ServerAddress, database: string): Promise<number> {
  const server = { address }
  for (const part of PARTS) await query({ server }, insertOf(database, part))
  // As it is after so long: the parts of each month are one.
  await query({ server }, `OPTIMIZE TABLE ${database}.cells FINAL`)
  return PARTS.reduce((sum, { width, windows }) => sum + width * windows, 0)
}
