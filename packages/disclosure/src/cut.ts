/**
 * The cut: which groups of a tree become blocks. Top down; a node that passes is split into its children if that loses
 * nobody, else the failing children are pooled within it, the smallest passing siblings joining until the pool passes;
 * else it stays whole (above the plain rows: it is pooled with its siblings that fail). Source: design.md, "One event,
 * one block", step 3.
 *
 * Statistics of people alone are lists instead: every group that passes, and no pools.
 *
 * Distinct people do not add up, so a pool is counted anew by whoever holds the rows: the cut says which unions it has to
 * know, and is asked again with what they hold. It ends: each question adds a sibling to a pool, or a pair to a bucket.
 */
import { bucketGroups } from './buckets.js'
import { poolBound } from './capacity.js'
import { mayAdd, passes } from './thresholds.js'
import {
  type CountedNode,
  type CountedUnion,
  isList,
  NONE,
  OTHER,
  placeKey,
  type Thresholds,
  type TreeSpec,
  type Union,
} from './types.js'

/** A group of which every row lies in no other block of its tree. */
export interface Block {
  /** as deep as the node it is; of a pool its parent's values */
  readonly dims: readonly string[]
  readonly hour: number | null
  readonly node: CountedNode
  /** siblings pooled into it; null for a node of its own */
  readonly pooled: readonly string[] | null
  /** the most people that may be said of a pool whose parts are all few; null for others */
  readonly bound: number | null
  /** label of neighbouring buckets that are one; null outside of histograms */
  readonly bucket: string | null
}

export interface Cut {
  readonly blocks: readonly Block[]
  /** nodes above blocks: published as sums of them */
  readonly split: readonly CountedNode[]
  /** the unions that blocks stand on */
  readonly unions: readonly CountedUnion[]
}

/** What the cut has to know before it can go on. */
export interface Questions {
  readonly ask: readonly Union[]
}

export interface CutInput {
  readonly spec: TreeSpec
  readonly thresholds: Thresholds
  /** of every depth, of every hour */
  readonly nodes: readonly CountedNode[]
  /** what was asked so far */
  readonly unions: readonly CountedUnion[]
  /**
   * Nodes that must not stand alone though they pass: a rate of 100 % of a sensitive event (diversity), or one of which
   * others leave nothing to say (capacity).
   * @param node of this tree
   */
  readonly hides?: (node: CountedNode) => boolean
}

/** A union's key: the same siblings in any order. */
export function unionKey({ hour, parent, parts }: Union): string {
  return `${placeKey(hour, parent)} ${JSON.stringify([...parts].sort())}`
}

/** Values that read like what publishing makes of values must not be mistaken for it: they are pooled, whatever their size. */
function looksMade(node: CountedNode): boolean {
  const value = node.dims.at(-1)
  return value === OTHER || value === NONE
}

const bySize = (a: CountedNode, b: CountedNode): number =>
  a.users - b.users || a.events - b.events || (placeKey(a.hour, a.dims) < placeKey(b.hour, b.dims) ? -1 : 1)

class Cutter {
  readonly #input: CutInput
  readonly #children = new Map<string, CountedNode[]>()
  readonly #known: ReadonlyMap<string, CountedUnion>
  readonly #additive: boolean
  readonly blocks: Block[] = []
  readonly split: CountedNode[] = []
  readonly unions: CountedUnion[] = []
  readonly ask: Union[] = []

  constructor(input: CutInput) {
    this.#input = input
    this.#known = new Map(input.unions.map((counted) => [unionKey(counted.union), counted]))
    this.#additive = input.spec.measures.includes('events')
    for (const node of input.nodes) {
      const parent = placeKey(node.hour, node.dims.slice(0, -1))
      const siblings = this.#children.get(parent)
      if (siblings === undefined) this.#children.set(parent, [node])
      else siblings.push(node)
    }
  }

