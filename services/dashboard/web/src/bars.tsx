/** Bars with their numbers beside them, each a row of a table: steps of a funnel, shares of a histogram, flows. */
import type { ComponentChildren } from 'preact'
import type { AnswerRow } from './api.js'
import type { Desk } from './desk.js'

export interface Bar {
  readonly key: string
  /** cells before the bar */
  readonly names: readonly ComponentChildren[]
  /** 0..1 */
  readonly length: number
  readonly text: string
  /** said after it, more quietly */
  readonly note?: string
  readonly row: AnswerRow | null
  readonly quiet?: boolean
}

export interface BarsProps {
  readonly caption: string
  readonly heads: readonly string[]
  readonly bars: readonly Bar[]
  readonly desk: Desk | null
}

export function Bars({ bars, caption, desk, heads }: BarsProps) {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={caption}>
      <table class={bars.some(({ note }) => note !== undefined) ? 'bars noted' : 'bars'}>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {heads.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {bars.map((bar) => (
            <BarRow key={bar.key} bar={bar} desk={desk} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function BarRow({ bar, desk }: { readonly bar: Bar; readonly desk: Desk | null }) {
  const { length, names, note, quiet = false, row, text } = bar
  return (
    <tr>
      {names.map((name, at) => (
        <td key={at} class={quiet ? 'pooled' : 'value'}>
          {name}
        </td>
      ))}
      <td class="length">
        <i class={quiet ? 'quiet' : ''} style={{ '--length': String(length) }} aria-hidden="true" />
        {row === null || desk === null ? (
          <b>{text}</b>
        ) : (
          <button
            type="button"
            class="plain"
            title="How this number came about"
            onClick={() => desk.tell(row)}
          >
            <b>{text}</b>
          </button>
        )}
        {note !== undefined && <small>{note}</small>}
      </td>
    </tr>
  )
}
