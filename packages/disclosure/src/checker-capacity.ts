/**
 * The checker's own look at capacity: of how many people a union may speak beside its published parts. Dumb on purpose: it
 * reads lists of cells from beginning to end.
 */
import { type CheckedTree, keyOf, POOLED, shown } from './checker-rules.js'
import type { Cell, Thresholds } from './types.js'

type Cells = readonly Cell[]
export type Days = ReadonlyMap<string, readonly Cells[]>

/** Cells of one slot, looked up by their values. */
interface Index {
  readonly own: ReadonlyMap<string, Cell>
  /** values at the next level, by the values before it */
  readonly next: ReadonlyMap<string, ReadonlySet<string>>
  /** of people alone, without pools */
  readonly isList: boolean
}

const indexes = new WeakMap<Cells, Index>()

function indexOf(cells: Cells): Index {
  const known = indexes.get(cells)
  if (known !== undefined) return known
  const next = new Map<string, Set<string>>()
  for (const { dims } of cells) {
    for (const [at, value] of dims.entries()) {
      const start = keyOf(dims.slice(0, at))
      next.set(start, (next.get(start) ?? new Set()).add(value))
    }
  }
  const isList = cells.every(({ dims, events }) => events === null && !dims.includes(POOLED))
  const index = { own: new Map(cells.map((cell) => [keyOf(cell.dims), cell])), next, isList }
  indexes.set(cells, index)
  return index
}

/** Cells and counted people of one slot of time. */
interface Told {
  readonly cells: Cells
  /** by published dims; null where nobody knows any more */
  readonly people: ReadonlyMap<string, number> | null
}

const told = new WeakMap<CheckedTree, Map<number | null, Told>>()

/** What a tree tells in an hour, or in all. */
function toldBy(tree: CheckedTree, hour: number | null): Told {
  const known = told.get(tree) ?? new Map<number | null, Told>()
  told.set(tree, known)
  const found = known.get(hour)
  if (found !== undefined) return found
  const isHere = (one: { readonly hour?: number | null }) => (one.hour ?? null) === hour
  const made = {
    cells: tree.cells.filter(isHere),
    people: new Map(tree.nodes.filter(isHere).map(({ dims, users }) => [keyOf(dims.map(shown)), users])),
  }
  known.set(hour, made)
  return made
}

/** The most people of a group that anybody has to reckon with, by the cells of one slot; `failing`: fewer than k; null: unknown. */
function most(
  { cells, people }: Told,
  group: readonly string[],
  { minUsers, step }: Pick<Thresholds, 'minUsers' | 'step'>,
): number | 'failing' | null {
  const { isList, next, own } = indexOf(cells)
  const cell = own.get(keyOf(group))
  if (cell !== undefined) {
    if (cell.users === null) return null
    return cell.floor === null ? cell.users : cell.users + step - 1
  }
  // It failed for its tenants, not for its people.
  if ((people?.get(keyOf(group)) ?? 0) >= minUsers) return null
  if (isList) return 'failing'
  for (const [at, value] of group.entries()) {
    const values = next.get(keyOf(group.slice(0, at)))
    if (values?.has(value) === true) continue
    if (at === 0) return 'failing'
    const isSplit = values !== undefined && [...values].some((one) => one !== POOLED)
    return isSplit && !values.has(POOLED) ? 0 : null
  }
  return null
}

const DAY: readonly number[] = Array.from({ length: 24 }, (_none, hour) => hour)

function limitOf(parts: readonly (number | 'failing' | null)[], minUsers: number): number {
  if (parts.includes(null)) return Number.POSITIVE_INFINITY
  const failing = parts.filter((part) => part === 'failing').length
  if (failing === 0) return Number.POSITIVE_INFINITY
  return parts.reduce<number>(
    (sum, part) => sum + (typeof part === 'number' ? part : 0),
    (minUsers - 1) * (failing - 1),
  )
}

const listed = new WeakMap<Cells, ReadonlySet<string>>()

/** Values that groups of a tree may have at a level, those that are published first. */
function candidates({ cells }: CheckedTree, level: number, declared: readonly string[]): ReadonlySet<string> {
  const known = listed.get(cells)
  if (known !== undefined) return known
  const values = new Set([...cells.map(({ dims }) => dims[level] ?? ''), ...declared, '(none)'])
  listed.set(cells, values)
  return values
}

