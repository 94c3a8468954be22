/** Attack (f): which groups of a world are pinned inside [1, k−1] by what is public? */
import type { Highs } from 'highs'
import type { Fact } from './facts.js'
import { sizeOf, type Target, targetsOf } from './groups.js'
import { Program } from './program.js'
import { type Counts, countsOf, type Space } from './space.js'
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
  for (let round = 0; round < 2 * SWEEPS && suspects.size > 1; round++) {
    const plain = [...suspects].filter(({ columns }) => columns !== null)
    const some = plain.filter(() => random() * plain.length < SWEEP_TARGETS)
    if (some.length === 0) continue
    const targets = some.map((target) => ({ target, weight: 1 + Math.floor(3 * random()) }))
    const found = program.solve({ targets, sense: round % 2 === 0 ? 'least' : 'most' })
    if (found === 'impossible') throw new Error('The facts contradict each other.')
    clear(suspects, found.counts, k)
  }
}

/** The range of one group, as far as it matters: least first, and most only where the least is somebody. */
function pin({ program, k }: Search, target: Target, suspects: Set<Target>): { least: number; most: number } | null {
  const goal = [{ target, weight: 1 }]
  const least = program.solve({ targets: goal, sense: 'least' })
  if (least === 'impossible') throw new Error('The facts contradict each other.')
  clear(suspects, least.counts, k)
  if (least.size === 0) return null
  const most = program.solve({ targets: goal, sense: 'most' })
  if (most === 'impossible') throw new Error('The facts contradict each other.')
  clear(suspects, most.counts, k)
  return most.size >= k ? null : { least: least.size, most: most.size }
}

/**
 * @param facts what the attacker knows
 * @param spaces of the world's shape, with its targets
 */
export function attack(
  highs: Highs,
  world: World,
  space: Space,
  facts: readonly Fact[],
  targets: readonly Target[] = targetsOf(space),
): Attacked {
  const { k, people, seed } = world
  const program = new Program(highs, space, facts)
  const truth = countsOf(space, people)
  const wrong = program.wrong(truth)
  if (wrong.length > 0) return { pinned: [], wrong, suspects: 0, solves: 0 }

  const sizes = new Map(targets.map((target) => [target, people.filter(target.holds).length]))
  const suspects = new Set(
    targets.filter((target) => {
      const size = sizes.get(target) ?? 0
      return size > 0 && size < k
    }),
  )
  const count = suspects.size
  const search = { program, k, random: randomOf(seed + 1) }
  // The truth is a world, too: where two groups overlap, it clears more than itself.
  clear(suspects, truth, k)
  sweep(search, suspects)
  const pinned: Pinned[] = []
  for (const target of suspects) {
    suspects.delete(target)
    const found = pin(search, target, suspects)
    if (found !== null) pinned.push({ target: target.name, truth: sizes.get(target) ?? 0, ...found })
  }
  return { pinned, wrong, suspects: count, solves: program.solves }
}
