/**
 * Capacity: what published people may say at most, so that nobody can conclude of any group that somebody, and fewer
 * than k, are in it. A union is published beside some of its parts; the others each have fewer than k, as everybody
 * knows. With no more people than `Σ upper(published parts) + (k−1)(unpublished−1)` any one of them may be empty.
 * Source: design.md, "One event, one block", step 6.
 *
 * Here, a union is: a day over its hours, a week or a month over its days, and a node of one tree over those nodes of a
 * finer tree of the same rows that refine it (a page over the ways that led to it). It works on what is public alone.
 *
 * Beside exact people N of a whole, a part floored to u leaves between N−u−k+1 and N−u: never surely somebody and surely
 * fewer than k. So parts of exact people are shown like any other; hiding those that leave few would tell of them.
 */
import {
  type Cell,
  type CountedNode,
  dimsKey,
  isList,
  NONE,
  OTHER,
  shownDims,
  type Thresholds,
  type TreeSpec,
} from './types.js'

/** The largest whole number of steps that is no more than `people`. */
export function floorTo(people: number, step: number): number {
  return Math.floor(people / step) * step
}

/** The most people that a pool may be said to have, in whole steps. @param parts values that may be in it, as far as anybody can tell */
export function poolBound(parts: number, { minUsers, step }: Thresholds): number {
  return Math.max(0, floorTo((minUsers - 1) * (parts - 1), step))
}

/** A cell on its way, with what was counted. */
export interface Draft {
  readonly cell: Cell
  readonly node: CountedNode
}

export type ClosedWindow = 'hour' | 'day' | 'week' | 'month'

/** Which rows a tree counts, and how. */
export interface TreeMeta {
  readonly spec: TreeSpec
  readonly window: ClosedWindow
  /** event kind of the rows; null: all kinds */
  readonly kind: string | null
}

type Part = { readonly upper: number } | 'failing' | 'empty' | 'unknown'

/** People of groups by published dims, as counted. */
type Counts = ReadonlyMap<string, number>

const countsOf = (nodes: readonly CountedNode[]): Counts =>
  new Map(nodes.map(({ dims, users }) => [dimsKey(shownDims(dims)), users]))

/** Published cells of one slot of time, to be asked what they tell of a group. */
class Slot {
  readonly #isList: boolean
  readonly #counts: Counts | null
  readonly #minUsers: number
  readonly #cells = new Map<string, Cell>()
  readonly #named = new Set<string>()
  readonly #split = new Set<string>()
  readonly #pools = new Set<string>()

  /** @param counts of its groups, where they are known */
  constructor(cells: readonly Cell[], list: boolean, counts: Counts | null, { minUsers }: Thresholds) {
    this.#isList = list
    this.#counts = counts
    this.#minUsers = minUsers
    for (const cell of cells) {
      this.#cells.set(dimsKey(cell.dims), cell)
      for (const [at, value] of cell.dims.entries()) {
        const parent = dimsKey(cell.dims.slice(0, at))
        if (value === OTHER) {
          this.#pools.add(parent)
          break
        }
        this.#split.add(parent)
        this.#named.add(dimsKey(cell.dims.slice(0, at + 1)))
      }
    }
  }

  /** Whether siblings are pooled below a group. */
  hasPool(parent: readonly string[]): boolean {
    return this.#pools.has(dimsKey(parent))
  }

