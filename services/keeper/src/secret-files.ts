/**
 * Secrets of 32 random bytes, one in a file, wrapped.
 *
 *     "TKR1" · u8 length of the reference · reference of the wrapping key · the secret, wrapped (64 bytes where wrapping.ts does it)
 *
 * Invariants
 * - A secret is on disk, name and all, before {@link SecretFiles.create} returns it, so a file that a crash left half made
 *   was never used: it does not authenticate.
 * - A whole file is never replaced by another secret. The file's name is authenticated with it.
 * - Destroyed: its wrapping key first, then the file's bytes are overwritten with random ones, synced, and its name is
 *   taken away. A copy of the file from before is worth nothing from the first step on.
 */
import { lengthPrefixed, secretBuffer, TacitError } from '@tacit/contracts'
import { KEY_BYTES } from '@tacit/keyring'
import { isErrorCode, isThere, type KeyFiles } from './key-files.js'
import { NONCE_BYTES, TAG_BYTES } from './wrapping.js'
import type { WrappingKeys } from './wrapping-keys.js'

const MAGIC = Buffer.from('TKR1', 'latin1')
const NO_BYTES = Buffer.alloc(0)
/** What wrapping.ts makes of a secret, and the least that any store of wrapping keys may make of it. */
const MIN_WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES

/** Fills a buffer with random bytes. */
export type RandomFill = (buffer: Buffer) => Buffer

