/** The catalogue and the answers of `tacit statistics` as tables for a terminal: the same numbers as the JSON. Pure. */
import type { AnswerRow, CatalogueEntry, StatisticAnswer } from '@tacit/dashboard'
import { counted } from '../counted.js'
import { table } from '../output.js'

type Value = string | number | null

const BAR_CELLS = 25
/** As wide as its head, `per 100`. */
const RATE_WIDTH = 7
/** Columns of whole percents. */
const PERCENTS = new Set(['share', 'conversion', 'rate', 'previous_share'])
/** Columns that a note says once for all rows. */
const NOTED = new Set(['floor'])
const HEADS: Readonly<Record<string, string>> = {
  users_error: 'users ±',
  events_error: 'events ±',
  rate: 'per 100',
}

export function catalogueTable(entries: readonly CatalogueEntry[]): string {
  return table(
    ['id', 'title', 'site', 'shape', 'windows', 'by', 'drill', 'measures'],
    entries.map((entry) => [
      entry.id,
      entry.title,
      entry.sample ? `${entry.site} (sample data)` : entry.site,
      entry.shape,
      entry.windows.join(', '),
      placeWords(entry),
      entry.drill.join(', '),
      entry.shape === 'histogram' ? 'share' : entry.measures.join(', '),
    ]),
  )
}

/** What the rows of a statistic are of. */
function placeWords({ by, field, steps }: CatalogueEntry): string {
  if (steps !== undefined) return `${String(steps.length)} steps`
  return [...by, ...(field === undefined ? [] : [field])].join(', ')
}

/** A bar of so many percent of the widest. */
function bar(percent: Value | undefined): string {
  return typeof percent === 'number' ? '█'.repeat(Math.round((Math.min(percent, 100) / 100) * BAR_CELLS)) : ''
}

function written(name: string, value: Value | undefined): Value {
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !PERCENTS.has(name)) return value
  return name === 'rate' ? value.toFixed(1).padStart(RATE_WIDTH) : `${String(value)} %`.padStart(5)
}

/** One column after the other; shares of a histogram, a funnel or a cohort are drawn, too. */
function rowsTable(rows: readonly AnswerRow[], names: readonly string[]): string {
  const drawn = ['conversion', 'share'].find((name) => names.includes(name))
  const head = names.map((name) => HEADS[name] ?? name)
  return table(
    drawn === undefined ? head : [...head, ''],
    rows.map((row) => [
      ...names.map((name) => written(name, row[name])),
      ...(drawn === undefined ? [] : [bar(row[drawn])]),
    ]),
  )
}

function columnsOf(rows: readonly AnswerRow[]): readonly string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !NOTED.has(name))
}

function notesOf(answer: StatisticAnswer): readonly string[] {
  const { rows, sample, truncated, withheld } = answer
  const floor = rows.find((row) => typeof row['floor'] === 'number')?.['floor']
  return [
    sample ? 'Sample data.' : '',
    typeof floor === 'number' ? `People are rounded down to a multiple of ${String(floor)}.` : '',
    rows.some((row) => 'users_error' in row || 'events_error' in row)
      ? 'Noise was added: ± is how far a number may be off in 95 of 100 cases.'
      : '',
    rows.some((row) => Object.values(row).includes('(other)'))
      ? '(other) holds values that are each too small to be shown alone.'
      : '',
    rows.some((row) => row['from_path'] === '(none)') ? 'From (none) is where a visit began.' : '',
    rows.some((row) => 'cohort' in row && 'share' in row)
      ? `share is of the first ${answer.window} by whose end all of the cohort had joined; of rounded numbers it may be more than 100 %.`
      : '',
    ['week', 'month'].includes(answer.window) && rows.some((row) => typeof row['events'] === 'number')
      ? `Events of a ${answer.window} are those of the days on which they were published, so they may be fewer than its people.`
      : '',
    rows.some((row) => Object.entries(row).some(([name, value]) => value === null && !NOTED.has(name)))
      ? '· is not published.'
      : '',
    withheld.cells === null || withheld.cells === 0 || rows.length === 0
      ? ''
      : `${counted(withheld.cells, 'declared value is', 'declared values are')} not published: too few people, or nobody.`,
    truncated === true
      ? `There are more rows than these ${counted(rows.length, 'row')}; raise --limit, shorten --from and --to, or ask for --top.`
      : '',
  ].filter((note) => note !== '')
}

export function answerTable(answer: StatisticAnswer): string {
  const { percentiles = [], rows } = answer
  if (rows.length === 0) {
    const none =
      answer.window === '5m'
        ? 'No number is public right now: too few people are active, or nothing runs.'
        : 'No cell is released in this range.'
    return [none, ...notesOf(answer)].join('\n')
  }
  const parts = [[rowsTable(rows, columnsOf(rows)), ...notesOf(answer)].join('\n')]
  if (percentiles.length > 0) {
    parts.push(
      `Percentiles, as if each bucket were evenly filled (· lies in the last, open bucket):\n${rowsTable(percentiles, columnsOf(percentiles))}`,
    )
  }
  return parts.join('\n\n')
}
