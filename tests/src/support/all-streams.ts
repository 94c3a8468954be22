/** Rows in all three streams: the rulebook that makes them, and where they hold whom they are of. */
import type { Stream } from '@tacit/contracts'
import { landingColumnsOf, recordColumns } from '@tacit/rulebook'

/** Pieces of the shipped ERP rulebook and what replaces each: pages are counted by the week and the month too. */
export const PAGES_IN_ALL_STREAMS: readonly (readonly [string, string])[] = [
  ['streams: [day, week]', 'streams: [day, week, month]'],
  ['title: Pages\n    window: [hour, day]\n', 'title: Pages\n    window: [day, week, month]\n'],
]

export interface Places {
  readonly epoch: number
  readonly tenant: number
  readonly person: number
}

/** Of the columns of a sealed row: those of its epoch, its tenant and its person. */
export function placesOf(stream: Stream): Places {
  const names = [...landingColumnsOf(stream), ...recordColumns(stream)].map(({ name }) => name)
  return {
    epoch: names.indexOf('epoch'),
    tenant: names.indexOf('tenant'),
    person: names.indexOf('person'),
  }
}
