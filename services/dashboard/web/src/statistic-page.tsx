/** One statistic: its course over time, its values, and what the numbers mean. */
import { useMemo, useState } from 'preact/hooks'
import type { Api, CatalogueEntry, StatisticAnswer } from './api.js'
import { TimeChart } from './chart.js'
import { count, dayName, label } from './format.js'
import { Empty, Failed, Loading, SampleNotice, Tile, useLoaded } from './load.js'
import { RangePicker, recent, type Range } from './range.js'
import { OTHER, topSeries } from './series.js'
import { ValueTable } from './value-table.js'

export interface StatisticPageProps {
  readonly api: Api
  readonly entry: CatalogueEntry
}

const EVERYTHING: Range = { from: '', to: '' }

export function StatisticPage({ api, entry }: StatisticPageProps) {
  const [chosen, setChosen] = useState<Range | null>(null)
  const [window, setWindow] = useState('')
  const [failure, setFailure] = useState('')
  const path = `statistics/${encodeURIComponent(entry.id)}`
  const ask = (range: Range) =>
    api.json<StatisticAnswer>(path, { ...range, window, realm: entry.realm, site: entry.site })
  const loaded = useLoaded(JSON.stringify([chosen, window]), async () => {
    const answer = await ask(chosen ?? recent())
    return chosen === null && answer.rows.length === 0 ? ask(EVERYTHING) : answer
  })
  const newest = useNewest(loaded.state === 'ready' ? loaded.value : null)
  const covered = coveredRange(loaded.state === 'ready' ? loaded.value : null)

  const download = async (): Promise<void> => {
    try {
      const range = chosen ?? covered
      const blob = await api.blob(path, {
        ...range,
        window,
        realm: entry.realm,
        site: entry.site,
        format: 'csv',
      })
      const link = document.createElement('a')
      link.href = URL.createObjectURL(blob)
      link.download = `${entry.id}-${range.from}-${range.to}${entry.sample ? '-sample' : ''}.csv`
      link.click()
      URL.revokeObjectURL(link.href)
      setFailure('')
    } catch (error) {
      setFailure(error instanceof Error ? error.message : 'The download failed.')
    }
  }

  return (
    <>
      {entry.sample && <SampleNotice />}
      <div class="page-head">
        <div>
          <h1>{entry.title}</h1>
          <p class="sub">
            Site <b>{entry.site}</b>, by{' '}
            {entry.by.map((name) => label(name).toLowerCase()).join(' and ') || 'total'}
          </p>
        </div>
        <div class="tools" hidden={entry.latest === null}>
          {entry.windows.length > 1 && (
            <select
              aria-label="Window"
              value={window || entry.windows[0]}
              onChange={(event) => setWindow(event.currentTarget.value)}
            >
              {entry.windows.map((name) => (
                <option key={name} value={name}>
                  Per {name}
                </option>
              ))}
            </select>
          )}
          <RangePicker range={chosen ?? covered} covered={covered} newest={newest} onChange={setChosen} />
          <button
            type="button"
            class="button"
            onClick={() => void download()}
            disabled={loaded.state !== 'ready'}
          >
            Download CSV
          </button>
        </div>
      </div>
      {failure && <p role="alert">{failure}</p>}
      {loaded.state === 'loading' && <Loading />}
      {loaded.state === 'failed' && <Failed error={loaded.error} retry={loaded.retry} />}
      {loaded.state === 'ready' && <Answer answer={loaded.value} entry={entry} />}
    </>
  )
}

function coveredRange(answer: StatisticAnswer | null): Range {
  const days = (answer?.rows ?? []).map((row) => String(row['window_start']).slice(0, 10))
  return { from: days[0] ?? '', to: days.at(-1) ?? '' }
}

/** The newest day seen so far: it stays while the reader looks at an older range. */
function useNewest(answer: StatisticAnswer | null): string {
  const [newest, setNewest] = useState('')
  const { to } = coveredRange(answer)
  if (to > newest) setNewest(to)
  return to > newest ? to : newest
}

interface AnswerProps {
  readonly answer: StatisticAnswer
  readonly entry: CatalogueEntry
}

function Answer({ answer, entry }: AnswerProps) {
  const [measure, setMeasure] = useState(entry.measures[0] ?? 'users')
  const chart = useMemo(() => topSeries(answer.rows, entry.by, measure), [answer, entry, measure])
  if (answer.rows.length === 0) {
    return (
      <Empty title={entry.latest === null ? 'No data yet' : 'Nothing published in these days'}>
        A value appears once its day has closed and at least {entry.min_users} people share it.{' '}
        {entry.latest === null
          ? 'Events that arrive today can be read here tomorrow.'
          : 'Choose other days, or come back tomorrow.'}
      </Empty>
    )
  }
  const floored = answer.rows.some((row) => row['floor'] !== undefined)
  const last = String(answer.rows.at(-1)?.['window_start'])
  const latest = answer.rows.filter((row) => row['window_start'] === last).length
  const write = (value: number) => `${measure === 'users' && floored ? '≥ ' : ''}${count(value)}`
  const { cells } = answer.withheld
  return (
    <>
      <dl class="tiles">
        <Tile name="Values on the last day" value={count(latest)} note={dayName(last)} />
        <Tile
          name="Values in this range"
          value={count(answer.rows.length)}
          note={`over ${count(chart.times.length)} days`}
        />
        <Tile
          name="Not published"
          value={cells === null ? '–' : count(cells)}
          note={cells === null ? 'the list of possible values is open' : 'too few people, or nobody'}
        />
        <Tile
          name="People are shown"
          value={
            floored
              ? `in steps of ${String(answer.rows.find((row) => row['floor'] !== undefined)?.['floor'])}`
              : 'exactly'
          }
          note={`never fewer than ${entry.min_users}`}
        />
      </dl>
      <section class="card" aria-label="Chart">
        <div class="card-head">
          <h2>Largest over time</h2>
          {entry.measures.length > 1 && (
            <div class="segments" role="group" aria-label="Measure">
              {entry.measures.map((name) => (
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
            description={`${label(measure)} of the ${chart.series.length} largest values of ${entry.title}; the table below has the numbers`}
          />
        )}
      </section>
      <ValueTable rows={answer.rows} by={entry.by} measures={entry.measures} />
      <Meaning answer={answer} entry={entry} floored={floored} />
    </>
  )
}

interface MeaningProps extends AnswerProps {
  readonly floored: boolean
}

function Meaning({ answer, entry, floored }: MeaningProps) {
  const pooled = answer.rows.some((row) => entry.by.some((dimension) => row[dimension] === OTHER))
  return (
    <aside class="meaning">
      <h2>How to read this</h2>
      <ul>
        {floored && (
          <li>
            <b>≥ 120</b> means at least 120 people: people are rounded down, so that a change never points at
            one person.
          </li>
        )}
        {pooled && (
          <li>
            <b>{OTHER}</b> holds values that are each too small to show alone, counted together.
          </li>
        )}
        <li>A gap in a line means not published, which is not the same as zero.</li>
        <li>People of different days or rows must not be added up: one person may be in several.</li>
        <li>
          Numbers are computed once, when a day closes, and never again. Rules: {answer.rulebook.slice(0, 12)}
        </li>
      </ul>
    </aside>
  )
}
