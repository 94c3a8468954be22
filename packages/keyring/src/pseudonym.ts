/**
 * Pseudonyms under one key K: the collector's hot path.
 *
 * HMAC-SHA256 (RFC 2104) out of two one-shot hashes over prepared blocks, because `createHmac` costs more than twice as
 * much on short messages (see the measurement in pseudonym.test.ts).
 *
 * Invariants
 * - The work blocks are shared by all pseudonymizers: calls are synchronous, and each call overwrites what it reads.
 * - The work blocks hold parts of no key but the last one used, and are zeroed with every destruction, so they never
 *   outlive a key that was destroyed.
 */
import { createHash, hash } from 'node:crypto'
import { lengthPrefixed, TacitError } from '@tacit/contracts'
import { KEY_BYTES } from './derivation.js'

/** SHA-256's block, in bytes. */
const BLOCK_BYTES = 64
/** Longest message of the fast way; a longer one (a huge user agent) takes the slow way. */
const WORK_BYTES = 4_096
/** A kind is a constant of the code: so many of them are kept encoded, and no longer ones. */
const MAX_KINDS = 16
const MAX_KIND_LENGTH = 64
/** A UTF-16 unit takes at most this many bytes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3

const inner = Buffer.allocUnsafeSlow(BLOCK_BYTES + WORK_BYTES).fill(0)
const outer = Buffer.allocUnsafeSlow(BLOCK_BYTES + KEY_BYTES).fill(0)

/** LP(kind), by kind */
const heads = new Map<string, Buffer>()

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** For each base64url character code, the character that is left when only its bits under `mask` are kept. */
function maskedCharacters(mask: number): readonly string[] {
  const table: string[] = []
  for (let value = 0; value < BASE64URL.length; value += 1) {
    table[BASE64URL.charCodeAt(value)] = BASE64URL.charAt(value & mask)
  }
  return table
}

// 16 bytes are 21 characters and two bits of the next; 8 bytes are 10 characters and four bits.
const LAST_OF_16 = maskedCharacters(0b110000)
const LAST_OF_8 = maskedCharacters(0b111100)

export interface Pseudonymizer {
  /**
   * The first 16 bytes of HMAC-SHA256(K, LP(kind, parts…)), strings as NFC UTF-8.
   * @param kind a constant of the caller, e.g. `uid`, `tenant`, `net`
   * @returns base64url, 22 characters
   * @throws TacitError ERR_KEY_DESTROYED
   */
  pseudonym(kind: string, ...parts: readonly string[]): string
  /**
   * The first 8 bytes of HMAC-SHA256(K, LP("eid", id)).
   * @returns base64url, 11 characters
   * @throws TacitError ERR_KEY_DESTROYED
   */
  eventId(id: string): string
  /** Zeroes every copy of the key that this object made; it answers no more. */
  destroy(): void
}

/**
 * A pseudonymizer of K. It copies what it needs: the caller zeroes `key` right after.
 * @param key 32 bytes
 * @throws TacitError ERR_KEY_STORE where the key is not 32 bytes
 */
export function createPseudonymizer(key: Uint8Array): Pseudonymizer {
  return new KeyedPseudonymizer(key)
}

class KeyedPseudonymizer implements Pseudonymizer {
  /** the key XORed with each pad, in one allocation: a collector holds thousands */
  readonly #innerPad: Buffer
  readonly #outerPad: Buffer
  #destroyed = false

  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new TacitError('ERR_KEY_STORE')
    const pads = Buffer.allocUnsafeSlow(2 * BLOCK_BYTES)
    this.#innerPad = pads.subarray(0, BLOCK_BYTES)
    this.#outerPad = pads.subarray(BLOCK_BYTES)
    writePadded(this.#innerPad, key, 0x36)
    writePadded(this.#outerPad, key, 0x5c)
  }

  pseudonym(kind: string, ...parts: readonly string[]): string {
    const mac = this.#mac(kind, parts)
    return mac.slice(0, 21) + LAST_OF_16[mac.charCodeAt(21)]
  }

  eventId(id: string): string {
    const mac = this.#mac('eid', [id])
    return mac.slice(0, 10) + LAST_OF_8[mac.charCodeAt(10)]
  }

  destroy(): void {
    this.#destroyed = true
    this.#innerPad.fill(0)
    this.#outerPad.fill(0)
    inner.fill(0)
    outer.fill(0)
  }

  /** The whole MAC in base64url. */
  #mac(kind: string, parts: readonly string[]): string {
    if (this.#destroyed) throw new TacitError('ERR_KEY_DESTROYED')
    const head = heads.get(kind) ?? headOf(kind)
    if (head.length > WORK_BYTES) return this.#slowMac(kind, parts)
    inner.set(this.#innerPad, 0)
    inner.set(head, BLOCK_BYTES)
    let end = BLOCK_BYTES + head.length
    for (const part of parts) {
      end = writePart(part, end)
      if (end < 0) return this.#slowMac(kind, parts)
    }
    const message = inner.subarray(0, end)
    outer.set(this.#outerPad, 0)
    outer.write(hash('sha256', message, 'binary'), BLOCK_BYTES, 'latin1')
    return hash('sha256', outer, 'base64url')
  }

  /** The same MAC over a message of any length. */
  #slowMac(kind: string, parts: readonly string[]): string {
    const message = lengthPrefixed(kind, ...parts)
    const digest = createHash('sha256').update(this.#innerPad).update(message).digest()
    return createHash('sha256').update(this.#outerPad).update(digest).digest('base64url')
  }
}

/**
 * Writes LP(part) into the inner work block.
 * @returns where the next part begins; -1 where this one may not fit
 */
function writePart(part: string, at: number): number {
  const start = at + 4
  if (start + part.length * MAX_BYTES_PER_UNIT > inner.length) return -1
  let length = inner.write(part, start, 'utf8')
  // As many bytes as units means ASCII, which is NFC already: the usual case skips normalisation.
  if (length !== part.length) {
    const normal = part.normalize('NFC')
    if (start + normal.length * MAX_BYTES_PER_UNIT > inner.length) return -1
    length = inner.write(normal, start, 'utf8')
  }
  inner.writeUInt32BE(length, at)
  return start + length
}

function headOf(kind: string): Buffer {
  const head = lengthPrefixed(kind)
  if (heads.size >= MAX_KINDS) heads.clear()
  if (kind.length <= MAX_KIND_LENGTH) heads.set(kind, head)
  return head
}

/** The key, zero-filled to a block, XORed with a pad byte (RFC 2104, section 2). */
function writePadded(block: Buffer, key: Uint8Array, pad: number): void {
  block.fill(pad)
  key.forEach((byte, index) => {
    block[index] = byte ^ pad
  })
}
