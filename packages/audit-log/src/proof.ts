/**
 * Proofs as documents that can be handed out, and their verification against signed heads. Hashes of a path are
 * base64, as RFC 9162 writes them; at a million entries a proof is at most 2 KB.
 */
import type { KeyObject } from 'node:crypto'
import { canonicalJson } from './canonical-json.js'
import { type AuditEntry, leafHash } from './entry-line.js'
import { type Guard, listOf, matching, naturalUpTo, shaped } from './guards.js'
import { checkConsistency, checkInclusion } from './merkle-proof.js'
import { headFault, logId, type SignedHead } from './signed-head.js'

const PROOF_VERSION = 1
/** More than a tree of 2^53 leaves has levels, twice. */
const MAX_PATH = 128

/** That an entry is the one with number `seq` in the first `size` entries. */
export interface InclusionProof {
  readonly v: typeof PROOF_VERSION
  readonly kind: 'inclusion'
  readonly seq: number
  readonly size: number
  readonly entry: AuditEntry
  /** base64url, as in the log */
  readonly salt: string
  /** base64 of 32 bytes each, from the leaf up */
  readonly path: readonly string[]
}

/** That the first `from` entries are the beginning of the first `to` entries. */
export interface ConsistencyProof {
  readonly v: typeof PROOF_VERSION
  readonly kind: 'consistency'
  readonly from: number
  readonly to: number
  /** base64 of 32 bytes each */
  readonly path: readonly string[]
}

export function inclusionProof(
  { seq, size, entry, salt }: Pick<InclusionProof, 'seq' | 'size' | 'entry' | 'salt'>,
  path: readonly Buffer[],
): InclusionProof {
  return { v: PROOF_VERSION, kind: 'inclusion', seq, size, entry, salt, path: path.map(toBase64) }
}

export function consistencyProof(from: number, to: number, path: readonly Buffer[]): ConsistencyProof {
  return { v: PROOF_VERSION, kind: 'consistency', from, to, path: path.map(toBase64) }
}

const toBase64 = (hash: Buffer): string => hash.toString('base64')
const fromBase64 = (text: string): Buffer => Buffer.from(text, 'base64')

const NATURAL = naturalUpTo(Number.MAX_SAFE_INTEGER)
const is =
  <const T>(wanted: T): Guard<T> =>
  (value): value is T =>
    value === wanted
// 32 bytes: the last digit has two bits that must be zero.
const PATH = listOf(matching(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/), (path) => path.length <= MAX_PATH)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Whether the value has the form of such a proof; what its entry says, only the root vouches for. */
export const isInclusion = shaped<InclusionProof>({
  v: is(PROOF_VERSION),
  kind: is('inclusion'),
  seq: NATURAL,
  size: NATURAL,
  entry: (value): value is AuditEntry =>
    isObject(value) && 'seq' in value && 'object' in value && isObject(value.object),
  salt: matching(/^[A-Za-z0-9_-]{21}[AQgw]$/),
  path: PATH,
})

const isConsistency = shaped<ConsistencyProof>({
  v: is(PROOF_VERSION),
  kind: is('consistency'),
  from: NATURAL,
  to: NATURAL,
  path: PATH,
})

/**
 * Whether the entry in the proof is one of those that the head covers (RFC 9162, 2.1.3.2).
 * @param proof as it came, of any shape
 * @param head of the proof's size; must be signed with the key
 */
export function verifyInclusion(proof: unknown, head: SignedHead, publicKey: KeyObject): boolean {
  if (!isInclusion(proof) || headFault(head, publicKey, logId(publicKey)) !== null) return false
  const { seq, size, entry, salt, path } = proof
  if (size !== head.size || seq < 1 || entry.seq !== seq) return false
  const text = canonicalText(entry)
  if (text === null) return false
  const leaf = leafHash(text, salt)
  return checkInclusion(leaf, seq - 1, size, path.map(fromBase64), Buffer.from(head.root, 'hex'))
}

/** null where it is nothing that JSON could say */
function canonicalText(value: unknown): string | null {
  try {
    return canonicalJson(value)
  } catch {
    return null
  }
}

/**
 * Whether everything that `from` covers stands unchanged at the beginning of what `to` covers (RFC 9162, 2.1.4.2).
 * @param proof as it came, of any shape
 * @param from @param to the heads of the proof's sizes; must be signed with the key
 */
export function verifyConsistency(
  proof: unknown,
  from: SignedHead,
  to: SignedHead,
  publicKey: KeyObject,
): boolean {
  const log = logId(publicKey)
  if (!isConsistency(proof) || proof.from !== from.size || proof.to !== to.size) return false
  if (headFault(from, publicKey, log) !== null || headFault(to, publicKey, log) !== null) return false
  const roots = [Buffer.from(from.root, 'hex'), Buffer.from(to.root, 'hex')] as const
  return checkConsistency(proof.from, proof.to, proof.path.map(fromBase64), ...roots)
}
