/** The published values as a table: one window or all, searched and sorted by the reader. */
import { useState } from 'preact/hooks'
import type { AnswerRow } from './api.js'
import { count, dayName, label } from './format.js'
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
}

export function ValueTable({ rows, by, measures }: ValueTableProps) {
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
            {windows.map((window) => (
              <option key={window} value={window}>
                {dayName(window)}
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
        {name === 'window_start' ? 'Day' : label(name)}
        <span aria-hidden="true">{active ? (sort.down ? '↓' : '↑') : ''}</span>
      </button>
    </th>
  )
}

interface ValueCellProps {
  readonly row: AnswerRow
  readonly column: string
  readonly measure: boolean
  /** 0..1 of the largest in view, as a bar behind the name; null: no bar */
  readonly share: number | null
}

function ValueCell({ row, column, measure, share }: ValueCellProps) {
  const value = row[column]
  if (measure) {
    const floored = column === 'users' && row['floor'] !== undefined
    return (
      <td class="number">
        <span>{typeof value === 'number' ? `${floored ? '≥ ' : ''}${count(value)}` : '–'}</span>
      </td>
    )
  }
  if (column === 'window_start') return <td class="nowrap">{dayName(String(value))}</td>
  return (
    <td class={value === OTHER ? 'pooled' : 'value'}>
      {share !== null && (
        <i class="bar" style={{ width: `${Math.round(share * 100)}%` }} aria-hidden="true" />
      )}
      <span>{value === '' ? '(none)' : value}</span>
    </td>
  )
}
