/**
 * What an attacker who knows every rule reads in what the real engine has published: a number says how many people there
 * are at least and, where no rule can have lowered it, at most; a value that is missing says that its group fails,
 * where no rule can have hidden it; a page that is not split says that one of its devices fails, or that it has one.
 *
 * On a network site (here) a group passes exactly when it has k people. On a signed site a group can fail with any number
 * of people, and only what is there tells something.
 */
import type { Cell } from '@tacit/disclosure'
import { firstName, stepName } from './count.js'
import type { Published, PublishedDay } from './engine.js'
import { dayEventFacts } from './event-facts.js'
import { type Fact, known, type Range } from './facts.js'
import { columnsOf, type Group, reached, seenOn } from './groups.js'
import {
  keyOf,
  type Limits,
  OTHER,
  type PublicList,
  type PublicTree,
  PublicWorld,
  type Root,
} from './public-trees.js'
import { range } from './shape.js'
import type { Space } from './space.js'
import type { World } from './world.js'

/** Everything that the attacker reads. @param step that people are floored to */
export const factsOf = (space: Space, world: World, published: Published, step = world.k): readonly Fact[] =>
  new Reading(space, world, published, step).facts

class Reading {
  readonly #space: Space
  readonly #k: number
  readonly #step: number
  readonly #isNetwork: boolean
  readonly facts: Fact[] = []

  constructor(space: Space, own: World, published: Published, step: number) {
    const { identity, k, shape } = own
    this.#space = space
    this.#k = k
    this.#step = step
    this.#isNetwork = identity === 'network'
    const world = new PublicWorld(own, step, published)
    for (const [day, all] of published.days.entries()) {
      this.#readTree(world.pages(all, day))
      if (!own.exact) this.#readList(world.moves(all, day))
      if (shape.second === 'hour')
        for (const hour of range(shape.seconds)) this.#readList(world.hour(all, hour))
      if (!own.exact) this.#readFunnel(all, day, world)
      this.facts.push(...dayEventFacts(space, shape, day, all.pages))
    }
    if (shape.second === 'day' && !own.exact) this.#readList(world.week())
  }

