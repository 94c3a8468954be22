/** Counts by dimensions: the largest over time, hours as a heat map, pairs of pages as flows. */
import { useMemo, useState } from 'preact/hooks'
import { TimeChart } from './chart.js'
import { count, label, people, windowName } from './format.js'
import { FlowView } from './flow-view.js'
import type { ShapeViewProps } from './funnel-view.js'
import { HoursView } from './hours-view.js'
import { topSeries } from './series.js'

export interface CountsViewProps extends ShapeViewProps {
  /** names of the dimensions of the rows */
  readonly by: readonly string[]
  readonly measures: readonly string[]
  /** of each window only so many came */
  readonly top: number | null
}

export function CountsView({ answer, by, desk, entry, measures, top }: CountsViewProps) {
  const drawn = measures.filter((name) => !name.startsWith('previous_') && !name.endsWith('_error'))
  const [chosen, setMeasure] = useState('')
  const measure = drawn.includes(chosen) ? chosen : (drawn[0] ?? 'users')
  const chart = useMemo(() => topSeries(answer.rows, by, measure), [answer, by.join(), measure])
  const floored = answer.rows.some((row) => row['floor'] !== undefined)
  const write = (value: number) => people(value, measure === 'users' && floored)
  return (
    <>
      {top !== null && (
        <p class="note">
          There are many values: of each {answer.window} the {count(top)} largest are shown, and (other).
          Choose fewer days for more of them.
        </p>
      )}
      {answer.window === 'hour' && <HoursView rows={answer.rows} by={by} desk={desk} />}
      {by[0] === 'from_path' && by.length === 2 && <FlowView answer={answer} entry={entry} desk={desk} />}
      {answer.window !== 'hour' && (
        <section class="card" aria-label="Chart">
          <div class="card-head">
            <h2>Largest over time</h2>
            {drawn.length > 1 && (
              <div class="segments" role="group" aria-label="Measure">
                {drawn.map((name) => (
                  <button
                    type="button"
                    key={name}
                    aria-pressed={name === measure}
                    onClick={() => setMeasure(name)}
                  >
                    {label(name)}
                  </button>
                ))}
              </div>
            )}
          </div>
          {chart.series.length === 0 ? (
            <p class="none">No {label(measure).toLowerCase()} are published for these days.</p>
          ) : (
            <TimeChart
              chart={chart}
              write={write}
              nameTime={(start) => windowName(start, answer.window)}
              description={`${label(measure)} of the ${chart.series.length} largest values of ${entry.title}; the table below has the numbers`}
            />
          )}
        </section>
      )}
    </>
  )
}
