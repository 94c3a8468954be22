/**
 * Encryption of one short secret under a key of 32 bytes: encrypt, then MAC, both by HMAC-SHA256 as a pseudo-random
 * function over inputs that differ in their first part.
 *
 *     pad = HMAC(key, LP("wrap/v1", "pad", nonce, context))   wrapped = nonce 16 · secret XOR pad · tag 16
 *     tag = HMAC(key, LP("wrap/v1", "tag", nonce, context, secret XOR pad))[0..16]
 *
 * Not AES-GCM, because the plaintext that Node's `decipher.update` gives leaves copies in freed memory that nobody can zero;
 * an HMAC leaves none (docs/keys.md, "What stays in memory"; tests/src/serial/key-memory.test.ts).
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { lengthPrefixed, secretBuffer } from '@tacit/contracts'

export const NONCE_BYTES = 16
export const TAG_BYTES = 16
/** SHA-256: what one pad covers */
const MAX_SECRET_BYTES = 32

/** Keyed by `key`, whatever the parts are. */
function macOf(key: Uint8Array, ...parts: readonly (string | Uint8Array)[]): Buffer {
  return createHmac('sha256', key)
    .update(lengthPrefixed('wrap/v1', ...parts))
    .digest()
}

/**
 * @param nonce 16 bytes, never the same twice under one key
 * @param secret at most 32 bytes
 * @param context what it is: it opens under no other
 */
export function wrapSecret(key: Uint8Array, nonce: Buffer, secret: Uint8Array, context: Uint8Array): Buffer {
  if (secret.length > MAX_SECRET_BYTES || nonce.length !== NONCE_BYTES)
    throw new RangeError('a secret or nonce of no known length')
  const pad = macOf(key, 'pad', nonce, context)
  const body = Buffer.alloc(secret.length)
  for (let at = 0; at < body.length; at++) body[at] = (secret[at] ?? 0) ^ (pad[at] ?? 0)
  pad.fill(0)
  return Buffer.concat([nonce, body, macOf(key, 'tag', nonce, context, body).subarray(0, TAG_BYTES)])
}

/** The secret in memory of its own, for the caller to zero; null where key, context or bytes are others. */
export function unwrapSecret(key: Uint8Array, wrapped: Uint8Array, context: Uint8Array): Buffer | null {
  const tagStart = wrapped.length - TAG_BYTES
  const length = tagStart - NONCE_BYTES
  if (length < 0 || length > MAX_SECRET_BYTES) return null
  const nonce = wrapped.subarray(0, NONCE_BYTES)
  const body = wrapped.subarray(NONCE_BYTES, tagStart)
  const tag = macOf(key, 'tag', nonce, context, body).subarray(0, TAG_BYTES)
  if (!timingSafeEqual(tag, wrapped.subarray(tagStart))) return null
  const pad = macOf(key, 'pad', nonce, context)
  const secret = secretBuffer(length)
  for (let at = 0; at < length; at++) secret[at] = (body[at] ?? 0) ^ (pad[at] ?? 0)
  pad.fill(0)
  return secret
}
