/**
 * What is public of a world as trees: the cells of one statistic in one slot of time, which group of people each value
 * stands for, and the most that capacity lets a cell say. All of it is a function of what is public.
 */
import type { Cell } from '@tacit/disclosure'
import { deviceName, firstName } from './count.js'
import type { Published, PublishedDay } from './engine.js'
import { type Group, moved, seenOn, visitors } from './groups.js'
import { cellMask, cellOf, range, type Shape } from './shape.js'
import type { World } from './world.js'

export const OTHER = '(other)'
export const shown = (value: string) => (value === '' ? '(none)' : value)
export const keyOf = (dims: readonly string[]) => JSON.stringify(dims)

export interface Limits {
  readonly least: number
  readonly most: number
}

/** A value on the first level of a tree, with the values below it. */
export interface Root {
  readonly value: string
  readonly group: Group
  readonly children: readonly { readonly value: string; readonly group: Group }[]
}

export interface PublicTree {
  readonly name: string
  readonly cells: readonly Cell[]
  readonly roots: readonly Root[]
  /** levels of the plain rows */
  readonly plain: number
  /** several roots, or several children of one root, together */
  readonly union: (root: number | null, members: readonly number[]) => Group
  /** the most people that others let a cell of these values say; Infinity: any */
  readonly bound: (dims: readonly string[]) => number
  readonly hasEvents: boolean
  /**
   * Beside exact people of a page, a part of it that leaves somebody, and fewer than k, does not stand alone.
   * @returns the people that such a part of the page has; null where there is none
   */
  readonly hidden: (value: string) => Limits | null
}

/** What one part of a union says of it in public: its most people, or that it fails, or nothing. */
type Part = number | 'failing' | 'unknown'

const mask = (members: readonly number[], of: (member: number) => number): number =>
  members.reduce((all, member) => all | of(member), 0)

export class PublicWorld {
  readonly #shape: Shape
  readonly #isExact: boolean
  readonly #k: number
  readonly #step: number
  readonly #published: Published

  /** @param step that people are floored to */
  constructor({ exact, k, shape }: World, step: number, published: Published) {
    this.#shape = shape
    this.#isExact = exact
    this.#k = k
    this.#step = step
    this.#published = published
  }

  #bound(parts: readonly Part[]): number {
    const failing = parts.filter((part) => part === 'failing').length
    if (parts.includes('unknown') || failing === 0) return Infinity
    const published = parts.reduce<number>((sum, part) => sum + (typeof part === 'number' ? part : 0), 0)
    return published + (this.#k - 1) * (failing - 1)
  }

