/**
 * The shape of answers, as interface.md says: released cells and ledger rows in, what the API and `tacit` print out.
 * Pure; the CLI and the API share it, so both say the same.
 */
import { epochOf, rfc3339, shownReason } from '@tacit/contracts'
import { declaredValues, type Rulebook, type Statistic } from '@tacit/rulebook'
import type { ReleasedWindow, StoredCell } from '@tacit/warehouse'
import type { DetectionRow, LedgerRow, Realm } from './realm.js'

/** The dimension value of cells pooled because each alone covers too few people. */
export const OTHER = '(other)'

export interface CatalogueEntry {
  readonly id: string
  readonly title: string
  readonly windows: readonly string[]
  readonly by: readonly string[]
  readonly drill: readonly string[]
  readonly measures: readonly string[]
  /** whether people are counted exactly or down to a step */
  readonly people: 'floored' | 'exact'
  /** a published value covers at least so many people */
  readonly min_users: number
  readonly site: string
  readonly realm: string
  readonly sample: boolean
  /** start of the newest window that has published values; null while there is none */
  readonly latest: string | null
}

/** One published value of one window: `window_start`, the dimensions by name, then the measures. */
export type AnswerRow = Readonly<Record<string, string | number | null>>

export interface StatisticAnswer {
  readonly statistic: string
  readonly window: string
  readonly rulebook: string
  readonly site: string
  readonly sample: boolean
  readonly rows: readonly AnswerRow[]
  /** values that were declared and are not published, over the windows of the answer; null for open domains */
  readonly withheld: { readonly cells: number | null }
}

export interface LedgerAnswer {
  readonly rows: readonly LedgerRow[]
}

export interface DetectionsAnswer {
  readonly rows: readonly DetectionRow[]
}

/** A realm as the catalogue needs it. */
export interface CatalogueRealm extends Pick<Realm, 'name' | 'sample' | 'rulebook'> {
  readonly released: readonly ReleasedWindow[]
}

/** Every declared statistic of every realm, real data first. */
export function statisticsCatalogue(realms: readonly CatalogueRealm[]): readonly CatalogueEntry[] {
  return realms.flatMap(({ name, sample, rulebook, released }) =>
    rulebook.statistics.map(({ id, title, windows, by, drill, measures, people, site }) => ({
      id,
      title,
      windows,
      by,
      drill,
      measures,
      people,
      min_users: rulebook.release.minUsers,
      site,
      realm: name,
      sample,
      latest: latestWindow(released, id),
    })),
  )
}

function latestWindow(released: readonly ReleasedWindow[], id: string): string | null {
  const starts = released.filter(({ statistic }) => statistic === id).map(({ windowStart }) => windowStart)
  return starts.length === 0 ? null : rfc3339(starts.reduce((a, b) => Math.max(a, b)))
}

const FINEST_FIRST = ['5m', 'hour', 'day', 'week', 'month']

/** The default window of a statistic: the finest that it declares. */
export function finestWindow(statistic: Statistic): string {
  return FINEST_FIRST.find((window) => statistic.windows.some((declared) => declared === window)) ?? 'day'
}

/**
 * Cells of one statistic and window as an answer. Rows are sorted by window, then largest first, `(other)` last.
 * @param cells as the warehouse gives them: `dims` in the order of `statistic.by`
 */
export function statisticAnswer(input: {
  readonly rulebook: Rulebook
  readonly statistic: Statistic
  readonly window: string
  readonly sample: boolean
  readonly cells: readonly StoredCell[]
}): StatisticAnswer {
  const { rulebook, statistic, window, sample } = input
  const cells = [...input.cells].sort(bySize)
  return {
    statistic: statistic.id,
    window,
    // Of the newest cells: those that ruled them, not the one that rules now.
    rulebook: cells.at(-1)?.rulebook ?? rulebook.hash,
    site: statistic.site,
    sample,
    rows: cells.map((cell) => answerRow(statistic, cell)),
    withheld: { cells: withheldCells(rulebook, statistic, cells) },
  }
}

function answerRow(statistic: Statistic, cell: StoredCell): AnswerRow {
  const row: Record<string, string | number | null> = { window_start: rfc3339(cell.windowStart) }
  for (const [index, dimension] of statistic.by.entries()) row[dimension] = cell.dims[index] ?? ''
  for (const measure of statistic.measures)
    if (measure === 'users' || measure === 'events') row[measure] = cell[measure]
  if (cell.floor !== null) row['floor'] = cell.floor
  return row
}

function isPooled(cell: StoredCell): boolean {
  return cell.dims.includes(OTHER)
}

function bySize(a: StoredCell, b: StoredCell): number {
  return (
    a.windowStart - b.windowStart ||
    Number(isPooled(a)) - Number(isPooled(b)) ||
    (b.users ?? b.events ?? 0) - (a.users ?? a.events ?? 0) ||
    (b.events ?? 0) - (a.events ?? 0) ||
    compareText(a.dims.join('\u0000'), b.dims.join('\u0000'))
  )
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Declared values minus published values: a function of what is public, never of how many people were too few. */
function withheldCells(
  rulebook: Rulebook,
  statistic: Statistic,
  cells: readonly StoredCell[],
): number | null {
  const domains = statistic.by.map((dimension) => declaredValues(rulebook, dimension, statistic.where.kind))
  if (domains.includes(null)) return null
  const domainOf = domains.map((domain) => new Set(domain))
  const declared = domainOf.reduce((product, domain) => product * domain.size, 1)
  const windows = new Set(cells.map((cell) => cell.windowStart)).size
  const published = cells.filter((cell) =>
    domainOf.every((domain, index) => domain.has(cell.dims[index] ?? '')),
  )
  return Math.max(0, declared * windows - published.length)
}

/**
 * Ledger rows as shown: all choices of people are one reason, `refused`, and reasons with zero are left out.
 * @param closedBefore leaves out hours whose day window is open at this time (ms), see {@link isClosedHour}
 */
export function ledgerAnswer(
  rows: readonly LedgerRow[],
  closedBefore?: { readonly now: number; readonly latenessMs: number },
): LedgerAnswer {
  const shown = rows.filter(
    ({ hour }) =>
      closedBefore === undefined || isClosedHour(Date.parse(hour), closedBefore.now, closedBefore.latenessMs),
  )
  return {
    rows: shown.map(({ hour, received, accepted, dropped }) => ({
      hour,
      received,
      accepted,
      dropped: shownReasons(dropped),
    })),
  }
}

/**
 * Whether an hour's counts can no longer change: an event counts in the hour it happened, and is taken until its day
 * has closed. An hour that still moves would tell, by subtraction, what one person did between two looks.
 */
export function isClosedHour(hour: number, now: number, latenessMs: number): boolean {
  return epochOf('day', hour).end + latenessMs <= now
}

function shownReasons(dropped: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const sums = new Map<string, number>()
  for (const [reason, count] of Object.entries(dropped)) {
    if (count > 0) sums.set(shownReason(reason), (sums.get(shownReason(reason)) ?? 0) + count)
  }
  return Object.fromEntries([...sums].sort(([a], [b]) => compareText(a, b)))
}
