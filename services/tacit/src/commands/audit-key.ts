import { logId } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { Command } from 'commander'
import { auditCopy, placeOf, sayRealm, withAuditPlace } from '../house/audit-place.js'
import { print, printJson } from '../output.js'

interface KeyOptions {
  readonly data: string
  readonly site?: string
  readonly log?: string
  readonly json?: boolean
}

export function auditKeyCommand(): Command {
  return withAuditPlace(new Command('key').description('The public key that verifies the audit log'))
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx tacit audit key > public.pem\n\nHand it over once, at the beginning: a key that comes with the log proves little.\n',
    )
    .action(async ({ data, json, log, site }: KeyOptions) => {
      const { publicKey, realm } = await auditCopy(placeOf({ data, log, site }))
      if (publicKey === null) {
        throw new TacitError('ERR_INPUT_FILE', `No public key lies beside the audit log of ${log ?? data}`)
      }
      sayRealm(realm === 'sample')
      const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
      if (json) printJson({ log: logId(publicKey), public_key: pem })
      else print(pem.trimEnd())
    })
}