  #part(cells: readonly Cell[], dims: readonly string[]): Part {
    const own = cells.find((cell) => keyOf(cell.dims) === keyOf(dims))
    if (own !== undefined) {
      if (own.users === null) return 'unknown'
      return own.floor === null ? own.users : own.users + this.#step - 1
    }
    const siblings = cells.filter((cell) => cell.dims[0] === dims[0])
    if (siblings.length === 0) return 'failing'
    const isSplit = siblings.every((cell) => cell.dims[1] !== OTHER)
    return dims.length > 1 && isSplit ? 0 : 'unknown'
  }

  /** Capacity of a page's day: over its hours, and over the ways onto it. */
  pageBound({ hours, moves }: PublishedDay, value: string): number {
    const froms = [...range(this.#shape.firsts).map(firstName), '(none)']
    const ways = this.#bound(froms.map((from) => this.#part(moves, [from, value])))
    if (this.#shape.second !== 'hour') return ways
    const parts = range(this.#shape.seconds).map((hour) =>
      this.#part(
        hours.filter((cell) => cell.hour === hour),
        [value],
      ),
    )
    return Math.min(ways, this.#bound(parts))
  }

  #hidden({ pages }: PublishedDay, value: string): Limits | null {
    const isPage = range(this.#shape.firsts).some((first) => firstName(first) === value)
    if (!this.#isExact || !isPage) return null
    const cell = pages.find(({ dims }) => dims.length === 1 && dims[0] === value)
    // Where capacity has taken the exact number away, the rule goes by it all the same.
    if (cell === undefined || cell.users === null) return { least: 1, most: Infinity }
    const most = cell.floor === null ? cell.users - 1 : Infinity
    return { least: Math.max(1, cell.users - this.#k + 1), most }
  }

  pages(own: PublishedDay, day: number): PublicTree {
    const { firsts, second, seconds } = this.#shape
    const devices = (first: number) =>
      range(seconds).map((at) => ({
        value: deviceName(at),
        group: visitors(`${first} ${at}`, 1 << cellOf(this.#shape, first, at)),
      }))
    return {
      name: `day ${day}`,
      cells: own.pages,
      plain: 1,
      roots: range(firsts).map((first) => ({
        value: firstName(first),
        group: seenOn(this.#shape, `first ${first}`, day, 1 << first),
        children: second === 'device' ? devices(first) : [],
      })),
      union: (root, members) =>
        root === null
          ? seenOn(
              this.#shape,
              'other',
              day,
              mask(members, (first) => 1 << first),
            )
          : visitors(
              'other',
              mask(members, (at) => 1 << cellOf(this.#shape, root, at)),
            ),
      bound: (dims) => (dims.length === 1 ? this.pageBound(own, dims[0] ?? '') : Infinity),
      hasEvents: true,
      hidden: (value) => this.#hidden(own, value),
    }
  }

  hour(own: PublishedDay, hour: number): PublicTree {
    const at = (first: number) => 1 << cellOf(this.#shape, first, hour)
    return {
      name: `hour ${hour}`,
      cells: own.hours.filter((cell) => cell.hour === hour),
      plain: 1,
      roots: range(this.#shape.firsts).map((first) => ({
        value: firstName(first),
        group: visitors(`${first} at ${hour}`, at(first)),
        children: [],
      })),
      union: (_root, members) => visitors('other', mask(members, at)),
      bound: () => Infinity,
      hasEvents: false,
      hidden: (value) => this.#hidden(own, value),
    }
  }

  moves(own: PublishedDay, day: number): PublicTree {
    const { firsts, links } = this.#shape
    const froms = [null, ...range(firsts)]
    const linkMask = (keep: (from: number | null, to: number) => boolean) =>
      links.reduce((all, { from, to }, index) => (keep(from, to) ? all | (1 << index) : all), 0)
    return {
      name: `moves ${day}`,
      cells: own.moves,
      plain: 2,
      roots: froms.map((root) => ({
        value: firstName(root),
        group: moved(
          `from ${root}`,
          day,
          linkMask((from) => from === root),
        ),
        children: range(firsts).map((child) => ({
          value: firstName(child),
          group: moved(
            `${root}→${child}`,
            day,
            linkMask((from, to) => from === root && to === child),
          ),
        })),
      })),
      union: (root, members) =>
        moved(
          'other',
          day,
          linkMask((from, to) =>
            root === null
              ? members.some((at) => froms[at] === from)
              : froms[root] === from && members.includes(to),
          ),
        ),
      // Who went from page to page was on both.
      bound: (dims) => Math.min(Infinity, ...dims.map((value) => this.#saidOf(own, value))),
      hasEvents: false,
      hidden: (value) => this.#hidden(own, value),
    }
  }

  #saidOf(own: PublishedDay, value: string): number {
    const isPage = range(this.#shape.firsts).some((first) => firstName(first) === value)
    return isPage ? this.pageBound(own, value) : Infinity
  }

  week(): PublicTree {
    const { firsts } = this.#shape
    const { days, week } = this.#published
    const own = (first: number) => cellMask(this.#shape, { first })
    return {
      name: 'week',
      cells: week,
      plain: 1,
      roots: range(firsts).map((first) => ({
        value: firstName(first),
        group: visitors(`first ${first}`, own(first)),
        children: [],
      })),
      union: (_root, members) => visitors('other', mask(members, own)),
      bound: (dims) => this.#bound(days.map(({ pages }) => this.#part(pages, dims))),
      hasEvents: false,
      hidden: () => null,
    }
  }
}
