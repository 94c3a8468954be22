/** From blocks to cells: sums of blocks, floored or exact people, shares of histograms. */
import { wholePercents } from './buckets.js'
import { type Draft, floorTo } from './capacity.js'
import type { Block, Cut } from './cut.js'
import { mayAdd, sumOf } from './thresholds.js'
import {
  type Additive,
  type Cell,
  type CountedNode,
  NONE,
  OTHER,
  type Thresholds,
  type TreeSpec,
} from './types.js'

/** What noise adds to the numbers of a group; whole numbers, drawn once. */
export interface Offsets {
  readonly users: number
  readonly events: number
  readonly visits: number
  readonly time_s: number
}

/** @param offsets of a group, by its place in the tree; absent where no noise is added */
export type OffsetsOf = (hour: number | null, dims: readonly string[]) => Offsets | undefined

const ADDITIVE: readonly Additive[] = ['events', 'visits', 'time_s']

const placeKey = (hour: number | null, dims: readonly string[]): string => JSON.stringify([hour, ...dims])

type Sums = Readonly<Record<Additive, number | null>>

/** Values as they are published. */
export function shownDims(dims: readonly string[]): readonly string[] {
  return dims.map((value) => (value === '' ? NONE : value))
}

/** Where a block stands in the view of its depth: as deep as the plain rows at least. */
function viewDims(spec: TreeSpec, { dims, pooled }: Block): readonly string[] {
  const own = pooled === null ? dims : [...dims, OTHER]
  const missing = Math.max(0, spec.plain - own.length)
  return [...own, ...Array.from({ length: missing }, () => OTHER)]
}

class CellMaker {
  readonly #spec: TreeSpec
  readonly #thresholds: Thresholds
  readonly #offsetsOf: OffsetsOf

  constructor(spec: TreeSpec, thresholds: Thresholds, offsetsOf: OffsetsOf) {
    this.#spec = spec
    this.#thresholds = thresholds
    this.#offsetsOf = offsetsOf
  }

  /** Sums of a block that may be public. */
  sums(block: Block): Sums {
    const offsets = this.#offsetsOf(block.hour, viewDims(this.#spec, block))
    const of = (measure: Additive): number | null => {
      if (!this.#spec.measures.includes(measure) || !mayAdd(block.node, measure, this.#thresholds))
        return null
      return Math.max(0, sumOf(block.node, measure).total + (offsets?.[measure] ?? 0))
    }
    return { events: of('events'), visits: of('visits'), time_s: of('time_s') }
  }

  draft(
    hour: number | null,
    dims: readonly string[],
    node: CountedNode,
    sums: Sums,
    bound: number | null,
  ): Draft[] {
    const { measures, people, plain } = this.#spec
    const { step } = this.#thresholds
    const offset = this.#offsetsOf(hour, dims)?.users
    const isExact = people === 'exact' && dims.length === plain && !dims.includes(OTHER)
    const counted = Math.max(0, node.users + (offset ?? 0))
    const shown = isExact ? counted : floorTo(Math.min(counted, bound ?? counted), step)
    const users = measures.includes('users') && (isExact || shown >= step) ? shown : null
    const { events, time_s, visits } = sums
    // A cell without any public measure would still say that its group passed: it is not published.
    if (users === null && events === null) return []
    const cell: Cell = {
      dims: shownDims(dims),
      ...(hour === null ? {} : { hour }),
      users,
      floor: users === null || isExact ? null : step,
      events,
      ...(visits === null ? {} : { visits }),
      ...(time_s === null ? {} : { time_s }),
    }
    return [{ cell, node }]
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
  const of = (measure: Additive): number | null => {
    const public_ = sums.flatMap((one) => one[measure] ?? [])
    return public_.length === 0 ? null : public_.reduce((total, one) => total + one, 0)
  }
  return Object.fromEntries(ADDITIVE.map((measure) => [measure, of(measure)])) as Sums
}

/** Shares of each group's buckets. */
function histogramDrafts({ blocks }: Cut): Draft[] {
  const parents = new Map(blocks.map(({ dims, hour }) => [placeKey(hour, dims), { dims, hour }]))
  const below = byNode(blocks)
  return [...parents.keys()].flatMap((key) => {
    const group = below.get(key) ?? []
    const shares = wholePercents(group.map(({ node }) => node.events))
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
 * @param offsetsOf noise of a group
 */
export function draftsOf(
  spec: TreeSpec,
  cut: Cut,
  thresholds: Thresholds,
  offsetsOf: OffsetsOf = () => undefined,
): Draft[] {
  if (spec.histogram) return histogramDrafts(cut)
  const maker = new CellMaker(spec, thresholds, offsetsOf)
  const sums = new Map(cut.blocks.map((block) => [block, maker.sums(block)]))
  const own = cut.blocks.flatMap((block) =>
    maker.draft(block.hour, viewDims(spec, block), block.node, sums.get(block) ?? added([]), block.bound),
  )
  const below = byNode(cut.blocks)
  const above = cut.split
    .filter(({ dims }) => dims.length >= spec.plain)
    .flatMap((node) => {
      const blocks = below.get(placeKey(node.hour ?? null, node.dims)) ?? []
      const total = added(blocks.map((block) => sums.get(block) ?? added([])))
      return maker.draft(node.hour ?? null, node.dims, node, total, null)
    })
  return [...own, ...above]
}
