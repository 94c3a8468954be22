/** Pairs of pages as flows: from where people went where, the largest first. */
import { useState } from 'preact/hooks'
import { Bars } from './bars.js'
import type { ShapeViewProps } from './funnel-view.js'
import { people, windowName } from './format.js'
import { OTHER } from './series.js'
import { useWindow, WindowChooser } from './window-chooser.js'

const MOST_FLOWS = 25
const ALL = ''

export function FlowView({ answer, desk, entry }: ShapeViewProps) {
  const [from = '', to = ''] = entry.by
  const { own, setStart, start, starts } = useWindow(answer.rows)
  const sources = [...new Set(own.map((row) => String(row[from])))].filter((one) => one !== OTHER).sort()
  const [chosenSource, setSource] = useState(ALL)
  const source = sources.includes(chosenSource) ? chosenSource : ALL
  const flows = own.filter((row) => source === ALL || row[from] === source)
  const most = Math.max(1, ...flows.map((row) => Number(row['users'] ?? 0)))
  const floored = flows.some((row) => row['floor'] !== undefined)
  return (
    <section class="card" aria-label="Flows">
      <div class="card-head">
        <h2>Largest flows</h2>
        <div class="tools">
          <select
            aria-label="From page"
            value={source}
            onChange={(event) => setSource(event.currentTarget.value)}
          >
            <option value={ALL}>From every page</option>
            {sources.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
          <WindowChooser
            label="Time of the flows"
            starts={starts}
            window={answer.window}
            value={start}
            onChange={setStart}
          />
        </div>
      </div>
      <Bars
        caption={`Flows, ${windowName(start, answer.window)}`}
        heads={['From', 'To', 'People']}
        bars={flows.slice(0, MOST_FLOWS).map((row) => ({
          key: `${String(row[from])}\n${String(row[to])}`,
          names: [String(row[from]), `→ ${String(row[to])}`],
          length: Number(row['users'] ?? 0) / most,
          text: typeof row['users'] === 'number' ? people(row['users'], floored) : '–',
          row,
          quiet: row[to] === OTHER,
        }))}
        desk={desk}
      />
    </section>
  )
}
