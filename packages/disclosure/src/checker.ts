/**
 * The second, dumb checker: reads the counted nodes and the cells that are about to be released, and says whether
 * the rules hold. It shares no code with the cut, so that one mistake cannot pass both; it must agree before a
 * manifest is committed. Findings name rules, never values.
 *
 * How: every row lies in a leaf. In each view (rows of one depth) each leaf goes to the one cell that covers it; the leaves
 * of a cell must be those of a group that was counted, and what the cell says must be what that group may say.
 */
import { type Days, limit, tellsPage } from './checker-capacity.js'
import { type CheckedFunnel, checkFunnel } from './checker-funnel.js'
import { checkHistogram } from './checker-histogram.js'
import {
  type Additive,
  type BrokenRule,
  type CheckedTree,
  countsHold,
  fails,
  isMade,
  keyOf,
  limitsHold,
  POOLED,
  saidSum,
  shown,
  sum,
} from './checker-rules.js'
import type { Cell, CountedNode, Thresholds } from './types.js'

export type { CheckedFunnel } from './checker-funnel.js'
export type { BrokenRule, CheckedTree } from './checker-rules.js'

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly findings: readonly BrokenRule[] }

/** What a tree is checked against: everything that is released together. */
interface Release {
  readonly trees: readonly CheckedTree[]
  readonly thresholds: Thresholds
  readonly days: Days
}

const NO_LIMIT = Number.POSITIVE_INFINITY
const signature = (leaves: readonly number[]) => [...leaves].sort((a, b) => a - b).join(',')

function push<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

/** People of several groups together are no fewer than of each and no more than of all; rows simply add up. */
function isUnion(node: CountedNode, parts: readonly CountedNode[]): boolean {
  const growing = [
    'users',
    'tenants',
    'networks',
    'largestTenantUsers',
    'largestTenantEvents',
    'largestPersonEvents',
  ] as const
  return (
    node.events === sum(parts.map(({ events }) => events)) &&
    growing.every((count) => {
      const counts = parts.map((part) => part[count])
      return node[count] <= sum(counts) && counts.every((part) => part <= node[count])
    })
  )
}

/** One tree in one slot of time: a window, or an hour of it. */
class Slot {
  readonly #tree: CheckedTree
  readonly #hour: number | null
  readonly #release: Release
  readonly #broken: Set<BrokenRule>
  readonly #nodes: ReadonlyMap<string, CountedNode>
  readonly #leaves: readonly CountedNode[]
  readonly #cells: ReadonlyMap<string, Cell>
  /** values that stand by themselves, by view and parent; and values that occur, by parent */
  readonly #named = new Map<string, string[]>()
  readonly #occurring = new Map<string, string[]>()
  /** counted groups by their leaves */
  readonly #groups = new Map<string, CountedNode>()
  /** leaves below each place */
  readonly #under = new Map<string, number[]>()

