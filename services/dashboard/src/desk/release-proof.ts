/** What proves that a manifest was on record before its cells were public: the entry of the audit log that names it. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { type InclusionProof, readLogCopy, type SignedHead } from '@tacit/audit-log'
import type { CommittedManifest, RealmAudit } from '../realm.js'

export interface ReleaseProof {
  /** the entry itself, and the way from it to the head */
  readonly inclusion: InclusionProof
  readonly head: SignedHead
  /** SPKI, PEM */
  readonly public_key: string
}

const READ_BYTES = 4_194_304

async function wholeFile(audit: RealmAudit, file: 'entries' | 'heads'): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = 0; ; ) {
    const piece = await audit.read(file, offset, READ_BYTES)
    if (piece.length === 0) return Buffer.concat(pieces)
    pieces.push(piece)
    offset += piece.length
  }
}

function keyOf(pem: string): KeyObject | null {
  return pem === '' ? null : createPublicKey(pem)
}

/**
 * The last entry that names this manifest with this hash, proven by the newest head that the entries bear out.
 * @returns null where no entry names it, or no head covers that entry yet
 */
export async function releaseProof(
  audit: RealmAudit,
  { hash, id }: CommittedManifest,
): Promise<ReleaseProof | null> {
  // Heads first: entries that come meanwhile are only more than the head covers.
  const heads = await wholeFile(audit, 'heads')
  const [entries, pem] = await Promise.all([wholeFile(audit, 'entries'), audit.publicKey()])
  const reading = readLogCopy({ entries, heads, publicKey: keyOf(pem) })
  let seq = 0
  for (const entry of reading.entries()) {
    if (entry.action !== 'release.committed') continue
    if (entry.object.manifests.some((one) => one.id === id && one.hash === hash)) seq = entry.seq
  }
  const head = seq === 0 ? null : reading.soundHead()
  if (head === null || head.size < seq) return null
  return { inclusion: reading.inclusionProof(seq, head.size), head, public_key: pem }
}
