/** From blocks to cells: sums of blocks, floored or exact people, shares of histograms. */
import { wholePercents } from './buckets.js'
import { type Draft, floorTo } from './capacity.js'
import type { Block, Cut } from './cut.js'
import { mayAdd, sumOf } from './thresholds.js'
import {
  type Additive,
  type Cell,
  type CountedNode,
  OTHER,
  placeKey,
  publicSum,
  shownDims,
  type Thresholds,
  type TreeSpec,
} from './types.js'

/** What noise adds to the numbers of a group; whole numbers, drawn once. A measure that is not public has none. */
export interface GroupOffsets {
  readonly users: number
  readonly events?: number
  readonly visits?: number
  readonly time_s?: number
  /** of rows of a bucket, of which shares are made */
  readonly share?: number
}

/** Noise of one statistic and window. */
export interface TreeNoise {
  /** a group of which noised people are fewer is published nowhere */
  readonly tau: number
  /** half widths of the 95 % interval of one draw */
  readonly error: { readonly users: number; readonly events: number }
  /** of a group by its hour and its published dims in a view: the same each time it is asked */
  draw(hour: number | null, dims: readonly string[]): GroupOffsets
}

const ADDITIVE: readonly Additive[] = ['events', 'visits', 'time_s']

/** Half width of a sum of draws: variances add up. */
const errorOf = (halfWidth: number, draws: number): number => Math.ceil(halfWidth * Math.sqrt(draws))

type Sums = Readonly<Record<Additive, number | null>>

/** Where a block stands in the view of its depth: as deep as the plain rows at least. */
function viewDims(spec: TreeSpec, { dims, pooled }: Block): readonly string[] {
  const own = pooled === null ? dims : [...dims, OTHER]
  const missing = Math.max(0, spec.plain - own.length)
  return [...own, ...Array.from({ length: missing }, () => OTHER)]
}

class CellMaker {
  readonly #spec: TreeSpec
  readonly #thresholds: Thresholds
  readonly #noise: TreeNoise | undefined

  constructor(spec: TreeSpec, thresholds: Thresholds, noise: TreeNoise | undefined) {
    this.#spec = spec
    this.#thresholds = thresholds
    this.#noise = noise
  }

