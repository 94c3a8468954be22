/** Documents of the audit log as somebody hands them over on a command line: heads, and proofs. */
import { type AuditEntry, type GivenFiles, givenFiles } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { entryWords } from '@tacit/dashboard'

/** An entry as a line for people. */
export function entryLine(entry: AuditEntry): string {
  return `Entry ${String(entry.seq)}, written ${entry.time} by ${entry.actor}: ${entryWords(entry)} (${entry.action})`
}

/** Files that a command line names. Each throws TacitError ERR_INPUT_FILE. */
export const given: GivenFiles = givenFiles((message) => new TacitError('ERR_INPUT_FILE', message))
