/** `rules try`: one beacon against a rulebook, each field before and after; or many cases as NDJSON. */
import { readFileSync } from 'node:fs'
import { parseTryCase, type TryCase } from '@tacit/access-log'
import { createTokenVerifier } from '@tacit/collector'
import { type Clock, parseInstant, type Reason, systemClock, TacitError } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import { Command } from 'commander'
import { counted } from '../counted.js'
import { clientAddressOf } from '../house/client-address.js'
import { readEnvironment } from '../house/environment.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import { loadTokenKeys } from '../house/token-keys.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { readLineBatches } from '../house/lines.js'
import { BeaconTrial, problemText, type TryResult, type VerifyToken } from '../house/try-beacon.js'
import { decisionRows, type FollowedCase, refusalOf, refusalText } from '../house/try-decision.js'
import { createFieldTable } from '../house/try-fields.js'
import { reasonText, shown } from '../house/try-words.js'
import type { FieldRow } from '../house/tried-event.js'
import { EXIT, print, printJson, table, UsageError } from '../output.js'

interface TryOptions {
  readonly beacon?: string
  readonly now?: string
  readonly json?: boolean
}

/** The tables of a case: what was read to decide, and what became of the fields of each event. */
interface Tables {
  /** which question refused the whole beacon, in words; null where none did */
  readonly refusal: string | null
  readonly decision: readonly FieldRow[]
  readonly events: readonly {
    readonly name: string
    readonly decision: 'accepted' | 'dropped'
    readonly reason?: Reason
    readonly fields: readonly FieldRow[]
  }[]
}

const NOTHING = '—'
const NO_CASE =
  'tacit: no case came on standard input. A case is a line like {"ip":"203.0.113.7","headers":{"origin":"https://…"},"body":{"v":1,…}}; `tacit rules try --help` says more. Or name one with --beacon case.json.'

export function rulesTryCommand(): Command {
  return new Command('try')
    .description(
      'One beacon in; each field before and after, with the rule that acted. With NDJSON on standard input, one JSON line a case, in order',
    )
    .argument('[file]', 'the rulebook', ERP_RULEBOOK)
    .option(
      '--beacon <file>',
      'one case: {"ip", "headers", "body", "claims"?, "state"?, "time"?}; a made-up one by default',
    )
    .option('--now <time>', 'the time of receipt, RFC 3339, of cases that state no "time"')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nA case may state its own time of receipt as "time", as a line for `tacit import` does; other keys, such as "name", say nothing.\n\nExamples:\n  $ npx tacit rules try\n  $ npx tacit rules try rulebooks/website/rulebook.yaml --beacon case.json\n  $ npx tacit rules try rulebooks/erp/rulebook.yaml < cases.ndjson\n',
    )
    .action(tryRules)
}

function clockOf(now: string | undefined): Clock {
  if (now === undefined) return systemClock
  const time = parseInstant(now)
  if (Number.isNaN(time)) throw new UsageError('--now must be a time such as 2026-12-02T10:00:00Z')
  return { now: () => time }
}

/** A token that is remembered was judged at the clock's time; a case with a time of its own is judged by itself. */
async function tokenVerification(keysFile: string | undefined, clock: Clock): Promise<VerifyToken> {
  const keys = await loadTokenKeys(keysFile)
  const shared = createTokenVerifier(keys, clock)
  return (token, at, isOwnTime) =>
    (isOwnTime ? createTokenVerifier(keys, { now: () => at }) : shared).verify(token, at)
}

async function tryRules(file: string, options: TryOptions): Promise<void> {
  const rulebook = requireRulebook(readRulebook(file), file)
  const environment = readEnvironment(process.env)
  const isSingle = options.beacon !== undefined || process.stdin.isTTY
  const given = clockOf(options.now)
  const started = given.now()
  // A single case is followed twice; both must happen at one time.
  const clock: Clock = isSingle ? { now: () => started } : given
  const verify = await tokenVerification(environment.TACIT_TOKEN_KEYS_FILE, clock)
  const trial = new BeaconTrial(rulebook, clock, clientAddressOf(environment), verify)
  if (!isSingle) {
    await tryLines(trial)
    return
  }
  const sample = options.beacon === undefined ? exampleCase(rulebook, clock) : readCase(options.beacon)
  const result = await trial.run(sample)
  const tables = await tablesOf(trial, sample)
  if (options.json)
    printJson({ ...result, ...(tables === null ? {} : { fields: tables.decision, events: tables.events }) })
  else if (tables === null) {
    print(`${result.status} ${String(result.code)}: the beacon is refused before any rule acts.`)
  } else printSingle(tables, result)
  if (result.status !== 204) process.exitCode = EXIT.failed
}

