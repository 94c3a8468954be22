/** `rules try`: one beacon against a rulebook, each field before and after; or many cases as NDJSON. */
import { readFileSync } from 'node:fs'
import { parseTryCase, type TryCase } from '@tacit/access-log'
import { decisionTable } from '@tacit/anonymizer'
import { createTokenVerifier } from '@tacit/collector'
import { type Clock, systemClock, TacitError } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import { Command } from 'commander'
import { clientAddressOf } from '../house/client-address.js'
import { readEnvironment } from '../house/environment.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import { loadTokenKeys } from '../house/token-keys.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { readLineBatches } from '../house/lines.js'
import { BeaconTrial, problemText, type TryResult } from '../house/try-beacon.js'
import { createFieldTable, type FieldRow } from '../house/try-fields.js'
import { EXIT, print, printJson, table, UsageError } from '../output.js'

interface TryOptions {
  readonly beacon?: string
  readonly now?: string
  readonly json?: boolean
}

/** An event of the case, and what became of its fields. */
interface EventFields {
  readonly name: string
  readonly fields: readonly FieldRow[]
}

const NOTHING = '—'

export function rulesTryCommand(): Command {
  return new Command('try')
    .description(
      'One beacon in; each field before and after, with the rule that acted. With NDJSON on standard input, one JSON line a case',
    )
    .argument('[file]', 'the rulebook', ERP_RULEBOOK)
    .option(
      '--beacon <file>',
      'one case: {"ip", "headers", "body", "claims"?, "state"?}; a made-up one by default',
    )
    .option('--now <time>', 'the time of receipt, RFC 3339')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit rules try\n  $ npx tacit rules try rulebooks/website/rulebook.yaml --beacon case.json\n  $ npx tacit rules try rulebooks/erp/rulebook.yaml < cases.ndjson\n',
    )
    .action(tryRules)
}

function clockOf(now: string | undefined): Clock {
  if (now === undefined) return systemClock
  const time = Date.parse(now)
  if (Number.isNaN(time)) throw new UsageError('--now must be a time such as 2026-12-02T10:00:00Z')
  return { now: () => time }
}

async function tryRules(file: string, options: TryOptions): Promise<void> {
  const rulebook = requireRulebook(readRulebook(file), file)
  const clock = clockOf(options.now)
  const environment = readEnvironment(process.env)
  const verifier = createTokenVerifier(await loadTokenKeys(environment.TACIT_TOKEN_KEYS_FILE), clock)
  const trial = new BeaconTrial(rulebook, clock, clientAddressOf(environment), (token) =>
    verifier.verify(token, clock.now()),
  )
  if (options.beacon === undefined && !process.stdin.isTTY) {
    await tryLines(trial)
    return
  }
  const sample = options.beacon === undefined ? exampleCase(rulebook, clock) : readCase(options.beacon)
  const result = await trial.run(sample)
  const events = await fieldsOf(trial, sample, result)
  if (options.json) printJson({ ...result, events })
  else printSingle(trial, events, result)
  if (result.status !== 204) process.exitCode = EXIT.failed
}

/** Answers each line of standard input by one line, in order. */
async function tryLines(trial: BeaconTrial): Promise<void> {
  for await (const lines of readLineBatches('-')) {
    let out = ''
    for (const line of lines) {
      if (line.trim() === '') continue
      const parsed = parseTryCase(line)
      const answer = parsed === null ? problemText('ERR_CASE_MALFORMED') : trial.runText(parsed)
      out += `${typeof answer === 'string' ? answer : await answer}\n`
    }
    await write(out)
  }
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve))
}

function readCase(path: string): TryCase {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    throw new TacitError('ERR_INPUT_FILE', `There is no file ${path}`)
  }
  const parsed = parseTryCase(text)
  if (parsed === null)
    throw new TacitError('ERR_INPUT_FILE', 'The case must be one JSON object with ip, headers and body')
  return parsed
}

/** A made-up beacon that fits the rulebook's first site. */
function exampleCase(rulebook: Rulebook, clock: Clock): TryCase {
  const site = Object.values(rulebook.sites)[0]
  const hourAgo = new Date(clock.now() - 3_600_000).toISOString()
  const event = {
    id: '8c1f0a52b3d94e77',
    name: 'page_view',
    age: 1200,
    path: '/customers/12345/invoice/INV-9',
    from_path: '/customers',
    props: { load_ms: 812, note: 'free text' },
  }
  const example = {
    ip: '203.0.113.77',
    headers: {
      origin: site?.origins[0] ?? '',
      'user-agent':
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
    },
    body: {
      v: 1,
      site: site?.id ?? '',
      consent: { analytics: 'granted' },
      client: { utc_offset: 330, language: 'en-IN' },
      events: [event],
    },
    ...(site?.identity === 'signed'
      ? {
          claims: {
            tenant: 't-001',
            standing: 'established',
            sub: 'q3K0yZ',
            role: 'accounts',
            cohort: '2026-03',
            adult: true,
            region: site.region,
            consent: { analytics: 'granted', policy: rulebook.policy.version, at: hourAgo },
          },
        }
      : {}),
  }
  return parseTryCase(JSON.stringify(example)) as TryCase
}

/** The fields of each event of a case that is a beacon. */
async function fieldsOf(
  trial: BeaconTrial,
  sample: TryCase,
  result: TryResult,
): Promise<readonly EventFields[]> {
  const beacon = trial.beaconOf(sample)
  if (typeof beacon === 'string') return []
  const input = await trial.inputOf(sample, beacon)
  const fieldTable = createFieldTable(trial.rulebook)
  // A beacon that was decided to be dropped has no records; one of its events that was has none either.
  const days = result.records.filter(({ stream }) => stream === 'day')
  const whole = days.length === beacon.events.length
  return beacon.events.map((event, at) => ({
    name: event.name,
    fields: fieldTable(input, event, whole ? days[at] : undefined),
  }))
}

/** Which check of the decision refused, in words; null where none did. */
function refusalText(trial: BeaconTrial, result: TryResult): string | null {
  const row = decisionTable(trial.rulebook).find(({ reasons }) =>
    reasons.some((reason) => reason === result.reason),
  )
  return row === undefined ? null : `Refused by question ${row.order} of the decision: ${row.question}`
}

function printSingle(trial: BeaconTrial, events: readonly EventFields[], result: TryResult): void {
  if (result.code !== undefined) {
    print(`${result.status} ${result.code}: the beacon is refused before any rule acts.`)
    return
  }
  const heads = ['field', 'before', 'rule', 'after', 'dropped, and why']
  for (const [at, { fields, name }] of events.entries()) {
    print(`Event ${at + 1} of ${events.length}: ${JSON.stringify(name)}`)
    const rows = fields.map(({ after, before, dropped, field, rule }) => [
      field,
      before ?? NOTHING,
      rule,
      after ?? NOTHING,
      dropped ?? '',
    ])
    print(`${table(heads, rows)}\n`)
  }
  const refusal = refusalText(trial, result)
  if (refusal !== null) print(refusal)
  const dropped = Object.entries(result.dropped ?? {}).map(([reason, count]) => `${reason} ${count}`)
  print(
    `Decision: ${result.decision}${dropped.length > 0 ? ` (dropped: ${dropped.join(', ')})` : ''}; ${result.records.length} record(s) would be stored.`,
  )
  for (const record of result.records) print(JSON.stringify(record))
  print('The answer is 204 either way. The key was a throwaway: these pseudonyms never occur again.')
}
