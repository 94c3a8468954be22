import { useState } from 'preact/hooks'
import type { AnswerRow } from './api.js'
import { windowName } from './format.js'

export interface WindowChooserProps {
  readonly label: string
  /** RFC 3339, the newest first */
  readonly starts: readonly string[]
  readonly window: string
  readonly value: string
  readonly onChange: (start: string) => void
}

/** One window of the range. */
export function WindowChooser({ label, onChange, starts, value, window }: WindowChooserProps) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      {starts.map((start) => (
        <option key={start} value={start}>
          {windowName(start, window)}
        </option>
      ))}
    </select>
  )
}

/** The window that is chosen, the newest at first: its rows, and the starts of all, the newest first. */
export function useWindow(rows: readonly AnswerRow[]) {
  const starts = [...new Set(rows.map((row) => String(row['window_start'])))].sort().toReversed()
  const [chosen, setStart] = useState('')
  const start = starts.includes(chosen) ? chosen : (starts[0] ?? '')
  return { starts, start, setStart, own: rows.filter((row) => row['window_start'] === start) }
}
