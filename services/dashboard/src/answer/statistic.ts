/**
 * Released cells of one statistic as an answer. Pure; JSON, CSV and the command line print this one object, so that
 * none of them says more than another.
 */
import { rfc3339 } from '@tacit/contracts'
import type { Statistic } from '@tacit/rulebook'
import { percentile } from './buckets.js'
import {
  columnNames,
  declaredUnder,
  depthOf,
  dimsKey,
  type LiveNumber,
  type ReleasedCell,
  stepLabel,
} from './cell.js'
import { orderOf } from './order.js'
import { isTelling, perStatistic, rateOf } from './rate.js'
import { retainedShares, weekOf } from './retention.js'
import { localTimes, previousStart } from './time.js'
import type { AnswerRow, Asked, Gathered, StatisticAnswer } from './types.js'
import { countedWindows, withheldCells } from './withheld.js'

type Row = Record<string, string | number | null>
/** Adds some columns of a cell to its row: in place, because an answer has thousands. */
type Write = (row: Row, cell: ReleasedCell) => void

/** Measures that cells of a statistic can carry in a window. */
export function measuresOf({ measures, shape }: Statistic, window: string): readonly Measure[] {
  switch (shape.type) {
    case 'histogram':
      return ['share']
    case 'funnel':
    case 'retention':
    case 'live':
      return ['users']
    case 'counts':
      return window === 'hour' ? measures.filter((measure) => measure === 'users') : measures
    default: {
      const never: never = shape
      throw new TypeError(`unknown shape ${String(never)}`)
    }
  }
}

type Measure = 'users' | 'events' | 'visits' | 'time_s' | 'share'

const PERCENTS = [50, 75, 95] as const

/** Rows by window, then as each shape is read: counts largest first, `(other)` last; steps and buckets in their order. */
export function statisticAnswer(asked: Asked, gathered: Gathered): StatisticAnswer {
  const { limit, rulebook, sample, statistic, window } = asked
  const common = { statistic: statistic.id, window, site: statistic.site, sample }
  if (statistic.shape.type === 'live') return { ...common, ...liveAnswer(asked, gathered.live) }
  const inRange = gathered.cells.filter(
    ({ windowStart }) => asked.from === null || windowStart >= Date.parse(asked.from),
  )
  const ordered = inRange.toSorted(orderOf(statistic))
  const cells = ordered.slice(0, limit)
  const isCut = ordered.length > limit
  return {
    ...common,
    // Of the newest cells: those that ruled them, not the one that rules now.
    rulebook: cells.at(-1)?.rulebook ?? rulebook.hash,
    rows: rowsOf(asked, gathered, cells),
    withheld: { cells: withheldOf(asked, gathered, ordered) },
    ...(statistic.shape.type === 'histogram'
      ? { percentiles: percentilesOf(asked, cells, isCut) }
      : undefined),
    ...(isCut ? { truncated: true as const } : undefined),
  }
}

function withheldOf(asked: Asked, { counts }: Gathered, cells: readonly ReleasedCell[]): number | null {
  const { drill, limit, statistic, top } = asked
  const input = { ...asked, depth: depthOf(statistic, drill) }
  if (counts !== null) return withheldCells(input, counts)
  // Rows that were not read are published all the same.
  if (top !== null || cells.length > limit) return null
  return withheldCells(input, countedWindows(input, cells))
}

/** The columns that say which window and which value a row is of. */
function placeOf(asked: Asked): (cell: Pick<ReleasedCell, 'windowStart' | 'dims' | 'rulebook'>) => Row {
  const { ruled, statistic, timezone } = asked
  const local = timezone === null ? null : localTimes(timezone)
  const named = new Map<string, readonly string[]>()
  // Cells of one window follow one another, and to write a time takes longer than all else.
  let start = Number.NaN
  let written = ''
  return ({ windowStart, dims, rulebook }) => {
    const names = named.get(rulebook) ?? columnNames(declaredUnder(ruled, statistic, rulebook))
    named.set(rulebook, names)
    if (windowStart !== start) {
      start = windowStart
      written = rfc3339(windowStart)
    }
    const row: Row = { window_start: written }
    if (local !== null) row['window_local'] = local(windowStart)
    for (const [at, value] of dims.entries()) row[names[at] ?? ''] = value
    return row
  }
}

function rowsOf(asked: Asked, gathered: Gathered, cells: readonly ReleasedCell[]): readonly AnswerRow[] {
  const { statistic, window } = asked
  const place = placeOf(asked)
  const measures = measuresOf(statistic, window)
  const writes: readonly Write[] = [
    (row, cell) => {
      for (const measure of measures) row[measure] = cell[measure] ?? null
    },
    ...shapeColumns(asked, gathered, cells),
    writeNotes,
    ...rateColumns(asked, gathered),
    ...(asked.compare ? [previousColumns(asked, gathered.before, measures)] : []),
  ]
  return cells.map((cell) => {
    const row = place(cell)
    for (const write of writes) write(row, cell)
    return row
  })
}

const NOTES = ['floor', 'users_error', 'events_error'] as const

/** To which step people are floored, and how far noise may have moved a number. */
function writeNotes(row: Row, cell: ReleasedCell): void {
  for (const note of NOTES) {
    const value = cell[note] ?? null
    if (value !== null) row[note] = value
  }
}

