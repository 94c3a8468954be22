/** Publishes a small world with the real engine: trees, hours, navigation and funnels of each day, and the week. */
import {
  type Cell,
  type CountedTree,
  type CountedUnion,
  questionsOf,
  type ReleasedWindow,
  releaseWindow,
  type Thresholds,
  type TreeSpec,
  type WindowInput,
} from '@tacit/disclosure'
import {
  countFunnel,
  countTree,
  countUnion,
  dayRows,
  deviceName,
  firstName,
  hourRows,
  moveRows,
  type Row,
  stepName,
  weekRows,
} from './count.js'
import { daysOf, range, type Shape } from './shape.js'
import type { World } from './world.js'

/** What is public of one day. */
export interface PublishedDay {
  readonly pages: readonly Cell[]
  /** of every hour; empty where the world has none */
  readonly hours: readonly Cell[]
  readonly moves: readonly Cell[]
  readonly funnel: readonly Cell[]
}

/** Everything that is public of a world. */
export interface Published {
  readonly days: readonly PublishedDay[]
  /** empty where the world has no week */
  readonly week: readonly Cell[]
  /** what the checker found, by window; empty where it accepts everything */
  readonly findings: readonly string[]
}

export const thresholdsOf = ({ identity, k, shape }: World, step = k): Thresholds => ({
  identity,
  minUsers: k,
  step,
  minTenants: 2,
  minNetworks: 1,
  maxShare: identity === 'signed' ? 0.6 : 1,
  maxPersonShare: 1,
  maxEventsPerPerson: shape.cap,
})

/** A tree that is to be published, with the rows that it counts. */
export interface Tree {
  readonly spec: TreeSpec
  readonly window: CountedTree['window']
  readonly rows: readonly Row[]
  /** default: page_view */
  readonly kind?: string
}

const pages = (shape: Shape) => range(shape.firsts).map(firstName)

function specOf({ exact, shape }: World, change: Partial<TreeSpec>): TreeSpec {
  return {
    id: 'pages',
    levels: ['path'],
    plain: 1,
    measures: ['users', 'events'],
    people: exact ? 'exact' : 'floored',
    declared: [pages(shape)],
    histogram: false,
    ...change,
  }
}

function treesOfDay(world: World, day: number): Tree[] {
  const { shape } = world
  const drilled =
    shape.second === 'device'
      ? { levels: ['path', 'device'], declared: [pages(shape), range(shape.seconds).map(deviceName)] }
      : {}
  const navigation: Partial<TreeSpec> = {
    id: 'navigation',
    levels: ['from_path', 'path'],
    plain: 2,
    measures: ['users'],
    people: 'floored',
    declared: [pages(shape), pages(shape)],
  }
  const hours: Tree[] =
    shape.second === 'hour'
      ? [
          {
            spec: specOf(world, { measures: ['users'], people: 'floored', hours: range(shape.seconds) }),
            window: 'hour',
            rows: hourRows(world),
          },
        ]
      : []
  return [
    { spec: specOf(world, drilled), window: 'day', rows: dayRows(world, day) },
    // Beside exact people nothing may say how they overlap.
    ...(world.exact
      ? []
      : [{ spec: specOf(world, navigation), window: 'day' as const, rows: moveRows(world, day) }]),
    ...hours,
  ]
}

/** Asks until the engine knows every union, as the aggregator does with the warehouse. */
export function publishWindow(
  { identity }: Pick<World, 'identity'>,
  trees: readonly Tree[],
  rest: Omit<WindowInput, 'trees'>,
): ReleasedWindow {
  const unions: CountedUnion[][] = trees.map(() => [])
  const counted = () =>
    trees.map(
      ({ kind = 'page_view', rows, spec, window }, at): CountedTree => ({
        spec,
        window,
        kind,
        nodes: countTree(rows, identity),
        unions: unions[at] ?? [],
        cleanedRows: rows.reduce((total, { events }) => total + events, 0),
      }),
    )
  for (;;) {
    const input = { ...rest, trees: counted() }
    const asked = questionsOf(input)
    if (asked.every((questions) => questions.length === 0)) return releaseWindow(input)
    for (const [at, questions] of asked.entries()) {
      const rows = trees[at]?.rows ?? []
      unions[at]?.push(...questions.map((union) => ({ union, node: countUnion(rows, union, identity) })))
    }
  }
}

/**
 * Everything that the engine publishes of a world.
 * @param step people are floored to it; another one than k is what the linter refuses
 */
export function publish(world: World, step = world.k): Published {
  const thresholds = thresholdsOf(world, step)
  const findings: string[] = []
  const note = (window: string, { verdict }: ReleasedWindow) => {
    if (!verdict.ok) findings.push(...verdict.findings.map((rule) => `${window}: ${rule}`))
  }
  const days = range(daysOf(world.shape)).map((day): PublishedDay => {
    const steps = countFunnel(world, day).map((node, at) => ({
      label: stepName(at),
      node,
      sensitive: false,
    }))
    const trees = treesOfDay(world, day)
    const released = publishWindow(world, trees, {
      thresholds,
      funnels: world.exact ? [] : [{ id: 'funnel', steps }],
    })
    note(`day ${day}`, released)
    const cells = (id: string, window: CountedTree['window']) =>
      released.trees[trees.findIndex((tree) => tree.spec.id === id && tree.window === window)] ?? []
    return {
      pages: cells('pages', 'day'),
      moves: cells('navigation', 'day'),
      hours: cells('pages', 'hour'),
      funnel: released.funnels[0] ?? [],
    }
  })
  if (world.shape.second !== 'day' || world.exact) return { days, week: [], findings }
  const spec = specOf(world, { measures: ['users'], people: 'floored' })
  const released = publishWindow(world, [{ spec, window: 'week', rows: weekRows(world) }], {
    thresholds,
    funnels: [],
    days: new Map([['pages', days.map(({ pages: own }) => own)]]),
  })
  note('week', released)
  return { days, week: released.trees[0] ?? [], findings }
}
