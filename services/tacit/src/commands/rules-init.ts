/** `rules init`: a first rulebook, with a catalogue of routes that is learnt from logs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { compileAddressParser, compileTrustedProxies } from '@tacit/anonymizer'
import { systemClock } from '@tacit/contracts'
import { RULEBOOK_FILE } from '@tacit/rulebook'
import { Command, InvalidArgumentError, Option } from 'commander'
import { counted } from '../counted.js'
import { readEnvironment } from '../house/environment.js'
import type { FirstContent, FirstOptions } from '../house/first-parts.js'
import { DEFAULTS, firstRulebook, STARTER } from '../house/first-rulebook.js'
import { requireFiles, totalBytes } from '../house/lines.js'
import { type LogKind, LogStudy, type Study } from '../house/log-study.js'
import { checkRulebook, requireRulebook } from '../house/rulebook-files.js'
import { makeOutputFolder, writeOutput } from '../house/written-files.js'
import { print, printJson, progress, UsageError } from '../output.js'

interface InitOptions {
  readonly from?: readonly string[]
  readonly out: string
  readonly minUsers: number
  readonly kind?: LogKind
  readonly site?: string
  readonly origin?: string
  readonly name?: string
  readonly policy: string
  readonly region: string
  readonly json?: boolean
}

const FILES = [RULEBOOK_FILE, 'routes.yaml', 'events.yaml'] as const
const LEAST_USERS = 5
const MOST_USERS = 1_000

const SITE = /^[a-z][a-z0-9_]{0,47}$/
const LABEL = /^[a-z0-9][a-z0-9._-]{0,63}$/
const DAY = /^\d{4}-\d{2}-\d{2}$/
const REGION = /^[a-z]{2}(-[a-z0-9]{1,12})?$/

function matching(pattern: RegExp, like: string): (text: string) => string {
  return (text) => {
    if (pattern.test(text)) return text
    throw new InvalidArgumentError(`Write it like ${like}.`)
  }
}

function users(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= LEAST_USERS && number <= MOST_USERS) return number
  throw new InvalidArgumentError(
    `Use a whole number from ${LEAST_USERS} to ${MOST_USERS}: what fewer people did is about those people.`,
  )
}

function bareOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.origin === text && url.protocol === 'https:') return text
  throw new InvalidArgumentError('Write a bare origin like https://www.example.in.')
}

export function rulesInitCommand(): Command {
  return new Command('init')
    .description('Write a first rulebook; its routes are learnt from logs, of what enough people used')
    .option('--from <file...>', 'access logs, or NDJSON of beacons, .gz too; - for standard input')
    .option('--out <dir>', 'folder to write into; nothing in it is overwritten', 'rulebook')
    .option('--min-users <n>', 'people that must have used what is written', users, 10)
    .addOption(
      new Option('--kind <kind>', 'whom it is about (default: told from the logs, else erp)').choices([
        'erp',
        'website',
      ]),
    )
    .option('--site <site>', 'name of the site (default: erp or website)', matching(SITE, 'my_site'))
    .option('--origin <origin>', 'the pages that may send', bareOrigin)
    .option('--name <name>', 'name of the rulebook', matching(LABEL, 'my-rulebook'))
    .option(
      '--policy <date>',
      'version of the privacy policy that consent was given to',
      matching(DAY, '2026-11-01'),
      '2026-11-01',
    )
    .option('--region <region>', 'where keys and records stay', matching(REGION, 'in'), 'in')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit rules init\n  $ npx tacit rules init --from access.log access.log.1.gz --out my --origin https://www.example.in\n  $ zcat beacons.ndjson.gz | npx tacit rules init --from - --out my --min-users 20\n',
    )
    .action(init)
}

async function init(options: InitOptions): Promise<void> {
  const taken = FILES.find((file) => existsSync(join(options.out, file)))
  if (taken !== undefined) {
    throw new UsageError(`${join(options.out, taken)} is there already; name another folder with --out DIR`)
  }
  const study = options.from === undefined ? null : await studied(options.from, options)
  const kind = study?.kind ?? options.kind ?? 'erp'
  const content: FirstContent =
    study === null ? STARTER[kind] : { routes: study.routes.routes, events: study.events, from: 'log' }
  const texts = firstRulebook(kind, firstOptions(kind, options), content)
  const { name, hash } = requireRulebook(checkRulebook(RULEBOOK_FILE, texts), 'What was written')
  makeOutputFolder(options.out, { option: '--out' })
  for (const [file, text] of Object.entries(texts)) {
    writeOutput(join(options.out, file), text, { option: '--out', isNew: true })
  }
  const files = Object.keys(texts).map((file) => join(options.out, file))
  const summary = study === null ? null : summaryOf(study, options.minUsers)
  if (options.json === true) printJson({ rulebook: name, hash, kind, files, learnt: summary })
  else report(files, kind, summary, options)
}

function firstOptions(kind: LogKind, options: InitOptions): FirstOptions {
  const { minUsers, policy, region } = options
  const { name, origin, site } = DEFAULTS[kind]
  return {
    name: options.name ?? name,
    site: options.site ?? site,
    origin: options.origin ?? origin,
    minUsers,
    policy,
    region,
    today: systemClock.now(),
  }
}

/** @throws TacitError ERR_INPUT_FILE @throws UsageError where not a line could be learnt from */
async function studied(files: readonly string[], options: InitOptions): Promise<Study> {
  const environment = readEnvironment(process.env)
  await requireFiles(files)
  const parseAddress = compileAddressParser(environment.TACIT_NAT64_PREFIXES)
  const kinds: readonly LogKind[] = options.kind === undefined ? ['erp', 'website'] : [options.kind]
  const study = new LogStudy({
    rulebooks: Object.fromEntries(
      kinds.map((kind) => {
        const texts = firstRulebook(kind, firstOptions(kind, options), STARTER[kind])
        return [kind, requireRulebook(checkRulebook(RULEBOOK_FILE, texts), 'The first rulebook')]
      }),
    ),
    parseAddress,
    clientAddress: compileTrustedProxies(environment.TACIT_TRUSTED_PROXIES, parseAddress),
  })
  const bar = progress(totalBytes(files), 'bytes')
  try {
    await study.read(files, (bytes, lines) => bar.update(bytes, counted(lines, 'line')))
  } finally {
    bar.stop()
  }
  const result = study.result()
  if (result !== null) return result
  const reasons = Object.entries(study.skipped()).map(([reason, count]) => `${reason} ${count}`)
  throw new UsageError(
    `Nothing could be learnt from ${counted(study.lines, 'line')}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}. ${hintOf(study, options.kind)}`,
  )
}

