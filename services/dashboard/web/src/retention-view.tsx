/** Retention: cohorts down, windows across, the share that came back as heat. */
import type { AnswerRow } from './api.js'
import type { ShapeViewProps } from './funnel-view.js'
import { columnName, count, people } from './format.js'
import { type HeatCell, HeatMap } from './heat-map.js'

/** So many windows fit across. */
const MOST_WINDOWS = 26

function cellOf(row: AnswerRow | undefined): HeatCell {
  if (row === undefined || typeof row['users'] !== 'number') return { text: '', heat: null, row: null }
  const { share, users } = row
  // Before everybody has joined there is nothing to take a share of.
  if (typeof share !== 'number') return { text: people(users, row['floor'] !== undefined), heat: 0, row }
  return { text: `${String(share)} %`, heat: Math.min(1, share / 100), row }
}

export function RetentionView({ answer, desk }: ShapeViewProps) {
  const starts = [...new Set(answer.rows.map((row) => String(row['window_start'])))].sort()
  const shown = starts.slice(-MOST_WINDOWS)
  const byPlace = new Map(
    answer.rows.map((row) => [`${String(row['cohort'])} ${String(row['window_start'])}`, row]),
  )
  const cohortsOf = (rows: readonly AnswerRow[]) =>
    [...new Set(rows.map((row) => String(row['cohort'])))].sort()
  const months = cohortsOf(answer.rows.filter((row) => row['week'] !== null)).toReversed()
  const cohorts = [...months, ...cohortsOf(answer.rows.filter((row) => row['week'] === null))]
  return (
    <section class="card" aria-label="Retention">
      <div class="card-head">
        <h2>Who came back</h2>
      </div>
      <HeatMap
        caption={`Share of each cohort that came again, by ${answer.window}`}
        corner={`Joined · ${answer.window} of`}
        columns={shown.map((start) => columnName(start, answer.window))}
        rows={cohorts.map((cohort) => ({
          name: cohort,
          cells: shown.map((start) => cellOf(byPlace.get(`${cohort} ${start}`))),
        }))}
        desk={desk}
      />
      <p class="note">
        Percent of the people of the first {answer.window} by whose end all had joined; a number of people
        before it. Both numbers are rounded down or have noise, so a share may be above 100. An empty field
        means not published.
        {starts.length > shown.length &&
          ` Of ${count(starts.length)} windows the last ${count(shown.length)} are shown.`}
      </p>
    </section>
  )
}
