/** Released cells of a data directory, as the linter weighs them against the dimensions of a rulebook. */
import { DAY, utcDay } from '@tacit/contracts'
import type { CatalogueEntry, StatisticAnswer } from '@tacit/dashboard'
import type { MeasuredStatistic } from '@tacit/rulebook'
import { openReader } from './reader.js'

/** How far back a population is looked for: four weeks have every day of the week, and outgrow a slow start. */
const MEASURED_DAYS = 28
/** The most that the API gives at once; the first weeks' are as good as any. */
const MOST_CELLS = '100000'

/**
 * The newest four weeks of every published statistic, sample data left out: it is nobody's population.
 * @throws TacitError ERR_INPUT_FILE where there is no such data directory
 */
export async function measuredStatistics(dir: string): Promise<readonly MeasuredStatistic[]> {
  const reader = await openReader(dir)
  try {
    if (reader.empty) return []
    const entries = JSON.parse(await reader.get('/api/v1/statistics')) as readonly CatalogueEntry[]
    const measured: MeasuredStatistic[] = []
    for (const { by, id, latest, sample, site, windows } of entries) {
      if (sample || latest === null) continue
      const from = utcDay(Date.parse(latest) - (MEASURED_DAYS - 1) * DAY)
      for (const window of windows) {
        if (window === '5m') continue
        const query = new URLSearchParams({ window, from, site, limit: MOST_CELLS })
        const body = await reader.get(`/api/v1/statistics/${encodeURIComponent(id)}?${query.toString()}`)
        const { rows } = JSON.parse(body) as StatisticAnswer
        const cells = rows.map((row) => ({
          window: String(row['window_start']),
          values: Object.fromEntries(by.map((name) => [name, String(row[name])])),
          users: typeof row['users'] === 'number' ? row['users'] : null,
        }))
        if (cells.length > 0) measured.push({ id, site, by, cells })
      }
    }
    return measured
  } finally {
    await reader.close()
  }
}
