/**
 * What an attacker who knows every rule reads in what the real engine has published: a number says how many people there
 * are at least and, where no rule can have lowered it, at most; a value that is missing says that its group fails,
 * where no rule can have withheld it; a page that is not split says that one of its devices fails.
 *
 * On a network site (here) a group passes exactly when it has k people. On a signed site a group can fail with any number
 * of people, and only what is there tells something.
 */
import type { Cell } from '@tacit/disclosure'
import { firstName, deviceName, stepName } from './count.js'
import { dayEventFacts } from './event-facts.js'
import type { Published, PublishedDay } from './engine.js'
import { type Fact, known, type Range } from './facts.js'
import { columnsOf, type Group, moved, reached, seenOn, visitors } from './groups.js'
import { cellMask, cellOf, range, type Shape } from './shape.js'
import type { Space } from './space.js'
import type { World } from './world.js'

const OTHER = '(other)'
const shown = (value: string) => (value === '' ? '(none)' : value)
const keyOf = (dims: readonly string[]) => JSON.stringify(dims)

/** A value on the first level of a tree, with the values below it. */
interface Root {
  readonly value: string
  readonly group: Group
  readonly children: readonly { readonly value: string; readonly group: Group }[]
}

/** The cells of one tree in one slot of time, and how its groups are told apart. */
interface Tree {
  readonly name: string
  readonly cells: readonly Cell[]
  readonly roots: readonly Root[]
  /** levels of the plain rows */
  readonly plain: number
  /** several roots, or several children of one root, together */
  readonly union: (root: number | null, members: readonly number[]) => Group
  /** the most people that capacity lets a root's cell say; Infinity: any */
  readonly bound: (root: Root) => number
  readonly hasEvents: boolean
  /**
   * Beside exact people of a page, a part of it is hidden where it would leave somebody, and fewer than k.
   * @returns the people that a hidden part has; null where nothing of the value is hidden
   */
  readonly hidden: (value: string) => { readonly least: number; readonly most: number } | null
  /** values that may be on the first level, as far as anybody can tell */
  readonly values: number
}

/** What one part of a union says of it in public: its most people, or that it fails, or nothing. */
type Part = number | 'failing' | 'unknown'

function boundOf(parts: readonly Part[], k: number): number {
  const failing = parts.filter((part) => part === 'failing').length
  if (parts.includes('unknown') || failing === 0) return Infinity
  return parts.reduce<number>((sum, part) => sum + (typeof part === 'number' ? part : 0), (k - 1) * (failing - 1))
}

/** Everything that the attacker reads. @param step that people are floored to */
export const factsOf = (space: Space, world: World, published: Published, step = world.k): readonly Fact[] =>
  new Reading(space, world, published, step).facts

class Reading {
  readonly #space: Space
  readonly #shape: Shape
  readonly #k: number
  readonly #step: number
  readonly #isNetwork: boolean
  readonly #published: Published
  readonly facts: Fact[] = []

  constructor(space: Space, { identity, k, shape }: World, published: Published, step: number) {
    this.#space = space
    this.#shape = shape
    this.#k = k
    this.#step = step
    this.#isNetwork = identity === 'network'
    this.#published = published
    for (const [day, own] of published.days.entries()) this.#readDay(own, day)
    if (shape.second === 'day') this.#readTree(this.#weekTree())
  }

