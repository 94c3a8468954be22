/** What `npm run test:faults` runs (scripts/faults.mjs): kills under load, and the soak. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { brokersSkip } from '@tacit/event-log/testing'
import { testSeed } from '../crash/setting.js'
import { KINDS, type Kind, type KillsResult, runKills } from './kills.js'

const HELP = `npm run test:faults [-- options]

Kills processes and brokers of a whole deployment under load, and lets another run for ten minutes: nothing that was
answered with 204 may be lost, nothing may be there twice, nothing may grow.

  --only NAME   one of ${KINDS.join(', ')}; all one after the other by default
  --kills N     kills of each (500)
  --seed S      repeats the run of that seed; by default one of the clock, which is printed
  --json        the last line is one JSON object: {"seed","kills","acknowledged","lost","doubled","invented"}

  $ npm run test:faults -- --only broker-kills --kills 50 --seed 7 --json
`

interface Options {
  readonly only: readonly Kind[]
  readonly kills: number
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
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const { only } = values
  if (only !== undefined && !KINDS.some((kind) => kind === only))
    throw new UsageError(`--only is one of ${KINDS.join(', ')}`)
  return {
    only: only === undefined ? KINDS : [only as Kind],
    kills: wholeNumber(values.kills, '--kills'),
    seed: values.seed === undefined ? testSeed() : wholeNumber(values.seed, '--seed'),
    json: values.json,
  }
}

async function run(kind: Kind, { kills, seed }: Options): Promise<KillsResult> {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-faults-'))
  const started = performance.now()
  process.stderr.write(`${kind}: seed ${String(seed)}, ${String(kills)} kills\n`)
  try {
    return await runKills({
      kind,
      kills,
      seed,
      dir,
      progress(done, victim) {
        if (!process.stderr.isTTY && done % 10 !== 0) return
        const seconds = Math.round((performance.now() - started) / 1_000)
        const line = `  ${String(done)}/${String(kills)} kills, ${String(seconds)} s, last ${victim}`
        process.stderr.write(process.stderr.isTTY ? `\r${line.padEnd(60)}` : `${line}\n`)
      },
    })
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\n')
    rmSync(dir, { recursive: true, force: true })
  }
}

function told(kind: Kind, result: KillsResult): string {
  const { acknowledged, answers, doubled, findings, invented, kills, lost, seed } = result
  return [
    `${kind}: seed ${String(seed)}, ${String(kills)} kills, ${String(acknowledged)} events acknowledged; ` +
      `${String(lost)} lost, ${String(doubled)} doubled, ${String(invented)} invented`,
    `  answers: ${JSON.stringify(answers)}`,
    ...findings.map((finding) => `  ${finding}`),
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
  for (const kind of options.only) {
    const result = await run(kind, options)
    process.stderr.write(`${told(kind, result)}\n`)
    if (result.findings.length > 0 || result.kills < options.kills) failed = true
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
