/**
 * What is public of a world: the cells of one statistic in one slot of time, which group of people each stands for, and
 * the most that capacity lets a cell say. All of it is a function of what is public. Statistics with sums are trees;
 * those of people alone are lists of groups, of which each stands alone or is nowhere.
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

/** A statistic with sums: pages, with their devices. */
export interface PublicTree {
  readonly name: string
  readonly cells: readonly Cell[]
  readonly roots: readonly Root[]
  /** several roots, or several children of one root, together */
  readonly union: (root: number | null, members: readonly number[]) => Group
  /** the most people that others let the cell of a root say; Infinity: any */
  readonly bound: (value: string) => number
}

/** A statistic of people alone. */
export interface PublicList {
  readonly name: string
  readonly cells: readonly Cell[]
  readonly groups: readonly { readonly dims: readonly string[]; readonly group: Group }[]
  readonly bound: (dims: readonly string[]) => number
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
    if (own === undefined) return 'failing'
    if (own.users === null) return 'unknown'
    return own.floor === null ? own.users : own.users + this.#step - 1
  }

  /** Capacity of a page's day: over its hours, and over the ways onto it. */
  pageBound({ hours, moves }: PublishedDay, value: string): number {
    const froms = [...range(this.#shape.firsts).map(firstName), '(none)']
    const ways = this.#isExact ? Infinity : this.#bound(froms.map((from) => this.#part(moves, [from, value])))
    if (this.#shape.second !== 'hour') return ways
    const parts = range(this.#shape.seconds).map((hour) =>
      this.#part(
        hours.filter((cell) => cell.hour === hour),
        [value],
      ),
    )
    return Math.min(ways, this.#bound(parts))
  }

  /** Capacity of people who did steps in order, over the hours in which each was done. @param last of the steps */
  orderedBound({ hours }: PublishedDay, last: number): number {
    if (this.#shape.second !== 'hour') return Infinity
    const all = range(this.#shape.seconds)
    // Who did the steps did each of them by its time, or a later one after it: one choice of hours for each step.
    const choices = (hour: number, first: number): number[][] =>
      hour === all.length
        ? [[]]
        : range(last + 1)
            .filter((step) => step >= first)
            .flatMap((step) => choices(hour + 1, step).map((rest) => [step, ...rest]))
    const bounds = choices(0, 0).map((steps) =>
      this.#bound(
        steps.map((step, hour) =>
          this.#part(
            hours.filter((cell) => cell.hour === hour),
            [firstName(step)],
          ),
        ),
      ),
    )
    return Math.min(Infinity, ...bounds)
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
      bound: (value) => this.pageBound(own, value),
    }
  }

  hour(own: PublishedDay, hour: number): PublicList {
    return {
      name: `hour ${hour}`,
      cells: own.hours.filter((cell) => cell.hour === hour),
      groups: range(this.#shape.firsts).map((first) => ({
        dims: [firstName(first)],
        group: visitors(`${first} at ${hour}`, 1 << cellOf(this.#shape, first, hour)),
      })),
      bound: () => Infinity,
    }
  }

  moves(own: PublishedDay, day: number): PublicList {
    return {
      name: `moves ${day}`,
      cells: own.moves,
      groups: this.#shape.links.map(({ from, to }, index) => ({
        dims: [shown(firstName(from)), firstName(to)],
        group: moved(`${from}→${to}`, day, 1 << index),
      })),
      // Who went from page to page was on both.
      bound: (dims) => Math.min(Infinity, ...dims.map((value) => this.#saidOf(own, value))),
    }
  }

  #saidOf(own: PublishedDay, value: string): number {
    const isPage = range(this.#shape.firsts).some((first) => firstName(first) === value)
    return isPage ? this.pageBound(own, value) : Infinity
  }

  week(): PublicList {
    const { days, week } = this.#published
    return {
      name: 'week',
      cells: week,
      groups: range(this.#shape.firsts).map((first) => ({
        dims: [firstName(first)],
        group: visitors(`first ${first}`, cellMask(this.#shape, { first })),
      })),
      bound: (dims) => this.#bound(days.map(({ pages }) => this.#part(pages, dims))),
    }
  }
}
