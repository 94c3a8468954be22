/** What `npm run test:faults` runs (scripts/faults.mjs): kills under load, and the soak. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { brokersSkip } from '@tacit/event-log/testing'
import { testSeed } from '../crash/setting.js'
import { KINDS, type Kind, runKills } from './kills.js'
import { runSoak } from './soak.js'
import type { Verdict } from './verdict.js'

const HELP = `npm run test:faults [-- options]

Kills processes and brokers of a whole deployment under load, and lets another run for ten minutes: nothing that was
answered with 204 may be lost, nothing may be there twice, nothing may grow.

  --only NAME   one of ${KINDS.join(', ')}, soak; all one after the other by default
  --kills N     kills of each (500)
  --minutes N   of the soak (10)
  --seed S      repeats the run of that seed; by default one of the clock, which is printed
  --json        the last line is one JSON object: {"seed","kills","acknowledged","lost","doubled","invented"}

  $ npm run test:faults -- --only broker-kills --kills 50 --seed 7 --json
`

const RUNS = [...KINDS, 'soak'] as const
type Run = (typeof RUNS)[number]

interface Options {
  readonly only: readonly Run[]
  readonly kills: number
  readonly minutes: number
  readonly seed: number
  readonly json: boolean
}

class UsageError extends Error {}

function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${name} must be a whole number`)
  return Number(text)
}

function optionsOf(args: readonly string[]): Options | null {
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
    kills: wholeNumber(values.kills, '--kills'),
    minutes: wholeNumber(values.minutes, '--minutes'),
    seed: values.seed === undefined ? testSeed() : wholeNumber(values.seed, '--seed'),
    json: values.json,
  }
}

/** What a run ended with, and what is said of it. */
interface Ended extends Verdict {
  readonly seed: number
  readonly kills: number
  readonly more: readonly string[]
}

function tell(text: string, isLast = false): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(70)}`)
  else if (isLast) process.stderr.write(`${text}\n`)
}

async function runKind(kind: Kind, dir: string, { kills, seed }: Options): Promise<Ended> {
  const started = performance.now()
  const result = await runKills({
    kind,
    kills,
    seed,
    dir,
    progress(done, victim) {
      const seconds = Math.round((performance.now() - started) / 1_000)
      tell(`  ${String(done)}/${String(kills)} kills, ${String(seconds)} s, last ${victim}`, done % 10 === 0)
    },
  })
  return { ...result, more: [`answers: ${JSON.stringify(result.answers)}`] }
}

async function soak(dir: string, { minutes, seed }: Options): Promise<Ended> {
  const result = await runSoak({
    minutes,
    seed,
    dir,
    progress: (seconds, rate) =>
      tell(`  ${String(seconds)} of ${String(minutes * 60)} s, ${String(rate)} beacons/s`, seconds % 30 < 3),
  })
  const grown = Object.entries(result.growth).map(
    ([name, [from, to]]) => `${name}: ${String(Math.round(from))} → ${String(Math.round(to))}`,
  )
  return { ...result, kills: 0, more: [`${String(result.rate)} beacons/s`, ...grown] }
}

async function run(name: Run, options: Options): Promise<Ended> {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-faults-'))
  process.stderr.write(`${name}: seed ${String(options.seed)}\n`)
  try {
    return name === 'soak' ? await soak(dir, options) : await runKind(name, dir, options)
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\n')
    rmSync(dir, { recursive: true, force: true })
  }
}

function told(name: Run, ended: Ended): string {
  const { acknowledged, doubled, findings, invented, kills, lost, more, seed } = ended
  return [
    `${name}: seed ${String(seed)}, ${String(kills)} kills, ${String(acknowledged)} events acknowledged; ` +
      `${String(lost)} lost, ${String(doubled)} doubled, ${String(invented)} invented`,
    ...more.map((line) => `  ${line}`),
    ...findings.map((finding) => `  WRONG: ${finding}`),
  ].join('\n')
}

/** @returns the exit code: 0 all obligations are met, 1 some are not, 2 used wrongly, 3 it could not run */
async function main(): Promise<number> {
  const options = optionsOf(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(HELP)
    return 0
  }
  const skip = await brokersSkip()
  if (skip !== false) {
    process.stderr.write(`It cannot run here: ${skip}\n`)
    return 3
  }
  let failed = false
  for (const name of options.only) {
    const result = await run(name, options)
    process.stderr.write(`${told(name, result)}\n`)
    if (result.findings.length > 0 || (name !== 'soak' && result.kills < options.kills)) failed = true
    const { acknowledged, doubled, invented, kills, lost, seed } = result
    if (options.json)
      process.stdout.write(`${JSON.stringify({ seed, kills, acknowledged, lost, doubled, invented })}\n`)
  }
  return failed ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  const isUsage =
    error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = isUsage ? 2 : 3
}
