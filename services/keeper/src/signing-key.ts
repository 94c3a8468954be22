/** The key that signs the audit log's heads: 32 random bytes in the keeper's directory, wrapped like a root. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import type { AuditSigner } from '@tacit/audit-log'
import { secretBuffer } from '@tacit/contracts'
import type { SecretFiles } from './secret-files.js'

export const SIGNING_KEY = 'audit-signing.key'

/** PKCS #8 of an Ed25519 private key up to its 32 bytes (RFC 8410, 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * The signer of this keeper; made where there is none.
 * @param isUsed whether an audit log is there, which no other key may sign
 */
export async function signingKey(files: SecretFiles, isUsed: boolean): Promise<AuditSigner> {
  const seed = await files.lasting(SIGNING_KEY, isUsed)
  const der = secretBuffer(PKCS8_PREFIX.length + seed.length)
  der.set(PKCS8_PREFIX)
  der.set(seed, PKCS8_PREFIX.length)
  seed.fill(0)
  const privateKey: KeyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  return { publicKey: createPublicKey(privateKey), sign: (bytes) => sign(null, bytes, privateKey) }
}

/** SPKI, PEM. */
export function pemOf(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString()
}
