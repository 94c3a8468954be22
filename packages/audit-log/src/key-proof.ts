/** That one key was made and destroyed, as a document: two entries, both proven against the same head. */
import type { KeyObject } from 'node:crypto'
import { shaped } from './guards.js'
import { type InclusionProof, isInclusion, verifyInclusion } from './proof.js'
import type { SignedHead } from './signed-head.js'

export interface KeyProof {
  readonly v: 1
  readonly kind: 'key'
  /** its id, such as `day:2026-11-20` */
  readonly key: string
  /** of its `key.created` */
  readonly created: InclusionProof
  /** of its `key.destroyed` */
  readonly destroyed: InclusionProof
}

/** What a proof of a key shows, RFC 3339 by the keeper's clock. */
interface ProvenLife {
  readonly key: string
  readonly created: string
  readonly destroyed: string
}

const isKeyProof = shaped<KeyProof>({
  v: (value): value is 1 => value === 1,
  kind: (value): value is 'key' => value === 'key',
  key: (value): value is string => typeof value === 'string',
  created: isInclusion,
  destroyed: isInclusion,
})

/** @param created @param destroyed proofs of these two entries of the key, against one head */
export function keyProof(key: string, created: InclusionProof, destroyed: InclusionProof): KeyProof {
  return { v: 1, kind: 'key', key, created, destroyed }
}

/**
 * Whether a head covers that the key was made, and later destroyed.
 * @param proof as it came, of any shape @param head of the proof's size; must be signed with the key
 * @returns null where it does not show that
 */
export function verifyKeyProof(proof: unknown, head: SignedHead, publicKey: KeyObject): ProvenLife | null {
  if (!isKeyProof(proof)) return null
  const { created, destroyed, key } = proof
  const tells = ({ entry }: InclusionProof, action: string): boolean =>
    entry.action === action && (entry.object as { readonly key?: unknown }).key === key
  if (!tells(created, 'key.created') || !tells(destroyed, 'key.destroyed')) return null
  if (created.seq >= destroyed.seq) return null
  if (![created, destroyed].every((one) => verifyInclusion(one, head, publicKey))) return null
  return { key, created: momentOf(created), destroyed: momentOf(destroyed) }
}

const momentOf = ({ entry }: InclusionProof): string => (entry.object as { readonly at: string }).at
