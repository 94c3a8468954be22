/** What a page of a statistic asks the API for: all rows of the range, or of each window the largest where there are more. */
import type { Api, CatalogueEntry, StatisticAnswer } from './api.js'
import { recent, type Range } from './range.js'

export interface Choice {
  /** null: the page's own first range */
  readonly range: Range | null
  readonly window: string
  /** empty: the plain rows */
  readonly drill: string
  readonly compare: boolean
}

export interface LoadedStatistic {
  readonly answer: StatisticAnswer
  /** of each window only so many of the largest came; null: all did */
  readonly top: number | null
}

/** Rows that a page draws and lists without a pause. */
const MOST_ROWS = 5_000
const EVERYTHING: Range = { from: '', to: '' }
const DAY = 86_400_000
const DAYS_OF = { hour: 1 / 24, day: 1, week: 7, month: 30 } as Readonly<Record<string, number>>
/** Released values are kept for so long. */
const ALL_DAYS = 775

/** Windows of a range, at most. */
function windowsIn({ from, to }: Range, window: string): number {
  const end = to === '' ? Date.now() : Date.parse(to) + DAY
  const days = from === '' ? ALL_DAYS : Math.max(1, (end - Date.parse(from)) / DAY)
  return Math.ceil(days / (DAYS_OF[window] ?? 1))
}

export const pathOf = (entry: CatalogueEntry): string => `statistics/${encodeURIComponent(entry.id)}`

/** The parameters that say which statistic and which of its rows. */
export function parametersOf(
  entry: CatalogueEntry,
  choice: Choice,
  range: Range,
): Readonly<Record<string, string>> {
  return {
    ...range,
    window: choice.window,
    drill: choice.drill,
    compare: choice.compare ? 'previous' : '',
    realm: entry.realm,
    site: entry.site,
  }
}

export async function loadStatistic(
  api: Api,
  entry: CatalogueEntry,
  choice: Choice,
): Promise<LoadedStatistic> {
  const ask = (range: Range, more: Readonly<Record<string, string>>) =>
    api.json<StatisticAnswer>(pathOf(entry), { ...parametersOf(entry, choice, range), ...more })
  const all = { limit: String(MOST_ROWS) }
  let range = choice.range ?? recent()
  let answer = await ask(range, all)
  if (choice.range === null && answer.rows.length === 0) {
    range = EVERYTHING
    answer = await ask(range, all)
  }
  if (answer.truncated !== true || entry.shape !== 'counts') return { answer, top: null }
  const top = Math.max(6, Math.floor(MOST_ROWS / windowsIn(range, answer.window)))
  return { answer: await ask(range, { top: String(Math.min(top, 1_000)) }), top }
}
