/** What the privacy role can ask of a number or of its absence; the product role has no desk. */
import type { AnswerRow, CatalogueEntry } from './api.js'

export interface Desk {
  /** How the number of a row came about. */
  tell(row: AnswerRow): void
  /** Why declared values of a window are not published. @param start RFC 3339 */
  explain(start: string): void
}

/** Names of the columns that say which value a row is of, coarsest first. */
export function dimensionsOf(entry: CatalogueEntry, drill: string): readonly string[] {
  switch (entry.shape) {
    case 'histogram':
      return [...entry.by, 'bucket']
    case 'funnel':
      return ['step']
    case 'retention':
      return ['cohort']
    default:
      return [...entry.by, ...entry.drill.slice(0, entry.drill.indexOf(drill) + 1)]
  }
}
