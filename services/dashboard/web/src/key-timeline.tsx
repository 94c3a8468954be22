/**
 * Lives of keys as a picture: a bar from when a key was made to when it was destroyed, and to the edge while it lives;
 * a line marks when it has to be destroyed at the latest. The table below says the same in text.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { KeyRow } from './api.js'
import { count, dayName, dayRange, momentName } from './format.js'

const DAY = 86_400_000
const ROW = 15
const BAR = 9
const AXIS = 26
const LABELS = 104
/** What fits on a page: the newest. */
const MOST = 45
const COLORS = { day: '--c1', week: '--c3', month: '--c5' } as const

interface TimelineProps {
  readonly keys: readonly KeyRow[]
  /** ms */
  readonly now: number
}

/** Keeps the width of an element in CSS pixels. */
function useWidth() {
  const host = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = host.current
    if (!element) return
    const measure = (): void => setWidth(element.clientWidth)
    measure()
    const watch = new ResizeObserver(measure)
    watch.observe(element)
    return () => watch.disconnect()
  }, [])
  return { host, width }
}

export function KeyTimeline({ keys, now }: TimelineProps) {
  const { host, width } = useWidth()
  const shown = keys.toSorted((a, b) => (a.created < b.created ? -1 : 1)).slice(-MOST)
  const streams = (['day', 'week', 'month'] as const).filter((stream) =>
    shown.some((key) => key.stream === stream),
  )
  if (shown.length === 0) return <p>No key of a day, week or month was made yet.</p>
  return (
    <figure class="lives">
      <ul class="legend lives-legend" aria-hidden="true">
        {streams.map((stream) => (
          <li key={stream}>
            <i style={{ background: `var(${COLORS[stream]})` }} />
            {stream}
          </li>
        ))}
        <li>
          <i class="open-ended" />
          lives
        </li>
        <li>
          <i class="deadline" />
          at the latest
        </li>
      </ul>
      <div ref={host}>{width > 0 && <Lives keys={shown} now={now} width={width} all={keys.length} />}</div>
      {keys.length > shown.length && (
        <figcaption class="sub">
          The newest {count(shown.length)} of {count(keys.length)}.
        </figcaption>
      )}
    </figure>
  )
}

interface LivesProps extends TimelineProps {
  readonly width: number
  /** of which `keys` are the newest */
  readonly all: number
}

/** From when to when the picture goes, ms: with room for deadlines to come. */
function spanOf(keys: readonly KeyRow[], now: number): readonly [number, number] {
  const starts = keys.map(({ created }) => Date.parse(created))
  const ends = keys.map(({ created, destroyed, due }) =>
    Math.max(Date.parse(created), Date.parse(destroyed ?? created), due === null ? 0 : Date.parse(due)),
  )
  const last = Math.max(...ends)
  const isOfNow = keys.some(({ destroyed }) => destroyed === null) && now - last < 2 * DAY
  const from = Math.min(...starts)
  const to = isOfNow ? Math.max(last, now) : last
  return [from - DAY / 4, to + DAY / 2]
}

function Lives({ all, keys, now, width }: LivesProps) {
  const labels = width < 480 ? 84 : LABELS
  const [from, to] = spanOf(keys, now)
  const x = (time: number): number => labels + ((time - from) / (to - from)) * (width - labels)
  const height = keys.length * ROW + AXIS
  const alive = keys.filter(({ destroyed }) => destroyed === null).length
  const description = `${count(keys.length)} of ${count(all)} keys of days, weeks and months: ${count(alive)} live, ${count(keys.length - alive)} are destroyed; the table below has the times`
  return (
    <svg
      width={width}
      height={height}
      viewBox={`0 0 ${String(width)} ${String(height)}`}
      role="img"
      aria-label={description}
    >
      <Days from={from} to={to} x={x} height={height} room={width - labels} />
      {keys.map((key, at) => (
        <Life key={key.id} row={key} y={at * ROW} x={x} right={width} />
      ))}
    </svg>
  )
}

interface LifeProps {
  readonly row: KeyRow
  readonly y: number
  readonly x: (time: number) => number
  readonly right: number
}

