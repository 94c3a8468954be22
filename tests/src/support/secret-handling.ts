/**
 * Ways to handle a key, each in a process of its own: `node --expose-gc secret-handling.js NAME`. The process makes a
 * random key, handles it often, zeroes what a careful caller zeroes, and says when its memory may be looked through.
 * The key leaves it masked; see {@link Told}.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  randomBytes,
  randomFillSync,
} from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { batchKey, secretBuffer } from '@tacit/contracts'
import { unwrapSecret, wrapSecret } from '@tacit/keeper/testing'
import { createPseudonymizer, derivePseudonymKey } from '@tacit/keyring'

/** The key, or what was made of it and is one too, and when: `held` before anything, `zeroed` after all was zeroed, `collected` after the garbage collector. */
export interface Told {
  readonly stage: 'held' | 'zeroed' | 'collected'
  /** the key XOR `mask` */
  readonly masked: readonly number[]
  readonly mask: readonly number[]
}

const KEY_BYTES = 32
const ROUNDS = 50
const AES = 'aes-256-gcm'

const salt = Buffer.from('a public salt')
const wrappingKey = randomFillSync(secretBuffer(KEY_BYTES))
const nonce = randomBytes(12)
const wrappingNonce = randomBytes(16)
const otherRoot = randomFillSync(secretBuffer(KEY_BYTES))
const folder = mkdtempSync(join(tmpdir(), 'tacit-key-'))

function wrap(key: Buffer, plaintext: Buffer) {
  const cipher = createCipheriv(AES, key, nonce)
  const sealed = cipher.update(plaintext)
  cipher.final()
  return { sealed, tag: cipher.getAuthTag() }
}

/** @param tag a wrong one is refused @returns what `update` gave, for the caller to zero */
function unwrap(key: Buffer, sealed: Buffer, tag: Buffer): Buffer {
  const decipher = createDecipheriv(AES, key, nonce)
  decipher.setAuthTag(tag)
  const plaintext = decipher.update(sealed)
  try {
    decipher.final()
  } catch {
    // The bytes are there in spite of it.
  }
  return plaintext
}

/** K of one tenant on one day. */
function pseudonymKey(epochRoot: Buffer, scopeRoot: Buffer): Buffer {
  const scope = { of: 'tenant', tenant: 't-001' } as const
  return derivePseudonymKey({ epochRoot, scopeRoot, purpose: 'tests', scope, epoch: 'day:2026-08-05' })
}

function writeFile(secret: Buffer): string {
  const path = join(folder, 'key')
  const file = openSync(path, 'w', 0o600)
  writeSync(file, secret, 0, secret.length, 0)
  closeSync(file)
  return path
}

/** Kept on purpose: what would be found if it was not zeroed. */
const kept: Buffer[] = []

