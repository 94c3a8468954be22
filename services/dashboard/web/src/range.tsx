/** Choosing days: two dates and a few usual spans, all UTC and inclusive. */
export interface Range {
  /** `YYYY-MM-DD`, or empty for everything */
  readonly from: string
  readonly to: string
}

const DAY = 86_400_000

export const utcDay = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** The first question of a page: the last three months; the caller asks for everything if that is empty. */
export const recent = (): Range => ({ from: utcDay(Date.now() - 92 * DAY), to: '' })

export interface RangePickerProps {
  readonly range: Range
  /** what the answer really covers, shown where the reader chose nothing */
  readonly covered: Range
  /** the newest day there is: spans end here */
  readonly newest: string
  readonly onChange: (range: Range) => void
}

export function RangePicker({ range, covered, newest, onChange }: RangePickerProps) {
  const from =
    range.from && covered.from && range.from < covered.from ? covered.from : range.from || covered.from
  const to = range.to || covered.to
  const span = (days: number): Range => ({ from: utcDay(Date.parse(newest) - (days - 1) * DAY), to: newest })
  return (
    <div class="range" role="group" aria-label="Days (UTC)">
      <label>
        <span>From</span>
        <input
          type="date"
          value={from}
          max={to}
          onChange={(event) => onChange({ from: event.currentTarget.value, to })}
        />
      </label>
      <label>
        <span>To</span>
        <input
          type="date"
          value={to}
          min={from}
          onChange={(event) => onChange({ from, to: event.currentTarget.value })}
        />
      </label>
      <div class="segments">
        {newest !== '' &&
          [7, 30].map((days) => (
            <button
              type="button"
              key={days}
              aria-pressed={from === span(days).from && to === newest}
              onClick={() => onChange(span(days))}
            >
              {days} days
            </button>
          ))}
        <button
          type="button"
          aria-pressed={range.from === '' && range.to === ''}
          onClick={() => onChange({ from: '', to: '' })}
        >
          All
        </button>
      </div>
    </div>
  )
}
