/** Entries of an audit log, read through its service: the same in process and over the network. */
import type { AuditEntry } from '@tacit/audit-log'
import type { AuditService } from '@tacit/keeper'

const CHUNK = 1_048_576

/** Every entry, the oldest first. They are not verified here: whoever keeps the log checked them when it opened it. */
export async function* auditEntries(audit: AuditService): AsyncGenerator<AuditEntry> {
  for (let offset = 0; ; ) {
    const bytes = await audit.read('entries', offset, CHUNK)
    if (bytes.length === 0) return
    offset += bytes.length
    for (const line of bytes.toString('utf8').trimEnd().split('\n')) {
      yield (JSON.parse(line) as { readonly entry: AuditEntry }).entry
    }
  }
}