  run(): void {
    if (isList(this.#input.spec)) return this.#list()
    const hours = new Set(this.#input.nodes.map(({ hour }) => hour ?? null))
    for (const hour of hours) this.#top(hour)
  }

  /** Of people alone every group that stands; a drill beside its plain row. */
  #list(): void {
    const { nodes, spec } = this.#input
    const listed = new Set<string>()
    for (const node of [...nodes].sort((a, b) => a.dims.length - b.dims.length)) {
      const depth = node.dims.length
      const isBeside = depth === spec.plain || listed.has(placeKey(node.hour, node.dims.slice(0, -1)))
      const isMade = node.dims.some((value) => value === OTHER || value === NONE)
      if (depth < spec.plain || !isBeside || isMade || !this.#stands(node)) continue
      listed.add(placeKey(node.hour, node.dims))
      this.#addWhole(node)
    }
  }

  /**
   * Standing top-level nodes are never pooled; the others form one pool if it passes, else they are nowhere. Histograms have
   * none: shares of a mixture would say nothing.
   */
  #top(hour: number | null): void {
    if (this.#isBuckets(0)) {
      this.#buckets([], hour)
      return
    }
    const roots = this.#children.get(placeKey(hour, [])) ?? []
    const failing = roots.filter((node) => !this.#place(node))
    if (failing.length < 2 || this.#input.spec.histogram) return
    const parts = failing.map(({ dims }) => dims[0] ?? '')
    const room = this.#room(0, roots.length - failing.length, roots, failing)
    // Who sees such a pool knows that several values are in it: with too few that could be, each of them would be known.
    if (room < this.#input.thresholds.step) return
    const counted = this.#count({ hour, parent: [], parts })
    const bound = this.#bound(failing, room)
    if (counted !== undefined && this.#holds(counted.node, bound, false)) this.#addPool(counted, bound)
  }

  /**
   * Makes blocks of a node. Above the plain rows one that cannot be split has no row of its own: a row "somewhere below it"
   * would say that one of its children has somebody, and fails.
   * @returns false where nothing of it was placed
   */
  #place(node: CountedNode): boolean {
    if (!this.#stands(node)) return false
    const { plain } = this.#input.spec
    const before = { blocks: this.blocks.length, split: this.split.length, unions: this.unions.length }
    const isSplit = this.#split(node)
    if (isSplit) return true
    this.blocks.length = before.blocks
    this.split.length = before.split
    this.unions.length = before.unions
    if (node.dims.length < plain) return false
    if (!this.#isBuckets(node.dims.length)) this.#addWhole(node)
    return true
  }

  /** @returns false where it stays whole, or a union has to be counted first */
  #split(node: CountedNode): boolean {
    const depth = node.dims.length
    const { plain } = this.#input.spec
    if (depth === this.#input.spec.levels.length) return false
    if (this.#isBuckets(depth)) return this.#buckets(node.dims, node.hour ?? null, node)
    const children = this.#children.get(placeKey(node.hour, node.dims)) ?? []
    // Shares of a group say nothing of its siblings: one without a histogram is in none.
    if (this.#input.spec.histogram) return children.filter((child) => this.#place(child)).length > 0
    // A drill of one value would make wholeness speak: every whole node would have two that are not empty.
    if (depth >= plain && children.length < 2) return false
    // A published sum would lack what a part of it does not publish.
    const needsEvents = depth >= plain && this.#additive && mayAdd(node, 'events', this.#input.thresholds)
    const placed = children.filter((child) => {
      const adds = !needsEvents || mayAdd(child, 'events', this.#input.thresholds)
      return adds && (depth + 1 < plain ? this.#canPlace(child) : this.#stands(child))
    })
    const passing = [...placed].sort(bySize)
    const failing = children.filter((child) => !placed.includes(child)).sort(bySize)
    if (passing.length === 0) return false
    const joined = failing.length === 0 ? 0 : this.#joinSiblings(node, failing, passing, needsEvents)
    if (joined === null) return false
    this.split.push(node)
    for (const child of passing.slice(joined)) this.#place(child)
    return true
  }

  /** Whether blocks can be made of a node; what is asked on the way stays asked. */
  #canPlace(node: CountedNode): boolean {
    const before = { blocks: this.blocks.length, split: this.split.length, unions: this.unions.length }
    const isPlaced = this.#place(node)
    this.blocks.length = before.blocks
    this.split.length = before.split
    this.unions.length = before.unions
    return isPlaced
  }

  /**
   * The smallest passing siblings join the failing ones until the pool passes, as long as one remains.
   * @returns how many joined; null where the pool never passes, or a union has to be counted first
   */
  #joinSiblings(
    node: CountedNode,
    failing: readonly CountedNode[],
    passing: readonly CountedNode[],
    needsEvents: boolean,
  ): number | null {
    const { thresholds } = this.#input
    const depth = node.dims.length
    for (let joined = 0; joined < passing.length; joined += 1) {
      const pooled = [...failing, ...passing.slice(0, joined)]
      // People of a union are no more than those of its parts together: no need to count.
      if (pooled.reduce((sum, { users }) => sum + users, 0) < thresholds.step) continue
      const room = this.#room(depth, passing.length - joined, [...failing, ...passing], pooled)
      if (pooled.length < 2 || room < thresholds.step) continue
      const parts = pooled.map(({ dims }) => dims[depth] ?? '')
      const counted = this.#count({ hour: node.hour ?? null, parent: node.dims, parts })
      if (counted === undefined) return null
      const bound = this.#bound(pooled, room)
      if (!this.#holds(counted.node, bound, needsEvents)) continue
      this.#addPool(counted, bound)
      return joined
    }
    return null
  }

  #buckets(parent: readonly string[], hour: number | null, node?: CountedNode): boolean {
    const { spec, thresholds } = this.#input
    const order = spec.declared.at(-1) ?? []
    const children = this.#children.get(placeKey(hour, parent)) ?? []
    const count = (parts: readonly string[]) => this.#count({ hour, parent, parts })
    const groups = bucketGroups(order, children, thresholds, count)
    if (groups === null) return false
    if (node !== undefined) this.split.push(node)
    for (const { label, node: group, parts } of groups) {
      this.blocks.push({ dims: parent, hour, node: group, pooled: parts, bound: null, bucket: label })
    }
    return true
  }

  #isBuckets(depth: number): boolean {
    return this.#input.spec.histogram && depth === this.#input.spec.levels.length - 1
  }

  #stands(node: CountedNode): boolean {
    return !looksMade(node) && this.#input.hides?.(node) !== true && this.#says(node)
  }

  /** It passes, and some measure of the statistic may be said of it. */
  #says(node: CountedNode): boolean {
    const { spec, thresholds } = this.#input
    return passes(node, thresholds) && (spec.measures.includes('users') || mayAdd(node, 'events', thresholds))
  }

  /** Of a pool with a part of at least k nothing follows from its parts being few: whoever takes them for few is wrong. */
  #bound(pooled: readonly CountedNode[], room: number): number | null {
    return pooled.some(({ users }) => users >= this.#input.thresholds.minUsers) ? null : room
  }

  /**
   * How many people parts that are each fewer than k may be said to have together.
   * @param depth of the pool's siblings @param published how many of all siblings are published by themselves
   */
  #room(
    depth: number,
    published: number,
    all: readonly CountedNode[],
    pooled: readonly CountedNode[],
  ): number {
    const declared = this.#input.spec.declared[depth] ?? null
    const values = all.map(({ dims }) => dims[depth] ?? '')
    // A value that was never declared (an empty one) is no part that anybody could know of.
    const known = declared === null ? all.length : new Set([...declared, ...values]).size
    const unpublished = declared === null ? pooled.length : known - published
    return poolBound(unpublished, this.#input.thresholds)
  }

  #count(union: Union): CountedUnion | undefined {
    const counted = this.#known.get(unionKey(union))
    if (counted === undefined) this.ask.push(union)
    else this.unions.push(counted)
    return counted
  }

  #addWhole(node: CountedNode): void {
    this.blocks.push({
      dims: node.dims,
      hour: node.hour ?? null,
      node,
      pooled: null,
      bound: null,
      bucket: null,
    })
  }

  /** @param needsEvents its parent's sums would lose the pool's */
  #holds(node: CountedNode, bound: number | null, needsEvents: boolean): boolean {
    const { thresholds } = this.#input
    if (!this.#says(node)) return false
    const adds = mayAdd(node, 'events', thresholds)
    if (needsEvents && !adds) return false
    // Of how many people events must be at least: nobody has more than the cap.
    const told = this.#additive && adds ? Math.ceil(node.events / thresholds.maxEventsPerPerson) : 0
    return bound === null || told <= bound
  }

  #addPool({ node, union }: CountedUnion, bound: number | null): void {
    const { hour, parent, parts } = union
    this.blocks.push({ dims: parent, hour, node, pooled: parts, bound, bucket: null })
  }
}

/** The blocks of a tree, or the unions that have to be counted first. Pure: the same input gives the same cut. */
export function cutTree(input: CutInput): Cut | Questions {
  const cutter = new Cutter(input)
  cutter.run()
  if (cutter.ask.length > 0) return { ask: cutter.ask }
  return { blocks: cutter.blocks, split: cutter.split, unions: cutter.unions }
}
