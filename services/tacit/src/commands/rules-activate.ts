/** `rules activate`, `rollback`, `sign`, `notice`: signed changes of the running rulebook. */
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock, TacitError } from '@tacit/contracts'
import type { RulebookRegister } from '@tacit/keeper'
import { activationNeeds, diffRulebooks, type Rulebook } from '@tacit/rulebook'
import { Command } from 'commander'
import { type ActivationPlan, planActivation } from '../house/activation.js'
import {
  approve,
  readApprovers,
  readSignatures,
  type Statement,
  writeSignatures,
} from '../house/approvals.js'
import { readEnvironment } from '../house/environment.js'
import { dataLayout, type RealmLayout } from '../house/layout.js'
import {
  archivedRulebook,
  archiveRulebook,
  readRulebook,
  requireRulebook,
  storedRulebook,
} from '../house/rulebook-files.js'
import { historyOf } from '../house/rulebook-history.js'
import { openRegister } from '../house/rulebook-register.js'
import { readRunFile } from '../house/run-file.js'
import { print, printJson } from '../output.js'

interface DataOptions {
  readonly data: string
  readonly json?: boolean
}

interface ActivateOptions extends DataOptions {
  readonly signatures?: string
}

/** How long a running instance may take to obey, ms. */
const PATIENCE_MS = 15_000
const WATCH_EVERY_MS = 200

interface Place {
  readonly layout: RealmLayout
  readonly current: Rulebook
  readonly register: RulebookRegister
  readonly isRunning: boolean
}

/** The realm of a data directory that has a rulebook. @throws TacitError ERR_INPUT_FILE */
function openPlace(data: string): Place {
  if (!existsSync(data)) {
    throw new TacitError('ERR_INPUT_FILE', `There is no data directory ${data}; name one with --data DIR`)
  }
  const whole = dataLayout(data)
  const layout = whole.realm('main')
  const register = openRegister(layout)
  const current = storedRulebook(layout.rulebook)
  if (register === null || current === null) {
    throw new TacitError(
      'ERR_INPUT_FILE',
      `No rulebook rules in ${data} yet; the first start (\`tacit up --data ${data}\`) takes one as it is`,
    )
  }
  return { layout, current, register, isRunning: readRunFile(whole) !== null }
}

const moment = (time: number): string => new Date(time).toISOString().replace('.000Z', 'Z')
const signatureFile = (file: string): string => `${file}.signatures.json`

/** Waits until the running instance applied an entry. @returns whether it did */
async function awaitApplied({ register }: Place, seq: number): Promise<boolean> {
  for (let waited = 0; waited < PATIENCE_MS; waited += WATCH_EVERY_MS) {
    if (register.entries().some((entry) => entry.action === 'applied' && entry.applies === seq)) return true
    await sleep(WATCH_EVERY_MS)
  }
  return false
}

/** Records a planned change, and says when it holds. */
async function carryOut(place: Place, plan: ActivationPlan, next: Rulebook, json: boolean): Promise<void> {
  archiveRulebook(place.layout.archive, place.current)
  archiveRulebook(place.layout.archive, next)
  const now = systemClock.now()
  const entry = place.register.append(plan.record, now)
  const due = plan.takesEffect <= now
  const applied = due && place.isRunning ? await awaitApplied(place, entry.seq) : false
  if (due && place.isRunning && !applied) {
    throw new TacitError(
      'ERR_INTERNAL',
      'It is on record, but the running instance has not obeyed it; look at what it prints',
    )
  }
  if (json) {
    printJson({
      action: plan.record.action,
      class: plan.diff.class,
      hash: next.hash,
      takes_effect: moment(plan.takesEffect),
      active: applied,
    })
    return
  }
  print(`${next.name} ${next.version} (${next.hash.slice(0, 16)}…): ${plan.diff.class}.`)
  if (applied) print('It rules now.')
  else if (due) print('It rules from the next start on.')
  else
    print(`It rules from ${moment(plan.takesEffect)} on. \`tacit rules rollback\` takes it back until then.`)
}

function loadRulebook(file: string): Rulebook {
  return requireRulebook(readRulebook(file), file)
}

const approvers = () => readApprovers(readEnvironment(process.env).TACIT_APPROVERS_FILE)

async function activate(file: string, { data, json, signatures }: ActivateOptions): Promise<void> {
  const next = loadRulebook(file)
  const place = openPlace(data)
  const plan = planActivation({
    action: 'activate',
    current: place.current,
    next,
    entries: place.register.entries(),
    approvers,
    signatures: readSignatures(signatures ?? signatureFile(file)),
    now: systemClock.now(),
  })
  await carryOut(place, plan, next, json === true)
}

async function rollback({ data, json, signatures }: ActivateOptions): Promise<void> {
  const place = openPlace(data)
  const { pending, reigns } = historyOf(place.register.entries())
  if (pending !== null) {
    place.register.append({ action: 'cancel', cancels: pending.seq }, systemClock.now())
    if (json === true) printJson({ action: 'cancel', hash: pending.hash, active: true })
    else print('The change that was waiting is taken back; the rulebook that rules goes on.')
    return
  }
  const former = reigns.at(-2)
  if (former === undefined) {
    throw new TacitError(
      'ERR_ACTIVATION_NOTHING',
      'No other rulebook ruled here before; there is nothing to go back to',
    )
  }
  const next = archivedRulebook(place.layout.archive, former.hash)
  const plan = planActivation({
    action: 'rollback',
    current: place.current,
    next,
    entries: place.register.entries(),
    approvers,
    signatures: signatures === undefined ? [] : readSignatures(signatures),
    now: systemClock.now(),
  })
  await carryOut(place, plan, next, json === true)
}

