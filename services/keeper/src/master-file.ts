/**
 * Wrapping keys in one local file of mode 0600, the master key file.
 *
 *     header of 96 bytes: "TKM1" · u8 sealed? · 3 zero bytes · id 16 · token 16 · (sealed) seal of nothing 32 · zeros
 *     slots of 96 bytes: tag 8 · a wrapping key of 32 bytes and noise, or (sealed) that key wrapped, 64 (wrapping.ts) · noise
 *
 * Invariants
 * - A slot is overwritten in place and synced: what was there is gone from the file, and no copy of it is ever written
 *   elsewhere. Nothing is appended but new slots, nothing renamed.
 * - A reference is a slot's number and its tag, random and new at each use: a reference from before a slot's reuse opens
 *   and destroys nothing.
 * - A slot that no root refers to is free. References are the roots' files; nothing here says which are used.
 * - The file belongs to one directory: each start writes a new token into both, and a file with another token (an older
 *   copy, or one that another directory uses) is refused before anything is read or destroyed.
 * - Sealed: a credential (of systemd, say) that is not on this disk encrypts every slot, with the slot's number and the
 *   file's id as additional data. The header's seal of nothing tells another credential before it does harm.
 * Recovery: a slot that a crash left half written was never used: the root's file that would refer to it comes after it.
 * What is found at a start is synced before it is used, for whoever made it may have died before.
 */
import { lengthPrefixed, secretBuffer, TacitError } from '@tacit/contracts'
import { KEY_BYTES } from '@tacit/keyring'
import type { KeyFiles } from './key-files.js'
import { header, type MasterHeader, readHeader, SLOT_BYTES } from './master-header.js'
import type { RandomFill } from './secret-files.js'
import { NONCE_BYTES, TAG_BYTES, unwrapSecret, wrapSecret } from './wrapping.js'
import type { WrappingKeys } from './wrapping-keys.js'

const TAG_OF_SLOT_BYTES = 8
const CONTENT_END = TAG_OF_SLOT_BYTES + NONCE_BYTES + KEY_BYTES + TAG_BYTES
const MAX_SLOTS = 4_000_000
const REFERENCE = /^(\d{1,7})\.([0-9a-f]{16})$/

export interface MasterFileOptions {
  readonly files: KeyFiles
  readonly name: string
  readonly randomFill: RandomFill
  /** writes a new token into the file and into the directory that it belongs to @returns the token */
  readonly claim: () => Promise<string>
}

interface Slot {
  readonly slot: number
  readonly tag: string
}

const unusable = (why: string): TacitError => new TacitError('ERR_KEY_MASTER', why)

/** The wrapping keys of an opened master key file (master-binding.ts opens it). */
export class MasterFile implements WrappingKeys {
  readonly id: string
  readonly #options: MasterFileOptions
  #token: string
  /** encrypts the slots; null: they lie as they are */
  readonly #sealing: Buffer | null
  readonly #used: Set<number>
  /** whose overwriting failed: what was there may come back with a loss of power, whatever is read of them now */
  readonly #unsure = new Set<number>()
  /** below it every slot is used */
  #firstFree = 0

  /** @param used references that roots on disk hold */
  constructor(
    options: MasterFileOptions,
    { id, token }: MasterHeader,
    sealing: Buffer | null,
    used: ReadonlySet<string>,
  ) {
    this.#options = options
    this.id = id
    this.#token = token
    this.#sealing = sealing
    this.#used = new Set([...used].map((ref) => slotOf(ref).slot))
  }

  /** From now on copies of the file from before are refused, and so is whoever else has it open. */
  async claim(): Promise<void> {
    this.#token = await this.#options.claim()
  }

