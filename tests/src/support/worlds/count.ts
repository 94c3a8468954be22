/** Counts a small world as plainly as can be: rows of people, grouped. */
import { cellsOf, dayOf, range, type Shape } from './shape.js'
import type { World } from './world.js'

/** Events of one person in one cell, or over one link. */
export interface Row {
  readonly person: number
  readonly tenant: number
  readonly hour: number | null
  readonly dims: readonly string[]
  readonly events: number
}

/** A counted node, or a union of siblings: `NodeCount` of the warehouse. */
export interface Count {
  readonly dims: readonly string[]
  readonly hour: number | null
  readonly users: number
  readonly events: number
  readonly tenants: number
  readonly networks: number
  readonly largestTenantUsers: number
  readonly largestTenantEvents: number
  readonly largestPersonEvents: number
}

export interface Union {
  readonly hour: number | null
  readonly parent: readonly string[]
  readonly parts: readonly string[]
}

/** Values read like what they stand for; `from_path` is empty where somebody came from nowhere. */
export const firstName = (first: number | null): string => (first === null ? '' : `/p${first}`)
export const deviceName = (device: number): string => `device-${device}`

export const keyOf = (hour: number | null, dims: readonly string[]): string => JSON.stringify([hour, dims])

function groupBy<Item, Key>(items: readonly Item[], of: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>()
  for (const item of items) {
    const group = groups.get(of(item))
    if (group === undefined) groups.set(of(item), [item])
    else group.push(item)
  }
  return groups
}

const eventsOf = (rows: readonly Row[]) => rows.reduce((total, { events }) => total + events, 0)
const peopleOf = (rows: readonly Row[]) => new Set(rows.map(({ person }) => person)).size
const largest = (groups: ReadonlyMap<number, Row[]>, weigh: (rows: readonly Row[]) => number) =>
  Math.max(0, ...[...groups.values()].map(weigh))

/** Counts rows as one node. On a network site everybody has a network of their own, and there are no tenants. */
export function countOf(
  rows: readonly Row[],
  dims: readonly string[],
  hour: number | null,
  identity: World['identity'],
): Count {
  const signed = identity === 'signed'
  const tenants = groupBy(signed ? rows : [], ({ tenant }) => tenant)
  const people = groupBy(rows, ({ person }) => person)
  return {
    dims,
    hour,
    users: people.size,
    events: eventsOf(rows),
    tenants: tenants.size,
    networks: signed ? 0 : people.size,
    largestTenantUsers: largest(tenants, peopleOf),
    largestTenantEvents: largest(tenants, eventsOf),
    largestPersonEvents: largest(people, eventsOf),
  }
}

/** Every node of a tree, of every depth, per hour where rows have one. */
export function countTree(rows: readonly Row[], identity: World['identity']): Count[] {
  const depth = rows[0]?.dims.length ?? 0
  return range(depth).flatMap((level) =>
    [...groupBy(rows, ({ hour, dims }) => keyOf(hour, dims.slice(0, level + 1))).values()].map((own) =>
      countOf(own, own[0]?.dims.slice(0, level + 1) ?? [], own[0]?.hour ?? null, identity),
    ),
  )
}

/** Siblings counted together; dims are those of their parent. */
export function countUnion(
  rows: readonly Row[],
  { hour, parent, parts }: Union,
  identity: World['identity'],
): Count {
  const own = rows.filter(
    (row) =>
      row.hour === hour &&
      parent.every((value, level) => row.dims[level] === value) &&
      parts.includes(row.dims[parent.length] ?? ''),
  )
  return countOf(own, parent, hour, identity)
}

/** Which rows of the grid a statistic reads, and how it names them. */
function gridRows(
  { people, shape }: World,
  keep: (cell: number) => boolean,
  name: (first: number, second: number) => Pick<Row, 'dims' | 'hour'>,
): Row[] {
  return people.flatMap(({ tenant, events }, person) =>
    range(cellsOf(shape))
      .filter((cell) => (events[cell] ?? 0) > 0 && keep(cell))
      .map((cell) => ({
        person,
        tenant,
        events: events[cell] ?? 0,
        ...name(Math.floor(cell / shape.seconds), cell % shape.seconds),
      })),
  )
}

/** A day's rows of the first dimension, with the device below it where the world has one. */
export const dayRows = (world: World, day: number): Row[] =>
  gridRows(
    world,
    (cell) => dayOf(world.shape, cell) === day,
    (first, second) => ({
      hour: null,
      dims: world.shape.second === 'device' ? [firstName(first), deviceName(second)] : [firstName(first)],
    }),
  )

/** The same per hour. */
export const hourRows = (world: World): Row[] =>
  gridRows(
    world,
    () => true,
    (first, hour) => ({ hour, dims: [firstName(first)] }),
  )

/** The rows of the week's own stream: distinct people and firsts. */
export function weekRows(world: World): Row[] {
  const rows = gridRows(
    world,
    () => true,
    (first) => ({ hour: null, dims: [firstName(first)] }),
  )
  return [...groupBy(rows, ({ person, dims }) => `${person} ${dims}`).values()].flatMap(([row]) =>
    row === undefined ? [] : [{ ...row, events: 1 }],
  )
}

/** Who came to a page from where, on a day. */
export const moveRows = ({ people, shape }: World, day: number): Row[] =>
  people.flatMap(({ tenant, states }, person) =>
    shape.links
      .filter((_, index) => ((states[day]?.moves ?? 0) & (1 << index)) !== 0)
      .map(({ from, to }) => ({
        person,
        tenant,
        hour: null,
        events: 1,
        dims: [firstName(from), firstName(to)],
      })),
  )

export const stepName = (step: number): string => `page:${firstName(step)}`

/** People who did steps 0..i in order, for each i. */
export const countFunnel = ({ people, shape, identity }: World, day: number): Count[] =>
  range(shape.funnel).map((step) => {
    const rows = people.flatMap(({ tenant, states, events }, person) =>
      (states[day]?.depth ?? 0) > step
        ? [{ person, tenant, hour: null, dims: [], events: eventsOnDay(shape, events, step, day) }]
        : [],
    )
    return countOf(rows, [stepName(step)], null, identity)
  })

const eventsOnDay = (shape: Shape, events: readonly number[], first: number, day: number): number =>
  range(cellsOf(shape))
    .filter((cell) => Math.floor(cell / shape.seconds) === first && dayOf(shape, cell) === day)
    .reduce((total, cell) => total + (events[cell] ?? 0), 0)