  constructor(tree: CheckedTree, hour: number | null, release: Release, broken: Set<BrokenRule>) {
    this.#tree = tree
    this.#hour = hour
    this.#release = release
    this.#broken = broken
    const nodes = tree.nodes.filter((node) => (node.hour ?? null) === hour)
    const cells = tree.cells.filter((cell) => (cell.hour ?? null) === hour)
    this.#nodes = new Map(nodes.map((node) => [keyOf(node.dims), node]))
    this.#cells = new Map(cells.map((cell) => [keyOf(cell.dims), cell]))
    this.#leaves = nodes.filter(({ dims }) => dims.length === tree.spec.levels.length)
    if (this.#nodes.size !== nodes.length || this.#cells.size !== cells.length) broken.add('twice')
    for (const { dims } of nodes) push(this.#occurring, keyOf(dims.slice(0, -1)), dims.at(-1) ?? '')
    for (const { dims } of cells) {
      const depth = dims.includes(POOLED) ? dims.indexOf(POOLED) : dims.length
      for (let at = 0; at < depth; at += 1)
        push(this.#named, `${String(dims.length)} ${keyOf(dims.slice(0, at))}`, dims[at] ?? '')
    }
    this.#gather()
  }

  #gather(): void {
    const under = this.#under
    for (const [index, { dims }] of this.#leaves.entries())
      for (let depth = 0; depth <= dims.length; depth += 1) push(under, keyOf(dims.slice(0, depth)), index)
    for (const { node, union } of this.#tree.unions) {
      if ((union.hour ?? null) !== this.#hour) continue
      const parts = union.parts.flatMap((value) => this.#nodes.get(keyOf([...union.parent, value])) ?? [])
      if (parts.length !== union.parts.length || !isUnion(node, parts)) this.#broken.add('pool')
      this.#groups.set(signature(parts.flatMap(({ dims }) => under.get(keyOf(dims)) ?? [])), node)
    }
    for (const node of this.#nodes.values()) {
      const leaves = under.get(keyOf(node.dims)) ?? []
      if (node.events !== sum(leaves.map((at) => this.#leaves[at]?.events ?? 0))) this.#broken.add('counts')
      this.#groups.set(signature(leaves), node)
    }
  }

  run(): void {
    const { levels, plain } = this.#tree.spec
    for (const { dims } of this.#cells.values())
      if (dims.length < plain || dims.length > levels.length) this.#broken.add('unknown_group')
    if (this.#tree.spec.measures.every((measure) => measure === 'users')) return this.#checkList()
    for (let view = plain; view <= levels.length; view += 1) this.#checkView(view)
  }

  /** Of people alone: every group that stands, and nothing else. */
  #checkList(): void {
    const due = new Set<string>()
    for (const node of [...this.#nodes.values()].sort((a, b) => a.dims.length - b.dims.length)) {
      const { dims } = node
      const { plain } = this.#tree.spec
      const isBeside = dims.length === plain || due.has(keyOf(dims.slice(0, -1).map(shown)))
      if (dims.length < plain || !isBeside || !this.#stands(node)) continue
      const key = keyOf(dims.map(shown))
      due.add(key)
      const cell = this.#cells.get(key)
      if (cell !== undefined) this.#check(cell, node)
      else if (this.#tree.noise === undefined) this.#broken.add('rows')
    }
    for (const key of this.#cells.keys()) if (!due.has(key)) this.#broken.add('unknown_group')
  }

  #checkView(view: number): void {
    const covered = new Map<string, number[]>()
    for (const [index, leaf] of this.#leaves.entries()) {
      const cell = this.#cellOf(leaf, view)
      if (cell !== null) push(covered, keyOf(cell.dims), index)
      else if (!this.#mayBeOut(leaf, view)) this.#broken.add('rows')
    }
    for (const cell of this.#cells.values()) {
      if (cell.dims.length !== view) continue
      const leaves = covered.get(keyOf(cell.dims)) ?? []
      const group = this.#besideHidden(cell) ?? this.#groups.get(signature(leaves))
      const at = cell.dims.indexOf(POOLED)
      // A pool of one value would say of it what it may not say by itself; one of all values, that one of them fails.
      const isAll =
        this.#tree.noise === undefined &&
        at > 0 &&
        !this.#named.has(`${String(view)} ${keyOf(cell.dims.slice(0, at))}`)
      if (at >= 0 && (isAll || new Set(leaves.map((leaf) => this.#leaves[leaf]?.dims[at])).size < 2))
        this.#broken.add('pool')
      if (group === undefined) this.#broken.add('unknown_group')
      else this.#check(cell, group)
      if (!this.#isBelowStanding(cell)) this.#broken.add('thresholds')
    }
  }

  /** What is below a group that may not stand alone is nowhere. */
  #isBelowStanding({ dims }: Cell): boolean {
    const raw = dims.map((value) => (value === '(none)' ? '' : value))
    const depth = dims.includes(POOLED) ? dims.indexOf(POOLED) : dims.length - 1
    return raw.slice(0, depth).every((_value, at) => {
      const node = this.#nodes.get(keyOf(raw.slice(0, at + 1)))
      return node !== undefined && this.#stands(node)
    })
  }

  /** Where noise hides groups beside a pool, their leaves look as though they were in it: it is the union counted last there. */
  #besideHidden({ dims }: Cell): CountedNode | undefined {
    if (this.#tree.noise === undefined || !dims.includes(POOLED)) return undefined
    const parent = keyOf(dims.slice(0, dims.indexOf(POOLED)))
    return this.#tree.unions.findLast(
      ({ union }) => (union.hour ?? null) === this.#hour && keyOf(union.parent.map(shown)) === parent,
    )?.node
  }

  /** The cell of a view that a leaf's rows are in: its own, else the nearest pool above it. */
  #cellOf({ dims }: CountedNode, view: number): Cell | null {
    const path = dims.slice(0, view).map(shown)
    const made = dims.slice(0, view).findIndex(isMade)
    const own = this.#cells.get(keyOf(path))
    if (own !== undefined && made < 0) return own
    for (let at = made < 0 ? view - 1 : made; at >= 0; at -= 1) {
      const pool = [...path.slice(0, at), ...Array.from({ length: view - at }, () => POOLED)]
      const found = this.#cells.get(keyOf(pool))
      if (found !== undefined) return found
    }
    return null
  }

  /** Drills: where nothing beside it is shown. Plain rows: where it, or the top-level group that it is in, may not be said. */
  #mayBeOut({ dims }: CountedNode, view: number): boolean {
    const { plain } = this.#tree.spec
    // Where noise is on, whether a group shows is drawn.
    if (this.#tree.noise !== undefined) return true
    if (view > plain) return !this.#named.has(`${String(view)} ${keyOf(dims.slice(0, view - 1).map(shown))}`)
    const root = this.#nodes.get(keyOf(dims.slice(0, 1)))
    if (root === undefined) return false
    return (!this.#stands(root) || this.#isLeftWhole(root)) && !this.#poolIsDue()
  }

  /** Above the plain rows a group of which not every part stands may be pooled, without a row of its own. */
  #isLeftWhole(root: CountedNode): boolean {
    const { plain } = this.#tree.spec
    const isNamed =
      this.#named.get(`${String(plain)} ${keyOf([])}`)?.includes(shown(root.dims[0] ?? '')) === true
    if (plain === 1 || isNamed) return false
    const parts = [...this.#nodes.values()].filter(
      ({ dims }) => dims.length > 1 && dims.length <= plain && dims[0] === root.dims[0],
    )
    return parts.some((part) => !this.#stands(part))
  }

  /** The top-level groups that may not stand alone are a block together, and one that may be said. */
  #poolIsDue(): boolean {
    const { maxEventsPerPerson, minUsers, step } = this.#release.thresholds
    const roots = (this.#occurring.get(keyOf([])) ?? []).flatMap(
      (value) => this.#nodes.get(keyOf([value])) ?? [],
    )
    const failing = roots.filter((root) => !this.#stands(root) || this.#isLeftWhole(root))
    const values = new Set([
      ...(this.#tree.spec.declared[0] ?? []),
      ...roots.map(({ dims }) => dims[0] ?? ''),
    ])
    const parts =
      this.#tree.spec.declared[0] === null ? failing.length : values.size - roots.length + failing.length
    let room = (minUsers - 1) * (parts - 1)
    room -= room % step
    const pool = this.#groups.get(
      signature(failing.flatMap(({ dims }) => this.#under.get(keyOf(dims)) ?? [])),
    )
    if (failing.length < 2 || pool === undefined || room < step || fails(pool, this.#release.thresholds))
      return false
    const events = this.#tree.spec.measures.includes('events')
      ? saidSum(pool, 'events', this.#release.thresholds)
      : null
    const most = failing.some(({ users }) => users >= minUsers) ? NO_LIMIT : room
    if (events !== null && events > most * maxEventsPerPerson) return false
    return events !== null || this.#tree.spec.measures.includes('users')
  }

  /** It may stand by itself. */
  #stands(node: CountedNode): boolean {
    const { thresholds } = this.#release
    if (node.dims.some(isMade) || this.#tree.hides?.(node) === true || fails(node, thresholds)) return false
    const claim = this.#tree.claims?.get(keyOf(node.dims.map(shown)))
    if (claim !== undefined && (claim < thresholds.step || node.dims.length < this.#tree.spec.plain))
      return false
    return this.#tree.spec.measures.includes('users') || saidSum(node, 'events', thresholds) !== null
  }

  #limit(dims: readonly string[]): number {
    return limit(this.#tree, dims, this.#release.trees, this.#release.thresholds, this.#release.days)
  }

  /**
   * How many values a pool may be of, as far as anybody can tell, and the most people that it may say where each of them has
   * fewer than k; null where the cell is no pool.
   */
  #pool({ dims }: Cell): { readonly room: number; readonly most: number } | null {
    const at = dims.indexOf(POOLED)
    if (at < 0) return null
    const { minUsers, step } = this.#release.thresholds
    const parent = keyOf(dims.slice(0, at))
    const named = new Set(this.#named.get(`${String(dims.length)} ${parent}`))
    const raw = keyOf(dims.slice(0, at).map((value) => (value === '(none)' ? '' : value)))
    const occurring = this.#occurring.get(raw) ?? []
    const values = new Set([...(this.#tree.spec.declared[at] ?? []), ...occurring])
    const pooled = [...values].filter((value) => isMade(value) || !named.has(shown(value)))
    let room = (minUsers - 1) * (pooled.length - 1)
    room -= room % step
    const prefix = JSON.parse(raw) as string[]
    const isMany = pooled.some(
      (value) => (this.#nodes.get(keyOf([...prefix, value]))?.users ?? 0) >= minUsers,
    )
    return { room, most: isMany ? NO_LIMIT : room }
  }

  #check(cell: Cell, node: CountedNode): void {
    const { measures, people, plain } = this.#tree.spec
    const { thresholds, trees } = this.#release
    const { step } = thresholds
    if (fails(node, thresholds)) this.#broken.add('thresholds')
    const isOwn = !cell.dims.includes(POOLED)
    if (isOwn && this.#tree.hides?.(node) === true) this.#broken.add('thresholds')
    const pool = this.#pool(cell)
    const claim = this.#tree.claims?.get(keyOf(cell.dims)) ?? NO_LIMIT
    const most = pool === null ? claim : pool.most
    const open = this.#limit(cell.dims)
    if ((pool?.room ?? most) < step || open < step || (cell.users ?? 0) > open) this.#broken.add('capacity')
    if (tellsPage(this.#tree, cell, trees)) this.#broken.add('capacity')
    const { noise } = this.#tree
    const counted = Math.max(0, node.users + (noise?.draw(this.#hour, cell.dims).users ?? 0))
    if (noise !== undefined && counted < noise.tau) this.#broken.add('thresholds')
    const isExact =
      people === 'exact' && cell.dims.length === plain && !cell.dims.includes(POOLED) && counted <= most
    const said = Math.min(counted, most)
    const whole = isExact ? said : said - (said % step)
    const users = measures.includes('users') && (isExact || whole >= step) ? whole : null
    // Where noise hides siblings of a pool, it says less than it might.
    const isLess = noise !== undefined && pool !== null && cell.users !== null && cell.users < (users ?? 0)
    if (cell.users !== users && !(isLess && (cell.users ?? 0) % step === 0 && (cell.users ?? 0) >= step))
      this.#broken.add(most < counted ? 'capacity' : 'people')
    if (cell.floor !== (users === null || isExact ? null : step)) this.#broken.add('people')
    this.#checkSums(cell, node, most)
    if (cell.share !== undefined) this.#broken.add('sums')
    if (cell.users === null && cell.events === null) this.#broken.add('unknown_group')
  }

  #checkSums(cell: Cell, node: CountedNode, most: number): void {
    const events = this.#due(cell, node, 'events')
    // Events tell how many people there are at least: nobody has more than the cap.
    const tells = events !== null && events > most * this.#release.thresholds.maxEventsPerPerson
    // Where noise is on, that a number shows is drawn: any may be absent.
    const differs = (is: number | null, due: number | null): boolean =>
      is !== (tells ? null : due) && (is !== null || this.#tree.noise === undefined)
    if (differs(cell.events, events)) this.#broken.add('events')
    for (const measure of ['visits', 'time_s'] as const)
      if (differs(cell[measure] ?? null, this.#due(cell, node, measure))) this.#broken.add('sums')
  }

  /** What a sum must read: its own where the cell is a block, else the sum of the cells that split it. */
  #due(cell: Cell, node: CountedNode, measure: Additive): number | null {
    if (!this.#tree.spec.measures.includes(measure)) return null
    const named = this.#named.get(`${String(cell.dims.length + 1)} ${keyOf(cell.dims)}`) ?? []
    const below = [...new Set([...named, POOLED])].flatMap(
      (value) => this.#cells.get(keyOf([...cell.dims, value])) ?? [],
    )
    if (below.length > 0) {
      const numbers = below.flatMap((one) => one[measure] ?? [])
      return numbers.length === 0 ? null : sum(numbers)
    }
    const own = saidSum(node, measure, this.#release.thresholds)
    const offset = this.#tree.noise?.draw(this.#hour, cell.dims)[measure] ?? 0
    return own === null ? null : Math.max(0, own + offset)
  }
}

function checkTree(tree: CheckedTree, release: Release, broken: Set<BrokenRule>): void {
  const leaves = tree.nodes.filter(({ dims }) => dims.length === tree.spec.levels.length)
  if (sum(leaves.map(({ events }) => events)) !== tree.cleanedRows) broken.add('rows')
  const counted = [...tree.nodes, ...tree.unions.map(({ node }) => node)]
  if (!counted.every(countsHold)) broken.add('counts')
  if (tree.spec.histogram) {
    for (const rule of checkHistogram(tree, release.thresholds)) broken.add(rule)
    return
  }
  const hours = new Set([...tree.nodes, ...tree.cells].map(({ hour }) => hour ?? null))
  for (const hour of hours) new Slot(tree, hour, release, broken).run()
}

/**
 * Checks what one site releases of one window, hours with their day. Never throws; an unusable input is a finding.
 * @param days of a week or a month: for each statistic the published cells of each of its days
 */
export function checkWindow(
  trees: readonly CheckedTree[],
  thresholds: Thresholds,
  days: Days = new Map(),
  funnels: readonly CheckedFunnel[] = [],
): Verdict {
  if (!limitsHold(thresholds)) return { ok: false, findings: ['counts'] }
  const broken = new Set<BrokenRule>()
  for (const tree of trees) checkTree(tree, { trees, thresholds, days }, broken)
  for (const funnel of funnels) for (const rule of checkFunnel(funnel, trees, thresholds)) broken.add(rule)
  return broken.size === 0 ? { ok: true } : { ok: false, findings: [...broken].sort() }
}
