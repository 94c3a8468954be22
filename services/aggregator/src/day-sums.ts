/** Sums of a week or a month: of what its days published, never of rows. */
import { type Cell, dimsKey, publicSum } from '@tacit/disclosure'

const ADDITIVE = ['events', 'visits', 'time_s'] as const

/** Half width of the sum: variances add up. */
function addedError(cells: readonly Cell[]): number | undefined {
  const errors = cells.flatMap(({ events_error }) => events_error ?? [])
  return errors.length === 0
    ? undefined
    : Math.ceil(Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0)))
}

/**
 * People of a week beside the sums of its days. A group that the days published and the week does not has no people of its
 * own: what is said of it was said before.
 * @param people cells of the week
 * @param days published cells of each day, of the same statistic
 */
export function withDaySums(people: readonly Cell[], days: readonly (readonly Cell[])[]): readonly Cell[] {
  const byGroup = new Map<string, Cell[]>()
  for (const cell of days.flat()) {
    const key = dimsKey(cell.dims)
    const known = byGroup.get(key)
    if (known === undefined) byGroup.set(key, [cell])
    else known.push(cell)
  }
  const own = new Map(people.map((cell) => [dimsKey(cell.dims), cell]))
  return [...new Set([...own.keys(), ...byGroup.keys()])].sort().flatMap((key) => {
    const cells = byGroup.get(key) ?? []
    const [events, visits, time_s] = ADDITIVE.map((measure) => publicSum(cells.map((cell) => cell[measure])))
    const cell = own.get(key) ?? { dims: JSON.parse(key) as string[], users: null, floor: null, events: null }
    if (cell.users === null && events === null) return []
    const error = addedError(cells)
    return [
      {
        ...cell,
        events: events ?? null,
        ...(visits === null || visits === undefined ? {} : { visits }),
        ...(time_s === null || time_s === undefined ? {} : { time_s }),
        ...(error === undefined ? {} : { events_error: error }),
      },
    ]
  })
}
