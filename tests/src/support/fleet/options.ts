/** How `npm run test:faults` is asked, and when a run of it has shown what it is for. */
import { parseArgs } from 'node:util'
import { seedOf, testSeed } from '../crash/setting.js'
import { KINDS } from './kills.js'
import type { Tally } from './verdict.js'

/** Events that must have been acknowledged for each kill: where everything is refused, nothing can be lost. */
const ACKNOWLEDGED_A_KILL = 10

export const HELP = `npm run test:faults [-- options]

Kills processes and brokers of a whole deployment under load, and lets another run for ten minutes: nothing that was
answered with 204 may be lost, nothing may be there twice, nothing may grow. The latter, the soak, runs at half of what the
collectors can take; \`npm test\` does a slice of it, and what takes minutes to see is seen here only: the heap, the resident
memory, the spool.

  --only NAME   one of ${KINDS.join(', ')}, soak; all one after the other by default
  --kills N     kills of each (500)
  --minutes N   of the soak (10)
  --seed S      repeats the run of that seed; by default one of the clock, which is printed
  --json        the last line is one JSON object: {"seed","kills","acknowledged","lost","doubled","invented"}

Exit code 0: nothing was lost, doubled or invented, each kill ended something, and at least ${String(ACKNOWLEDGED_A_KILL)} events a kill were
acknowledged. 1: not so. 2: wrong use. 3: it cannot run here.

  $ npm run test:faults -- --only broker-kills --kills 50 --seed 7 --json
`

const RUNS = [...KINDS, 'soak'] as const
export type Run = (typeof RUNS)[number]

export interface Options {
  readonly only: readonly Run[]
  readonly kills: number
  readonly minutes: number
  readonly seed: number
  readonly json: boolean
}

export class UsageError extends Error {}

/** None at all would show nothing. */
function countOf(text: string, name: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`${name} must be a whole number from 1`)
  return Number(text)
}

function givenSeed(text: string): number {
  const seed = seedOf(text)
  if (seed === null) throw new UsageError('--seed must be a whole number from 0 to 2^53 - 1')
  return seed
}

/** @returns null where help is asked for @throws UsageError, or what `parseArgs` throws */
export function optionsOf(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      kills: { type: 'string', default: '500' },
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const { only } = values
  if (only !== undefined && !RUNS.some((name) => name === only))
    throw new UsageError(`--only is one of ${RUNS.join(', ')}`)
  return {
    only: only === undefined ? RUNS : [only as Run],
    kills: countOf(values.kills, '--kills'),
    minutes: countOf(values.minutes, '--minutes'),
    seed: values.seed === undefined ? testSeed() : givenSeed(values.seed),
    json: values.json,
  }
}

/** What a run came to, as far as it is judged here. */
export interface Outcome extends Tally {
  /** that ended something */
  readonly kills: number
  readonly findings: readonly string[]
}

/** Why a run did not show that every obligation is met, in words; empty where it did. */
export function shortcomingsOf(
  name: Run,
  { acknowledged, doubled, findings, invented, kills, lost }: Outcome,
  wanted: Pick<Options, 'kills'>,
): readonly string[] {
  const least = name === 'soak' ? 1 : wanted.kills * ACKNOWLEDGED_A_KILL
  const tallied = Object.entries({ lost, doubled, invented }).filter(([, count]) => count !== 0)
  return [
    ...findings,
    ...tallied.map(([what, count]) => `${String(count)} events are ${what}`),
    ...(name === 'soak' || kills >= wanted.kills
      ? []
      : [`only ${String(kills)} of ${String(wanted.kills)} kills ended something`]),
    ...(acknowledged >= least
      ? []
      : [
          `only ${String(acknowledged)} events were acknowledged, not ${String(least)}: there was too little to lose`,
        ]),
  ]
}
