/**
 * One secret of 32 random bytes in one file.
 *
 * Invariants
 * - A secret is on disk, name and all, before {@link createRoot} returns it, so a file that a crash left half made
 *   was never used: it is short, or all zeroes where the size came to disk before the bytes.
 * - A whole file is never replaced by another secret.
 */
import { KEY_BYTES } from '@tacit/keyring'
import { isErrorCode, type KeyFiles } from './key-files.js'

const NO_BYTES = Buffer.alloc(0)

/** Fills a buffer with random bytes. */
export type RandomFill = (buffer: Buffer) => Buffer

/** The secret in a file, for the caller to zero; null where there is none, or a half made one. */
export async function readRoot(files: KeyFiles, name: string): Promise<Buffer | null> {
  const bytes = await files.read(name)
  return bytes !== null && bytes.length === KEY_BYTES && bytes.some((byte) => byte !== 0) ? bytes : null
}

/** The same, and on disk: whoever made the file may have died between writing and syncing it. */
export async function readDurableRoot(files: KeyFiles, name: string): Promise<Buffer | null> {
  const root = await readRoot(files, name)
  // No bytes, at the end: a sync and nothing else.
  if (root !== null) await files.write(name, NO_BYTES, root.length, true)
  return root
}

/** Makes a secret, or takes over one that an earlier, interrupted attempt made; durable on return. */
export async function createRoot(files: KeyFiles, name: string, randomFill: RandomFill): Promise<Buffer> {
  const root = randomFill(Buffer.allocUnsafeSlow(KEY_BYTES))
  try {
    try {
      await files.create(name, root)
    } catch (error) {
      if (!isErrorCode(error, 'EEXIST')) throw error
      const adopted = await adoptRoot(files, name)
      if (adopted !== null) {
        root.fill(0)
        return adopted
      }
      await files.create(name, root)
    }
    await files.syncDirectory()
    return root
  } catch (error) {
    root.fill(0)
    throw error
  }
}

/**
 * Takes over a secret that an interrupted attempt made: makes it durable, or removes what is half made.
 * @returns null where nothing whole is there
 */
export async function adoptRoot(files: KeyFiles, name: string): Promise<Buffer | null> {
  const root = await readDurableRoot(files, name)
  if (root === null) await removeIfThere(files, name)
  await files.syncDirectory()
  return root
}

/** Overwrites a secret with random bytes on disk and removes its file; durable after the directory is synced. */
export async function shredRoot(files: KeyFiles, name: string, randomFill: RandomFill): Promise<void> {
  try {
    await files.write(name, randomFill(Buffer.allocUnsafeSlow(KEY_BYTES)), 0, true)
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return
    throw error
  }
  await removeIfThere(files, name)
}

async function removeIfThere(files: KeyFiles, name: string): Promise<void> {
  try {
    await files.remove(name)
  } catch (error) {
    if (!isErrorCode(error, 'ENOENT')) throw error
  }
}
