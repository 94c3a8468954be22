/**
 * What stays visible by name: the groups that were counted beside the cells that were published of them. Pure.
 *
 * A group is visible where a cell of its own says its people (or its events); what is folded into `(other)`, or withheld,
 * is not. Shares are of exact counts, as they stood in staging, and weigh a group by its size: 80 % of people means that of
 * all (person, group) pairs of that row of the table four in five are in a group that has a cell. Floors are no loss here.
 */
import { type Cell, NONE } from '@tacit/disclosure'
import type { NodeCount } from '@tacit/warehouse'

/** What there was, and what of it is visible. Sums over windows; `people` are pairs of a person and a group. */
export interface Visible {
  readonly groups: number
  readonly groupsShown: number
  readonly people: number
  readonly peopleShown: number
  readonly events: number
  readonly eventsShown: number
}

export const NOTHING: Visible = {
  groups: 0,
  groupsShown: 0,
  people: 0,
  peopleShown: 0,
  events: 0,
  eventsShown: 0,
}

export function addVisible(a: Visible, b: Visible): Visible {
  return {
    groups: a.groups + b.groups,
    groupsShown: a.groupsShown + b.groupsShown,
    people: a.people + b.people,
    peopleShown: a.peopleShown + b.peopleShown,
    events: a.events + b.events,
    eventsShown: a.eventsShown + b.eventsShown,
  }
}

type Shown = 'nothing' | 'people' | 'events' | 'both'

const keyOf = (hour: number | null | undefined, dims: readonly string[]): string =>
  JSON.stringify([hour ?? null, ...dims.map((value) => (value === '' ? NONE : value))])

function sumUp(nodes: readonly NodeCount[], shownOf: (node: NodeCount) => Shown): Visible {
  return nodes
    .map((node): Visible => {
      const shown = shownOf(node)
      const { events, users } = node
      return {
        groups: 1,
        groupsShown: shown === 'nothing' ? 0 : 1,
        people: users,
        peopleShown: shown === 'people' || shown === 'both' ? users : 0,
        events,
        eventsShown: shown === 'events' || shown === 'both' ? events : 0,
      }
    })
    .reduce(addVisible, NOTHING)
}

/** Groups of one depth of a tree (or steps of a funnel) beside the cells of its window. @param depth levels from the first */
export function visibleGroups(nodes: readonly NodeCount[], cells: readonly Cell[], depth: number): Visible {
  const published = new Map(cells.map((cell) => [keyOf(cell.hour, cell.dims), cell]))
  return sumUp(
    nodes.filter(({ dims }) => dims.length === depth),
    ({ dims, hour }) => {
      const cell = published.get(keyOf(hour, dims))
      if (cell === undefined) return 'nothing'
      if (cell.users === null) return cell.events === null ? 'nothing' : 'events'
      return cell.events === null ? 'people' : 'both'
    },
  )
}

/** Groups of a histogram beside its shares: those of which any share is published. @param depth of the groups, buckets not counted */
export function visibleShares(nodes: readonly NodeCount[], cells: readonly Cell[], depth: number): Visible {
  const published = new Set(cells.map(({ dims, hour }) => keyOf(hour, dims.slice(0, depth))))
  return sumUp(
    nodes.filter(({ dims }) => dims.length === depth),
    ({ dims, hour }) => (published.has(keyOf(hour, dims)) ? 'both' : 'nothing'),
  )
}

/** Whole percent; null of nothing. */
export function percentOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.floor((part * 100) / whole)
}
