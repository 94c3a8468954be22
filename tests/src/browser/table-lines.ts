/** What the table of a statistic's page writes for a row of the API. */
export interface Entry {
  readonly id: string
  readonly title: string
  readonly site: string
  readonly realm: string
  readonly shape: string
  readonly windows: readonly string[]
  readonly by: readonly string[]
  readonly latest: string | null
}
export type Row = Readonly<Record<string, string | number | null>>

export const integer = new Intl.NumberFormat('en-GB')
export const day = (time: string): string =>
  new Intl.DateTimeFormat('en-GB', {
    timeZone: 'UTC',
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  }).format(new Date(time))

/** The window that a page opens with. */
export const windowOf = ({ windows }: Entry): string => (windows.includes('day') ? 'day' : (windows[0] ?? ''))

/** Columns that say which value a row is of. */
function dimensionsOf({ by, shape }: Entry): readonly string[] {
  const named = { histogram: [...by, 'bucket'], funnel: ['step'], retention: ['cohort'] }
  return (named as Readonly<Record<string, readonly string[]>>)[shape] ?? by
}

/** Columns of numbers, in order. */
export const MEASURES = ['users', 'events', 'visits', 'time_s', 'rate', 'share', 'conversion', 'week']

/** A measure as the table writes it. */
function written(name: string, row: Row): string {
  const value = row[name]
  if (typeof value !== 'number') return '–'
  if (name === 'share' || name === 'conversion') return `${integer.format(value)} %`
  return `${name === 'users' && row['floor'] !== undefined ? '≥ ' : ''}${integer.format(value)}`
}

/** What a line of the table says of an API row, where some row has these measures. */
export function lineOf(entry: Entry, row: Row, measures: readonly string[]): readonly string[] {
  const start = String(row['window_start'])
  const short = new Intl.DateTimeFormat('en-GB', {
    timeZone: 'UTC',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  })
  return [
    windowOf(entry) === 'week' ? `Week of ${short.format(new Date(start))}` : day(start),
    ...dimensionsOf(entry).map((name) => String(row[name]) || '(none)'),
    ...measures.map((name) => written(name, row)),
  ]
}
