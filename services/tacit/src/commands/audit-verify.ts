import type { KeyObject } from 'node:crypto'
import { basename } from 'node:path'
import {
  adviceOn,
  checkProof,
  DESTROY_AFTER_MS,
  failureOn,
  GRACE_MS,
  type LifeRules,
  NO_HEAD_NOTE,
  NO_LOG,
  proofKindOf,
  readSpan,
  type Verification,
  verifyLog,
} from '@tacit/audit-log'
import { Command } from 'commander'
import { type AuditCopy, existingLayout, isEmptied } from '../house/audit-copy.js'
import { auditCopy, placeOf } from '../house/audit-place.js'
import { entryLine, given } from '../house/audit-proofs.js'
import { type RuledLives, ruledLives } from '../house/ruled-lives.js'
import { counted } from '../counted.js'
import { EXIT, print, printJson, progress, UsageError } from '../output.js'

const MEGABYTE = 1_000_000

interface VerifyOptions {
  readonly data: string
  readonly site?: string
  readonly log?: string
  readonly key?: string
  readonly head: readonly string[]
  readonly proof?: string
  readonly destroyAfter?: string
  readonly grace?: string
  readonly json?: boolean
}

export function auditVerifyCommand(): Command {
  return new Command('verify')
    .description(
      'Whether the audit log, or a copy of it, is what was signed, and every key died in time; nothing in it is changed',
    )
    .option('--data <dir>', 'data directory whose log is read, also while an instance runs', '.tacit')
    .option('--site <site>', 'a site of the rulebook, e.g. sample')
    .option('--log <path>', 'instead: a copy, entries.ndjson or the folder with it and heads.ndjson')
    .option('--key <file>', 'the public key, from a place that its keeper cannot write to')
    .option('--head <file>', 'a signed head that you kept; give every one you have', collect, [])
    .option('--proof <file>', 'instead: a proof of `audit prove`, against --head and --key')
    .option(
      '--destroy-after <span>',
      'how long after its end an epoch’s key may live, e.g. 48h (default: the longest that a rulebook there said, else 48h)',
    )
    .option('--grace <span>', 'how much later it may die; the keeper looks once a minute', '10m')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit audit verify\n  $ npx tacit audit verify --key public.pem --head head.json\n  $ npx tacit audit verify --log copy-of-audit/ --key public.pem --head head.json --json\n  $ npx tacit audit verify --proof proof.json --head head.json --key public.pem\n',
    )
    .action(async (options: VerifyOptions) => {
      const ok =
        options.proof === undefined ? await verifyWhole(options) : verifyProof(options, options.proof)
      if (!ok) process.exitCode = EXIT.failed
    })
}

const collect = (file: string, former: readonly string[]): readonly string[] => [...former, file]

async function verifyWhole(options: VerifyOptions): Promise<boolean> {
  const { data, head, json, key, log, site } = options
  if (log !== undefined && key === undefined) {
    throw new UsageError('Give the public key with --key FILE: a copy proves nothing without it')
  }
  const brought = key === undefined ? null : given.publicKey(key)
  const copy = await auditCopy(placeOf({ data, log, site }))
  const publicKey = brought ?? copy.publicKey
  if (publicKey === null && !isEmptied(copy)) {
    throw new UsageError('No public key lies beside the log: give it with --key FILE')
  }
  const ruled = ruledThere(data, copy)
  const lives = lifeRules(options, ruled)
  const result = publicKey === null ? NO_LOG : verifyCopy(copy, publicKey, head, lives)
  const notes = [
    ...weaknesses(brought === null && publicKey !== null, head.length === 0),
    ...(ruled?.lives === null ? [UNRULED_NOTE] : ruled?.isRegisterDamaged === true ? [REGISTER_NOTE] : []),
  ]
  const sample = copy.realm === 'sample'
  if (json) printJson({ ...result, realm: copy.realm ?? 'copy', sample, notes })
  else print([...(sample ? ['Sample data.'] : []), ...reportOf(result), ...notes].join('\n'))
  return result.ok
}

const UNRULED_NOTE =
  'No rulebook is kept here, so epochs’ keys were held to 48 hours after their end, or to --destroy-after, and hours’ keys to 24 hours.'
const REGISTER_NOTE =
  'The register of rulebooks here is damaged, so keys were held to the rulebook that rules now, and not to earlier ones that gave them longer.'

