/**
 * A town: a population as an ERP has it, for the attacks that need statistics rather than proofs. Tenants are Zipf, pages
 * and features too; what people do goes with their role, and a little with themselves.
 */
import type { Cell, Thresholds, TreeSpec } from '@tacit/disclosure'
import type { Row } from './count.js'
import { publishWindow } from './engine.js'
import { range } from './shape.js'
import type { Random } from './world.js'

export interface Townsman {
  readonly tenant: number
  readonly role: string
  readonly device: string
  /** events by page, then by feature */
  readonly pages: ReadonlyMap<string, number>
  readonly features: ReadonlyMap<string, number>
}

export const ROLES = ['accounts', 'admin', 'operations', 'sales'] as const
export const DEVICES = ['desktop', 'mobile', 'tablet'] as const
export const PAGES = range(40).map((page) => `/page-${page}`)
export const FEATURES = range(20).map((feature) => `feature-${feature}`)
const TENANTS = 40

/** Item i about 1/(i+1) as often as the first. */
function zipf<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[Math.floor((items.length + 1) ** random()) - 1]
  if (item === undefined) throw new RangeError('Nothing to pick from.')
  return item
}

function doings(random: Random, what: readonly string[], shift: number, most: number): Map<string, number> {
  const turned = [...what.slice(shift), ...what.slice(0, shift)]
  const found = new Map<string, number>()
  for (const _ of range(1 + Math.floor(random() * most))) {
    const own = zipf(random, random() < 0.5 ? turned : what)
    found.set(own, (found.get(own) ?? 0) + 1)
  }
  return found
}

export function townOf(random: Random, people: number): Townsman[] {
  return range(people).map(() => {
    const role = Math.floor(random() * ROLES.length)
    return {
      tenant: zipf(random, range(TENANTS)),
      role: ROLES[role] ?? 'sales',
      device: zipf(random, DEVICES),
      pages: doings(random, PAGES, 10 * role, 8),
      features: doings(random, FEATURES, 5 * role, 5),
    }
  })
}

export const TOWN_THRESHOLDS: Thresholds = {
  identity: 'signed',
  minUsers: 10,
  step: 10,
  minTenants: 3,
  minNetworks: 5,
  maxShare: 0.5,
  maxPersonShare: 0.25,
  maxEventsPerPerson: 20,
}

const rowsOf = (
  town: readonly Townsman[],
  of: (person: Townsman) => ReadonlyMap<string, number>,
  below: (person: Townsman) => string,
): Row[] =>
  town.flatMap((own, person) =>
    [...of(own)].map(([value, events]) => ({
      person,
      tenant: own.tenant,
      hour: null,
      dims: [value, below(own)],
      events,
    })),
  )

export const pageRows = (town: readonly Townsman[]): Row[] =>
  rowsOf(
    town,
    ({ pages }) => pages,
    ({ device }) => device,
  )

export const featureRows = (town: readonly Townsman[]): Row[] =>
  rowsOf(
    town,
    ({ features }) => features,
    ({ role }) => role,
  )

const spec = (id: string, levels: readonly string[], declared: TreeSpec['declared']): TreeSpec => ({
  id,
  levels,
  plain: 1,
  measures: ['users', 'events'],
  people: 'floored',
  declared,
  histogram: false,
})

export interface TownCells {
  /** [page] and [page, device] */
  readonly pages: readonly Cell[]
  /** [feature] and [feature, role] */
  readonly features: readonly Cell[]
}

/**
 * A day of a town through the real engine.
 * @throws Error where the independent checker refuses it
 */
export function publishTown(town: readonly Townsman[], thresholds: Thresholds = TOWN_THRESHOLDS): TownCells {
  const { trees, verdict } = publishWindow(
    thresholds,
    [
      { spec: spec('pages', ['path', 'device'], [PAGES, DEVICES]), window: 'day', rows: pageRows(town) },
      {
        spec: spec('features', ['event_name', 'role'], [FEATURES, ROLES]),
        window: 'day',
        kind: 'feature',
        rows: featureRows(town),
      },
    ],
    { thresholds, funnels: [] },
  )
  if (!verdict.ok) throw new Error(`The checker refuses a town: ${verdict.findings.join(', ')}`)
  return { pages: trees[0] ?? [], features: trees[1] ?? [] }
}

/** The positive control: every group is published, with exact numbers. */
export function publishBare(town: readonly Townsman[]): TownCells {
  const bare = (rows: readonly Row[]): Cell[] =>
    [1, 2].flatMap((depth) => {
      const people = new Map<string, Set<number>>()
      for (const { dims, person } of rows) {
        const key = JSON.stringify(dims.slice(0, depth))
        people.set(key, (people.get(key) ?? new Set()).add(person))
      }
      return [...people].map(([key, own]) => ({
        dims: JSON.parse(key) as string[],
        users: own.size,
        floor: null,
        events: null,
      }))
    })
  return { pages: bare(pageRows(town)), features: bare(featureRows(town)) }
}

const OTHER = '(other)'

/** Whether somebody is in the group of a published cell; pools stand for nobody in particular. */
export function inCell(kind: 'pages' | 'features', { dims }: Cell): ((person: Townsman) => boolean) | null {
  const [value = '', below] = dims
  if (dims.includes(OTHER)) return null
  return kind === 'pages'
    ? ({ device, pages }) => pages.has(value) && (below === undefined || below === device)
    : ({ features, role }) => features.has(value) && (below === undefined || below === role)
}