function Life({ right, row, x, y }: LifeProps) {
  const { created, destroyed, due, id, stream } = row
  const start = x(Date.parse(created))
  const end = destroyed === null ? right : x(Date.parse(destroyed))
  const color = `var(${COLORS[stream as keyof typeof COLORS]})`
  const middle = y + ROW / 2
  const late = due === null ? null : x(Date.parse(due))
  return (
    <g>
      <title>
        {`${id}: made ${momentName(created)}, ${destroyed === null ? 'lives' : `destroyed ${momentName(destroyed)}`}${due === null ? '' : `; at the latest ${momentName(due)}`}`}
      </title>
      <text x="0" y={middle} dominant-baseline="central">
        {id.replace(/^\w+:/, (name) => (stream === 'day' ? '' : name.replace(':', ' ')))}
      </text>
      <rect
        x={start}
        y={middle - BAR / 2}
        width={Math.max(2, end - start)}
        height={BAR}
        rx="2"
        fill={color}
        fill-opacity={destroyed === null ? 0.35 : 1}
      />
      {destroyed === null && (
        <path
          d={`M${String(right - 5)} ${String(middle - 4)}l4 4-4 4`}
          fill="none"
          stroke={color}
          stroke-width="2"
        />
      )}
      {late !== null && (
        <line x1={late} x2={late} y1={middle - 6} y2={middle + 6} stroke="var(--bad)" stroke-width="1.5" />
      )}
    </g>
  )
}

interface DaysProps {
  readonly from: number
  readonly to: number
  readonly x: (time: number) => number
  readonly height: number
  /** pixels */
  readonly room: number
}

const SPACE = 64

/** Lines at midnights, as many as there is room to name. */
function Days({ from, height, room, to, x }: DaysProps) {
  const most = Math.max(1, Math.floor(room / SPACE))
  const step = Math.max(1, Math.ceil((to - from) / DAY / most)) * DAY
  const first = Math.ceil(from / DAY) * DAY
  const ticks = Array.from(
    { length: Math.max(0, Math.floor((to - first) / step) + 1) },
    (_, at) => first + at * step,
  )
  const bottom = height - AXIS
  return (
    <g class="axis">
      {ticks.map((tick) => (
        <g key={tick}>
          <line x1={x(tick)} x2={x(tick)} y1="0" y2={bottom + 4} />
          <text x={x(tick)} y={bottom + 18} text-anchor="middle">
            {new Date(tick).toLocaleDateString('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' })}
          </text>
        </g>
      ))}
    </g>
  )
}

interface DayOfHours {
  readonly day: string
  readonly made: number
  readonly living: number
}

function daysOf(hours: readonly KeyRow[]): readonly DayOfHours[] {
  const days = new Map<string, DayOfHours>()
  for (const { destroyed, epoch } of hours) {
    const day = (epoch ?? '').slice('hour:'.length, 'hour:2026-08-05'.length)
    const { living, made } = days.get(day) ?? { made: 0, living: 0 }
    days.set(day, { day, made: made + 1, living: living + (destroyed === null ? 1 : 0) })
  }
  return [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1)).slice(-MOST)
}

/** Days that follow one another, run by run: side by side, days with a gap between would look like one time. */
function runsOf(days: readonly DayOfHours[]): readonly (readonly DayOfHours[])[] {
  const runs: DayOfHours[][] = []
  for (const day of days) {
    const run = runs.at(-1)
    const before = run?.at(-1)
    if (run && before && Date.parse(day.day) - Date.parse(before.day) === DAY) run.push(day)
    else runs.push([day])
  }
  return runs
}

/** Log hours are many and die within a day: a box for each day, filled as far as its hours are destroyed. */
export function HourStrip({ hours }: { readonly hours: readonly KeyRow[] }) {
  const runs = runsOf(daysOf(hours))
  if (runs.length === 0) return null
  return (
    <div class="hours">
      <h3>Log hours, by day</h3>
      <div class="runs">
        {runs.map((days) => (
          <Run key={days[0]?.day} days={days} />
        ))}
      </div>
      <p class="sub">A full box: every hour of the day is destroyed.</p>
    </div>
  )
}

function Run({ days }: { readonly days: readonly DayOfHours[] }) {
  return (
    <figure>
      <ul>
        {days.map(({ day, living, made }) => {
          const words = `${dayName(day)}: ${count(made)} made, ${living === 0 ? 'all destroyed' : `${count(living)} living`}`
          return (
            <li key={day} title={words}>
              <i style={{ height: `${String(((made - living) / made) * 100)}%` }} aria-hidden="true" />
              <span class="unseen">{words}</span>
            </li>
          )
        })}
      </ul>
      <figcaption class="sub">{dayRange(days[0]?.day ?? '', days.at(-1)?.day ?? '')}</figcaption>
    </figure>
  )
}
