/** A table whose cells are coloured by their size: the numbers are there for everybody, the colour only helps the eye. */
import type { AnswerRow } from './api.js'
import type { Desk } from './desk.js'

export interface HeatCell {
  readonly text: string
  /** 0..1 of the largest; null: not published */
  readonly heat: number | null
  readonly row: AnswerRow | null
}

export interface HeatMapProps {
  readonly caption: string
  readonly corner: string
  readonly columns: readonly string[]
  readonly rows: readonly { readonly name: string; readonly cells: readonly HeatCell[] }[]
  readonly desk: Desk | null
}

/** So much of the colour at most: text stays readable on it in both themes. */
const MOST_PERCENT = 55

export function HeatMap({ caption, columns, corner, desk, rows }: HeatMapProps) {
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label={caption}>
      <table class="heat">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{corner}</th>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ cells, name }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {cells.map((cell, at) => (
                <HeatField key={columns[at]} cell={cell} desk={desk} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function HeatField({ cell, desk }: { readonly cell: HeatCell; readonly desk: Desk | null }) {
  const { heat, row, text } = cell
  if (heat === null || row === null) return <td class="gap">{text}</td>
  const background = `color-mix(in srgb, var(--c1) ${String(Math.round(heat * MOST_PERCENT))}%, var(--card))`
  return (
    <td style={{ background }}>
      {desk === null ? (
        text
      ) : (
        <button type="button" class="plain" title="How this number came about" onClick={() => desk.tell(row)}>
          {text}
        </button>
      )}
    </td>
  )
}