interface SignOptions extends DataOptions {
  readonly key: string
  readonly kid?: string
  readonly out?: string
  readonly rollback?: boolean
}

/** The former rulebook, for whoever signs a roll-back. */
function formerRulebook(place: Place): Rulebook {
  const former = historyOf(place.register.entries()).reigns.at(-2)
  if (former === undefined)
    throw new TacitError('ERR_ACTIVATION_NOTHING', 'No other rulebook ruled here before')
  return archivedRulebook(place.layout.archive, former.hash)
}

function signRulebook(file: string | undefined, options: SignOptions): void {
  const place = openPlace(options.data)
  const isRollback = options.rollback === true
  if (file === undefined && !isRollback) throw new TacitError('ERR_INPUT_FILE', 'Name the rulebook to sign')
  const next = isRollback ? formerRulebook(place) : loadRulebook(file as string)
  const statement: Statement = {
    action: isRollback ? 'rollback' : 'activate',
    hash: next.hash,
    replaces: place.current.hash,
  }
  const kid = options.kid ?? basename(options.key).replace(/\.pem$/, '')
  let pem: string
  try {
    pem = readFileSync(options.key, 'utf8')
  } catch {
    throw new TacitError(
      'ERR_INPUT_FILE',
      `There is no key at ${options.key}; \`tacit rules keygen\` makes one`,
    )
  }
  const out = options.out ?? signatureFile(isRollback ? 'rollback' : (file as string))
  const others = readSignatures(out).filter((signature) => signature.kid !== kid)
  writeSignatures(out, [...others, approve(statement, pem, kid)])
  if (options.json === true) {
    printJson({ ...statement, kid, version: next.version, signatures: others.length + 1, file: out })
    return
  }
  print(
    `${kid} approves that ${next.name} ${next.version} replaces ${place.current.name} ${place.current.version}. Written to ${out}.`,
  )
}

function recordNotice(file: string, { data, json }: DataOptions): void {
  const next = loadRulebook(file)
  const { current, layout, register } = openPlace(data)
  // A text that is mended later is another one, of which people must be told again: say now what is wrong with this one.
  const needs = activationNeeds(current, next, diffRulebooks(current, next), systemClock.now())
  const missing = needs.filter(({ met }) => met === false)
  archiveRulebook(layout.archive, next)
  const entry = register.append({ action: 'notice', hash: next.hash }, systemClock.now())
  if (json === true) {
    printJson({
      action: 'notice',
      hash: next.hash,
      time: moment(entry.time),
      missing: missing.map(({ need }) => need),
    })
    return
  }
  print(
    `On record: on ${moment(entry.time)} people were told of ${next.name} ${next.version}. A loosening may take effect 30 days from then.`,
  )
  for (const { says } of missing) print(`As it stands it will not be let in; it still needs this. ${says}`)
}

const dataOption = ['--data <dir>', 'data directory', '.tacit'] as const

/** The verbs that change which rulebook rules. */
export function activationCommands(): readonly Command[] {
  return [
    new Command('activate')
      .description(
        'Let another rulebook rule: two approvers must have signed it; a loosening needs a notice of its own for 30 days, and a newer policy where people are asked for consent',
      )
      .argument('<file>', 'the rulebook that shall rule')
      .option(...dataOption)
      .option('--signatures <file>', 'the approvals (default: FILE.signatures.json)')
      .option('--json', 'for machines')
      .addHelpText(
        'after',
        '\nA tightening of what is collected holds at once; anything else from the next midnight (UTC) on, and not before its `effective`.\n`tacit rules diff` says beforehand what will be asked for.\n\nExit code: 0 done, 1 refused (signatures, notice, policy, too early, expired, …), 2 used wrongly, 3 the system could not.\n\nExample:\n  $ npx tacit rules keygen --kid ada --out keys && npx tacit rules keygen --kid ben --out keys\n  $ npx tacit rules sign my/rulebook.yaml --key keys/ada.pem && npx tacit rules sign my/rulebook.yaml --key keys/ben.pem\n  $ TACIT_APPROVERS_FILE=approvers.json npx tacit rules activate my/rulebook.yaml\n',
      )
      .action(activate),
    new Command('rollback')
      .description('Take back a change that waits, or go back to the rulebook that ruled before')
      .option(...dataOption)
      .option('--signatures <file>', 'approvals, where going back loosens the rules')
      .option('--json', 'for machines')
      .addHelpText('after', '\nExample:\n  $ npx tacit rules rollback --data .tacit\n')
      .action(rollback),
    new Command('sign')
      .description('Approve that a rulebook replaces the one that rules')
      .argument('[file]', 'the rulebook')
      .requiredOption('--key <file>', 'your private key (PEM)')
      .option('--kid <name>', 'your name among the approvers (default: the key file’s)')
      .option('--rollback', 'approve going back to the former rulebook instead')
      .option('--out <file>', 'where approvals are gathered (default: FILE.signatures.json)')
      .option(...dataOption)
      .option('--json', 'for machines')
      .addHelpText('after', '\nExample:\n  $ npx tacit rules sign my/rulebook.yaml --key keys/ada.pem\n')
      .action(signRulebook),
    new Command('notice')
      .description('Put on record, now, that people were told of a rulebook')
      .argument('<file>', 'the rulebook that they were told of')
      .option(...dataOption)
      .option('--json', 'for machines')
      .addHelpText('after', '\nExample:\n  $ npx tacit rules notice my/rulebook.yaml\n')
      .action(recordNotice),
  ]
}
