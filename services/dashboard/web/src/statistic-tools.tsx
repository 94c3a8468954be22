/** Which window, which drill, and whether the window before stands beside each number. */
import type { CatalogueEntry } from './api.js'
import { label } from './format.js'
import type { Choice } from './statistic-load.js'

export interface StatisticToolsProps {
  readonly entry: CatalogueEntry
  readonly choice: Choice
  readonly onChange: (choice: Choice) => void
}

const FINEST_FIRST = ['5m', 'hour', 'day', 'week', 'month']

export function StatisticTools({ choice, entry, onChange }: StatisticToolsProps) {
  const windows = entry.windows.toSorted((a, b) => FINEST_FIRST.indexOf(a) - FINEST_FIRST.indexOf(b))
  const window = choice.window || (windows[0] ?? '')
  return (
    <>
      {windows.length > 1 && (
        <select
          aria-label="Window"
          value={window}
          onChange={({ currentTarget: { value } }) =>
            onChange({ ...choice, window: value, drill: value === 'hour' ? '' : choice.drill })
          }
        >
          {windows.map((name) => (
            <option key={name} value={name}>
              Per {name}
            </option>
          ))}
        </select>
      )}
      {entry.drill.length > 0 && window !== 'hour' && (
        <select
          aria-label="Drill-down"
          value={choice.drill}
          onChange={({ currentTarget: { value } }) => onChange({ ...choice, drill: value })}
        >
          <option value="">Not divided</option>
          {entry.drill.map((name, at) => (
            <option key={name} value={name}>
              By{' '}
              {entry.drill
                .slice(0, at + 1)
                .map((one) => label(one).toLowerCase())
                .join(' and ')}
            </option>
          ))}
        </select>
      )}
      {entry.shape === 'counts' && (
        <label class="check">
          <input
            type="checkbox"
            checked={choice.compare}
            onChange={({ currentTarget: { checked } }) => onChange({ ...choice, compare: checked })}
          />
          <span>Beside the {window} before</span>
        </label>
      )}
    </>
  )
}
