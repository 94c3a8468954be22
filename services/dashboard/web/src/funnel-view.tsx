/** A funnel: its steps in order with how many came so far, and how that changed over time. */
import { useMemo } from 'preact/hooks'
import type { CatalogueEntry, StatisticAnswer } from './api.js'
import { Bars } from './bars.js'
import { TimeChart } from './chart.js'
import type { Desk } from './desk.js'
import { people, windowName } from './format.js'
import { topSeries } from './series.js'
import { useWindow, WindowChooser } from './window-chooser.js'

export interface ShapeViewProps {
  readonly answer: StatisticAnswer
  readonly entry: CatalogueEntry
  readonly desk: Desk | null
}

/** `page:/invoices/new` as `/invoices/new`, `event:invoice.save` as `invoice.save`. */
export const stepName = (step: string): string => step.slice(step.indexOf(':') + 1)

export function FunnelView({ answer, desk, entry }: ShapeViewProps) {
  const { own, setStart, start, starts } = useWindow(answer.rows)
  const steps = entry.steps ?? []
  const most = Math.max(1, ...own.map((row) => Number(row['users'] ?? 0)))
  const chart = useMemo(() => topSeries(answer.rows, ['step'], 'conversion'), [answer])
  const bars = steps.map((step, at) => {
    const row = own.find((one) => one['step'] === step) ?? null
    const users = row?.['users']
    const conversion = row?.['conversion']
    return {
      key: step,
      names: [String(at + 1), stepName(step)],
      length: typeof users === 'number' ? users / most : 0,
      text: typeof users === 'number' ? people(users, row?.['floor'] !== undefined) : 'not published',
      row: typeof users === 'number' ? row : null,
      quiet: typeof users !== 'number',
      ...(typeof conversion === 'number' ? { note: `${String(conversion)} % of the first step` } : undefined),
    }
  })
  return (
    <>
      <section class="card" aria-label="Steps">
        <div class="card-head">
          <h2>Steps in order</h2>
          <WindowChooser
            label="Time of the funnel"
            starts={starts}
            window={answer.window}
            value={start}
            onChange={setStart}
          />
        </div>
        <Bars
          caption={`Steps, ${windowName(start, answer.window)}`}
          heads={['', 'Step', 'People']}
          bars={bars}
          desk={desk}
        />
      </section>
      {starts.length > 1 && (
        <section class="card" aria-label="Chart">
          <div class="card-head">
            <h2>Percent of the first step</h2>
          </div>
          <TimeChart
            chart={{ ...chart, series: chart.series.map((one) => ({ ...one, name: stepName(one.name) })) }}
            write={(value) => `${String(value)} %`}
            nameTime={(time) => windowName(time, answer.window)}
            description={`Conversion of ${entry.title} over time`}
          />
        </section>
      )}
    </>
  )
}