  /** Sums of a block that may be public. */
  sums(block: Block): Sums {
    const dims = shownDims(viewDims(this.#spec, block))
    const offsets = this.#noise?.draw(block.hour, dims)
    if (this.isHidden(block.hour, dims, block.node)) return added([])
    const of = (measure: Additive): number | null => {
      if (!this.#spec.measures.includes(measure) || !mayAdd(block.node, measure, this.#thresholds))
        return null
      return Math.max(0, sumOf(block.node, measure).total + (offsets?.[measure] ?? 0))
    }
    const events = of('events')
    // Noise may make events of a pool tell more people than it may say.
    const most = (block.bound ?? Number.POSITIVE_INFINITY) * this.#thresholds.maxEventsPerPerson
    if (offsets !== undefined && (events ?? 0) > most) return added([])
    return { events, visits: of('visits'), time_s: of('time_s') }
  }

  /** Noise is on, and of fewer people than show. */
  isHidden(hour: number | null, dims: readonly string[], { users }: CountedNode): boolean {
    return this.#noise !== undefined && users + this.#noise.draw(hour, dims).users < this.#noise.tau
  }

  /** @param blocks that the sums are of */
  draft(
    hour: number | null,
    dims: readonly string[],
    node: CountedNode,
    sums: Sums,
    { blocks = 1, bound = null }: { readonly bound?: number | null; readonly blocks?: number } = {},
  ): Draft[] {
    const { measures, people, plain } = this.#spec
    const { step } = this.#thresholds
    const shown = shownDims(dims)
    if (this.isHidden(hour, shown, node)) return []
    const offset = this.#noise?.draw(hour, shown).users
    const isExact = people === 'exact' && dims.length === plain && !dims.includes(OTHER)
    const counted = Math.max(0, node.users + (offset ?? 0))
    const said = isExact ? counted : floorTo(Math.min(counted, bound ?? counted), step)
    const users = measures.includes('users') && (isExact || said >= step) ? said : null
    const { events, time_s, visits } = sums
    // A cell without any public measure would still say that its group passed: it is not published.
    if (users === null && events === null) return []
    const cell: Cell = {
      dims: shown,
      ...(hour === null ? {} : { hour }),
      users,
      floor: users === null || isExact ? null : step,
      events,
      ...(visits === null ? {} : { visits }),
      ...(time_s === null ? {} : { time_s }),
      ...this.#errors(users, events, blocks),
    }
    return [{ cell, node }]
  }

  #errors(users: number | null, events: number | null, blocks: number) {
    if (this.#noise === undefined) return {}
    const { error } = this.#noise
    return {
      ...(users === null ? {} : { users_error: errorOf(error.users, 1) }),
      ...(events === null ? {} : { events_error: errorOf(error.events, blocks) }),
    }
  }
}

/** Blocks by each node that they lie below. */
function byNode(blocks: readonly Block[]): ReadonlyMap<string, readonly Block[]> {
  const below = new Map<string, Block[]>()
  for (const block of blocks) {
    for (let depth = 0; depth <= block.dims.length; depth += 1) {
      const key = placeKey(block.hour, block.dims.slice(0, depth))
      const known = below.get(key)
      if (known === undefined) below.set(key, [block])
      else known.push(block)
    }
  }
  return below
}

function added(sums: readonly Sums[]): Sums {
  const of = (measure: Additive) => [measure, publicSum(sums.map((one) => one[measure]))] as const
  return Object.fromEntries(ADDITIVE.map(of)) as Sums
}

/** Shares of each group's buckets; of none of them where noise hides one. */
function histogramDrafts({ blocks: all }: Cut, noise: TreeNoise | undefined): Draft[] {
  const blocks = all.filter(({ bucket }) => bucket !== null)
  const below = byNode(blocks)
  const parents = new Set(blocks.map(({ dims, hour }) => placeKey(hour, dims)))
  return [...parents].flatMap((key) => {
    const group = below.get(key) ?? []
    const drawn = group.map(({ bucket, dims, hour, node }) => {
      const offsets = noise?.draw(hour, [...shownDims(dims), bucket ?? ''])
      const isHidden = noise !== undefined && node.users + (offsets?.users ?? 0) < noise.tau
      return { isHidden, rows: Math.max(0, node.events + (offsets?.share ?? 0)) }
    })
    if (drawn.some(({ isHidden }) => isHidden) || drawn.every(({ rows }) => rows === 0)) return []
    const shares = wholePercents(drawn.map(({ rows }) => rows))
    return group.map(({ bucket, dims, node }, at) => ({
      cell: {
        dims: [...shownDims(dims), bucket ?? ''],
        users: null,
        floor: null,
        events: null,
        share: shares[at] ?? 0,
      },
      node,
    }))
  })
}

/**
 * The cells of a tree before capacity. A node above blocks publishes sums of what they publish, and never looks at rows.
 * @param noise of the statistic; none without it
 */
export function draftsOf(spec: TreeSpec, cut: Cut, thresholds: Thresholds, noise?: TreeNoise): Draft[] {
  if (spec.histogram) return histogramDrafts(cut, noise)
  const maker = new CellMaker(spec, thresholds, noise)
  const sums = new Map(cut.blocks.map((block) => [block, maker.sums(block)]))
  const own = cut.blocks.flatMap((block) => {
    const { bound, hour, node } = block
    return maker.draft(hour, viewDims(spec, block), node, sums.get(block) ?? added([]), { bound })
  })
  const below = byNode(cut.blocks)
  const above = cut.split
    .filter(({ dims }) => dims.length >= spec.plain)
    .flatMap((node) => {
      const hour = node.hour ?? null
      const parts = (below.get(placeKey(hour, node.dims)) ?? []).map((block) => sums.get(block) ?? added([]))
      const blocks = parts.filter(({ events }) => events !== null).length
      return maker.draft(hour, node.dims, node, added(parts), { blocks })
    })
  return [...own, ...above]
}
