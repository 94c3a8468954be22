/** The ledger: what came in and what became of it. received = accepted + dropped by reason. */
import { useMemo, useState } from 'preact/hooks'
import type { Api, LedgerPageAnswer, LedgerRow } from './api.js'
import { TimeChart } from './chart.js'
import { count, dayName, reasonName } from './format.js'
import { Empty, Failed, Loading, SampleNotice, useLoaded } from './load.js'
import { RangePicker, recent, type Range } from './range.js'
import { ledgerDays, reasonsOf, type Chart, type LedgerTotals } from './series.js'
import { ShowMore } from './show-more.js'

const SHOWN_REASONS = 5
const PAGE = 62

export function LedgerPage({ api, realm }: { readonly api: Api; readonly realm: string }) {
  const [chosen, setChosen] = useState<Range | null>(null)
  const [newest, setNewest] = useState('')
  const ask = (range: Range) => api.json<LedgerPageAnswer>('ledger', { ...range, realm })
  const loaded = useLoaded(JSON.stringify(chosen), async () => {
    const answer = await ask(chosen ?? recent())
    return chosen === null && answer.rows.length === 0 ? ask({ from: '', to: '' }) : answer
  })
  const rows = loaded.state === 'ready' ? loaded.value.rows : []
  const covered = { from: rows[0]?.hour.slice(0, 10) ?? '', to: rows.at(-1)?.hour.slice(0, 10) ?? '' }
  if (covered.to > newest) setNewest(covered.to)
  return (
    <>
      {loaded.state === 'ready' && loaded.value.sample && <SampleNotice />}
      <div class="page-head">
        <div>
          <h1>Ledger</h1>
          <p class="sub">Every event that arrived, and what became of it</p>
        </div>
        <div class="tools">
          <RangePicker range={chosen ?? covered} covered={covered} newest={newest} onChange={setChosen} />
        </div>
      </div>
      {loaded.state === 'loading' && <Loading />}
      {loaded.state === 'failed' && <Failed error={loaded.error} retry={loaded.retry} />}
      {loaded.state === 'ready' && rows.length === 0 && (
        <Empty title="No closed hours in these days">
          The ledger shows an hour once its day has closed, so that nobody can watch a single event arrive.
          Choose other days, or come back tomorrow.
        </Empty>
      )}
      {rows.length > 0 && <LedgerView rows={rows} />}
    </>
  )
}

function LedgerView({ rows }: { readonly rows: readonly LedgerRow[] }) {
  const days = useMemo(() => ledgerDays(rows), [rows])
  const reasons = reasonsOf(days)
  const [hours, setHours] = useState(false)
  const received = days.reduce((sum, day) => sum + day.received, 0)
  const accepted = days.reduce((sum, day) => sum + day.accepted, 0)
  const chart = useMemo(() => ledgerChart(days), [days])
  const dropped = reasons.reduce((sum, [, n]) => sum + n, 0)
  const shown: readonly LedgerTotals[] = hours
    ? rows.map(({ hour, ...row }) => ({ time: hour, ...row }))
    : days
  return (
    <>
      <section class="card" aria-label="Sum">
        <dl class="equation">
          <Term name="Received" value={received} color="--text" />
          <Term sign="=" name="Accepted" value={accepted} color="--c1" />
          {reasons.slice(0, SHOWN_REASONS).map(([reason, n], at) => (
            <Term key={reason} sign="+" name={reasonName(reason)} value={n} color={reasonColor(at)} />
          ))}
          {reasons.length > SHOWN_REASONS && (
            <Term
              sign="+"
              name="Other reasons"
              value={reasons.slice(SHOWN_REASONS).reduce((sum, [, n]) => sum + n, 0)}
              color="--c-other"
            />
          )}
        </dl>
        <p class={received === accepted + dropped ? 'balance' : 'balance off'}>
          {received === accepted + dropped
            ? 'The sum holds: nothing is lost, nothing is counted twice.'
            : 'The sum does not hold. Tell the operator.'}
        </p>
      </section>
      <section class="card" aria-label="Chart">
        <div class="card-head">
          <h2>Events per day</h2>
        </div>
        <TimeChart
          chart={chart}
          bars
          description="Events per day, accepted and dropped by reason; the table below has the numbers"
        />
      </section>
      <LedgerTable
        rows={shown}
        reasons={reasons.map(([reason]) => reason)}
        hours={hours}
        onHours={setHours}
      />
      <aside class="meaning">
        <h2>How to read this</h2>
        <ul>
          <li>Each event counts in the hour it happened. Hours appear once their day has closed.</li>
          <li>
            <b>Refused by a choice</b> holds all choices of people together: no consent, a browser signal, an
            objection.
          </li>
          <li>A dropped event leaves nothing behind but this count.</li>
        </ul>
      </aside>
    </>
  )
}

