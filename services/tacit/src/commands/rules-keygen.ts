/** `rules keygen`: an approver's pair of keys. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { makeApproverKey } from '../house/approvals.js'
import { makeOutputFolder, writeOutput } from '../house/written-files.js'
import { print, printJson, UsageError } from '../output.js'

interface KeygenOptions {
  readonly kid: string
  readonly out: string
  readonly json?: boolean
}

/** It becomes the name of two files, and the name in a key set. */
const KID = /^[A-Za-z0-9_-]{1,64}$/

function keygen({ json, kid, out }: KeygenOptions): void {
  if (!KID.test(kid)) {
    throw new UsageError(
      '--kid is one name of at most 64 letters, digits, - and _, such as privacy-officer: two files are named by it',
    )
  }
  const secret = join(out, `${kid}.pem`)
  const open = join(out, `${kid}.jwk.json`)
  const taken = [secret, open].find((file) => existsSync(file))
  if (taken !== undefined) {
    throw new UsageError(
      `${taken} is there already, and a key is never written over; take another --kid, or another folder with --out`,
    )
  }
  const { jwk, pem } = makeApproverKey(kid)
  makeOutputFolder(out, { option: '--out', mode: 0o700 })
  writeOutput(secret, pem, { option: '--out', mode: 0o600, isNew: true })
  writeOutput(open, `${JSON.stringify(jwk)}\n`, { option: '--out', isNew: true })
  if (json === true) printJson({ kid, private_key: secret, public_key: open })
  else
    print(
      `Private key: ${secret} (nobody else may have it)\nPublic key:  ${open} (TACIT_APPROVERS_FILE names a folder of these)`,
    )
}

export function rulesKeygenCommand(): Command {
  return new Command('keygen')
    .description('Make an approver’s pair of keys (Ed25519)')
    .requiredOption('--kid <name>', 'the approver’s name or role: letters, digits, - and _')
    .requiredOption('--out <dir>', 'where the two files go')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExample:\n  $ npx tacit rules keygen --kid privacy-officer --out keys\n')
    .action(keygen)
}
