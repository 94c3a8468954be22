/** The entries of a data directory's audit log, the oldest first, as they stand on disk. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditEntry } from '@tacit/audit-log'

/** @param data the data directory */
export function auditEntriesOf(data: string): readonly AuditEntry[] {
  return readFileSync(join(data, 'main', 'audit', 'entries.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly entry: AuditEntry }).entry)
}
