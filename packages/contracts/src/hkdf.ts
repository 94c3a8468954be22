/**
 * HKDF-SHA256 for one block of output (RFC 5869), written out as the two HMACs that it is.
 *
 * Not `hkdfSync`: that copies its input key into a KeyObject, whose bytes stay in memory until the garbage collector
 * comes, and a destroyed root must not be found there. Here the secret goes in as the *message* of the first HMAC, of
 * which nothing is kept beyond its digest: the salt is the key of that HMAC (RFC 5869, 2.2), and what it makes is zeroed.
 */
import { createHmac } from 'node:crypto'

/** The counter of the first and only block (RFC 5869, 2.3). */
const FIRST_BLOCK = Buffer.of(1)

/**
 * The first 32 bytes of HKDF-SHA256.
 * @param ikm parts of the secret input, one after the other; not kept, not changed
 * @param salt public
 * @param info public; what the key is for
 * @returns 32 bytes in memory of their own (no pool), for the caller to zero
 */
export function hkdf32(ikm: readonly Uint8Array[], salt: Uint8Array, info: Uint8Array): Buffer {
  const extract = createHmac('sha256', salt)
  for (const part of ikm) extract.update(part)
  const prk = extract.digest()
  try {
    return createHmac('sha256', prk).update(info).update(FIRST_BLOCK).digest()
  } finally {
    prk.fill(0)
  }
}
