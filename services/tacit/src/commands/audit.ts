/** `tacit audit <verb>`: the evidence of what became of keys, statistics and rules, and its proof. */
import { Command } from 'commander'
import { auditHeadCommand } from './audit-head.js'
import { auditKeyCommand } from './audit-key.js'
import { auditLogCommand } from './audit-log.js'
import { auditProveCommand } from './audit-prove.js'
import { auditScriptCommand } from './audit-script.js'
import { auditVerifyCommand } from './audit-verify.js'

export function auditCommand(): Command {
  const audit = new Command('audit').description(
    'The audit log: what it says, its signed heads, and whether a copy of it is what was signed',
  )
  for (const command of [
    auditHeadCommand(),
    auditVerifyCommand(),
    auditLogCommand(),
    auditProveCommand(),
    auditKeyCommand(),
    auditScriptCommand(),
  ]) {
    audit.addCommand(command)
  }
  audit.addHelpText(
    'after',
    '\nExample: what to keep elsewhere now, and to verify by later\n  $ npx tacit audit head --json > head.json\n  $ npx tacit audit key > public.pem\n  $ npx tacit audit verify --key public.pem --head head.json\n',
  )
  return audit
}