  /** What everybody can tell of the people of a group: how many at most, where it is published. */
  part(dims: readonly string[], step: number): Part {
    const cell = this.#cells.get(dimsKey(dims))
    if (cell !== undefined) {
      if (cell.users === null) return 'unknown'
      return { upper: cell.floor === null ? cell.users : cell.users + step - 1 }
    }
    // It failed for its tenants, not for its people: whoever takes them for few is wrong.
    if ((this.#counts?.get(dimsKey(dims)) ?? 0) >= this.#minUsers) return 'unknown'
    if (this.#isList) return 'failing'
    const at = dims.findIndex((_value, index) => !this.#named.has(dimsKey(dims.slice(0, index + 1))))
    // Passing top-level values are always published: one that is not has failed.
    if (at === 0) return 'failing'
    const parent = dimsKey(dims.slice(0, at))
    if (at < 0 || this.#pools.has(parent) || !this.#split.has(parent)) return 'unknown'
    return 'empty'
  }
}

/** @returns the most that the union may be said to have; null where its parts set no bound */
function boundOf(parts: readonly Part[], { minUsers }: Thresholds): number | null {
  if (parts.includes('unknown')) return null
  const failing = parts.filter((part) => part === 'failing').length
  if (failing === 0) return null
  const published = parts.reduce((sum, part) => sum + (typeof part === 'object' ? part.upper : 0), 0)
  return published + (minUsers - 1) * (failing - 1)
}

/** A way in which the groups of a tree fall into parts. @returns the parts of a group; null where it has none that way */
type Partition = (dims: readonly string[]) => readonly Part[] | null

/** Hours of a day, unless a statistic has fewer. */
export const HOURS: readonly number[] = Array.from({ length: 24 }, (_none, hour) => hour)

function slotsOf(hours: ClaimedTree, thresholds: Thresholds): readonly Slot[] {
  return (hours.spec.hours ?? HOURS).map((hour) => {
    const cells = hours.drafts.flatMap(({ cell }) => (cell.hour === hour ? [cell] : []))
    const counts = countsOf(hours.nodes.filter((node) => node.hour === hour))
    return new Slot(cells, isList(hours.spec), counts, thresholds)
  })
}

function byHours(hours: ClaimedTree, thresholds: Thresholds): Partition {
  const slots = slotsOf(hours, thresholds)
  return (dims) =>
    dims.length === hours.spec.plain ? slots.map((slot) => slot.part(dims, thresholds.step)) : null
}

/** Days whose cells say no events are lists; what was counted of them is gone. */
function byDays(days: readonly (readonly Cell[])[], thresholds: Thresholds): Partition {
  const slots = days.map(
    (cells) =>
      new Slot(
        cells,
        cells.every(({ events }) => events === null),
        null,
        thresholds,
      ),
  )
  return (dims) => slots.map((slot) => slot.part(dims, thresholds.step))
}

/** The drills of a list. */
function byDrill(tree: ClaimedTree, thresholds: Thresholds): Partition {
  const cells = tree.drafts.map(({ cell }) => cell)
  const slot = new Slot(cells, true, countsOf(tree.nodes), thresholds)
  return (dims) => {
    const values = tree.spec.declared[dims.length]
    if (values === null || values === undefined) return null
    return [...values, NONE].map((value) => slot.part([...dims, value], thresholds.step))
  }
}

/** @param finer a tree whose plain levels have all of `coarser`'s and one more of a closed domain; null where it is none */
function byFiner(coarser: TreeSpec, finer: ClaimedTree, thresholds: Thresholds): Partition | null {
  const levels = finer.spec.levels.slice(0, finer.spec.plain)
  const more = levels.filter((level) => !coarser.levels.includes(level))
  const [extra] = more
  const values = extra === undefined ? null : finer.spec.declared[levels.indexOf(extra)]
  if (extra === undefined || more.length > 1 || values === null || values === undefined) return null
  const cells = finer.drafts.map(({ cell }) => cell)
  const slot = new Slot(cells, isList(finer.spec), countsOf(finer.nodes), thresholds)
  // What has no value there is a part, too. Those that are pooled below first: most often they leave all open.
  const candidates = [...new Set([...values, NONE])].sort(
    (a, b) => Number(slot.hasPool([b])) - Number(slot.hasPool([a])),
  )
  return (dims) => {
    const group = new Map(dims.map((value, at) => [coarser.levels[at] ?? '', value]))
    const refines = levels.every((level) => level === extra || group.has(level))
    if (group.size !== levels.length - 1 || !refines) return null
    const parts: Part[] = []
    for (const value of candidates) {
      const part = slot.part(
        levels.map((level) => (level === extra ? value : (group.get(level) ?? ''))),
        thresholds.step,
      )
      // One part of which nobody knows anything, and nothing is bounded.
      if (part === 'unknown') return null
      parts.push(part)
    }
    return parts
  }
}

/** Two trees that count the same rows. */
const sameRows = (a: TreeMeta, b: TreeMeta): boolean =>
  a !== b && a.window === b.window && a.kind === b.kind && !a.spec.histogram && !b.spec.histogram

/**
 * A cell that says no more than `bound` of its people. What people did says something of how many they are, too: nobody has
 * more events than the cap.
 * @param bound at least a step: a group of which less may be said does not stand alone
 */
function lowered(cell: Cell, bound: number | null, { maxEventsPerPerson, step }: Thresholds): Cell {
  if (bound === null) return cell
  const { events, events_error: _error, time_s: _time, visits: _visits, ...people } = cell
  const tells = events !== null && Math.ceil(events / maxEventsPerPerson) > bound
  const kept: Cell = tells ? { ...people, events: null } : cell
  if (kept.users === null || kept.users <= bound) return kept
  return { ...kept, users: floorTo(bound, step), floor: step }
}

/** What others that are public leave to be said of groups of a tree, where that is less than was counted; by published dims. */
export type Claims = ReadonlyMap<string, number>

/** Levels whose values are pages. */
const PAGES = ['path', 'from_path']

/** A tree on its way: its cells, and what its groups may say. */
export interface ClaimedTree extends TreeMeta {
  readonly drafts: readonly Draft[]
  readonly nodes: readonly CountedNode[]
  readonly claims: Claims
}

/** Of a tree of moves between pages, the tree of those pages. */
function pagesOf(tree: TreeMeta, trees: readonly ClaimedTree[]): ClaimedTree | undefined {
  if (!tree.spec.levels.includes('from_path')) return undefined
  return trees.find(
    (other) => sameRows(tree, other) && other.spec.plain === 1 && other.spec.levels[0] === PAGES[0],
  )
}

/**
 * Who went from page to page was on both: of pages of which less may be said, moves must not say it.
 * @param dims of moves, as published
 * @returns the most that may be said of them; null where that is open
 */
function pageBound(tree: TreeMeta, pages: ClaimedTree, dims: readonly string[]): number | null {
  const claims = dims.flatMap((value, at) => {
    const claim = PAGES.includes(tree.spec.levels[at] ?? '') ? pages.claims.get(dimsKey([value])) : undefined
    return claim ?? []
  })
  return claims.length === 0 ? null : Math.min(...claims)
}

/**
 * What others that are public leave to be said of a group. Two statistics of the same rows, hours of a day, days of a week.
 * @param trees of the same window, with the cells that they are about to publish
 * @param days of a week or a month: the published cells of this statistic, of each of its days
 * @returns of published dims the most that their cell may say, null where that is open
 */
export function boundsOf(
  tree: ClaimedTree,
  trees: readonly ClaimedTree[],
  thresholds: Thresholds,
  days: readonly (readonly Cell[])[] | undefined,
): (dims: readonly string[]) => number | null {
  const partitions: Partition[] = []
  if (tree.window === 'day' && !tree.spec.histogram) {
    for (const other of trees) {
      if (other.window === 'hour' && other.spec.id === tree.spec.id)
        partitions.push(byHours(other, thresholds))
      const partition = sameRows(tree, other) ? byFiner(tree.spec, other, thresholds) : null
      if (partition !== null) partitions.push(partition)
    }
  }
  if (isList(tree.spec)) partitions.push(byDrill(tree, thresholds))
  if (days !== undefined) partitions.push(byDays(days, thresholds))
  const pages = pagesOf(tree, trees)
  return (dims) => {
    const bounds = partitions.flatMap((partition) => {
      const parts = dims.length < tree.spec.plain ? null : partition(dims)
      return parts === null ? [] : (boundOf(parts, thresholds) ?? [])
    })
    const moves = pages === undefined ? null : pageBound(tree, pages, dims)
    if (moves !== null) bounds.push(moves)
    return bounds.length === 0 ? null : Math.min(...bounds)
  }
}

/** Lowers what cells say to what they may. One that may say nothing any more would still say that its group passed. */
export function withinClaims(
  drafts: readonly Draft[],
  claims: Claims,
  thresholds: Thresholds,
): readonly Draft[] {
  return drafts.flatMap((draft) => {
    const cell = lowered(draft.cell, claims.get(dimsKey(draft.cell.dims)) ?? null, thresholds)
    return cell.users === null && cell.events === null && cell.share === undefined ? [] : [{ ...draft, cell }]
  })
}

/**
 * What hours leave to be said of people who did steps in order. Whoever did them has, for any times t1 ≤ t2 ≤ …, done the
 * first by t1, or the second between t1 and t2, and so on: the parts of each such choice cover all of them.
 * @param steps for each step the tree that counts it by the hour; null where none does
 * @returns the least that any choice leaves; null where none bounds it
 */
export function orderedBound(
  steps: readonly { readonly hours: ClaimedTree | null; readonly dims: readonly string[] }[],
  thresholds: Thresholds,
): number | null {
  const { minUsers, step } = thresholds
  const known = steps.find(({ hours }) => hours !== null)?.hours?.spec.hours ?? HOURS
  const parts = steps.map(({ dims, hours }) => {
    const slots = hours === null ? null : slotsOf(hours, thresholds)
    return known.map((_hour, at): Part => slots?.[at]?.part(dims, step) ?? 'unknown')
  })
  // The least of choices up to an hour whose last hour is a step's: of those without a failing part, and with one.
  let least = steps.map((_step, at) => ({ without: at === 0 ? 0 : Infinity, with: Infinity }))
  for (const [hour] of known.entries()) {
    let before = { without: Infinity, with: Infinity }
    least = least.map((own, at) => {
      before = { without: Math.min(before.without, own.without), with: Math.min(before.with, own.with) }
      const part = parts[at]?.[hour] ?? 'unknown'
      if (part === 'unknown') return { without: Infinity, with: Infinity }
      if (part === 'failing')
        return { without: Infinity, with: Math.min(before.without, before.with) + minUsers - 1 }
      const upper = part === 'empty' ? 0 : part.upper
      return { without: before.without + upper, with: before.with + upper }
    })
  }
  const bound = Math.min(...least.map((one) => one.with)) - (minUsers - 1)
  return Number.isFinite(bound) ? bound : null
}
