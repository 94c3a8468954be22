/** Reads what an answer is made of: cells of the level that was asked, and what they are compared with. */
import { utcDay } from '@tacit/contracts'
import { depthOf, dimsKey, type ReleasedCell } from './answer/index.js'
import { perDepth, perStatistic } from './answer/rate.js'
import { previousStart } from './answer/time.js'
import type { Asked, Gathered } from './answer/types.js'
import type { WindowCount } from './answer/withheld.js'
import type { DayRange, LevelQuery, Realm } from './realm.js'

/** With more different values than this, all cells of the windows are read rather than those of the values. */
const MOST_VALUES = 2_000

const NOTHING: Gathered = { cells: [], counts: null, before: [], per: [], live: null }

/** @param now ms, for the number of now */
export async function gather(realm: Realm, asked: Asked, range: DayRange, now: number): Promise<Gathered> {
  const { compare, limit, statistic, top, window } = asked
  if (statistic.shape.type === 'live') {
    const numbers = await realm.live(now)
    return { ...NOTHING, live: numbers.find((number) => number.statistic === statistic.id) ?? null }
  }
  // A cohort's share is of a window before, whatever the range.
  const isRetention = statistic.shape.type === 'retention'
  const depth = depthOf(statistic, asked.drill)
  const level: LevelQuery = {
    statistic: statistic.id,
    window,
    depth,
    ...(isRetention ? withoutFrom(range) : range),
  }
  const {
    cells,
    counts: all,
    isCut,
  } = isRetention
    ? { cells: await realm.cells(level), counts: null, isCut: false }
    : await cutCells(realm, level, limit, top)
  const [before, per] = await Promise.all([
    compare ? previousCells(realm, asked, level, cells) : [],
    perCells(realm, asked, depth, cells),
  ])
  // Merged buckets are no declared values: what a cut histogram withholds is not known from its number of cells.
  const counts = isCut && statistic.shape.type === 'counts' ? all : null
  return { ...NOTHING, cells, counts, before, per }
}

/** Cells of a level, no more than may be answered and one, and by window how many there are in all. */
async function cutCells(
  realm: Realm,
  level: LevelQuery,
  limit: number,
  top: number | null,
): Promise<{
  readonly cells: readonly ReleasedCell[]
  readonly counts: readonly WindowCount[]
  readonly isCut: boolean
}> {
  if (top !== null) {
    const [cells, counts] = await Promise.all([
      realm.cells({ ...level, limit: limit + 1, top }),
      realm.counts(level),
    ])
    return { cells, counts, isCut: true }
  }
  const counts = await realm.counts(level)
  const cells = await realm.cells({ ...level, ...untilFull(counts, limit), limit: limit + 1 })
  return { cells, counts, isCut: cells.length > limit }
}

/** The range ends where the answer is full: what comes after need not be read. */
function untilFull(counts: readonly WindowCount[], limit: number): DayRange {
  let cells = 0
  for (const { cells: own, windowStart } of counts) {
    cells += own
    if (cells > limit) return { to: utcDay(windowStart) }
  }
  return {}
}

function withoutFrom({ to }: DayRange): DayRange {
  return to === undefined ? {} : { to }
}

/** First and last start of these cells (ms). */
function spanOf(cells: readonly ReleasedCell[]): readonly [first: number, last: number] | null {
  const [first, last] = [cells[0], cells.at(-1)]
  return first === undefined || last === undefined ? null : [first.windowStart, last.windowStart]
}

/** The values to look for elsewhere: those of the cells, unless they are too many to name. */
function valuesOf(dims: readonly (readonly string[])[]): { readonly dims?: readonly (readonly string[])[] } {
  const values = new Map(dims.map((one) => [dimsKey(one), one]))
  return values.size > MOST_VALUES ? {} : { dims: [...values.values()] }
}

async function previousCells(
  realm: Realm,
  { window }: Asked,
  level: LevelQuery,
  cells: readonly ReleasedCell[],
): Promise<readonly ReleasedCell[]> {
  const span = spanOf(cells)
  if (span === null) return []
  const [from, to] = span.map((start) => utcDay(previousStart(window, start)))
  return realm.cells({ ...level, ...valuesOf(cells.map(({ dims }) => dims)), from: from ?? '', to: to ?? '' })
}

async function perCells(
  realm: Realm,
  { rulebook, statistic, window }: Asked,
  depth: number,
  cells: readonly ReleasedCell[],
): Promise<readonly ReleasedCell[]> {
  const per = perStatistic(rulebook, statistic)
  const span = spanOf(cells)
  if (per === null || span === null) return []
  const others = perDepth(statistic, per, depth)
  if (others === 0) return []
  return realm.cells({
    statistic: per.id,
    window,
    depth: others,
    from: utcDay(span[0]),
    to: utcDay(span[1]),
    ...valuesOf(cells.map(({ dims }) => dims.slice(0, others))),
  })
}
