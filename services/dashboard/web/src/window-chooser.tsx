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

/** The starts of the windows of some rows, the newest first. */
export function startsOf(rows: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return [...new Set(rows.map((row) => String(row['window_start'])))].sort().toReversed()
}