  #range(group: Group, { least, most }: Limits): Range {
    return { columns: columnsOf(this.#space, group), least, most }
  }

  #known(name: string, group: Group, least: number, most = Infinity): void {
    this.facts.push(known(name, columnsOf(this.#space, group), least, most))
  }

  #either(name: string, alternatives: readonly (readonly Range[])[]): void {
    if (alternatives.length > 0) this.facts.push({ name, alternatives })
  }

  /** People of a cell: exactly, or floored; open above where a bound below the next step can have lowered it. */
  #number(name: string, group: Group, { floor, users }: Cell, bound: number): void {
    if (users === null) this.#known(name, group, this.#k)
    else if (floor === null) this.#known(name, group, users, users)
    else {
      const most = bound < users + this.#step ? Infinity : users + this.#step - 1
      this.#known(name, group, Math.max(users, this.#k), most)
    }
  }

  #poolBound(parts: number): number {
    const bound = (this.#k - 1) * (parts - 1)
    return bound - (bound % this.#step)
  }

  /** A pool that says more than small parts could hide has a large one, and was not lowered. */
  #pool(name: string, group: Group, cell: Cell, parts: number): void {
    const bound = this.#poolBound(parts)
    this.#number(name, group, cell, (cell.users ?? 0) > bound ? Infinity : bound)
  }

  /** A statistic of people alone: each group has a cell, or fails. */
  #readList({ bound, cells, groups, name }: PublicList): void {
    const published = new Map(cells.map((cell) => [keyOf(cell.dims), cell]))
    for (const { dims, group } of groups) {
      const cell = published.get(keyOf(dims))
      if (cell !== undefined) this.#number(`${name} ${dims}`, group, cell, bound(dims))
      else if (bound(dims) >= this.#step) this.#missing(`${name} ${dims} is missing`, group)
    }
  }

  #missing(name: string, group: Group): void {
    if (this.#isNetwork) this.#known(name, group, 0, this.#k - 1)
  }

  #readTree(tree: PublicTree): void {
    const cells = new Map(tree.cells.map((cell) => [keyOf(cell.dims), cell]))
    const named = new Set(tree.cells.map(({ dims }) => dims[0]))
    for (const [index, root] of tree.roots.entries()) {
      if (named.has(root.value)) this.#readRoot(tree, root, index, cells)
      else if (tree.bound(root.value) >= this.#step)
        this.#missing(`${tree.name} ${root.value} is missing`, root.group)
    }
    const missing = range(tree.roots.length).filter((index) => !named.has(tree.roots[index]?.value))
    this.#readTopPool(tree, missing, cells.get(keyOf([OTHER])))
  }

  /** The pool of everything on the first level that does not stand alone. */
  #readTopPool(tree: PublicTree, missing: readonly number[], pool: Cell | undefined): void {
    const groups = missing.flatMap((index) => tree.roots[index]?.group ?? [])
    const union = tree.union(null, missing)
    const bound = this.#poolBound(missing.length)
    if (pool !== undefined) {
      this.#pool(`${tree.name} ${OTHER}`, union, pool, missing.length)
      this.#severalIn(`${tree.name} ${OTHER}`, groups)
      return
    }
    if (!this.#isNetwork || missing.length < 2 || bound < this.#step) return
    const alone = groups.map((_, at) => groups.filter((_other, index) => index !== at))
    this.#either(`no ${tree.name} ${OTHER}`, [
      [this.#range(union, { least: 0, most: this.#k - 1 })],
      // One value alone is no pool.
      ...alone.map((others) => others.map((group) => this.#range(group, { least: 0, most: 0 }))),
      // Events of a pool would say that it has more people than its parts can hide.
      [this.#range(union, { least: bound + 1, most: Infinity })],
    ])
  }

  /** At least two of some groups have somebody. */
  #severalIn(name: string, groups: readonly Group[]): void {
    const somebody = groups.map((group) => this.#range(group, { least: 1, most: Infinity }))
    const pairs = somebody.flatMap((left, at) => somebody.slice(at + 1).map((right) => [left, right]))
    this.#either(`several in ${name}`, pairs)
  }

  #readRoot(tree: PublicTree, root: Root, index: number, cells: ReadonlyMap<string, Cell>): void {
    const { children, group, value } = root
    const name = `${tree.name} ${value}`
    const own = cells.get(keyOf([value]))
    if (own !== undefined) this.#number(name, group, own, tree.bound(value))
    if (children.length === 0) return

    const cellAt = (at: number) => cells.get(keyOf([value, children[at]?.value ?? '']))
    const named = range(children.length).filter((at) => cellAt(at) !== undefined)
    for (const at of named) {
      const [child, cell] = [children[at], cellAt(at)]
      if (child && cell) this.#number(`${name} ${child.value}`, child.group, cell, Infinity)
    }
    if (named.length === 0) {
      this.#readWhole(tree, root)
      return
    }
    const others = range(children.length).filter((at) => !named.includes(at))
    const rest = cells.get(keyOf([value, OTHER]))
    const groups = others.flatMap((at) => children[at]?.group ?? [])
    if (rest === undefined) {
      // Split without a pool: every child that is not empty stands alone.
      for (const empty of groups) this.#known(`${name} has an empty child`, empty, 0, 0)
      return
    }
    this.#pool(`${name} ${OTHER}`, tree.union(index, others), rest, others.length)
    this.#severalIn(`${name} ${OTHER}`, groups)
    if (this.#isNetwork) {
      const fails = groups.map((child) => [this.#range(child, { least: 1, most: this.#k - 1 })])
      this.#either(`${name} has a pool`, fails)
    }
  }

  /** A group that is not split: one of its children does not stand alone, or it has but one. */
  #readWhole(tree: PublicTree, { children, value }: Root): void {
    if (!this.#isNetwork) return
    const fails = children.map(({ group }) => [this.#range(group, { least: 1, most: this.#k - 1 })])
    const single = children.map((_, at) =>
      children.flatMap(({ group }, index) =>
        index === at ? [] : [this.#range(group, { least: 0, most: 0 })],
      ),
    )
    this.#either(`${tree.name} ${value} is whole`, [...fails, ...single])
  }

  #readFunnel(own: PublishedDay, day: number, world: PublicWorld): void {
    const { shape } = this.#space
    let bound = Infinity
    for (const index of range(shape.funnel)) {
      bound = Math.min(bound, world.pageBound(own, firstName(index)), world.orderedBound(own, index))
      const cell = own.funnel.find(({ dims }) => dims[0] === stepName(index))
      const group = index === 0 ? seenOn(shape, 'step 0', day, 1) : reached(day, index + 1)
      if (cell === undefined) {
        if (this.#isNetwork && bound >= this.#step) this.#known(`step ${index} fails`, group, 0, this.#k - 1)
        return
      }
      this.#number(`step ${index}`, group, cell, bound)
    }
  }
}
