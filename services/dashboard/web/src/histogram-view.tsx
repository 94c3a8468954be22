/** A histogram: the shares of one place as bars, and the percentiles of all. */
import { useState } from 'preact/hooks'
import type { AnswerRow } from './api.js'
import { Bars } from './bars.js'
import type { ShapeViewProps } from './funnel-view.js'
import { count, label, windowName } from './format.js'
import { nameOf, OTHER } from './series.js'
import { ShowMore } from './show-more.js'
import { useWindow, WindowChooser } from './window-chooser.js'

const PAGE = 50
const PERCENTILES = ['p50', 'p75', 'p95'] as const
const SAID = { p50: 'half', p75: 'three of four', p95: '95 of 100' } as const

export function HistogramView({ answer, desk, entry }: ShapeViewProps) {
  const { own, setStart, start, starts } = useWindow(answer.rows)
  const places = [...new Set(own.map((row) => nameOf(row, entry.by)))]
  const [chosenPlace, setPlace] = useState('')
  const place = places.includes(chosenPlace)
    ? chosenPlace
    : (places.find((one) => one !== OTHER) ?? places[0] ?? '')
  const shares = own.filter((row) => nameOf(row, entry.by) === place)
  const percentiles = (answer.percentiles ?? []).filter((row) => row['window_start'] === start)
  const unit = label(entry.field ?? '')
  return (
    <>
      <section class="card" aria-label="Shares">
        <div class="card-head">
          <h2>{unit}</h2>
          <div class="tools">
            {places.length > 1 && (
              <select
                aria-label={entry.by.map(label).join(', ')}
                value={place}
                onChange={(event) => setPlace(event.currentTarget.value)}
              >
                {places.map((one) => (
                  <option key={one} value={one}>
                    {one}
                  </option>
                ))}
              </select>
            )}
            <WindowChooser
              label="Time of the shares"
              starts={starts}
              window={answer.window}
              value={start}
              onChange={setStart}
            />
          </div>
        </div>
        <Bars
          caption={`${unit} of ${place || 'all'}, ${windowName(start, answer.window)}`}
          heads={[unit, 'Share of events']}
          bars={shares.map((row) => ({
            key: String(row['bucket']),
            names: [String(row['bucket'])],
            length: Number(row['share'] ?? 0) / 100,
            text: `${String(row['share'])} %`,
            row,
          }))}
          desk={desk}
        />
      </section>
      <Percentiles rows={percentiles} by={entry.by} unit={unit} />
    </>
  )
}

function Percentiles({
  by,
  rows,
  unit,
}: {
  readonly rows: readonly AnswerRow[]
  readonly by: readonly string[]
  readonly unit: string
}) {
  const [limit, setLimit] = useState(PAGE)
  const written = (value: AnswerRow[string] | undefined): string =>
    typeof value === 'number' ? count(value) : 'beyond the last bucket'
  const slowest = rows.toSorted((a, b) => Number(b['p95'] ?? Infinity) - Number(a['p95'] ?? Infinity))
  return (
    <section class="card" aria-label="Percentiles">
      <div class="card-head">
        <h2>Percentiles of {unit.toLowerCase()}</h2>
      </div>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Percentiles">
        <table>
          <thead>
            <tr>
              {by.map((name) => (
                <th key={name} scope="col">
                  {label(name)}
                </th>
              ))}
              {PERCENTILES.map((name) => (
                <th key={name} scope="col" class="number">
                  {SAID[name]} below
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {slowest.slice(0, limit).map((row) => (
              <tr key={nameOf(row, by)}>
                {by.map((name) => (
                  <td key={name} class={row[name] === OTHER ? 'pooled' : 'value'}>
                    {row[name]}
                  </td>
                ))}
                {PERCENTILES.map((name) => (
                  <td key={name} class="number">
                    {written(row[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <ShowMore left={rows.length - limit} onMore={() => setLimit(limit + 4 * PAGE)} />
      <p class="note">Read from the published shares, as if each bucket were evenly filled.</p>
    </section>
  )
}
