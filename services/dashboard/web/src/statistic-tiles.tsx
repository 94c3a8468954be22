/** The first look at an answer: how many values there are, how many there are not, and how people are counted. */
import type { CatalogueEntry, StatisticAnswer } from './api.js'
import type { Desk } from './desk.js'
import { count, windowName } from './format.js'
import { Tile } from './load.js'

export interface StatisticTilesProps {
  readonly answer: StatisticAnswer
  readonly entry: CatalogueEntry
  readonly desk: Desk | null
}

const PLURALS = { hour: 'hours', day: 'days', week: 'weeks', month: 'months' } as Readonly<
  Record<string, string>
>

export function StatisticTiles({ answer, desk, entry }: StatisticTilesProps) {
  const { rows, window, withheld } = answer
  const last = String(rows.at(-1)?.['window_start'])
  const latest = rows.filter((row) => row['window_start'] === last).length
  const windows = new Set(rows.map((row) => row['window_start'])).size
  const floor = rows.find((row) => row['floor'] !== undefined)?.['floor']
  const { cells } = withheld
  return (
    <dl class="tiles">
      <Tile name={`Values of the last ${window}`} value={count(latest)} note={windowName(last, window)} />
      <Tile
        name="Values in this range"
        value={count(rows.length)}
        note={`over ${count(windows)} ${windows === 1 ? window : (PLURALS[window] ?? window)}`}
      />
      <div class="tile">
        <dt>Not published</dt>
        <dd>
          <b>{cells === null ? '–' : count(cells)}</b>
          <small>
            {cells === null ? 'the list of possible values is open' : 'too few people, or nobody'}
          </small>
          {desk !== null && (
            <button type="button" class="link" onClick={() => desk.explain(last)}>
              Why, on the last {window}
            </button>
          )}
        </dd>
      </div>
      {entry.shape === 'histogram' ? (
        <Tile name="Numbers are" value="shares" note="whole percents of the events of one place" />
      ) : (
        <Tile
          name="People are shown"
          value={floor === undefined ? 'exactly' : `in steps of ${String(floor)}`}
          note={`never fewer than ${entry.min_users}`}
        />
      )}
    </dl>
  )
}
