/**
 * P1: any sum or difference of published additive numbers, over all statistics and days of a month (so over its weeks,
 * and over the month), is a sum of blocks. Each published number is a set of leaves (kind, day, value, value below); whatever
 * can be made of the numbers by adding and taking away is made of the classes of leaves that no number tells apart. So
 * every class must be a group that passes, counted here once more from the rows, plainly.
 */
import type { Cell } from '@tacit/disclosure'
import t from 'tap'
import type { Row } from '../support/worlds/count.js'
import { range } from '../support/worlds/shape.js'
import {
  featureRows,
  pageRows,
  publishTown,
  TOWN_THRESHOLDS,
  type Townsman,
  townOf,
} from '../support/worlds/town.js'
import { randomOf } from '../support/worlds/world.js'

const OTHER = '(other)'
const DAYS = 30

interface Leaf {
  readonly key: string
  readonly rows: readonly Row[]
}

interface PublishedSum {
  readonly name: string
  readonly events: number
  readonly leaves: ReadonlySet<string>
}

const groupBy = <Item>(items: readonly Item[], of: (item: Item) => string): Map<string, Item[]> => {
  const groups = new Map<string, Item[]>()
  for (const item of items) groups.set(of(item), [...(groups.get(of(item)) ?? []), item])
  return groups
}

const leafKey = (start: string, dims: readonly string[]) => `${start} ${JSON.stringify(dims)}`

/** The leaves that a cell's events are of: its own, or of a pool those that stand nowhere beside it. */
function leavesOf(cell: Cell, cells: readonly Cell[], rows: readonly Row[], start: string): Set<string> {
  const [value, below] = cell.dims
  const alone = (dims: readonly string[]) =>
    cells.some((other) => JSON.stringify(other.dims) === JSON.stringify(dims))
  const isIn = ({ dims }: Row): boolean => {
    const [first = '', second = ''] = dims
    if (value === OTHER) return !alone([first])
    if (first !== value) return false
    if (below === undefined) return true
    return below === OTHER ? !alone([first, second]) : second === below
  }
  return new Set(rows.filter(isIn).map(({ dims }) => leafKey(start, dims)))
}

interface Month {
  readonly leaves: ReadonlyMap<string, Leaf>
  readonly sums: readonly PublishedSum[]
}

function monthOf(seed: number, people: number): Month {
  const random = randomOf(seed)
  const leaves = new Map<string, Leaf>()
  const sums: PublishedSum[] = []
  const add = (start: string, cells: readonly Cell[], rows: readonly Row[]) => {
    for (const [dims, own] of groupBy(rows, (row) => JSON.stringify(row.dims))) {
      const key = leafKey(start, JSON.parse(dims) as string[])
      leaves.set(key, { key, rows: own })
    }
    for (const cell of cells) {
      if (cell.events === null) continue
      sums.push({
        name: `${start} ${cell.dims.join(' ')}`,
        events: cell.events,
        leaves: leavesOf(cell, cells, rows, start),
      })
    }
  }
  for (const day of range(DAYS)) {
    // Weekends are quiet: there most groups fail.
    const town: Townsman[] = townOf(random, day % 7 > 4 ? Math.ceil(people / 5) : people)
    const { features, pages } = publishTown(town)
    add(`pages ${day}`, pages, pageRows(town))
    add(`features ${day}`, features, featureRows(town))
  }
  return { leaves, sums: [...sums, ...overWindows(sums)] }
}

/** Weeks and the month: sums of what was published of their days. */
function overWindows(sums: readonly PublishedSum[]): PublishedSum[] {
  const windowsOf = (name: string) => {
    const [kind = '', day = '', ...dims] = name.split(' ')
    const what = `${kind} ${dims.join(' ')}`
    return [`week ${Math.floor(Number(day) / 7)} ${what}`, `month ${what}`]
  }
  const windows = new Map<string, PublishedSum[]>()
  for (const own of sums) {
    for (const name of windowsOf(own.name)) windows.set(name, [...(windows.get(name) ?? []), own])
  }
  return [...windows].map(([name, own]) => ({
    name,
    events: own.reduce((total, { events }) => total + events, 0),
    leaves: new Set(own.flatMap(({ leaves }) => [...leaves])),
  }))
}

const countsOf = (rows: readonly Row[], of: (row: Row) => number) => {
  const people = new Map<number, Set<number>>()
  const events = new Map<number, number>()
  for (const row of rows) {
    people.set(of(row), (people.get(of(row)) ?? new Set()).add(row.person))
    events.set(of(row), (events.get(of(row)) ?? 0) + row.events)
  }
  return { people: [...people.values()].map((set) => set.size), events: [...events.values()] }
}

/** The thresholds of a signed site, written down once more. */
function isBlock(rows: readonly Row[]): boolean {
  const { maxPersonShare, maxShare, minTenants, minUsers } = TOWN_THRESHOLDS
  const tenants = countsOf(rows, ({ tenant }) => tenant)
  const persons = countsOf(rows, ({ person }) => person)
  const [users, events] = [persons.people.length, persons.events.reduce((sum, one) => sum + one, 0)]
  const largest = Math.max(0, ...tenants.people)
  return (
    users - largest >= minUsers &&
    tenants.people.length > minTenants &&
    largest <= maxShare * users &&
    Math.max(0, ...tenants.events) <= maxShare * events &&
    Math.max(0, ...persons.events) <= maxPersonShare * events
  )
}

/** Leaves that no published number tells apart, of those that are in any. */
function classesOf({ leaves, sums }: Month): Leaf[][] {
  const signatures = new Map<string, number[]>()
  for (const [index, { leaves: own }] of sums.entries()) {
    for (const key of own) signatures.set(key, [...(signatures.get(key) ?? []), index])
  }
  const classes = groupBy([...signatures], ([, signature]) => signature.join(' '))
  return [...classes.values()].map((own) => own.flatMap(([key]) => leaves.get(key) ?? []))
}

const months = [200, 600].map((people, index) => ({ people, month: monthOf(77 + index, people) }))

for (const { month, people } of months) {
  t.test(
    `whatever is added up and taken away in a month of ${people} people is a sum of blocks`,
    async (t) => {
      const classes = classesOf(month)
      const small = classes.filter((leaves) => !isBlock(leaves.flatMap(({ rows }) => rows)))
      t.same(
        small.map((leaves) => leaves.map(({ key }) => key)),
        [],
      )
      t.ok(
        month.sums.length > 300 && classes.length > 100,
        `${month.sums.length} sums, ${classes.length} blocks`,
      )
    },
  )

  t.test(`each published sum of a month of ${people} people is that of the rows it stands for`, async (t) => {
    const wrong = month.sums.filter(({ events, leaves }) => {
      const rows = [...leaves].flatMap((key) => month.leaves.get(key)?.rows ?? [])
      return events !== rows.reduce((total, row) => total + row.events, 0)
    })
    t.same(
      wrong.map(({ name }) => name),
      [],
    )
  })
}

t.test('totals of everybody beside the blocks would be seen as differences that are none', async (t) => {
  const seen = months.filter(({ month }) => {
    const starts = range(DAYS).flatMap((day) => [`pages ${day} `, `features ${day} `])
    const totals = starts.map((name) => ({
      name,
      events: 0,
      leaves: new Set([...month.leaves.keys()].filter((key) => key.startsWith(name))),
    }))
    const classes = classesOf({ ...month, sums: [...month.sums, ...totals] })
    return classes.some((leaves) => !isBlock(leaves.flatMap(({ rows }) => rows)))
  })
  t.ok(seen.length > 0, `in ${seen.length} of ${months.length} months`)
})
