import { AUDIT_ACTIONS, type AuditEntry } from '@tacit/audit-log'
import { entryWords } from '@tacit/dashboard'
import { Command } from 'commander'
import { countOf, OWN_TIME_NOTE, isOwnTime, placeOf, shownLog, withAuditPlace } from '../house/audit-place.js'
import { print, printJson, table, UsageError } from '../output.js'

/** What a person looks at who asks for nothing in particular. */
const LAST = 40

interface LogOptions {
  readonly data: string
  readonly site?: string
  readonly log?: string
  readonly from?: string
  readonly action?: string
  readonly key?: string
  readonly json?: boolean
}

export function auditLogCommand(): Command {
  return withAuditPlace(new Command('log').description('What the audit log says, entry by entry'))
    .option('--from <n>', `number of the first entry (default: the last ${String(LAST)}; with --json: 1)`)
    .option('--action <prefix>', 'only actions that begin with it, e.g. key. or release')
    .option('--key <id>', 'only what became of one key, over the whole log, e.g. day:2026-11-10')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit audit log\n  $ npx tacit audit log --action key.destroyed --json\n  $ npx tacit audit log --key day:2026-11-10\n  $ npx tacit audit log --log copy-of-audit/\n',
    )
    .action(showLog)
}

async function showLog({ action, data, from, json, key, log, site }: LogOptions): Promise<void> {
  if (action !== undefined) requireAction(action)
  const first = from === undefined ? 1 : countOf(from, '--from')
  const { copy, reading, signed } = await shownLog(placeOf({ data, log, site }))
  const found = [...reading.entries(first)]
    .filter((entry) => entry.action.startsWith(action ?? '') && (key === undefined || keyOf(entry) === key))
    .map((entry) => ({ ...entry, unsigned: entry.seq > signed }))
  const sample = copy.realm === 'sample'
  if (json) {
    printJson({ entries: found, signed, realm: copy.realm, sample })
    return
  }
  const shown = from === undefined && key === undefined ? found.slice(-LAST) : found
  print(`${sample ? 'Sample data.\n' : ''}${logText(shown, found.length)}`)
}

/** @throws UsageError where no action begins so */
function requireAction(prefix: string): void {
  if (AUDIT_ACTIONS.some((action) => action.startsWith(prefix))) return
  throw new UsageError(`No action begins with this; there are: ${AUDIT_ACTIONS.join(', ')}`)
}

/** An entry, and whether it comes after the newest head. */
type Marked = AuditEntry & { readonly unsigned: boolean }

/** A member of the object of entries that have it. */
function memberOf({ object }: AuditEntry, name: 'at' | 'key'): string | null {
  const value: unknown = (object as Readonly<Record<string, unknown>>)[name]
  return typeof value === 'string' ? value : null
}

const keyOf = (entry: AuditEntry): string | null => memberOf(entry, 'key')

/** The keeper's own time, where it is not that of the entry. */
function ownTimeOf(entry: AuditEntry): string | null {
  const at = memberOf(entry, 'at')
  return at !== null && isOwnTime(at, entry.time) ? at : null
}

function logText(entries: readonly Marked[], all: number): string {
  if (entries.length === 0) return 'No entry is like that.'
  const hasOwnTime = entries.some((entry) => ownTimeOf(entry) !== null)
  const parts = [
    table(
      ['entry', 'written', ...(hasOwnTime ? ['by its own time'] : []), 'by', 'action', 'in words'],
      entries.map((entry) => [
        `#${String(entry.seq)}${entry.unsigned ? ' *' : ''}`,
        entry.time,
        ...(hasOwnTime ? [ownTimeOf(entry)] : []),
        entry.actor,
        entry.action,
        entryWords(entry),
      ]),
    ),
  ]
  if (entries.some((entry) => entry.unsigned)) {
    parts.push(
      '* After the newest head, so not proven yet: one is signed every hour, and `tacit audit verify` checks it.',
    )
  }
  if (hasOwnTime) parts.push(OWN_TIME_NOTE)
  const left = all - entries.length
  if (left > 0) {
    parts.push(`${left.toLocaleString('en-GB')} earlier ones are left out; see them with --from 1.`)
  }
  return parts.join('\n')
}
