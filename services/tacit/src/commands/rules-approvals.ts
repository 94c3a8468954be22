/** `rules sign` and `notice`: what people bring before a rulebook may rule. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { systemClock, TacitError } from '@tacit/contracts'
import { activationNeeds, diffRulebooks } from '@tacit/rulebook'
import { Command } from 'commander'
import { approve, readSignatures, type Statement, writeSignatures } from '../house/approvals.js'
import { archiveRulebook, readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { noticeOf } from '../house/rulebook-history.js'
import { formerRulebook, openPlace } from '../house/ruled-place.js'
import { print, printJson } from '../output.js'

export interface DataOptions {
  readonly data: string
  readonly json?: boolean
}

export const DATA_OPTION = ['--data <dir>', 'data directory', '.tacit'] as const

export const moment = (time: number): string => new Date(time).toISOString().replace('.000Z', 'Z')
/** Where the approvals of a rulebook are gathered. */
export const signatureFile = (file: string): string => `${file}.signatures.json`
/** Where the approvals of a roll-back are gathered, which has no file: in the working directory. */
export const ROLLBACK_SIGNATURES = signatureFile('rollback')

interface SignOptions extends DataOptions {
  readonly key: string
  readonly kid?: string
  readonly out?: string
  readonly rollback?: boolean
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new TacitError('ERR_INPUT_FILE', `There is no key at ${file}; \`tacit rules keygen\` makes one`)
  }
}

function signRulebook(file: string | undefined, options: SignOptions): void {
  const place = openPlace(options.data)
  const isRollback = options.rollback === true
  if (file === undefined && !isRollback) throw new TacitError('ERR_INPUT_FILE', 'Name the rulebook to sign')
  const next = isRollback ? formerRulebook(place) : requireRulebook(readRulebook(file ?? ''), file ?? '')
  const statement: Statement = {
    action: isRollback ? 'rollback' : 'activate',
    hash: next.hash,
    replaces: place.current.hash,
  }
  const kid = options.kid ?? basename(options.key).replace(/\.pem$/, '')
  const pem = readKey(options.key)
  const out = options.out ?? (isRollback ? ROLLBACK_SIGNATURES : signatureFile(file ?? ''))
  const others = readSignatures(out).filter((signature) => signature.kid !== kid)
  writeSignatures(out, [...others, approve(statement, pem, kid)])
  if (options.json === true) {
    const signatures = others.length + 1
    printJson({ ...statement, kid, version: next.version, signatures, file: out, data: place.dir })
    return
  }
  print(
    `${kid} approves that ${next.name} ${next.version} replaces ${place.current.name} ${place.current.version}, which rules in ${place.dir}. Written to ${out}.`,
  )
}

function recordNotice(file: string, { data, json }: DataOptions): void {
  const next = requireRulebook(readRulebook(file), file)
  const { current, layout, register } = openPlace(data)
  // A text that is mended later is another one, of which people must be told again: say now what is wrong with this one.
  const now = systemClock.now()
  const needs = activationNeeds(current, next, diffRulebooks(current, next), now)
  const missing = needs.filter(({ met }) => met === false)
  // The first one counts, so another one would only seem to.
  const since = noticeOf(register.entries(), next.hash)
  if (since === null) archiveRulebook(layout.archive, next)
  const time = since ?? register.append({ action: 'notice', hash: next.hash }, now).time
  if (json === true) {
    printJson({
      action: 'notice',
      hash: next.hash,
      time: moment(time),
      added: since === null,
      missing: missing.map(({ need }) => need),
    })
    return
  }
  print(
    since === null
      ? `On record: on ${moment(time)} people were told of ${next.name} ${next.version}. A loosening may take effect 30 days from then.`
      : `Already on record since ${moment(time)}: nothing was added. A loosening by ${next.name} ${next.version} may take effect 30 days from then.`,
  )
  for (const { says } of missing) print(`As it stands it will not be let in; it still needs this. ${says}`)
}

/** The verbs by which people approve and tell. */
export function approvalCommands(): readonly Command[] {
  return [
    new Command('sign')
      .description('Approve that a rulebook replaces the one that rules')
      .argument('[file]', 'the rulebook')
      .requiredOption('--key <file>', 'your private key (PEM)')
      .option('--kid <name>', 'your name among the approvers (default: the key file’s)')
      .option('--rollback', 'approve going back to the former rulebook instead')
      .option(
        '--out <file>',
        `where approvals are gathered (default: FILE.signatures.json; with --rollback ${ROLLBACK_SIGNATURES} in this folder)`,
      )
      .option(...DATA_OPTION)
      .option('--json', 'for machines')
      .addHelpText(
        'after',
        '\nExamples:\n  $ npx tacit rules sign my/rulebook.yaml --key keys/ada.pem\n  $ npx tacit rules sign --rollback --key keys/ada.pem\n',
      )
      .action(signRulebook),
    new Command('notice')
      .description('Put on record, now, that people were told of a rulebook')
      .argument('<file>', 'the rulebook that they were told of')
      .option(...DATA_OPTION)
      .option('--json', 'for machines')
      .addHelpText('after', '\nExample:\n  $ npx tacit rules notice my/rulebook.yaml\n')
      .action(recordNotice),
  ]
}
