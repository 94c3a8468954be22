/** Proofs as somebody hands them over, checked against signed heads and a key alone, and what they show in words. */
import type { KeyObject } from 'node:crypto'
import type { AuditEntry } from './entry-line.js'
import { type KeyProof, verifyKeyProof } from './key-proof.js'
import { type InclusionProof, verifyConsistency, verifyInclusion } from './proof.js'
import type { SignedHead } from './signed-head.js'

export interface ProofCheck {
  readonly ok: boolean
  /** what it shows, or does not; one sentence */
  readonly claim: string
  /** the entries that it proves; none where it does not hold, or proves none */
  readonly entries: readonly AuditEntry[]
}

type ProofKind = 'inclusion' | 'consistency' | 'key'

/** null where it is no proof. */
export function proofKindOf(proof: unknown): ProofKind | null {
  const kind = typeof proof === 'object' && proof !== null && 'kind' in proof ? proof.kind : null
  return kind === 'inclusion' || kind === 'consistency' || kind === 'key' ? kind : null
}

/**
 * @param proof as it came, of any shape
 * @param given at least one; exactly two for a proof that nothing changed between two
 */
export function checkProof(proof: unknown, given: readonly SignedHead[], publicKey: KeyObject): ProofCheck {
  const heads = given.toSorted((left, right) => left.size - right.size)
  switch (proofKindOf(proof)) {
    case 'consistency':
      return checkUnchanged(proof, heads, publicKey)
    case 'key':
      return checkKey(proof, heads, publicKey)
    default:
      return checkEntry(proof, heads, publicKey)
  }
}

const refuted = (claim: string): ProofCheck => ({ ok: false, claim, entries: [] })

const amongOf = ({ size, time }: SignedHead): string => `${String(size)} that were signed ${time}`

function checkEntry(proof: unknown, heads: readonly SignedHead[], publicKey: KeyObject): ProofCheck {
  const holds = heads.find((head) => verifyInclusion(proof, head, publicKey))
  if (holds === undefined) {
    return refuted('the proof does not show that its entry is among those that a head covers.')
  }
  const { entry } = proof as InclusionProof
  return { ok: true, claim: `entry ${String(entry.seq)} is among the ${amongOf(holds)}.`, entries: [entry] }
}

function checkKey(proof: unknown, heads: readonly SignedHead[], publicKey: KeyObject): ProofCheck {
  for (const head of heads) {
    const life = verifyKeyProof(proof, head, publicKey)
    if (life === null) continue
    const { created, destroyed } = proof as KeyProof
    return {
      ok: true,
      claim: `${life.key} was made ${life.created} and destroyed ${life.destroyed}; both entries are among the ${amongOf(head)}.`,
      entries: [created.entry, destroyed.entry],
    }
  }
  return refuted('the proof does not show that a key was made and destroyed before a head.')
}

function checkUnchanged(proof: unknown, heads: readonly SignedHead[], publicKey: KeyObject): ProofCheck {
  const [small, large] = heads
  if (small === undefined || large === undefined || !verifyConsistency(proof, small, large, publicKey)) {
    return refuted('the proof does not show that the later head covers what the earlier one did.')
  }
  return {
    ok: true,
    claim: `all ${String(small.size)} entries that were signed ${small.time} stand unchanged among the ${amongOf(large)}.`,
    entries: [],
  }
}
