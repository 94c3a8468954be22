/**
 * Proof that a keeper of this log came to a term: a signature by the log's key, which only its keepers have. Whoever heard
 * of a takeover from the keeper that took over can show it to the former primary, and nobody can make one up.
 */
import { type KeyObject, verify } from 'node:crypto'
import type { AuditSigner } from '@tacit/audit-log'
import { lengthPrefixed } from '@tacit/contracts'
import type { Term } from '../remote/wire.js'

/** No head of the log: those are JSON. */
const statement = (count: number): Buffer => lengthPrefixed('keeper-term/v1', String(count))

/** A term of one's own, with its proof. */
export function provenTerm(count: number, signer: AuditSigner): Term {
  return { count, proof: signer.sign(statement(count)).toString('base64url') }
}

export function isProven({ count, proof }: Term, publicKey: KeyObject): boolean {
  return proof !== null && verify(null, statement(count), publicKey, Buffer.from(proof, 'base64url'))
}
