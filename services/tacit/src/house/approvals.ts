/**
 * Approvals of a rulebook: Ed25519 signatures of the privacy team over one statement. The statement names the rulebook
 * by its hash and the one that it replaces, so a signature is good for that very change and for no other.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { lengthPrefixed, TacitError } from '@tacit/contracts'
import type { Signature } from '@tacit/keeper'
import { z } from 'zod'
import { writeOutput } from './written-files.js'

const PURPOSE = 'tacit/rulebook-activation/v1'
/** Approvers who must have signed. */
export const APPROVALS = 2

/** What is signed. */
export interface Statement {
  readonly action: 'activate' | 'rollback'
  /** hash of the rulebook that shall rule */
  readonly hash: string
  /** hash of the one that rules */
  readonly replaces: string
}

const bytesOf = ({ action, hash, replaces }: Statement): Buffer =>
  lengthPrefixed(PURPOSE, action, hash, replaces)

const publicJwk = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  kid: z.string().min(1).max(64),
  x: z.string(),
})
const signatureFile = z.strictObject({
  signatures: z.array(z.strictObject({ kid: z.string().max(64), signature: z.string().max(128) })).max(50),
})

/** Public keys of approvers by their name. */
export type Approvers = ReadonlyMap<string, KeyObject>

/** Reads approvers from a JSON Web Key Set of Ed25519 keys, each with a kid. @throws TacitError ERR_ACTIVATION_APPROVERS */
export function readApprovers(file: string | undefined): Approvers {
  const refuse = (what: string): TacitError =>
    new TacitError(
      'ERR_ACTIVATION_APPROVERS',
      `${what} Name a JSON Web Key Set of at least two Ed25519 public keys in TACIT_APPROVERS_FILE; \`tacit rules keygen\` makes keys.`,
    )
  if (file === undefined) throw refuse('Nobody can approve a rulebook yet.')
  try {
    const { keys } = z.object({ keys: z.array(publicJwk) }).parse(JSON.parse(readFileSync(file, 'utf8')))
    const approvers = new Map(
      keys.map(({ crv, kid, kty, x }) => [kid, createPublicKey({ format: 'jwk', key: { crv, kty, x } })]),
    )
    if (approvers.size >= APPROVALS) return approvers
  } catch (cause) {
    if (cause instanceof TacitError) throw cause
    throw refuse('The approvers’ keys cannot be read.')
  }
  throw refuse('There are fewer than two approvers.')
}

/** Makes a pair of keys. @returns the private key as PEM, the public one as a JWK */
export function makeApproverKey(kid: string): {
  readonly pem: string
  readonly jwk: Record<string, unknown>
} {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    pem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' },
  }
}

/** Signs a statement. @param pem an Ed25519 private key, PKCS #8 @throws TacitError ERR_INPUT_FILE */
export function approve(statement: Statement, pem: string, kid: string): Signature {
  try {
    return { kid, signature: sign(null, bytesOf(statement), createPrivateKey(pem)).toString('base64url') }
  } catch {
    throw new TacitError(
      'ERR_INPUT_FILE',
      'The key is no Ed25519 private key in PEM; `tacit rules keygen` makes one',
    )
  }
}

/** The signatures kept beside a rulebook; none where there is no file. @throws TacitError ERR_INPUT_FILE */
export function readSignatures(file: string): readonly Signature[] {
  if (!existsSync(file)) return []
  try {
    return signatureFile.parse(JSON.parse(readFileSync(file, 'utf8'))).signatures
  } catch {
    throw new TacitError(
      'ERR_INPUT_FILE',
      `The signatures in ${file} cannot be read; remove the file and sign again`,
    )
  }
}

/** Writes the signatures kept beside a rulebook. @throws UsageError, TacitError ERR_OUTPUT_FILE */
export function writeSignatures(file: string, signatures: readonly Signature[]): void {
  writeOutput(file, `${JSON.stringify({ signatures }, null, 2)}\n`, { option: '--out' })
}

/**
 * Checks that two approvers signed a statement, and nobody else did.
 * @throws TacitError ERR_ACTIVATION_STRANGER, ERR_ACTIVATION_SIGNATURES
 */
export function requireApprovals(
  approvers: Approvers,
  statement: Statement,
  signatures: readonly Signature[],
): void {
  const signed = new Set<string>()
  for (const { kid, signature } of signatures) {
    const key = approvers.get(kid)
    if (key === undefined) {
      throw new TacitError(
        'ERR_ACTIVATION_STRANGER',
        'One of the signatures is of nobody who is an approver; remove it, or add its key to TACIT_APPROVERS_FILE',
      )
    }
    if (verify(null, bytesOf(statement), key, Buffer.from(signature, 'base64url'))) signed.add(kid)
  }
  if (signed.size >= APPROVALS) return
  throw new TacitError(
    'ERR_ACTIVATION_SIGNATURES',
    `${String(signed.size)} of ${String(APPROVALS)} approvers signed this very change; each of them runs \`tacit rules sign FILE --key KEY\``,
  )
}