/** What to do about a log that nothing could be learnt from. */
function hintOf(study: LogStudy, kind: LogKind | undefined): string {
  const { 'line.unparsable': unreadable = 0, other_identity: others = 0 } = study.skipped()
  if (study.lines === 0) return 'Is it the right file?'
  if (unreadable === study.lines) return 'No line reads as an access log or an NDJSON beacon.'
  if (kind === 'erp' && study.accessLines > 0 && study.accessLines + unreadable === study.lines)
    return 'An access log does not say who is signed in: use --kind website, or beacons.'
  if (kind !== undefined && others > 0)
    return kind === 'erp'
      ? 'Beacons without claims are of nobody who is signed in: use --kind website.'
      : 'Beacons with claims are of people who are signed in: use --kind erp.'
  return 'Is --site the one of the beacons, --policy the one that people consented to, --region theirs?'
}

interface Summary {
  readonly lines: number
  readonly used: number
  readonly skipped: Readonly<Record<string, number>>
  /** floored to steps of `min_users`, as published people are */
  readonly people: number
  readonly routes: number
  /** different paths that too few people used, floored alike */
  readonly left_out: number
  readonly unmatchable: number
  readonly unfollowed: number
  readonly events: number
  readonly roles: number
}

function summaryOf({ events, lines, people, routes, skipped, used }: Study, minUsers: number): Summary {
  const floored = (count: number): number => count - (count % minUsers)
  return {
    lines,
    used,
    skipped,
    people: floored(people),
    routes: routes.routes.length,
    left_out: floored(routes.leftOut),
    unmatchable: routes.unmatchable,
    unfollowed: routes.unfollowed,
    events: events.kinds.size,
    roles: events.roles.length,
  }
}

function report(
  files: readonly string[],
  kind: LogKind,
  summary: Summary | null,
  options: InitOptions,
): void {
  const number = (count: number): string => count.toLocaleString('en-GB')
  if (summary !== null) {
    const { left_out, lines, people, routes, skipped, unfollowed, unmatchable, used } = summary
    const reasons = Object.entries(skipped).map(([reason, count]) => `, ${reason} ${number(count)}`)
    print(`read ${counted(lines, 'line')}: learnt from ${number(used)}${reasons.join('')}`)
    print(
      `people ${number(people)} or more; ${counted(routes, 'route')} that ${options.minUsers} or more of them used` +
        (kind === 'erp' ? `, ${counted(summary.events, 'event')}, ${counted(summary.roles, 'role')}` : ''),
    )
    const many = left_out === 0 ? `fewer than ${options.minUsers}` : `${number(left_out)} or more`
    print(`left out: ${many} paths of fewer people, which are counted together`)
    if (unmatchable > 0) print(`${counted(unmatchable, 'use')} of addresses that no route can match`)
    if (unfollowed > 0)
      print(
        `${counted(unfollowed, 'use was', 'uses were')} not followed: the log holds too many different paths`,
      )
    if (routes === 0)
      print('No page was used by enough people: only the first page is listed. Take a longer log.')
  }
  for (const file of files) print(`wrote ${file}`)
  const [rulebook = ''] = files
  print('Look at every line of it, above all at the routes. Then:')
  print(`  npx tacit rules check ${rulebook}`)
  print(`  npx tacit rules explain ${rulebook}`)
  if (summary !== null) print('The log still identifies people: delete it when it is no longer needed.')
}
