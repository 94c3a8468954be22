/** `rules activate` and `rollback`: signed changes of the rulebook that rules. */
import { type ProblemCode, systemClock, TacitError } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import { Command } from 'commander'
import { type ActivationPlan, planActivation } from '../house/activation.js'
import { readSignatures } from '../house/approvals.js'
import { approversOf } from '../house/approvers.js'
import { readEnvironment } from '../house/environment.js'
import { awaitAnswer, type InstanceAnswer } from '../house/instance-answer.js'
import { archivedRulebook, archiveRulebook, readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { historyOf } from '../house/rulebook-history.js'
import { formerRulebook, openPlace, type RuledPlace } from '../house/ruled-place.js'
import { print, printJson } from '../output.js'
import {
  DATA_OPTION,
  type DataOptions,
  moment,
  ROLLBACK_SIGNATURES,
  signatureFile,
} from './rules-approvals.js'

interface ActivateOptions extends DataOptions {
  readonly signatures?: string
}

/** What is said of a change that the running instance refuses. */
function refusal(code: ProblemCode): TacitError {
  const isOfApprovers =
    code === 'ERR_ACTIVATION_STRANGER' ||
    code === 'ERR_ACTIVATION_SIGNATURES' ||
    code === 'ERR_ACTIVATION_APPROVERS'
  return new TacitError(
    code,
    isOfApprovers
      ? 'The running instance does not obey it, and it was taken back: for the approvers of the instance’s own TACIT_APPROVERS_FILE it lacks two signatures. Name the same approvers for both, then try again'
      : 'The running instance does not obey it, and it was taken back; look at what it prints',
  )
}

/** What the instance answers to a change that is on record, if one runs; one that it refuses is taken back. */
async function answerOf(place: RuledPlace, seq: number, isDue: boolean): Promise<InstanceAnswer | null> {
  if (!place.isRunning) return null
  const answer = await awaitAnswer(place.register, seq, isDue)
  if (answer.state === 'refused') {
    place.register.append({ action: 'cancel', cancels: seq }, systemClock.now())
    throw refusal(answer.code)
  }
  if (answer.state === 'applied' || (answer.state === 'verified' && !isDue)) return answer
  throw new TacitError(
    'ERR_INTERNAL',
    'It is on record, but the running instance has not obeyed it, or has not looked at it; look at what it prints',
  )
}

function saysWhen(plan: ActivationPlan, isDue: boolean, answer: InstanceAnswer | null): string {
  if (answer?.state === 'applied') return 'It rules now.'
  const again = 'Nothing runs here now; the next start checks it by its own TACIT_APPROVERS_FILE.'
  if (isDue) return `It rules from the next start on. ${again}`
  const until = `It rules from ${moment(plan.takesEffect)} on. \`tacit rules rollback\` takes it back until then.`
  return answer === null ? `${until} ${again}` : until
}

/** Records a planned change, and says when it holds. */
async function carryOut(
  place: RuledPlace,
  plan: ActivationPlan,
  next: Rulebook,
  json: boolean,
): Promise<void> {
  archiveRulebook(place.layout.archive, place.current)
  archiveRulebook(place.layout.archive, next)
  const now = systemClock.now()
  const entry = place.register.append(plan.record, now)
  const isDue = plan.takesEffect <= now
  const answer = await answerOf(place, entry.seq, isDue)
  if (json) {
    printJson({
      action: plan.record.action,
      class: plan.diff.class,
      hash: next.hash,
      takes_effect: moment(plan.takesEffect),
      active: answer?.state === 'applied',
      verified: answer === null ? null : true,
    })
    return
  }
  print(`${next.name} ${next.version} (${next.hash.slice(0, 16)}…): ${plan.diff.class}.`)
  print(saysWhen(plan, isDue, answer))
}

const approversNow = () => approversOf(readEnvironment(process.env).TACIT_APPROVERS_FILE)

async function activate(file: string, { data, json, signatures }: ActivateOptions): Promise<void> {
  const approvers = approversNow()
  const next = requireRulebook(readRulebook(file), file)
  const place = openPlace(data)
  const plan = planActivation({
    action: 'activate',
    current: place.current,
    next,
    entries: place.register.entries(),
    archived: (hash) => archivedRulebook(place.layout.archive, hash),
    approvers,
    signatures: readSignatures(signatures ?? signatureFile(file)),
    now: systemClock.now(),
  })
  await carryOut(place, plan, next, json === true)
}

async function rollback({ data, json, signatures }: ActivateOptions): Promise<void> {
  const place = openPlace(data)
  const { waiting } = historyOf(place.register.entries())
  const last = waiting.at(-1)
  if (last !== undefined) {
    for (const { entry } of waiting)
      place.register.append({ action: 'cancel', cancels: entry.seq }, systemClock.now())
    if (json === true) printJson({ action: 'cancel', hash: last.entry.hash, active: true })
    else print('The change that was waiting is taken back; the rulebook that rules goes on.')
    return
  }
  const next = formerRulebook(place)
  const plan = planActivation({
    action: 'rollback',
    current: place.current,
    next,
    entries: place.register.entries(),
    archived: (hash) => archivedRulebook(place.layout.archive, hash),
    approvers: approversNow(),
    signatures: readSignatures(signatures ?? ROLLBACK_SIGNATURES),
    now: systemClock.now(),
  })
  await carryOut(place, plan, next, json === true)
}

/** The verbs that change which rulebook rules. */
export function activationCommands(): readonly Command[] {
  return [
    new Command('activate')
      .description(
        'Let another rulebook rule: two approvers must have signed it; a loosening needs a notice of its own for 30 days, and a newer policy where people are asked for consent',
      )
      .argument('<file>', 'the rulebook that shall rule')
      .option(...DATA_OPTION)
      .option('--signatures <file>', 'the approvals (default: FILE.signatures.json)')
      .option('--json', 'for machines')
      .addHelpText(
        'after',
        '\nA tightening of what is collected holds at once; anything else from the next midnight (UTC) on, and not before its `effective`.\n`tacit rules diff` says beforehand what will be asked for. While a change waits, no other can be activated.\nTACIT_APPROVERS_FILE names the same approvers here and where `tacit up` runs: the running instance checks the signatures again.\n\nExit code: 0 done, 1 refused (signatures, notice, policy, too early, expired, …), 2 used wrongly, 3 the system could not.\n\nExample:\n  $ npx tacit rules keygen --kid ada --out keys && npx tacit rules keygen --kid ben --out keys\n  $ npx tacit rules sign my/rulebook.yaml --key keys/ada.pem && npx tacit rules sign my/rulebook.yaml --key keys/ben.pem\n  $ TACIT_APPROVERS_FILE=keys npx tacit rules activate my/rulebook.yaml\n',
      )
      .action(activate),
    new Command('rollback')
      .description('Take back a change that waits, or go back to the rulebook that ruled before')
      .option(...DATA_OPTION)
      .option(
        '--signatures <file>',
        `approvals, where going back loosens the rules (default: ${ROLLBACK_SIGNATURES} in this folder)`,
      )
      .option('--json', 'for machines')
      .addHelpText(
        'after',
        '\nExample:\n  $ npx tacit rules rollback --data .tacit\n\nWhere going back loosens the rules:\n  $ npx tacit rules sign --rollback --key keys/ada.pem && npx tacit rules sign --rollback --key keys/ben.pem\n  $ TACIT_APPROVERS_FILE=keys npx tacit rules rollback\n',
      )
      .action(rollback),
  ]
}
