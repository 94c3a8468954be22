/**
 * The newest signed head, kept beside the keys: an audit log that was cut, emptied or exchanged does not contain it, and is
 * refused. Otherwise what is destroyed or closed could come to be a second time.
 * Recovery: a head that a crash left half written is as none; the next one takes its place.
 */
import type { AuditLog, SignedHead } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { keepText, keptText } from './kept-text.js'
import type { KeyFiles } from './key-files.js'

const NAME = 'audit-head'

/** @throws TacitError ERR_AUDIT_DAMAGED where the log does not contain the head that was signed last */
export async function requireKeptHead(files: KeyFiles, log: AuditLog): Promise<void> {
  const text = await keptText(files, NAME)
  if (text === null) return
  const kept = JSON.parse(text) as SignedHead
  const isThere = log
    .heads()
    .some(({ root, size, time }) => root === kept.root && size === kept.size && time === kept.time)
  if (isThere) return
  throw new TacitError(
    'ERR_AUDIT_DAMAGED',
    'The audit log lacks what was signed last: it was cut, emptied or exchanged. Keep it as evidence, and bring back the one that was here; to go on without would let keys that are destroyed come to be again',
  )
}

/** Keeps a head, durably. */
export function keepHead(files: KeyFiles, head: SignedHead): Promise<void> {
  return keepText(files, NAME, JSON.stringify(head))
}