/** What only one shape has: a funnel's conversion, a cohort's week and share. */
function shapeColumns(asked: Asked, gathered: Gathered, cells: readonly ReleasedCell[]): readonly Write[] {
  const { shape } = asked.statistic
  if (shape.type === 'funnel') {
    const conversion = conversions(asked, cells)
    return [
      (row, cell) => {
        row['conversion'] = conversion(cell)
      },
    ]
  }
  if (shape.type === 'retention') {
    const share = retainedShares(gathered.cells, asked.window)
    return [
      (row, cell) => {
        row['week'] = weekOf(cell.dims[0] ?? '', cell.windowStart)
        row['share'] = share(cell)
      },
    ]
  }
  return []
}

/** Whole percent of the people of the first step; null where a number is not public, or a sensitive step would tell of all. */
function conversions(
  { rulebook, statistic }: Asked,
  cells: readonly ReleasedCell[],
): (cell: ReleasedCell) => number | null {
  const steps = statistic.shape.type === 'funnel' ? statistic.shape.steps : []
  const [first] = steps.map(stepLabel)
  const bases = new Map(
    cells.filter(({ dims }) => dims[0] === first).map(({ windowStart, users }) => [windowStart, users]),
  )
  const sensitive = new Set(
    steps
      .filter(({ of, value }) => of === 'event' && rulebook.events[value]?.sensitive === true)
      .map(stepLabel),
  )
  return ({ dims, users, windowStart }) => {
    const base = bases.get(windowStart) ?? null
    if (users === null || base === null || base === 0) return null
    const percent = Math.round((100 * users) / base)
    return isTelling(percent) && sensitive.has(dims[0] ?? '') ? null : percent
  }
}

function rateColumns({ rulebook, statistic }: Asked, { per }: Gathered): readonly Write[] {
  if (perStatistic(rulebook, statistic) === null) return []
  const rate = rateOf(rulebook, statistic, per)
  return [
    (row, cell) => {
      row['rate'] = rate(cell)
    },
  ]
}

function previousColumns(
  { window }: Asked,
  before: readonly ReleasedCell[],
  measures: readonly Measure[],
): Write {
  const key = (start: number, dims: readonly string[]): string => `${String(start)}\u0000${dimsKey(dims)}`
  const known = new Map(before.map((cell) => [key(cell.windowStart, cell.dims), cell]))
  return (row, { dims, windowStart }) => {
    const previous = known.get(key(previousStart(window, windowStart), dims))
    for (const measure of measures) row[`previous_${measure}`] = previous?.[measure] ?? null
  }
}

/** @param isCut the last group may lack buckets: it is left out */
function percentilesOf(asked: Asked, cells: readonly ReleasedCell[], isCut: boolean): readonly AnswerRow[] {
  const place = placeOf(asked)
  const groups = new Map<string, ReleasedCell[]>()
  for (const cell of cells) {
    const key = `${String(cell.windowStart)}\u0000${dimsKey(cell.dims.slice(0, -1))}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [cell])
    else group.push(cell)
  }
  const whole = [...groups.values()].slice(0, isCut ? -1 : undefined)
  return whole.map((group) => {
    const shares = group.map(({ dims, share }) => ({ label: dims.at(-1) ?? '', share: share ?? 0 }))
    const { dims, rulebook, windowStart } = group[0] as ReleasedCell
    const row = place({ windowStart, rulebook, dims: dims.slice(0, -1) })
    for (const percent of PERCENTS) row[`p${String(percent)}`] = percentile(shares, percent)
    return row
  })
}

/** One row, or none before the first number; it is overwritten every few minutes. */
function liveAnswer(
  asked: Asked,
  live: LiveNumber | null,
): Pick<StatisticAnswer, 'rulebook' | 'rows' | 'withheld'> {
  if (live === null) return { rulebook: asked.rulebook.hash, rows: [], withheld: { cells: 0 } }
  const { floor, rulebook, users, windowStart } = live
  const place = placeOf(asked)({ windowStart, rulebook, dims: [] })
  return {
    rulebook,
    rows: [{ ...place, users, floor }],
    withheld: { cells: users === null ? 1 : 0 },
  }
}

/** Names of an answer's columns in order: the same whether or not it has rows, then whatever only older rows have. */
export function columnsOf(answer: StatisticAnswer, asked: Asked): readonly string[] {
  const { compare, drill, rulebook, statistic, timezone, window } = asked
  const measures = measuresOf(statistic, window)
  const ofShape = { funnel: ['conversion'], retention: ['week', 'share'] } as Readonly<
    Record<string, string[]>
  >
  return [
    ...new Set([
      'window_start',
      ...(timezone === null ? [] : ['window_local']),
      ...columnNames(statistic).slice(0, depthOf(statistic, drill)),
      ...measures,
      ...(ofShape[statistic.shape.type] ?? []),
      ...(measures.includes('users') ? ['floor'] : []),
      ...(perStatistic(rulebook, statistic) === null ? [] : ['rate']),
      ...(compare ? measures.map((measure) => `previous_${measure}`) : []),
      ...answer.rows.flatMap((row) => Object.keys(row)),
    ]),
  ]
}
