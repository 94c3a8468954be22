/**
 * Approvals of a rulebook: Ed25519 signatures of the privacy team over one statement. The statement names the rulebook
 * by its hash and the one that it replaces, so a signature is good for that very change and for no other.
 */
import { createPrivateKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { lengthPrefixed, TacitError } from '@tacit/contracts'
import type { Signature } from '@tacit/keeper'
import { z } from 'zod'
import { APPROVALS, type Approvers } from './approvers.js'
import { writeOutput } from './written-files.js'

const PURPOSE = 'tacit/rulebook-activation/v1'

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

const signatureFile = z.strictObject({
  signatures: z.array(z.strictObject({ kid: z.string().max(64), signature: z.string().max(128) })).max(50),
})

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

const names = new Intl.ListFormat('en-GB', { type: 'conjunction' })

/** What each of the missing approvers does, and why those who signed are not counted. */
function missingSignatures(statement: Statement, signed: number, others: readonly string[]): TacitError {
  const what = statement.action === 'rollback' ? '--rollback' : 'FILE'
  const verb = `\`tacit rules sign ${what} --key KEY\``
  const counted = `${String(signed)} of ${String(APPROVALS)} approvers signed this very change`
  return new TacitError(
    'ERR_ACTIVATION_SIGNATURES',
    others.length === 0
      ? `${counted}; each of them runs ${verb}`
      : `${counted}. ${names.format(others)} signed another text, or in the place of another rulebook, or with another key: let them sign again (${verb})`,
  )
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
  const others = new Set<string>()
  for (const { kid, signature } of signatures) {
    const key = approvers.get(kid)
    if (key === undefined) {
      throw new TacitError(
        'ERR_ACTIVATION_STRANGER',
        'One of the signatures is of nobody who is an approver; remove it, or add its key to TACIT_APPROVERS_FILE',
      )
    }
    const isGood = verify(null, bytesOf(statement), key, Buffer.from(signature, 'base64url'))
    ;(isGood ? signed : others).add(kid)
  }
  if (signed.size >= APPROVALS) return
  throw missingSignatures(
    statement,
    signed.size,
    [...others].filter((kid) => !signed.has(kid)),
  )
}