/** What lies in a file: which wrapping key, and what it wraps; null where it is no whole file. */
function parse(bytes: Buffer): { readonly ref: string; readonly wrapped: Buffer } | null {
  const refStart = MAGIC.length + 1
  const refLength = bytes[MAGIC.length]
  if (refLength === undefined || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null
  const ref = bytes.toString('latin1', refStart, refStart + refLength)
  if (ref.length < refLength || !/^[\x21-\x7e]+$/.test(ref)) return null
  return { ref, wrapped: bytes.subarray(refStart + refLength) }
}

/** Whether a file has the form of a wrapped secret. */
export function isWrapped(bytes: Buffer): boolean {
  return parse(bytes) !== null
}

/** References of the wrapping keys that files in a directory hold. */
export async function wrappingReferences(files: KeyFiles, names: readonly string[]): Promise<Set<string>> {
  const references = new Set<string>()
  for (const name of names) {
    const bytes = await files.read(name)
    const parsed = bytes === null ? null : parse(bytes)
    if (parsed !== null) references.add(parsed.ref)
  }
  return references
}

export class SecretFiles {
  readonly #files: KeyFiles
  readonly #wrapping: WrappingKeys
  readonly #randomFill: RandomFill

  constructor(files: KeyFiles, wrapping: WrappingKeys, randomFill: RandomFill) {
    this.#files = files
    this.#wrapping = wrapping
    this.#randomFill = randomFill
  }

  list(): Promise<readonly string[]> {
    return this.#files.list()
  }

  /** The secret in a file, for the caller to zero; null where there is none, or a half made one. */
  async read(name: string): Promise<Buffer | null> {
    const found = await this.#parsed(name)
    if (found === null) return null
    const secret = await this.#wrapping.unwrap(found.ref, found.wrapped, contextOf(name))
    if (secret === null || secret.length === KEY_BYTES) return secret
    secret.fill(0)
    return null
  }

  /**
   * For a secret that is in use, and whose file did not open: one that is whole must be given up by nobody but a person.
   * @param root its id, where it is a root's
   * @throws TacitError ERR_KEY_MASTER where the file is whole; one that is gone or torn opens with no master key
   */
  async requireNotWhole(name: string, root: string | null): Promise<void> {
    const wrapped = (await this.#parsed(name))?.wrapped
    if (wrapped === undefined || wrapped.length < MIN_WRAPPED_BYTES) return
    const [what, otherwise] =
      root === null
        ? [`The secret in keys/${name}`, 'start with a new data directory']
        : [`The root of ${root}`, `give this root up by removing keys/${name}`]
    throw new TacitError(
      'ERR_KEY_MASTER',
      `${what} is here and cannot be unwrapped: the master key file is not the one that was used last, or one of the two is damaged. Bring the right one back; or ${otherwise}`,
    )
  }

  /** The same as {@link SecretFiles.read}, and on disk: whoever made the file may have died between writing and syncing it. */
  async readDurable(name: string): Promise<Buffer | null> {
    const secret = await this.read(name)
    // No bytes, in place: a sync and nothing else.
    if (secret !== null) await this.#files.write(name, NO_BYTES, 0, true, true)
    return secret
  }

  /**
   * The same of a secret that may be in use.
   * @param root its id, where it is a root's @returns null where its file is gone or torn
   * @throws TacitError ERR_KEY_MASTER where it is whole and does not open
   */
  async readInUse(name: string, root: string | null): Promise<Buffer | null> {
    const secret = await this.readDurable(name)
    if (secret === null) await this.requireNotWhole(name, root)
    return secret
  }

  /** Makes a secret, or takes over one that an earlier, interrupted attempt made; durable on return. */
  async create(name: string): Promise<Buffer> {
    const adopted = (await isThere(this.#files, name)) ? await this.adopt(name) : null
    return adopted ?? this.store(name, this.#randomFill(secretBuffer(KEY_BYTES)))
  }

  /** Keeps a secret that came from elsewhere under a name that is not taken; durable on return. @returns the secret */
  async store(name: string, secret: Buffer): Promise<Buffer> {
    try {
      await this.#files.create(name, await this.wrapped(name, secret))
      await this.#files.syncDirectory()
      return secret
    } catch (error) {
      secret.fill(0)
      throw error
    }
  }

  /** What a secret's file holds, under a wrapping key of its own. @param name of the file */
  async wrapped(name: string, secret: Buffer): Promise<Buffer> {
    const ref = await this.#wrapping.create()
    const wrapped = await this.#wrapping.wrap(ref, secret, contextOf(name))
    return Buffer.concat([MAGIC, Buffer.of(ref.length), Buffer.from(ref, 'latin1'), wrapped])
  }

  /**
   * Takes over a secret that an interrupted attempt made: makes it durable, or removes what is half made.
   * @returns null where nothing whole is there
   */
  async adopt(name: string): Promise<Buffer | null> {
    const secret = await this.readDurable(name)
    if (secret === null) await this.shred(name)
    await this.#files.syncDirectory()
    return secret
  }

  /**
   * A secret that lives as long as its directory: the one that is there, or a new one.
   * @param isUsed whether there is anything already that would be lost with it; then nothing is ever made in its place
   * @throws TacitError ERR_KEY_MASTER where it is whole and does not open; ERR_KEY_STORE where it is used, and gone or torn
   */
  async lasting(name: string, isUsed: boolean): Promise<Buffer> {
    const known = await this.readInUse(name, null)
    await this.#files.syncDirectory()
    if (known !== null) return known
    if (!isUsed) return this.create(name)
    throw new TacitError(
      'ERR_KEY_STORE',
      `The file ${name} in the keeper's directory is gone or damaged: start with a new data directory`,
    )
  }

  /** Destroys a secret and its wrapping key; its name is gone for good after the next {@link SecretFiles.sync}. */
  async shred(name: string): Promise<void> {
    const bytes = await this.#files.read(name)
    if (bytes === null) return
    const ref = parse(bytes)?.ref
    if (ref !== undefined) await this.#wrapping.destroy(ref)
    try {
      await this.#files.write(name, this.#randomFill(Buffer.alloc(bytes.length)), 0, true)
      await this.#files.remove(name)
    } catch (error) {
      if (!isErrorCode(error, 'ENOENT')) throw error
    }
  }

  /** Makes every name taken away so far stay away. */
  sync(): Promise<void> {
    return this.#files.syncDirectory()
  }

  async #parsed(name: string): Promise<ReturnType<typeof parse>> {
    const bytes = await this.#files.read(name)
    return bytes === null ? null : parse(bytes)
  }
}

function contextOf(name: string): Buffer {
  return lengthPrefixed('root/v1', name)
}
