/**
 * Signed tree heads: who holds one can hold the log to everything that stood in it then.
 *
 *     {"log":…,"root":…,"signature":…,"size":7,"time":"2026-08-05T01:00:00Z","v":1}
 *     signature = Ed25519 over the canonical JSON (RFC 8785) of the head without `signature`
 */
import { type KeyObject, verify } from 'node:crypto'
import { parseInstant } from '@tacit/contracts'
import { canonicalJson } from './canonical-json.js'
import { matching, naturalUpTo, shaped } from './guards.js'
import { sha256Hex } from './sha256.js'

export const HEAD_VERSION = 1

/** What a head says. */
interface HeadStatement {
  readonly v: typeof HEAD_VERSION
  /** LogID of RFC 9162, 4.4: SHA-256 (hexadecimal) of the public key's SPKI DER */
  readonly log: string
  /** entries that it covers */
  readonly size: number
  /** root of the tree of these entries, hexadecimal */
  readonly root: string
  /** when it was signed: RFC 3339, UTC, with seconds */
  readonly time: string
}

export interface SignedHead extends HeadStatement {
  /** Ed25519, base64url */
  readonly signature: string
}

/** The private key, wherever it is. */
export interface AuditSigner {
  /** Ed25519 */
  readonly publicKey: KeyObject
  /** Ed25519 over `bytes`: 64 bytes */
  sign(bytes: Buffer): Buffer
}

const HASH = matching(/^[0-9a-f]{64}$/)
const TIME = matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)

const isHead = shaped<SignedHead>({
  log: HASH,
  root: HASH,
  // 64 bytes: the last digit has four bits that must be zero.
  signature: matching(/^[A-Za-z0-9_-]{85}[AQgw]$/),
  size: naturalUpTo(Number.MAX_SAFE_INTEGER),
  time: (value): value is string => TIME(value) && !Number.isNaN(parseInstant(value)),
  v: (value): value is typeof HEAD_VERSION => value === HEAD_VERSION,
})

/** Whether the value has the form of a head; its signature is another question. */
export function isSignedHead(value: unknown): value is SignedHead {
  return isHead(value)
}

/** A line of `heads.ndjson` without its end; null where it is not exactly the canonical line of a head. */
export function readHeadLine(line: string): SignedHead | null {
  try {
    const value: unknown = JSON.parse(line)
    return isHead(value) && canonicalJson(value) === line ? value : null
  } catch {
    return null
  }
}

/** SHA-256 (hexadecimal) of the key's SPKI DER. */
export function logId(publicKey: KeyObject): string {
  return sha256Hex(publicKey.export({ type: 'spki', format: 'der' }))
}

function signedBytes({ v, log, size, root, time }: HeadStatement): Buffer {
  return Buffer.from(canonicalJson({ v, log, size, root, time }), 'utf8')
}

/** Signs a head. */
export function signHead(statement: HeadStatement, signer: AuditSigner): SignedHead {
  return { ...statement, signature: signer.sign(signedBytes(statement)).toString('base64url') }
}

/** What is wrong with a head under a key: it is of another key, or not signed by this one; null where nothing is. */
export function headFault(head: SignedHead, publicKey: KeyObject, log: string): 'key' | 'signature' | null {
  if (head.log !== log) return 'key'
  const signature = Buffer.from(head.signature, 'base64url')
  return verify(null, signedBytes(head), publicKey, signature) ? null : 'signature'
}