/** The limit that the groups of a finer tree set, one for each value of the one level that it has more. */
function finerLimit(
  tree: CheckedTree,
  finer: CheckedTree,
  dims: readonly string[],
  { minUsers, step }: Pick<Thresholds, 'minUsers' | 'step'>,
): number {
  const open = Number.POSITIVE_INFINITY
  if (finer === tree || finer.window !== tree.window || finer.kind !== tree.kind || finer.spec.histogram)
    return open
  const levels = finer.spec.levels.slice(0, finer.spec.plain)
  const own = tree.spec.levels.slice(0, dims.length)
  const extra = levels.filter((level) => !own.includes(level))
  const declared = finer.spec.declared[levels.indexOf(extra[0] ?? '')]
  if (extra.length !== 1 || levels.length !== dims.length + 1 || declared === null || declared === undefined)
    return open
  const parts: (number | 'failing')[] = []
  for (const value of candidates(finer, levels.indexOf(extra[0] ?? ''), declared)) {
    if (value === POOLED) continue
    const group = levels.map((level) => (level === extra[0] ? value : (dims[own.indexOf(level)] ?? '')))
    const part = most(toldBy(finer, null), group, { minUsers, step })
    if (part === null) return open
    parts.push(part)
  }
  return limitOf(parts, minUsers)
}

/**
 * The most people that the cell of a group may say, given everything else that is published.
 * @param dims published values of the group, none of them pooled
 */
export function limit(
  tree: CheckedTree,
  dims: readonly string[],
  trees: readonly CheckedTree[],
  { minUsers, step }: Thresholds,
  days: Days,
): number {
  if (tree.window === 'hour' || tree.spec.histogram || dims.includes(POOLED)) return Number.POSITIVE_INFINITY
  const limits: number[] = []
  if (tree.window === 'day') {
    for (const other of trees) {
      if (other.window === 'hour' && other.spec.id === tree.spec.id && dims.length === other.spec.plain) {
        const hours = (other.spec.hours ?? DAY).map((hour) =>
          most(toldBy(other, hour), dims, { minUsers, step }),
        )
        limits.push(limitOf(hours, minUsers))
      }
      limits.push(finerLimit(tree, other, dims, { minUsers, step }))
    }
  } else {
    const released = days.get(tree.spec.id)
    if (released !== undefined)
      limits.push(
        limitOf(
          released.map((cells) => most({ cells, people: null }, dims, { minUsers, step })),
          minUsers,
        ),
      )
  }
  const values = tree.spec.declared[dims.length]
  if (tree.spec.measures.every((measure) => measure === 'users') && values !== null && values !== undefined) {
    const drills = [...values, '(none)'].map((value) =>
      most(toldBy(tree, null), [...dims, value], { minUsers, step }),
    )
    limits.push(limitOf(drills, minUsers))
  }
  return Math.min(Number.POSITIVE_INFINITY, ...limits)
}

/** Whether moves between pages say of a page what its own statistic leaves unsaid. @param dims of the moves, as published */
export function tellsPage(tree: CheckedTree, { dims, users }: Cell, trees: readonly CheckedTree[]): boolean {
  if (!tree.spec.levels.includes('from_path')) return false
  return trees.some(
    ({ claims, kind, spec, window }) =>
      window === tree.window &&
      kind === tree.kind &&
      spec.plain === 1 &&
      spec.levels[0] === 'path' &&
      dims.some((value, at) => {
        if (!['path', 'from_path'].includes(tree.spec.levels[at] ?? '')) return false
        const claim = claims?.get(keyOf([value]))
        return claim !== undefined && (users ?? 0) > claim
      }),
  )
}

/**
 * The most that people who did steps in order may be said to be. Whoever did them is, for every choice of times, in one of
 * the parts: the first step until its time, the next one after it until its own, and so on.
 * @param steps for each the tree that counts it by the hour, where there is one
 */
export function ordered(
  steps: readonly { readonly tree: CheckedTree | undefined; readonly value: string }[],
  thresholds: Thresholds,
): number {
  const hours = steps.find(({ tree }) => tree !== undefined)?.tree?.spec.hours ?? DAY
  const open = Number.POSITIVE_INFINITY
  // By step and whether a part fails: the least people of all choices so far that end with this step.
  let sums = new Map([['0 false', 0]])
  for (const hour of hours) {
    const next = new Map<string, number>()
    for (const [key, sum] of sums) {
      const [from, hasFailed] = key.split(' ')
      for (let step = Number(from); step < steps.length; step += 1) {
        const { tree, value } = steps[step] ?? { tree: undefined, value: '' }
        const part = tree === undefined ? null : most(toldBy(tree, hour), [value], thresholds)
        if (part === null) continue
        const place = `${String(step)} ${String(hasFailed === 'true' || part === 'failing')}`
        const people = sum + (part === 'failing' ? thresholds.minUsers - 1 : part)
        next.set(place, Math.min(next.get(place) ?? open, people))
      }
    }
    sums = next
  }
  const failed = [...sums].flatMap(([key, sum]) => (key.endsWith('true') ? [sum] : []))
  return Math.min(open, ...failed) - (thresholds.minUsers - 1)
}