  async create(): Promise<string> {
    const { files, name, randomFill } = this.#options
    await this.#requireOwn()
    while (this.#used.has(this.#firstFree)) this.#firstFree += 1
    const slot = this.#firstFree
    if (slot >= MAX_SLOTS) throw unusable('The master key file is full')
    const bytes = randomFill(secretBuffer(SLOT_BYTES))
    const key = randomFill(secretBuffer(KEY_BYTES))
    try {
      this.#fill(bytes, slot, key)
      await files.write(name, bytes, header.BYTES + slot * SLOT_BYTES, true, true)
    } finally {
      key.fill(0)
    }
    const tag = bytes.toString('hex', 0, TAG_OF_SLOT_BYTES)
    bytes.fill(0)
    this.#used.add(slot)
    return `${String(slot)}.${tag}`
  }

  async wrap(ref: string, secret: Uint8Array, context: Uint8Array): Promise<Buffer> {
    const key = await this.#keyOf(ref)
    if (key === null) throw new TacitError('ERR_KEY_STORE', 'A wrapping key is gone')
    try {
      return wrapSecret(key, this.#options.randomFill(Buffer.alloc(NONCE_BYTES)), secret, context)
    } finally {
      key.fill(0)
    }
  }

  async unwrap(ref: string, wrapped: Uint8Array, context: Uint8Array): Promise<Buffer | null> {
    const key = await this.#keyOf(ref)
    if (key === null) return null
    try {
      return unwrapSecret(key, wrapped, context)
    } finally {
      key.fill(0)
    }
  }

  async destroy(ref: string): Promise<void> {
    const { slot, tag } = slotOf(ref)
    const bytes = await this.#read(slot)
    const isThere = bytes?.toString('hex', 0, TAG_OF_SLOT_BYTES) === tag
    bytes?.fill(0)
    if (!isThere && !this.#unsure.has(slot)) return
    const { files, name, randomFill } = this.#options
    const noise = randomFill(Buffer.alloc(SLOT_BYTES))
    this.#unsure.add(slot)
    await files.write(name, noise, header.BYTES + slot * SLOT_BYTES, true, true)
    this.#unsure.delete(slot)
    this.#used.delete(slot)
    this.#firstFree = Math.min(this.#firstFree, slot)
  }

  close(): void {
    this.#sealing?.fill(0)
  }

  /** Another process that opened the file since has another token in it, and knows nothing of our slots. */
  async #requireOwn(): Promise<void> {
    const { files, name } = this.#options
    const bytes = await files.read(name, 0, header.BYTES)
    const found = bytes === null ? null : readHeader(bytes)
    if (found?.token !== this.#token) {
      throw unusable('The master key file was taken away, or another process uses it: stop one of the two')
    }
  }

  /** A slot's bytes, for the caller to zero; null beyond the file's end. */
  async #read(slot: number): Promise<Buffer | null> {
    const { files, name } = this.#options
    const bytes = await files.read(name, header.BYTES + slot * SLOT_BYTES, SLOT_BYTES)
    if (bytes === null) throw unusable('The master key file is gone')
    if (bytes.length === SLOT_BYTES) return bytes
    bytes.fill(0)
    return null
  }

  /** Read from the file each time: a wrapping key is needed once, and in memory it would only be in the way. */
  async #keyOf(ref: string): Promise<Buffer | null> {
    const { slot, tag } = slotOf(ref)
    const bytes = await this.#read(slot)
    if (bytes === null) return null
    try {
      if (bytes.toString('hex', 0, TAG_OF_SLOT_BYTES) !== tag) return null
      if (this.#sealing !== null) {
        return unwrapSecret(this.#sealing, bytes.subarray(TAG_OF_SLOT_BYTES, CONTENT_END), this.#place(slot))
      }
      const key = secretBuffer(KEY_BYTES)
      bytes.copy(key, 0, TAG_OF_SLOT_BYTES, TAG_OF_SLOT_BYTES + KEY_BYTES)
      return key
    } finally {
      bytes.fill(0)
    }
  }

  /** Puts a key into a slot's bytes, which are noise. */
  #fill(bytes: Buffer, slot: number, key: Buffer): void {
    if (this.#sealing === null) bytes.set(key, TAG_OF_SLOT_BYTES)
    else {
      const nonce = this.#options.randomFill(Buffer.alloc(NONCE_BYTES))
      bytes.set(wrapSecret(this.#sealing, nonce, key, this.#place(slot)), TAG_OF_SLOT_BYTES)
    }
  }

  #place(slot: number): Buffer {
    return lengthPrefixed('master-slot/v1', this.id, String(slot))
  }
}

function slotOf(ref: string): Slot {
  const match = REFERENCE.exec(ref)
  const slot = Number(match?.[1] ?? -1)
  if (match?.[2] === undefined || slot >= MAX_SLOTS) {
    throw unusable('A root was wrapped by another kind of key store')
  }
  return { slot, tag: match[2] }
}