/** Answers each line of standard input by one line, in order. */
async function tryLines(trial: BeaconTrial): Promise<void> {
  let cases = 0
  for await (const lines of readLineBatches('-')) {
    let out = ''
    for (const line of lines) {
      if (line.trim() === '') continue
      cases += 1
      const parsed = parseTryCase(line)
      const answer = parsed === null ? problemText('ERR_CASE_MALFORMED') : trial.runText(parsed)
      out += `${typeof answer === 'string' ? answer : await answer}\n`
    }
    await write(out)
  }
  if (cases === 0) process.stderr.write(`${NO_CASE}\n`)
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

/** The tables of a case; null where it is no beacon. */
async function tablesOf(trial: BeaconTrial, sample: TryCase): Promise<Tables | null> {
  const beacon = trial.beaconOf(sample)
  if (typeof beacon === 'string') return null
  const { rulebook } = trial
  const followed = await trial.follow(sample, beacon)
  const at = trial.timeOf(sample)
  const whole: FollowedCase = { ...followed, sample, at, refusal: refusalOf(rulebook, followed) }
  const fieldTable = createFieldTable(rulebook)
  return {
    refusal: refusalText(rulebook, whole),
    decision: decisionRows(rulebook, whole),
    events: beacon.events.map((event, place) => {
      const outcome = whole.outcomes[place]
      if (outcome === undefined) throw new TypeError('each event of a beacon has an outcome')
      const { reason } = outcome
      const fields = fieldTable({ sample, input: whole.input, event, outcome, at, refusal: whole.refusal })
      return reason === null
        ? { name: event.name, decision: 'accepted', fields }
        : { name: event.name, decision: 'dropped', reason, fields }
    }),
  }
}

function printTable(title: string, fields: readonly FieldRow[]): void {
  const heads = ['field', 'before', 'rule', 'after', 'dropped, and why']
  const rows = fields.map(({ after, before, dropped, field, rule }) => [
    field,
    before ?? NOTHING,
    rule,
    after ?? NOTHING,
    dropped ?? '',
  ])
  print(`${title}\n${table(heads, rows)}\n`)
}

/** What became of a beacon: of all its events, of some, or of none. */
function decidedText(events: Tables['events'], result: TryResult): string {
  const dropped = Object.entries(result.dropped ?? {}).map(([reason, count]) => `${reason} ${count}`)
  const accepted = events.filter(({ decision }) => decision === 'accepted').length
  if (accepted === 0) return dropped.length === 0 ? `${result.decision}` : `dropped (${dropped.join(', ')})`
  if (accepted === events.length) return 'accepted'
  return `accepted in part: ${accepted} of ${counted(events.length, 'event')} (dropped: ${dropped.join(', ')})`
}

function printSingle({ decision, events, refusal }: Tables, result: TryResult): void {
  printTable('The beacon: what is read to decide', decision)
  for (const [at, { fields, name, reason }] of events.entries()) {
    const fate = reason === undefined ? 'accepted' : `dropped as ${reason}`
    const why = reason === undefined || reasonText(reason) === reason ? '' : `: ${reasonText(reason)}`
    printTable(`Event ${at + 1} of ${events.length}, ${shown(name) ?? '""'}: ${fate}${why}`, fields)
  }
  if (refusal !== null) print(refusal)
  print(
    `Decision: ${decidedText(events, result)}; ${counted(result.records.length, 'record')} would be stored.`,
  )
  for (const record of result.records) print(JSON.stringify(record))
  print('The answer is 204 either way. The key was a throwaway: these pseudonyms never occur again.')
}
