/** A time-series chart by uPlot: lines, or stacked bars. The table beside it says the same in text. */
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { count, dayName, short } from './format.js'
import type { Chart } from './series.js'

const HEIGHT = 300
/** With so few windows each value is drawn as a point too. */
const FEW_TIMES = 10

const cssColor = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim()

type Values = (number | null)[]

/** Stacked: each series drawn from zero to the sum of itself and those before it, the tallest first. */
function stacked(chart: Chart): Values[] {
  const sums = chart.times.map(() => 0)
  return chart.series.map(({ values }) =>
    values.map((value, at) => {
      sums[at] = (sums[at] ?? 0) + (value ?? 0)
      return sums[at] ?? 0
    }),
  )
}

function optionsOf(
  chart: Chart,
  bars: boolean,
  width: number,
  onCursor: (plot: uPlot) => void,
): uPlot.Options {
  const font = '12px system-ui, sans-serif'
  const axis = {
    stroke: cssColor('--muted'),
    grid: { stroke: cssColor('--line'), width: 1 },
    ticks: { show: false },
    font,
  }
  const ordered = bars ? chart.series.toReversed() : chart.series
  const barPaths = uPlot.paths.bars?.({ size: [0.72, 48], radius: 0.12 })
  const single = chart.times.length < 3
  return {
    width,
    height: HEIGHT,
    // the last day's label is centred on the last point
    padding: [12, 26, 0, 0],
    tzDate: (time) => uPlot.tzDate(new Date(time * 1_000), 'Etc/UTC'),
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 8, show: !bars },
    },
    scales: {
      x: {
        time: true,
        range: (_plot, min, max) => (bars || single ? [min - 43_200, max + 43_200] : [min, max]),
      },
      y: { range: (_plot, _min, max) => [0, Math.max(max * 1.08, 1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: dayTicks,
        incrs: [86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 28 * 86_400, 91 * 86_400, 364 * 86_400],
        space: 64,
      },
      { ...axis, size: 56, values: (_plot, ticks) => ticks.map((tick) => short(tick)) },
    ],
    series: [
      {},
      ...ordered.map(
        ({ color, values }): uPlot.Series => ({
          stroke: cssColor(color),
          width: bars ? 0 : 2,
          spanGaps: false,
          ...(bars ? { fill: cssColor(color), points: { show: false } } : undefined),
          ...(bars && barPaths ? { paths: barPaths } : undefined),
          ...(bars
            ? undefined
            : {
                points: {
                  show: chart.times.length <= FEW_TIMES,
                  size: 7,
                  fill: cssColor(color),
                  filter: (_plot, _series, all) => (all ? null : lonely(values)),
                },
              }),
        }),
      ),
    ],
    hooks: { setCursor: [onCursor] },
  }
}

/** Values between two gaps: no line reaches them, so they are drawn as points. */
function lonely(values: readonly (number | null)[]): number[] {
  const gap = (at: number): boolean => (values[at] ?? null) === null
  return [...values.keys()].filter((at) => !gap(at) && gap(at - 1) && gap(at + 1))
}

function dayTicks(_plot: uPlot, ticks: readonly number[]): string[] {
  let year = 0
  return ticks.map((tick) => {
    const at = new Date(tick * 1_000)
    const withYear = at.getUTCFullYear() !== year
    year = at.getUTCFullYear()
    const day = at.toLocaleDateString('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' })
    return withYear ? `${day}\n${year}` : day
  })
}

export interface TimeChartProps {
  readonly chart: Chart
  readonly bars?: boolean
  /** said to screen readers in place of the picture */
  readonly description: string
  /** how a value is written, e.g. with `≥` */
  readonly write?: (value: number) => string
  /** how a window is called, by its start (RFC 3339) */
  readonly nameTime?: (start: string) => string
}

export function TimeChart({
  chart,
  bars = false,
  description,
  write = count,
  nameTime = dayName,
}: TimeChartProps) {
  const host = useRef<HTMLDivElement>(null)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [cursor, setCursor] = useState<{ readonly at: number; readonly left: number } | null>(null)
  const scheme = useColorScheme()
  const shown: Chart = { times: chart.times, series: chart.series.filter(({ name }) => !hidden.has(name)) }
  const key = shown.series.map(({ name }) => name).join('\n')

  useEffect(() => {
    const element = host.current
    if (!element) return
    const data: Values[] = bars ? stacked(shown).toReversed() : shown.series.map(({ values }) => [...values])
    const onCursor = (drawn: uPlot): void => {
      const at = drawn.cursor.idx ?? null
      const time = at === null ? undefined : shown.times[at]
      if (at === null || time === undefined || (drawn.cursor.left ?? -1) < 0) setCursor(null)
      else setCursor({ at, left: drawn.valToPos(time, 'x') + drawn.bbox.left / devicePixelRatio })
    }
    const plot = new uPlot(
      optionsOf(shown, bars, element.clientWidth, onCursor),
      [[...shown.times], ...data],
      element,
    )
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }))
    resize.observe(element)
    return () => {
      resize.disconnect()
      plot.destroy()
    }
  }, [chart, bars, key, scheme])

  const toggle = (name: string): void => {
    const next = new Set(hidden)
    if (!next.delete(name)) next.add(name)
    setHidden(next)
  }

  return (
    <figure class="chart">
      <ul class="legend" aria-label="Shown in the chart">
        {chart.series.map(({ name, color }) => (
          <li key={name}>
            <button type="button" aria-pressed={!hidden.has(name)} onClick={() => toggle(name)} title={name}>
              <i style={{ background: `var(${color})` }} aria-hidden="true" />
              <span>{name}</span>
            </button>
          </li>
        ))}
      </ul>
      <div class="plot">
        <div ref={host} role="img" aria-label={description} />
        {cursor && (
          <Tooltip chart={shown} at={cursor.at} left={cursor.left} write={write} nameTime={nameTime} />
        )}
      </div>
    </figure>
  )
}

interface TooltipProps {
  readonly chart: Chart
  readonly at: number
  readonly left: number
  readonly write: (value: number) => string
  readonly nameTime: (start: string) => string
}

function Tooltip({ chart, at, left, write, nameTime }: TooltipProps) {
  const time = chart.times[at] ?? 0
  const lines = chart.series
    .map(({ name, color, values }) => ({ name, color, value: values[at] ?? null }))
    .sort((a, b) => (b.value ?? -1) - (a.value ?? -1))
  return (
    <div
      class={`tooltip ${at > chart.times.length / 2 ? 'before' : ''}`}
      style={{ left: `${left}px` }}
      aria-hidden="true"
    >
      <strong>{nameTime(new Date(time * 1_000).toISOString())}</strong>
      {lines.map(({ name, color, value }) => (
        <div key={name}>
          <i style={{ background: `var(${color})` }} />
          <span>{name}</span>
          <b>{value === null ? 'not published' : write(value)}</b>
        </div>
      ))}
    </div>
  )
}

/** Draws again when the reader's light or dark preference changes. */
function useColorScheme(): boolean {
  const query = matchMedia('(prefers-color-scheme: dark)')
  const [dark, setDark] = useState(query.matches)
  useEffect(() => {
    const change = (event: MediaQueryListEvent): void => setDark(event.matches)
    query.addEventListener('change', change)
    return () => query.removeEventListener('change', change)
  }, [])
  return dark
}
