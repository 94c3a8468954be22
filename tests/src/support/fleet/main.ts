/** What `npm run test:faults` runs (scripts/faults.mjs): kills under load, and the soak. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokersSkip } from '@tacit/event-log/testing'
import { type Kind, runKills } from './kills.js'
import {
  HELP,
  type Options,
  optionsOf,
  type Outcome,
  type Run,
  shortcomingsOf,
  UsageError,
} from './options.js'
import { runSoak } from './soak.js'

/** What a run ended with, and what is said of it. */
interface Ended extends Outcome {
  readonly seed: number
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
  const paced = `${result.achieved.toFixed(0)} of ${String(result.rate)} beacons/s`
  return { ...result, kills: 0, more: [paced, ...grown] }
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

function told(name: Run, ended: Ended, shortcomings: readonly string[]): string {
  const { acknowledged, doubled, invented, kills, lost, more, seed } = ended
  return [
    `${name}: seed ${String(seed)}, ${String(kills)} kills, ${String(acknowledged)} events acknowledged; ` +
      `${String(lost)} lost, ${String(doubled)} doubled, ${String(invented)} invented`,
    ...more.map((line) => `  ${line}`),
    ...shortcomings.map((shortcoming) => `  WRONG: ${shortcoming}`),
  ].join('\n')
}

/** @returns the exit code: 0 all obligations are met, 1 some are not or too little was tried, 2 used wrongly, 3 it could not run */
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
    const shortcomings = shortcomingsOf(name, result, options)
    process.stderr.write(`${told(name, result, shortcomings)}\n`)
    if (shortcomings.length > 0) failed = true
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
