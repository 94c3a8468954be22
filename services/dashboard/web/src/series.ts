/** From answer rows to what a chart draws. Pure. */
import type { AnswerRow, LedgerRow } from './api.js'

export const OTHER = '(other)'
export const TOP = 6

export interface Series {
  readonly name: string
  /** CSS variable of its colour */
  readonly color: string
  /** one for each time; null where nothing is published, which is not zero */
  readonly values: readonly (number | null)[]
}

export interface Chart {
  /** seconds since the Unix epoch, rising */
  readonly times: readonly number[]
  readonly series: readonly Series[]
}

export function nameOf(row: AnswerRow, by: readonly string[]): string {
  const parts = by.map((dimension) => String(row[dimension] ?? ''))
  return parts.every((part) => part === OTHER) ? OTHER : parts.map((part) => part || '(none)').join(' · ')
}

const numberOf = (value: string | number | null | undefined): number | null =>
  typeof value === 'number' ? value : null

/** The largest values over the range, as one series each; `(other)` is drawn last and in grey. */
export function topSeries(rows: readonly AnswerRow[], by: readonly string[], measure: string): Chart {
  const starts = [...new Set(rows.map((row) => String(row['window_start'])))].sort()
  const index = new Map(starts.map((start, at) => [start, at]))
  const byName = new Map<string, (number | null)[]>()
  for (const row of rows) {
    const name = nameOf(row, by)
    const values = byName.get(name) ?? starts.map(() => null)
    byName.set(name, values)
    values[index.get(String(row['window_start'])) ?? 0] = numberOf(row[measure])
  }
  const size = (values: readonly (number | null)[]) =>
    values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  const ranked = [...byName]
    .filter(([name, values]) => name !== OTHER && size(values) > 0)
    .sort(([, a], [, b]) => size(b) - size(a))
    .slice(0, TOP)
  const series = ranked.map(([name, values], at) => ({ name, values, color: `--c${at + 1}` }))
  const other = byName.get(OTHER)
  if (other !== undefined && size(other) > 0) series.push({ name: OTHER, values: other, color: '--c-other' })
  return { times: starts.map((start) => Date.parse(start) / 1_000), series }
}

export interface LedgerTotals {
  /** a UTC day, or an hour as in the ledger */
  readonly time: string
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
}

/** Ledger rows summed by UTC day. */
export function ledgerDays(rows: readonly LedgerRow[]): readonly LedgerTotals[] {
  const days = new Map<
    string,
    { time: string; received: number; accepted: number; dropped: Record<string, number> }
  >()
  for (const row of rows) {
    const time = row.hour.slice(0, 10)
    const day = days.get(time) ?? { time, received: 0, accepted: 0, dropped: {} }
    days.set(time, day)
    day.received += row.received
    day.accepted += row.accepted
    for (const [reason, n] of Object.entries(row.dropped))
      day.dropped[reason] = (day.dropped[reason] ?? 0) + n
  }
  return [...days.values()].sort((a, b) => a.time.localeCompare(b.time))
}

/** Reasons over all rows, most frequent first. */
export function reasonsOf(rows: readonly Pick<LedgerTotals, 'dropped'>[]): readonly [string, number][] {
  const sums = new Map<string, number>()
  for (const { dropped } of rows) {
    for (const [reason, n] of Object.entries(dropped)) sums.set(reason, (sums.get(reason) ?? 0) + n)
  }
  return [...sums].sort(([, a], [, b]) => b - a)
}
