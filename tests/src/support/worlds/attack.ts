/** Attack (f): which groups of a world are pinned inside [1, k−1] by what is public? */
import type { Highs } from 'highs'
import type { Fact } from './facts.js'
import { sizeOf, type Target, targetsOf } from './groups.js'
import { Program } from './program.js'
import { type Counts, countsOf, type Space, spaceOf } from './space.js'
import type { Family } from './states.js'
import { type Random, randomOf, type World } from './world.js'

export interface Pinned {
  readonly target: string
  readonly truth: number
  readonly least: number
  readonly most: number
}

export interface Attacked {
  readonly pinned: readonly Pinned[]
  /** facts that the true world contradicts: the attacker's reading is wrong. Must be empty. */
  readonly wrong: readonly string[]
  /** groups that the truth itself does not clear */
  readonly suspects: number
  readonly solves: number
}

/** Rounds in which one program clears many groups at once. */
const SWEEPS = 3
const SWEEP_TARGETS = 60

interface Search {
  readonly program: Program
  readonly k: number
  readonly random: Random
}

/** A group is cleared by any world in which it is empty, or has k people. */
function clear(suspects: Set<Target>, counts: Counts, k: number): void {
  for (const target of suspects) {
    const { least, most } = sizeOf(target, counts)
    if (least === 0 || most >= k) suspects.delete(target)
  }
}

/** Worlds that make many groups small, or many large, at once. */
function sweep({ program, k, random }: Search, suspects: Set<Target>): void {
  for (let round = 0; round < SWEEPS && suspects.size > 1; round++) {
    const plain = [...suspects].filter(({ columns }) => columns !== null)
    const some = plain.filter(() => random() * plain.length < SWEEP_TARGETS)
    if (some.length === 0) continue
    const targets = some.map((target) => ({ target, weight: 1 + Math.floor(3 * random()) }))
    const found = program.solve({ targets, sense: 'least', rough: true })
    if (found === 'impossible') throw new Error('The facts contradict each other.')
    clear(suspects, found.counts, k)
  }
}

/** The range of one group, as far as it matters: least first, and most only where the least is somebody. */
function pin(
  { program, k }: Search,
  target: Target,
  suspects: Set<Target>,
): { least: number; most: number } | null {
  const goal = [{ target, weight: 1 }]
  const least = program.solve({ targets: goal, sense: 'least', enough: 0 })
  if (least === 'impossible') throw new Error('The facts contradict each other.')
  clear(suspects, least.counts, k)
  if (least.size === 0) return null
  const most = program.solve({ targets: goal, sense: 'most', enough: k })
  if (most === 'impossible') throw new Error('The facts contradict each other.')
  clear(suspects, most.counts, k)
  return most.size >= k ? null : { least: least.size, most: most.size }
}

/** What an attacker makes of what is public, in the columns of a space. */
export type Reader = (space: Space) => readonly Fact[]

interface Left {
  readonly suspects: ReadonlySet<string>
  readonly pinned: readonly Pinned[]
  readonly wrong: readonly string[]
  readonly solves: number
}

/** Groups that are not cleared among the states of a family. @param only names of those to look at */
function attackWithin(
  highs: Highs,
  world: World,
  family: Family,
  read: Reader,
  only: ReadonlySet<string> | null,
  enough: number,
): Left {
  const { k, people, seed } = world
  const space = spaceOf(world, family)
  const program = new Program(highs, space, read(space))
  const truth = countsOf(space, people)
  const wrong = program.wrong(truth)
  if (wrong.length > 0) return { suspects: new Set(), pinned: [], wrong, solves: 0 }

  const sizes = new Map<string, number>()
  const isSuspect = (name: string, holds: Target['holds']): boolean => {
    if (only !== null && !only.has(name)) return false
    const size = people.filter(holds).length
    sizes.set(name, size)
    return size > 0 && size < k
  }
  const suspects = new Set(targetsOf(space, isSuspect))
  const names = new Set([...suspects].map(({ name }) => name))
  const search = { program, k, random: randomOf(seed + 1) }
  // The truth is a world, too: where two groups overlap, it clears more than itself.
  clear(suspects, truth, k)
  sweep(search, suspects)
  const pinned: Pinned[] = []
  for (const target of suspects) {
    if (pinned.length >= enough) break
    suspects.delete(target)
    const found = pin(search, target, suspects)
    if (found !== null) pinned.push({ target: target.name, truth: sizes.get(target.name) ?? 0, ...found })
  }
  return { suspects: names, pinned, wrong, solves: program.solves }
}

/** So many that look pinned are looked at again where one that is pinned is enough. */
const CANDIDATES = 3

/**
 * Attacks one world. What few states clear is cleared; what they do not is looked at among many.
 * @param read what the attacker knows
 * @param isFirstEnough whether one pinned group will do: positive controls ask no more
 */
export function attack(highs: Highs, world: World, read: Reader, isFirstEnough = false): Attacked {
  const few = attackWithin(highs, world, 'few', read, null, isFirstEnough ? CANDIDATES : Infinity)
  const suspects = few.suspects.size
  if (few.wrong.length > 0 || few.pinned.length === 0) return { ...few, suspects }
  const names = new Set(few.pinned.map(({ target }) => target))
  const many = attackWithin(highs, world, 'many', read, names, isFirstEnough ? 1 : Infinity)
  return { ...many, suspects, solves: few.solves + many.solves }
}
