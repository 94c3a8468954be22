/** What the numbers of an answer mean, in the words that its rows need. */
import type { CatalogueEntry, StatisticAnswer } from './api.js'
import { OTHER } from './series.js'

export interface MeaningProps {
  readonly answer: StatisticAnswer
  readonly entry: CatalogueEntry
  readonly by: readonly string[]
}

export function Meaning({ answer, by, entry }: MeaningProps) {
  const has = (name: string): boolean => answer.rows.some((row) => row[name] !== undefined)
  const pooled = answer.rows.some((row) => by.some((dimension) => row[dimension] === OTHER))
  return (
    <aside class="meaning">
      <h2>How to read this</h2>
      <ul>
        {has('floor') && (
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
        {(answer.window === 'week' || answer.window === 'month') && has('events') && (
          <li>
            Events of a {answer.window} are those of the days on which they were published, so they may be
            fewer than its people.
          </li>
        )}
        {has('users_error') && (
          <li>
            <b>±</b> says how far noise may have moved a number, in 95 of 100 cases.
          </li>
        )}
        {has('rate') && (
          <li>
            <b>Per 100</b> is events per 100 events of {entry.per}, of published numbers alone.
          </li>
        )}
        <li>A gap in a line means not published, which is not the same as zero.</li>
        {entry.shape !== 'histogram' && (
          <li>People of different windows or rows must not be added up: one person may be in several.</li>
        )}
        <li>
          Numbers are computed once, when a window closes, and never again. Rules:{' '}
          {answer.rulebook.slice(0, 12)}
        </li>
      </ul>
    </aside>
  )
}