function reasonColor(at: number): string {
  return `--c${at + 2}`
}

function ledgerChart(days: readonly LedgerTotals[]): Chart {
  const reasons = reasonsOf(days)
  const series = [
    { name: 'Accepted', color: '--c1', values: days.map((day) => day.accepted) },
    ...reasons.slice(0, SHOWN_REASONS).map(([reason], at) => ({
      name: reasonName(reason),
      color: reasonColor(at),
      values: days.map((day) => day.dropped[reason] ?? 0),
    })),
  ]
  const rest = reasons.slice(SHOWN_REASONS).map(([reason]) => reason)
  if (rest.length > 0) {
    const values = days.map((day) => rest.reduce((sum, reason) => sum + (day.dropped[reason] ?? 0), 0))
    series.push({ name: 'Other reasons', color: '--c-other', values })
  }
  return { times: days.map(({ time }) => Date.parse(time) / 1_000), series }
}

interface TermProps {
  /** what stands before it; the sign and its term wrap together */
  readonly sign?: '=' | '+'
  readonly name: string
  readonly value: number
  readonly color: string
}

function Term({ sign, name, value, color }: TermProps) {
  return (
    <div data-sign={sign}>
      <dt>
        <i style={{ background: `var(${color})` }} aria-hidden="true" />
        {name}
      </dt>
      <dd>{count(value)}</dd>
    </div>
  )
}

interface LedgerTableProps {
  readonly rows: readonly LedgerTotals[]
  readonly reasons: readonly string[]
  readonly hours: boolean
  readonly onHours: (hours: boolean) => void
}

function LedgerTable({ rows, reasons, hours, onHours }: LedgerTableProps) {
  const [limit, setLimit] = useState(PAGE)
  const newestFirst = rows.toReversed()
  return (
    <section class="card" aria-label="Table">
      <div class="card-head">
        <h2>{hours ? 'By hour (UTC)' : 'By day (UTC)'}</h2>
        <div class="segments" role="group" aria-label="Rows">
          <button type="button" aria-pressed={!hours} onClick={() => onHours(false)}>
            Days
          </button>
          <button type="button" aria-pressed={hours} onClick={() => onHours(true)}>
            Hours
          </button>
        </div>
      </div>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Ledger rows">
        <table>
          <thead>
            <tr>
              <th scope="col">{hours ? 'Hour' : 'Day'}</th>
              <th scope="col" class="number">
                Received
              </th>
              <th scope="col" class="number">
                Accepted
              </th>
              {reasons.map((reason) => (
                <th scope="col" class="number" key={reason}>
                  {reasonName(reason)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {newestFirst.slice(0, limit).map((row) => (
              <tr key={row.time}>
                <td class="nowrap">
                  {dayName(row.time)}
                  {hours && `, ${row.time.slice(11, 16)}`}
                </td>
                <td class="number">{count(row.received)}</td>
                <td class="number">{count(row.accepted)}</td>
                {reasons.map((reason) => (
                  <td class="number" key={reason}>
                    {count(row.dropped[reason] ?? 0)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <ShowMore left={newestFirst.length - limit} onMore={() => setLimit(limit + 4 * PAGE)} />
    </section>
  )
}