  #known(name: string, group: Group, least: number, most = Infinity): void {
    this.facts.push(known(name, columnsOf(this.#space, group), least, most))
  }

  #range(group: Group, least: number, most: number): Range {
    return { columns: columnsOf(this.#space, group), least, most }
  }

  /** People of a cell: exactly, or floored; open above where a bound below the next step can have lowered it. */
  #number(name: string, group: Group, { floor, users }: Cell, bound: number): void {
    if (users === null) return this.#known(name, group, this.#k)
    if (floor === null) return this.#known(name, group, users, users)
    this.#known(name, group, Math.max(users, this.#k), bound < users + this.#step ? Infinity : users + this.#step - 1)
  }

  #poolBound(parts: number): number {
    const bound = (this.#k - 1) * (parts - 1)
    return bound - (bound % this.#step)
  }

  #readTree(tree: Tree): void {
    const cells = new Map(tree.cells.map((cell) => [keyOf(cell.dims), cell]))
    const named = new Set(tree.cells.map(({ dims }) => dims[0]))
    const missing: number[] = []
    let sure = true
    for (const [index, root] of tree.roots.entries()) {
      const value = shown(root.value)
      if (named.has(value)) {
        this.#readRoot(tree, root, index, cells)
        continue
      }
      missing.push(index)
      // A group that passes is missing where even its least number would tell too much.
      const bound = tree.bound(root)
      const mayHide = this.#mayHide(tree, root)
      if (bound < this.#k || mayHide) sure = false
      if (bound < this.#k || !this.#isNetwork) continue
      const hidden = tree.hidden(root.value)
      if (!mayHide) this.#known(`${tree.name} ${value} fails`, root.group, 0, this.#k - 1)
      else if (hidden !== null && root.children.length === 0) {
        const ranges = [{ least: 0, most: this.#k - 1 }, hidden].map(({ least, most }) => [
          this.#range(root.group, least, most),
        ])
        this.facts.push({ name: `${tree.name} ${value} fails or is hidden`, alternatives: ranges })
      }
    }
    this.#readPool(tree, tree.union(null, missing), missing, sure, cells)
  }

  #mayHide(tree: Tree, { children, value }: Root): boolean {
    return [value, ...children.map((child) => child.value)].some((own) => tree.hidden(own) !== null)
  }

  /** The pool of the values on the first level that fail. */
  #readPool(tree: Tree, group: Group, missing: readonly number[], sure: boolean, cells: ReadonlyMap<string, Cell>): void {
    const pool = cells.get(keyOf(range(tree.plain).map(() => OTHER)))
    const bound = this.#poolBound(tree.values - tree.roots.length + missing.length)
    if (pool !== undefined) {
      // Where a group may be missing though it passes, it is not in the pool.
      this.#number(`${tree.name} (other)`, group, pool, sure ? bound : 0)
      return
    }
    if (!this.#isNetwork || !sure || missing.length < 2) return
    const columns = columnsOf(this.#space, group)
    const few: Range[] = [{ columns, least: 0, most: this.#k - 1 }]
    // A pool that passes is not shown where too few values could be in it.
    const many: Range[] = [{ columns, least: Math.max(bound + 1, this.#k), most: Infinity }]
    if (bound < this.#step) return
    this.facts.push({ name: `no ${tree.name} (other)`, alternatives: tree.hasEvents ? [few, many] : [few] })
  }

  #readRoot(tree: Tree, root: Root, index: number, cells: ReadonlyMap<string, Cell>): void {
    const { children, group } = root
    const value = shown(root.value)
    const name = `${tree.name} ${value}`
    const own = cells.get(keyOf([value]))
    if (own !== undefined) this.#number(name, group, own, tree.bound(root))
    else this.#known(`${name} passes`, group, this.#k)
    if (children.length === 0) return

    const named = children.flatMap((child, at) => (cells.has(keyOf([value, shown(child.value)])) ? [at] : []))
    const others = range(children.length).filter((at) => !named.includes(at))
    const rest = cells.get(keyOf([value, OTHER]))
    const mayHide = this.#mayHide(tree, root)
    if (named.length === 0) {
      // The cell of a group that is not split, in a statistic of several dimensions.
      if (rest !== undefined) this.#number(name, group, rest, mayHide ? 0 : Infinity)
      if (mayHide) return
      this.#someFails(`${name} is whole`, others.flatMap((at) => children[at]?.group ?? []))
      return
    }
    for (const at of named) {
      const child = children[at]
      const cell = child && cells.get(keyOf([value, shown(child.value)]))
      if (child && cell) this.#number(`${name} ${child.value}`, child.group, cell, Infinity)
    }
    if (rest === undefined) {
      // Split without a pool: every child that is not empty passes.
      for (const at of others) {
        const child = children[at]
        const hidden = child === undefined ? null : tree.hidden(child.value)
        if (child === undefined) continue
        const ranges = [{ least: 0, most: 0 }, ...(hidden === null ? [] : [hidden])].map(({ least, most }) => [
          this.#range(child.group, least, most),
        ])
        this.facts.push({ name: `${name} ${child.value} is empty`, alternatives: ranges })
      }
      return
    }
    const bound = mayHide ? 0 : this.#poolBound(others.length)
    this.#number(`${name} ${OTHER}`, tree.union(index, others), rest, bound)
    if (!mayHide) this.#someFails(`${name} has a pool`, others.flatMap((at) => children[at]?.group ?? []))
  }

  /** One of some groups has somebody, and fewer than k. */
  #someFails(name: string, groups: readonly Group[]): void {
    if (!this.#isNetwork || groups.length === 0) return
    this.facts.push({ name, alternatives: groups.map((group) => [this.#range(group, 1, this.#k - 1)]) })
  }

  /** A value's part of a union, by the cells of a tree of one level (or of pairs). */
  #part(cells: readonly Cell[], dims: readonly string[]): Part {
    const own = cells.find((cell) => keyOf(cell.dims) === keyOf(dims))
    if (own !== undefined) {
      if (own.users === null) return 'unknown'
      return own.floor === null ? own.users : own.users + this.#step - 1
    }
    return cells.some((cell) => cell.dims[0] === dims[0]) ? 'unknown' : 'failing'
  }

  /** Capacity of a page's day: over its hours, and over the ways onto it. */
  #dayBound({ hours, moves }: PublishedDay, value: string): number {
    const bounds = [Infinity]
    if (this.#shape.second === 'hour') {
      const parts = range(this.#shape.seconds).map((hour) => this.#part(hours.filter((cell) => cell.hour === hour), [value]))
      bounds.push(boundOf(parts, this.#k))
    }
    const froms = [...range(this.#shape.firsts).map(firstName), '(none)']
    bounds.push(this.#finerBound(moves, froms, value))
    return Math.min(...bounds)
  }

  #finerBound(moves: readonly Cell[], froms: readonly string[], value: string): number {
    const parts = froms.map((from): Part => {
      const part = this.#part(moves, [from, value])
      if (part !== 'unknown') return part
      const below = moves.filter(({ dims }) => dims[0] === from)
      const isSplit = below.some(({ dims }) => dims[1] !== OTHER) && below.every(({ dims }) => dims[1] !== OTHER)
      return isSplit ? 0 : 'unknown'
    })
    return boundOf(parts, this.#k)
  }

  /** What exact people of a page would hide of its parts. */
  #hiddenBeside(pages: readonly Cell[], value: string): { least: number; most: number } | null {
    const cell = pages.find(({ dims }) => dims.length === 1 && dims[0] === value)
    if (cell === undefined || cell.users === null || cell.floor !== null) return null
    return { least: Math.max(0, cell.users - this.#k + 1), most: cell.users - 1 }
  }

  #readDay(own: PublishedDay, day: number): void {
    this.#readTree(this.#pagesTree(own, day))
    this.#readTree(this.#movesTree(own, day))
    if (this.#shape.second === 'hour') for (const hour of range(this.#shape.seconds)) this.#readTree(this.#hourTree(own, hour))
    this.#readFunnel(own, day)
    this.facts.push(...dayEventFacts(this.#space, this.#shape, day, own.pages))
  }

  #pagesTree(own: PublishedDay, day: number): Tree {
    const shape = this.#shape
    const { firsts, second, seconds } = shape
    const hasDevices = second === 'device'
    return {
      name: `day ${day}`,
      cells: own.pages,
      plain: 1,
      roots: range(firsts).map((first) => ({
        value: firstName(first),
        group: seenOn(shape, `first ${first}`, day, 1 << first),
        children: hasDevices
          ? range(seconds).map((at) => ({
              value: deviceName(at),
              group: visitors(`${first} ${at}`, 1 << cellOf(shape, first, at)),
            }))
          : [],
      })),
      union: (root, members) =>
        root === null
          ? seenOn(shape, 'other', day, members.reduce((mask, first) => mask | (1 << first), 0))
          : visitors('other', members.reduce((mask, at) => mask | (1 << cellOf(shape, root, at)), 0)),
      bound: ({ value }) => this.#dayBound(own, value),
      hasEvents: true,
      hidden: () => null,
      values: firsts,
    }
  }

  #hourTree({ hours, pages }: PublishedDay, hour: number): Tree {
    const shape = this.#shape
    const at = (first: number) => 1 << cellOf(shape, first, hour)
    return {
      name: `hour ${hour}`,
      cells: hours.filter((cell) => cell.hour === hour),
      plain: 1,
      roots: range(shape.firsts).map((first) => ({
        value: firstName(first),
        group: visitors(`${first} at ${hour}`, at(first)),
        children: [],
      })),
      union: (_root, members) => visitors('other', members.reduce((mask, first) => mask | at(first), 0)),
      bound: () => Infinity,
      hasEvents: false,
      hidden: (value) => this.#hiddenBeside(pages, value),
      values: shape.firsts,
    }
  }

  #movesTree({ moves, pages }: PublishedDay, day: number): Tree {
    const { firsts, links } = this.#shape
    const linkMask = (keep: (link: { from: number | null; to: number }) => boolean) =>
      links.reduce((mask, link, index) => (keep(link) ? mask | (1 << index) : mask), 0)
    const froms = [null, ...range(firsts)]
    const roots = froms.map((from) => ({
      value: firstName(from),
      group: moved(`from ${from}`, day, linkMask((link) => link.from === from)),
      children: range(firsts).map((to) => ({
        value: firstName(to),
        group: moved(`${from}→${to}`, day, linkMask((link) => link.from === from && link.to === to)),
      })),
    }))
    return {
      name: `moves ${day}`,
      cells: moves,
      plain: 2,
      roots,
      union: (root, members) =>
        moved(
          'other',
          day,
          linkMask(({ from, to }) =>
            root === null ? members.some((at) => froms[at] === from) : froms[root] === from && members.includes(to),
          ),
        ),
      bound: () => Infinity,
      hasEvents: false,
      hidden: (value) => this.#hiddenBeside(pages, value),
      values: roots.length,
    }
  }

  #readFunnel({ funnel, pages }: PublishedDay, day: number): void {
    const step = (index: number): Group =>
      index === 0 ? seenOn(this.#shape, 'step 0', day, 1) : reached(day, index + 1)
    const twin = pages.find(({ dims }) => dims.length === 1 && dims[0] === firstName(0))
    const own = this.#published.days[day]
    const bound = own === undefined ? 0 : this.#dayBound(own, firstName(0))
    for (const index of range(this.#shape.funnel)) {
      const cell = funnel.find(({ dims }) => dims[0] === stepName(index))
      const group = step(index)
      if (cell === undefined) {
        const sure = this.#isNetwork && twin !== undefined
        if (sure) this.#known(`step ${index} fails`, group, 0, this.#k - 1)
        return
      }
      const isLowered = twin !== undefined && twin.users === cell.users && bound < (cell.users ?? 0) + this.#step
      this.#number(`step ${index}`, group, cell, isLowered ? 0 : Infinity)
    }
  }

  /** Capacity of a week: over its days. */
  #weekTree(): Tree {
    const shape = this.#shape
    const { days, week } = this.#published
    return {
      name: 'week',
      cells: week,
      plain: 1,
      roots: range(shape.firsts).map((first) => ({
        value: firstName(first),
        group: visitors(`first ${first}`, cellMask(shape, { first })),
        children: [],
      })),
      union: (_root, members) =>
        visitors(
          'other',
          range(shape.firsts * shape.seconds).reduce(
            (mask, cell) => (members.includes(Math.floor(cell / shape.seconds)) ? mask | (1 << cell) : mask),
            0,
          ),
        ),
      bound: ({ value }) => boundOf(days.map(({ pages }) => this.#part(pages, [value])), this.#k),
      hasEvents: false,
      hidden: () => null,
      values: shape.firsts,
    }
  }
}
