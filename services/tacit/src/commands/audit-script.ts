import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { AUDIT_SCRIPT } from '../house/layout.js'
import { writeOutput } from '../house/written-files.js'
import { printJson, print, UsageError } from '../output.js'

interface ScriptOptions {
  readonly out?: string
  readonly json?: boolean
}

export function auditScriptCommand(): Command {
  return new Command('script')
    .description('The auditor’s single file: verifies a copy of the log with nothing but Node')
    .option('--out <file>', 'write it there (default: standard output)')
    .option('--json', 'for machines: what was written, and its SHA-256; with --out')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx tacit audit script --out tacit-audit-verify.mjs\n  $ node tacit-audit-verify.mjs copy-of-audit/ --key public.pem --head head.json   # with Node alone, no tacit\n',
    )
    .action(({ json, out }: ScriptOptions) => {
      const script = readFileSync(AUDIT_SCRIPT, 'utf8')
      if (out === undefined) {
        if (json) throw new UsageError('Name the file to write with --out FILE')
        process.stdout.write(script)
        return
      }
      writeOutput(out, script, { option: '--out' })
      const sha256 = createHash('sha256').update(script).digest('hex')
      if (json) printJson({ file: out, sha256, bytes: Buffer.byteLength(script) })
      else print(`${out} (SHA-256 ${sha256})`)
    })
}