/** What a handling gives back is the key that is looked for from then on; it is zeroed here. */
const HANDLINGS: Readonly<Record<string, (secret: Buffer) => Buffer | void>> = {
  // Leave nothing
  'createHmac, the key as message': (secret) =>
    void createHmac('sha256', salt).update(secret).digest().fill(0),
  'createHmac, the key as key': (secret) => void createHmac('sha256', secret).update('x').digest().fill(0),
  createHash: (secret) => void createHash('sha256').update(secret).digest().fill(0),
  'crypto.hash': (secret) => void hash('sha256', secret, 'hex'),
  'AES-GCM, the key as key': (secret) => {
    const { sealed, tag } = wrap(secret, salt)
    unwrap(secret, sealed, tag)
  },
  'AES-GCM, the key as key, refused': (secret) => void unwrap(secret, salt, Buffer.alloc(16)),
  'AES-GCM, the key wrapped': (secret) => void wrap(wrappingKey, secret),
  'a pad of createHmac, wrapped and unwrapped': (secret) => {
    const pad = createHmac('sha256', wrappingKey).update(nonce).digest()
    const wrapped = secretBuffer(KEY_BYTES)
    const unwrapped = secretBuffer(KEY_BYTES)
    for (let i = 0; i < KEY_BYTES; i++) wrapped[i] = (secret[i] as number) ^ (pad[i] as number)
    for (let i = 0; i < KEY_BYTES; i++) unwrapped[i] = (wrapped[i] as number) ^ (pad[i] as number)
    unwrapped.fill(0)
    pad.fill(0)
  },
  'createHmac, the key as digest': (secret) => createHmac('sha256', salt).update(secret).digest(),
  'writeSync and readSync': (secret) => {
    const file = openSync(writeFile(secret), 'r')
    const read = secretBuffer(KEY_BYTES)
    readSync(file, read, 0, KEY_BYTES, 0)
    closeSync(file)
    read.fill(0)
  },
  readFileSync: (secret) => void readFileSync(writeFile(secret)).fill(0),
  'secretBuffer, set and moved about': (secret) => {
    const copy = secretBuffer(KEY_BYTES)
    copy.set(secret)
    globalThis.gc?.()
    copy.equals(secret)
    copy.fill(0)
  },
  createPseudonymizer: (secret) => {
    const pseudonymizer = createPseudonymizer(secret)
    pseudonymizer.pseudonym('uid', '12345')
    pseudonymizer.destroy()
  },
  'derivePseudonymKey, the epoch’s root': (secret) => void pseudonymKey(secret, otherRoot).fill(0),
  'derivePseudonymKey, the tenant’s root': (secret) => void pseudonymKey(otherRoot, secret).fill(0),
  'derivePseudonymKey, the key that it makes': (secret) => pseudonymKey(secret, otherRoot),
  'batchKey, the hour’s key': (secret) => void batchKey(secret, '0123456789abcdef').fill(0),
  'batchKey, the key that it makes': (secret) => batchKey(secret, '0123456789abcdef'),
  'wrapSecret, the wrapping key': (secret) => void wrapSecret(secret, wrappingNonce, otherRoot, salt),
  wrapSecret: (secret) => void wrapSecret(wrappingKey, wrappingNonce, secret, salt),
  'unwrapSecret, the wrapping key': (secret) =>
    void unwrapSecret(secret, wrapSecret(secret, wrappingNonce, otherRoot, salt), salt)?.fill(0),
  unwrapSecret: (secret) =>
    unwrapSecret(wrappingKey, wrapSecret(wrappingKey, wrappingNonce, secret, salt), salt) ?? undefined,
  // Leave a copy until the garbage collector ran
  hkdfSync: (secret) => void Buffer.from(hkdfSync('sha256', secret, salt, salt, KEY_BYTES)).fill(0),
  createSecretKey: (secret) => void createSecretKey(secret),
  'AES-GCM without final': (secret) => void createCipheriv(AES, secret, nonce).update(salt),
  'AES-GCM, Buffer.concat of update and final': (secret) => {
    const { sealed, tag } = wrap(wrappingKey, secret)
    const decipher = createDecipheriv(AES, wrappingKey, nonce).setAuthTag(tag)
    Buffer.concat([decipher.update(sealed), decipher.final()]).fill(0)
  },
  'toString, hexadecimal': (secret) => void secret.toString('hex'),
  'createHash, the key as digest': (secret) => createHash('sha256').update(secret).digest(),
  // Leaves copies behind the garbage collector's back
  'allocUnsafeSlow(32), collected before it is zeroed': (secret) => {
    // Several at a time: what one alone leaves lies where the next thing comes to lie.
    const copies = Array.from({ length: 20 }, () => Buffer.allocUnsafeSlow(KEY_BYTES))
    for (const copy of copies) copy.set(secret)
    globalThis.gc?.({ type: 'minor' })
    for (const copy of copies) copy.fill(0)
  },
  'not zeroed': (secret) => void kept.push(Buffer.from(secret)),
}

function say(stage: Told['stage'], masked: readonly number[], mask: readonly number[]): Promise<unknown> {
  return new Promise((resolve) => {
    process.once('message', resolve)
    process.send?.({ stage, masked, mask } satisfies Told)
  })
}

async function main(name: string): Promise<void> {
  const handle = HANDLINGS[name]
  if (handle === undefined) throw new RangeError('no such handling')
  const secret = randomFillSync(secretBuffer(KEY_BYTES))
  const mask = [...randomBytes(KEY_BYTES)]
  const maskedBy = (key: Buffer): number[] => mask.map((byte, index) => byte ^ (key[index] ?? 0))
  let masked = maskedBy(secret)
  await say('held', masked, mask)
  // The start of a process leaves V8 in the middle of a full collection; it would end it when it likes, perhaps between
  // the last round and the look through the memory, and give back pages with the copies that are to be counted.
  globalThis.gc?.()
  for (let round = 0; round < ROUNDS; round++) {
    const made = handle(secret)
    if (made === undefined) continue
    masked = maskedBy(made)
    made.fill(0)
  }
  secret.fill(0)
  await say('zeroed', masked, mask)
  globalThis.gc?.()
  await new Promise((resolve) => setTimeout(resolve, 20))
  globalThis.gc?.()
  await say('collected', masked, mask)
  rmSync(folder, { recursive: true })
  process.disconnect()
}

await main(process.argv[2] ?? '')
