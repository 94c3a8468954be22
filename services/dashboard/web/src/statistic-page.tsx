/** One statistic: its course over time, its values, and what the numbers mean. */
import { useState } from 'preact/hooks'
import type { AnswerRow, Api, CatalogueEntry, StatisticAnswer } from './api.js'
import { CellDialog } from './cell-dialog.js'
import { CountsView } from './counts-view.js'
import { type Desk, dimensionsOf } from './desk.js'
import { ExplanationDialog } from './explanation-dialog.js'
import { label } from './format.js'
import { FunnelView } from './funnel-view.js'
import { HistogramView } from './histogram-view.js'
import { LiveView } from './live-view.js'
import { Empty, Failed, Loading, SampleNotice, useLoaded } from './load.js'
import { Meaning } from './meaning.js'
import { RangePicker, type Range } from './range.js'
import { RetentionView } from './retention-view.js'
import { StatisticTiles } from './statistic-tiles.js'
import { type Choice, type LoadedStatistic, loadStatistic, parametersOf, pathOf } from './statistic-load.js'
import { StatisticTools } from './statistic-tools.js'
import { ValueTable } from './value-table.js'

export interface StatisticPageProps {
  readonly api: Api
  readonly entry: CatalogueEntry
  /** whether the reader may ask how numbers came about */
  readonly reviews: boolean
}

/** What is asked of the desk. */
type Question = { readonly row: AnswerRow } | { readonly start: string } | null

export function StatisticPage({ api, entry, reviews }: StatisticPageProps) {
  const [choice, setChoice] = useState<Choice>(() => ({
    range: null,
    window: firstWindow(entry),
    drill: '',
    compare: false,
  }))
  const [failure, setFailure] = useState('')
  const [question, setQuestion] = useState<Question>(null)
  const loaded = useLoaded(JSON.stringify(choice), () => loadStatistic(api, entry, choice))
  const answer = loaded.state === 'ready' ? loaded.value.answer : null
  const newest = useNewest(answer)
  const covered = coveredRange(answer)
  const window = answer?.window ?? (choice.window || (entry.windows[0] ?? ''))
  const desk: Desk | null =
    reviews && entry.shape !== 'live'
      ? { tell: (row) => setQuestion({ row }), explain: (start) => setQuestion({ start }) }
      : null

  const download = async (): Promise<void> => {
    try {
      const range = choice.range ?? covered
      const blob = await api.blob(pathOf(entry), {
        ...parametersOf(entry, choice, range),
        limit: '100000',
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
            Site <b>{entry.site}</b>, {placeWords(entry)}
          </p>
        </div>
        <div class="tools" hidden={entry.latest === null}>
          <StatisticTools entry={entry} choice={choice} onChange={setChoice} />
          {entry.shape !== 'live' && (
            <RangePicker
              range={choice.range ?? covered}
              covered={covered}
              newest={newest}
              onChange={(range) => setChoice({ ...choice, range })}
            />
          )}
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
      {loaded.state === 'ready' && (
        <Answer loaded={loaded.value} entry={entry} drill={choice.drill} desk={desk} again={loaded.retry} />
      )}
      {question !== null && 'row' in question && (
        <CellDialog
          api={api}
          entry={entry}
          window={window}
          drill={choice.drill}
          row={question.row}
          onClose={() => setQuestion(null)}
        />
      )}
      {question !== null && 'start' in question && (
        <ExplanationDialog
          api={api}
          entry={entry}
          window={window}
          start={question.start}
          onClose={() => setQuestion(null)}
        />
      )}
    </>
  )
}

/** Days are what most look for first; who wants hours chooses them. Empty: the finest that is declared. */
function firstWindow({ windows }: CatalogueEntry): string {
  return windows.includes('day') ? 'day' : ''
}

function placeWords({ by, field, shape, steps }: CatalogueEntry): string {
  const names = by.map((name) => label(name).toLowerCase()).join(' and ')
  switch (shape) {
    case 'live':
      return 'the last five minutes'
    case 'funnel':
      return `${String(steps?.length ?? 0)} steps in order`
    case 'retention':
      return 'by the month of joining'
    case 'histogram':
      return `${label(field ?? '').toLowerCase()} by ${names || 'total'}`
    default:
      return `by ${names || 'total'}`
  }
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
  readonly loaded: LoadedStatistic
  readonly entry: CatalogueEntry
  readonly drill: string
  readonly desk: Desk | null
  readonly again: () => void
}

/** Columns with numbers, in the order in which they are read. */
const MEASURES = [
  'users',
  'users_error',
  'previous_users',
  'events',
  'events_error',
  'previous_events',
  'visits',
  'previous_visits',
  'time_s',
  'previous_time_s',
  'rate',
  'share',
  'previous_share',
  'conversion',
  'week',
]

function Answer({ again, desk, drill, entry, loaded }: AnswerProps) {
  const { answer, top } = loaded
  if (entry.shape === 'live') return <LiveView answer={answer} least={entry.min_users} again={again} />
  if (answer.rows.length === 0) {
    return (
      <Empty title={entry.latest === null ? 'No data yet' : 'Nothing published in these days'}>
        A value appears once its {answer.window} has closed and at least {entry.min_users} people share it.{' '}
        {entry.latest === null
          ? 'Events that arrive today can be read here tomorrow.'
          : 'Choose other days, or come back tomorrow.'}
      </Empty>
    )
  }
  const by = dimensionsOf(entry, drill)
  const keys = new Set(answer.rows.flatMap((row) => Object.keys(row)))
  const measures = MEASURES.filter((name) => keys.has(name))
  const view = { answer, entry, desk }
  return (
    <>
      <StatisticTiles answer={answer} entry={entry} desk={desk} />
      {entry.shape === 'counts' && <CountsView {...view} by={by} measures={measures} top={top} />}
      {entry.shape === 'funnel' && <FunnelView {...view} />}
      {entry.shape === 'histogram' && <HistogramView {...view} />}
      {entry.shape === 'retention' && <RetentionView {...view} />}
      <ValueTable rows={answer.rows} by={by} measures={measures} window={answer.window} desk={desk} />
      <Meaning answer={answer} entry={entry} by={by} />
    </>
  )
}
