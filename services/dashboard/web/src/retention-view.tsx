/** Retention: cohorts down, windows since they joined across, the share of the first published window as heat. */
import type { AnswerRow } from './api.js'
import type { ShapeViewProps } from './funnel-view.js'
import { count } from './format.js'
import { type HeatCell, HeatMap } from './heat-map.js'

const numberOf = (value: AnswerRow[string] | undefined): number | null =>
  typeof value === 'number' ? value : null

export function RetentionView({ answer, desk }: ShapeViewProps) {
  const weeks = [...new Set(answer.rows.flatMap((row) => numberOf(row['week']) ?? []))].sort((a, b) => a - b)
  const cohorts = [...new Set(answer.rows.map((row) => String(row['cohort'])))]
    .filter((cohort) => answer.rows.some((row) => row['cohort'] === cohort && row['week'] !== null))
    .sort()
    .toReversed()
  const byPlace = new Map(answer.rows.map((row) => [`${String(row['cohort'])} ${String(row['week'])}`, row]))
  const cellOf = (cohort: string, week: number): HeatCell => {
    const row = byPlace.get(`${cohort} ${String(week)}`)
    const share = numberOf(row?.['share'])
    if (row === undefined || share === null) return { text: '', heat: null, row: null }
    return { text: `${String(share)} %`, heat: Math.min(1, share / 100), row }
  }
  const undated = answer.rows.filter((row) => row['week'] === null)
  return (
    <section class="card" aria-label="Retention">
      <div class="card-head">
        <h2>Who came back</h2>
      </div>
      <HeatMap
        caption="Share of each cohort’s first published week that came again, by weeks since it joined"
        corner="Joined · week"
        columns={weeks.map(String)}
        rows={cohorts.map((cohort) => ({ name: cohort, cells: weeks.map((week) => cellOf(cohort, week)) }))}
        desk={desk}
      />
      <p class="note">
        Percent of the people of a cohort’s first published week. An empty field means not published.
        {undated.length > 0 &&
          ` ${count(new Set(undated.map((row) => row['cohort'])).size)} more groups have no month and are in the table below.`}
      </p>
    </section>
  )
}