/** null for a copy that is nobody's */
function ruledThere(data: string, { realm, rulebook }: AuditCopy): RuledLives | null {
  return realm === null ? null : ruledLives(existingLayout(data).realm(realm), rulebook)
}

/** @throws UsageError */
function lifeRules({ destroyAfter, grace }: VerifyOptions, ruled: RuledLives | null): LifeRules {
  const { destroyAfterMs = DESTROY_AFTER_MS, ...hours } = ruled?.lives ?? {}
  return {
    ...hours,
    destroyAfterMs: spanOf(destroyAfter, '--destroy-after', destroyAfterMs),
    graceMs: spanOf(grace, '--grace', GRACE_MS),
  }
}

function spanOf(text: string | undefined, option: string, otherwise: number): number {
  const span = text === undefined ? otherwise : readSpan(text)
  if (span !== null) return span
  throw new UsageError(`${option} must be a span of time such as 48h, 2d or 10m`)
}

function verifyCopy(
  copy: AuditCopy,
  publicKey: KeyObject,
  headFiles: readonly string[],
  lives: LifeRules,
): Verification {
  const kept = {
    earlierHeads: headFiles.map(given.head),
    headNames: headFiles.map((file) => basename(file)),
  }
  const bar = progress(Math.ceil(copy.bytes / MEGABYTE), 'MB')
  function* watched(): Generator<Buffer> {
    let done = 0
    for (const chunk of copy.chunks()) {
      yield chunk
      done += chunk.length
      bar.update(Math.ceil(done / MEGABYTE), 'verified')
    }
  }
  try {
    const heads = copy.heads === undefined ? {} : { heads: copy.heads }
    return verifyLog({ ...heads, ...kept, entries: watched(), publicKey, lives })
  } finally {
    bar.stop()
  }
}

/** What this verification could not see, and what to bring for it. */
function weaknesses(keyIsBeside: boolean, noHead: boolean): readonly string[] {
  return [
    ...(keyIsBeside
      ? [
          'The key was read beside the log: whoever can write both could have made both anew. Bring the key from elsewhere: --key FILE',
        ]
      : []),
    ...(noHead ? [NO_HEAD_NOTE] : []),
  ]
}

function reportOf({ findings, head, ok, signed, unsigned }: Verification): readonly string[] {
  const lines = findings.map(({ text }) => text)
  if (head !== null) {
    lines.push(`The newest head that holds covers ${countOf(signed)}; it was signed ${head.time}.`)
  }
  if (!ok) {
    const codes = findings.map(({ code }) => code)
    return [...lines, failureOn(codes), ...adviceOn(codes)]
  }
  if (unsigned > 0) {
    const [are, them] = unsigned === 1 ? ['is', 'it'] : ['are', 'them']
    lines.push(
      `${countOf(unsigned)} after it ${are} not proven: whoever can write there could have added ${them}. Verify again once a head covers ${them}.`,
    )
  }
  lines.push('Every key that they tell of was made once and died in time, or need not be dead yet.')
  const rest = unsigned === 0 ? '' : `; ${unsigned.toLocaleString('en-GB')} after the newest head not proven`
  return [...lines, `OK: ${countOf(signed)} as signed${rest}.`]
}

const countOf = (entries: number): string => counted(entries, 'entry', 'entries')

function verifyProof({ head, json, key }: VerifyOptions, path: string): boolean {
  if (key === undefined || head.length === 0) {
    throw new UsageError('A proof is checked against a head and a key: give --head FILE and --key FILE')
  }
  const { hint, value: proof } = given.document(path)
  const kind = proofKindOf(proof)
  if (kind === null) throw new UsageError(`${path} is not a proof, as \`tacit audit prove\` writes it${hint}`)
  if (kind === 'consistency' && head.length !== 2) {
    throw new UsageError('That nothing changed between two heads is checked against both: give --head twice')
  }
  const publicKey = given.publicKey(key)
  const { claim, entries, ok } = checkProof(proof, head.map(given.head), publicKey)
  if (json) printJson({ ok, kind, entries })
  else if (ok) print([`OK: ${claim}`, ...entries.map(entryLine)].join('\n'))
  else
    print(
      `FAILED: ${claim} Look whether proof, heads and key are of the same log, and the heads of the proof’s sizes.`,
    )
  return ok
}
