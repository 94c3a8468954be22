/** Entries of the audit log for a page: some of its lines, read in order and kept no longer than they are needed. */
import type { AuditEntry } from '@tacit/audit-log'
import type { RealmAudit } from './realm.js'

const READ_BYTES = 1_048_576

/** Whole lines of a log, piece by piece. */
async function* pieces(audit: RealmAudit): AsyncGenerator<string> {
  for (let offset = 0; ; ) {
    const bytes = await audit.read('entries', offset, READ_BYTES)
    if (bytes.length === 0) return
    offset += bytes.length
    yield bytes.toString('utf8')
  }
}

/**
 * Entries as they stand in the log, nothing of them verified.
 * @param from number of the first; null: the last ones @param limit how many at most
 */
export async function someEntries(
  audit: RealmAudit,
  from: number | null,
  limit: number,
): Promise<readonly AuditEntry[]> {
  let lines: string[] = []
  let number = 0
  for await (const piece of pieces(audit)) {
    for (const line of piece.split('\n')) {
      if (line === '') continue
      number += 1
      if (from === null || number >= from) lines.push(line)
      if (from !== null && lines.length === limit) return lines.map(entryOf)
    }
    if (from === null) lines = lines.slice(-limit)
  }
  return lines.map(entryOf)
}

function entryOf(line: string): AuditEntry {
  return (JSON.parse(line) as { readonly entry: AuditEntry }).entry
}
