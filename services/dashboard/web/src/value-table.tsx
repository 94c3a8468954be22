/** The published values as a table: one window or all, searched and sorted by the reader. */
import { useState } from 'preact/hooks'
import type { AnswerRow } from './api.js'
import type { Desk } from './desk.js'
import { count, label, people, windowName } from './format.js'
import { OTHER, nameOf } from './series.js'
import { ShowMore } from './show-more.js'

const PAGE = 50

type Cell = string | number | null | undefined

function compare(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : -1
  if (b === null || b === undefined) return 1
  return String(a).localeCompare(String(b), 'en')
}

export interface ValueTableProps {
  readonly rows: readonly AnswerRow[]
  readonly by: readonly string[]
  readonly measures: readonly string[]
  readonly window: string
  readonly desk: Desk | null
}

export function ValueTable({ rows, by, measures, window, desk }: ValueTableProps) {
  const windows = [...new Set(rows.map((row) => String(row['window_start'])))].sort().toReversed()
  const [chosen, setChosen] = useState('latest')
  const [search, setSearch] = useState('')
  const [limit, setLimit] = useState(PAGE)
  const [sort, setSort] = useState({ column: measures[0] ?? 'window_start', down: true })
  const start = chosen === 'latest' || (chosen !== 'all' && !windows.includes(chosen)) ? windows[0] : chosen
  const all = chosen === 'all'
  const found = rows
    .filter((row) => all || row['window_start'] === start)
    .filter((row) => nameOf(row, by).toLowerCase().includes(search.toLowerCase()))
    .sort((a, b) => compare(a[sort.column], b[sort.column]) * (sort.down ? -1 : 1))
  const columns = [...(all ? ['window_start'] : []), ...by, ...measures]
  const bar = measures[0] ?? ''
  const most = Math.max(1, ...found.map((row) => Number(row[bar] ?? 0)))
  return (
    <section class="card" aria-label="Table">
      <div class="card-head">
        <h2>Published values</h2>
        <div class="tools">
          <input
            type="search"
            placeholder="Search"
            aria-label="Search the table"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
          <select
            aria-label="Time of the table"
            value={chosen === 'latest' ? windows[0] : chosen}
            onChange={(event) => {
              setChosen(event.currentTarget.value)
              setLimit(PAGE)
            }}
          >
            <option value="all">All of the range</option>
            {windows.map((one) => (
              <option key={one} value={one}>
                {windowName(one, window)}
              </option>
            ))}
          </select>
        </div>
      </div>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Published values">
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <SortHeader
                  key={column}
                  name={column}
                  number={measures.includes(column)}
                  sort={sort}
                  onSort={setSort}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {found.slice(0, limit).map((row) => (
              <tr key={`${row['window_start']} ${nameOf(row, by)}`}>
                {columns.map((column) => (
                  <ValueCell
                    key={column}
                    row={row}
                    column={column}
                    measure={measures.includes(column)}
                    window={window}
                    desk={desk}
                    share={column === by[0] ? Number(row[bar] ?? 0) / most : null}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {found.length === 0 && <p class="none">Nothing published matches.</p>}
      </div>
      <ShowMore left={found.length - limit} onMore={() => setLimit(limit + 4 * PAGE)} />
    </section>
  )
}

interface Sort {
  readonly column: string
  readonly down: boolean
}

interface SortHeaderProps {
  readonly name: string
  readonly number: boolean
  readonly sort: Sort
  readonly onSort: (sort: Sort) => void
}

function SortHeader({ name, number, sort, onSort }: SortHeaderProps) {
  const active = sort.column === name
  const direction = sort.down ? 'descending' : 'ascending'
  return (
    <th scope="col" class={number ? 'number' : ''} aria-sort={active ? direction : 'none'}>
      <button type="button" onClick={() => onSort({ column: name, down: active ? !sort.down : number })}>
        {name === 'window_start' ? 'Time' : label(name)}
        <span aria-hidden="true">{active ? (sort.down ? '↓' : '↑') : ''}</span>
      </button>
    </th>
  )
}

interface ValueCellProps {
  readonly row: AnswerRow
  readonly column: string
  readonly measure: boolean
  readonly window: string
  readonly desk: Desk | null
  /** 0..1 of the largest in view, as a bar behind the name; null: no bar */
  readonly share: number | null
}

/** A number as it is read: at least so many people, whole percents. */
function numberText(column: string, value: number, floored: boolean): string {
  if (column === 'share' || column === 'previous_share' || column === 'conversion') return `${count(value)} %`
  return people(value, floored && (column === 'users' || column === 'previous_users'))
}

/** Columns whose numbers are published, and not read off others. */
const PUBLISHED = new Set(['users', 'events', 'visits', 'time_s', 'share'])

function ValueCell({ row, column, measure, window, desk, share }: ValueCellProps) {
  const value = row[column]
  if (measure) {
    const text = typeof value === 'number' ? numberText(column, value, row['floor'] !== undefined) : '–'
    const canTell = desk !== null && typeof value === 'number' && PUBLISHED.has(column)
    return (
      <td class="number">
        {canTell ? (
          <button
            type="button"
            class="plain"
            title="How this number came about"
            onClick={() => desk.tell(row)}
          >
            {text}
          </button>
        ) : (
          <span>{text}</span>
        )}
      </td>
    )
  }
  if (column === 'window_start') return <td class="nowrap">{windowName(String(value), window)}</td>
  return (
    <td class={value === OTHER ? 'pooled' : 'value'}>
      {share !== null && (
        <i class="bar" style={{ width: `${Math.round(share * 100)}%` }} aria-hidden="true" />
      )}
      <span>{value === '' ? '(none)' : value}</span>
    </td>
  )
}
