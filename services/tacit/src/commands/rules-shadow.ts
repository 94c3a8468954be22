/** `rules shadow`: tries a rulebook beside the one that rules on a running instance, and says as shares what would differ. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type ProblemCode, PROBLEMS, TacitError } from '@tacit/contracts'
import { Command } from 'commander'
import { counted } from '../counted.js'
import { requireSameHouse } from '../house/activation.js'
import { type DataLayout, presentLayout } from '../house/layout.js'
import { readRulebook, requireRulebook, storedRulebook } from '../house/rulebook-files.js'
import { readRunFile } from '../house/run-file.js'
import {
  askForShadow,
  readShadowAnswer,
  type ShadowAnswer,
  withdrawShadowRequest,
} from '../house/shadow-request.js'
import { EXIT, print, printJson, progress, table, UsageError } from '../output.js'

interface ShadowCommandOptions {
  readonly data: string
  readonly for: string
  readonly oneIn: string
  readonly json?: boolean
}

type Report = NonNullable<ShadowAnswer['report']>

const WATCH_EVERY_MS = 200
/** How long the instance may say nothing, ms. */
const PATIENCE_MS = 30_000
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000 } as const
const LONGEST_MS = 24 * UNITS.h

export function rulesShadowCommand(): Command {
  return new Command('shadow')
    .description(
      'Try a rulebook beside the one that rules, on the beacons of a running instance, and say as shares what would differ',
    )
    .argument('<file>', 'the rulebook that is tried; nobody has to have signed it')
    .option('--data <dir>', 'data directory of the instance', '.tacit')
    .option('--for <duration>', 'how long, e.g. 30s, 10m, 2h', '10m')
    .option('--one-in <n>', 'try one beacon in so many at most', '1')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nThe tried rulebook stores and publishes nothing. It takes at most a twentieth of the instance’s time: under load a\nsample of the beacons is tried. Shares are whole percents of at least 100 events, and what fewer than ten events make up\nis not shown. Ctrl-C ends it early.\n\nExample:\n  $ npx tacit rules shadow my/rulebook.yaml --data .tacit --for 10m\n',
    )
    .action(shadow)
}

function readDuration(text: string): number {
  const match = /^([1-9]\d{0,5})([smh])$/.exec(text)
  const ms = match === null ? 0 : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
  if (ms > 0 && ms <= LONGEST_MS) return ms
  throw new UsageError('--for must be a duration such as 30s, 10m or 2h, 24h at most')
}

function readOneIn(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new UsageError('--one-in must be a whole number above 0')
}

/** The data directory of an instance that runs. @throws TacitError ERR_INPUT_FILE, ERR_SHADOW_INSTANCE */
function requireRunning(data: string): DataLayout {
  const layout = presentLayout(data)
  if (readRunFile(layout) !== null) return layout
  throw new TacitError(
    'ERR_SHADOW_INSTANCE',
    `Nothing runs on ${data} whose beacons a rulebook could be tried on; start it (\`tacit up --data ${data}\`), or try single cases with \`tacit rules try\``,
  )
}

async function shadow(file: string, options: ShadowCommandOptions): Promise<void> {
  const lasts = readDuration(options.for)
  const oneIn = readOneIn(options.oneIn)
  const next = requireRulebook(readRulebook(file), file)
  const layout = requireRunning(options.data)
  const realm = layout.realm('main')
  const current = storedRulebook(realm.rulebook)
  if (current !== null) requireSameHouse(current, next)
  const id = askForShadow(realm.shadow, next, { lasts, oneIn })
  let isStopped = false
  const stop = (): void => {
    isStopped = true
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  let answer: ShadowAnswer
  try {
    answer = await awaitEnd(layout, realm.shadow, id, lasts, () => isStopped)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    withdrawShadowRequest(realm.shadow, id)
  }
  if (answer.state === 'refused' || answer.beside === null || answer.report === null) {
    throw refusalOf(answer.code)
  }
  const { beside, ran, report, state } = answer
  if (options.json === true) {
    const { hash, name, version } = next
    printJson({
      state: state === 'running' ? 'stopped' : state,
      seconds: Math.round(ran / 1_000),
      rulebook: { name, version, hash },
      beside,
      one_in: oneIn,
      ...report,
    })
  } else {
    const names = [next, beside].map(
      ({ hash, name, version }) => `${name} ${version} (${hash.slice(0, 16)}…)`,
    )
    print(`${names.join(' beside ')}, for ${Math.round(ran / 1_000)} s.`)
    print(STATES[state])
    print(reportText(report))
  }
  if (state === 'failed') process.exitCode = EXIT.failed
}

function refusalOf(code: string | undefined): TacitError {
  return new TacitError(code !== undefined && code in PROBLEMS ? (code as ProblemCode) : 'ERR_INTERNAL')
}

/** Watches a shadow until it has ended, or the user stops it. @returns its last answer */
async function awaitEnd(
  layout: DataLayout,
  dir: string,
  id: string,
  lasts: number,
  isStopped: () => boolean,
): Promise<ShadowAnswer> {
  const bar = progress(Math.ceil(lasts / 1_000), 's')
  let last: ShadowAnswer | null = null
  let silent = 0
  try {
    for (;;) {
      const answer = readShadowAnswer(dir, id)
      silent = answer === null || answer.ran === last?.ran ? silent + WATCH_EVERY_MS : 0
      last = answer ?? last
      if (last !== null && (last.state !== 'running' || isStopped())) return last
      if (isStopped() || silent > PATIENCE_MS || readRunFile(layout) === null) {
        throw new TacitError(
          'ERR_SHADOW_INSTANCE',
          'It ended before anything could be said: the instance was stopped, or does not answer; look at what it prints',
        )
      }
      bar.update(Math.floor((last?.ran ?? 0) / 1_000), '')
      await sleep(WATCH_EVERY_MS)
    }
  } finally {
    bar.stop()
  }
}

const STATES: Readonly<Record<Exclude<ShadowAnswer['state'], 'refused'>, string>> = {
  running: 'Stopped early; what was found until then:',
  ended: 'What was found:',
  changed: 'Another rulebook began to rule meanwhile, and ended it; what was found until then:',
  failed: 'It failed inside on a beacon, and was ended: do not activate it. What was found until then:',
}

const percent = (share: number): string => `${String(share)} %`

function reportText(report: Report): string {
  const { added, changed, dimensions, events, outcomes, removed, tried } = report
  const lines: string[] = []
  if (events === null || outcomes === null) {
    lines.push(
      'Fewer than 100 events were tried, and shares of so few would tell of people: nothing is shown. Let it run longer (--for 1h).',
    )
  } else {
    lines.push(
      `${counted(events, 'event')}, of ${percent(tried ?? 0)} of the beacons that came. ${percent(changed ?? 0)} would come to another outcome.\n`,
    )
    const rows = outcomes.map(({ next, now, share }) => [now, next, percent(share)])
    lines.push(table(['outcome now', 'outcome then', 'share'], rows))
    if (dimensions === null)
      lines.push('\nFewer than 100 events would leave a record under both: of their values nothing is shown.')
    else if (dimensions.length > 0) {
      const values = dimensions.map(({ differs, dimension }) => [dimension, percent(differs)])
      lines.push(`\n${table(['dimension', 'another value'], values)}`)
    }
    lines.push('\nWhat fewer than ten events make up is not shown, or shown as 0 %.')
  }
  if (added.length > 0) lines.push(`Only the new rulebook keeps: ${added.join(', ')}.`)
  if (removed.length > 0) lines.push(`Only the one that rules keeps: ${removed.join(', ')}.`)
  return lines.join('\n')
}
