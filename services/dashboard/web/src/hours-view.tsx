/** Hours of a value: days down, hours of the day across. */
import { useState } from 'preact/hooks'
import type { AnswerRow } from './api.js'
import type { Desk } from './desk.js'
import { count, dayName } from './format.js'
import { type HeatCell, HeatMap } from './heat-map.js'
import { nameOf, OTHER } from './series.js'

const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, '0'))
/** The newest days; a longer range is read in the table. */
const MOST_DAYS = 35

export interface HoursViewProps {
  readonly rows: readonly AnswerRow[]
  readonly by: readonly string[]
  readonly desk: Desk | null
}

/** Names of values, those with most people over the range first. */
function namesBySize(rows: readonly AnswerRow[], by: readonly string[]): readonly string[] {
  const sums = new Map<string, number>()
  for (const row of rows) {
    const name = nameOf(row, by)
    sums.set(name, (sums.get(name) ?? 0) + Number(row['users'] ?? 0))
  }
  return [...sums]
    .sort(([a, x], [b, y]) => Number(a === OTHER) - Number(b === OTHER) || y - x)
    .map(([name]) => name)
}

export function HoursView({ by, desk, rows }: HoursViewProps) {
  const names = namesBySize(rows, by)
  const [chosen, setChosen] = useState('')
  const name = names.includes(chosen) ? chosen : (names[0] ?? '')
  const own = rows.filter((row) => nameOf(row, by) === name)
  const byHour = new Map(own.map((row) => [String(row['window_start']).slice(0, 13), row]))
  const most = Math.max(1, ...own.map((row) => Number(row['users'] ?? 0)))
  const days = [...new Set(rows.map((row) => String(row['window_start']).slice(0, 10)))]
    .sort()
    .slice(-MOST_DAYS)
  const cellOf = (day: string, hour: string): HeatCell => {
    const row = byHour.get(`${day}T${hour}`)
    const users = row?.['users']
    if (row === undefined || typeof users !== 'number') return { text: '–', heat: null, row: null }
    return { text: count(users), heat: users / most, row }
  }
  return (
    <section class="card" aria-label="Hours">
      <div class="card-head">
        <h2>People by hour (UTC)</h2>
        <select aria-label="Value" value={name} onChange={(event) => setChosen(event.currentTarget.value)}>
          {names.map((one) => (
            <option key={one} value={one}>
              {one || 'In all'}
            </option>
          ))}
        </select>
      </div>
      <HeatMap
        caption={`People of ${name || 'all'} by day and hour`}
        corner="Day"
        columns={HOURS}
        rows={days
          .toReversed()
          .map((day) => ({ name: dayName(day), cells: HOURS.map((hour) => cellOf(day, hour)) }))}
        desk={desk}
      />
      <p class="note">– means not published, which is not the same as zero.</p>
    </section>
  )
}
