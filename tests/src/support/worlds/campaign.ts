/** Attacks on many small worlds, one after the other, with progress where somebody waits for hours of them. */
import type { Test } from 'tap'
import { attack, type Pinned } from './attack.js'
import { publish } from './engine.js'
import { foldingFacts } from './folding.js'
import { Program } from './program.js'
import { factsOf } from './reading.js'
import { range } from './shape.js'
import { type Grid, type World, worldOf } from './world.js'

/** Whether all worlds are attacked: `npm run test:audit`. */
export const IS_AUDIT = process.env['TACIT_TEST_AUDIT'] === '1'
/** Everyday tests attack one world of twenty. */
export const share = (worlds: number): number => (IS_AUDIT ? worlds : Math.ceil(worlds / 20))

/** How a world is published. */
export type Engine = 'real' | 'folding' | 'step of five'

export interface Campaign {
  readonly grid: Grid
  readonly seeds: readonly number[]
  readonly engine: Engine
  /** changes a world before it is published */
  readonly change?: (world: World) => World
}

export interface Broken {
  readonly seed: number
  readonly pinned: readonly Pinned[]
}

export interface Outcome {
  readonly worlds: number
  readonly broken: readonly Broken[]
  /** what must never be: facts that the truth contradicts, manifests that the checker refuses; by seed */
  readonly mistakes: readonly string[]
  /** groups that were suspects, over all worlds */
  readonly suspects: number
}

const FIVE = 5
const PROGRESS_EVERY = 50

const readerOf = (world: World, engine: Engine) => {
  if (engine === 'folding')
    return {
      read: (space: Parameters<typeof factsOf>[0]) => foldingFacts(space, world, world.k),
      findings: [],
    }
  const step = engine === 'real' ? world.k : FIVE
  const published = publish(world, step)
  return {
    read: (space: Parameters<typeof factsOf>[0]) => factsOf(space, world, published, step),
    // The checker refuses such a step, whatever was cut with it.
    findings: engine === 'real' ? published.findings : [],
  }
}

/** @param tell gets a line now and then */
export async function campaign(
  { change = (world) => world, engine, grid, seeds }: Campaign,
  tell: (line: string) => void,
): Promise<Outcome> {
  const highs = await Program.load()
  const broken: Broken[] = []
  const mistakes: string[] = []
  let suspects = 0
  for (const [index, seed] of seeds.entries()) {
    const world = change(worldOf(seed, grid))
    const { findings, read } = readerOf(world, engine)
    const found = attack(highs, world, read, engine !== 'real')
    suspects += found.suspects
    if (found.pinned.length > 0) broken.push({ seed, pinned: found.pinned })
    mistakes.push(...[...findings, ...found.wrong].map((what) => `world ${seed}: ${what}`))
    if ((index + 1) % PROGRESS_EVERY === 0)
      tell(`${index + 1} of ${seeds.length} worlds, ${broken.length} broken`)
    // Lets the runner's lines out between solves.
    await new Promise(setImmediate)
  }
  return { worlds: seeds.length, broken, mistakes, suspects }
}

export const seedsFrom = (first: number, count: number): number[] =>
  range(count).map((index) => first + index)

/** Attacks so many worlds of the real engine, of which none may be broken. @param first seed */
export async function holdsOut(
  t: Test,
  { first, grid, worlds }: { readonly first: number; readonly grid: Grid; readonly worlds: number },
): Promise<void> {
  const outcome = await campaign({ grid, seeds: seedsFrom(first, worlds), engine: 'real' }, (line) =>
    t.comment(line),
  )
  t.same(
    outcome.mistakes,
    [],
    'the attacker reads nothing that is wrong, and the checker takes every manifest',
  )
  t.same(outcome.broken, [])
  t.ok(outcome.suspects > 50 * worlds, 'there are small groups to find')
  t.comment(`${worlds} worlds, ${outcome.suspects} small groups, ${outcome.broken.length} worlds broken`)
}
