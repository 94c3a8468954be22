/** Opens the keeper's directory together with what its secrets are wrapped by, and holds that the two belong together. */
import { TacitError } from '@tacit/contracts'
import { randomFillSync } from 'node:crypto'
import type { KeyFiles } from './key-files.js'
import { MasterFile } from './master-file.js'
import { type MasterPlace, openMasterFile, WRAPPED_BY } from './master-binding.js'
import { type RandomFill, SecretFiles, wrappingReferences } from './secret-files.js'
import { isOfEarlierBuild, wrapOldSecrets } from './upgrade.js'
import type { WrappingKeys } from './wrapping-keys.js'

const NO_BYTES = Buffer.alloc(0)
const SECRET = /\.(?:root|key)(?:\.new)?$/

/** A master key file, or another store of wrapping keys (a key management service). */
export type WrappingOptions = MasterPlace | { readonly keys: WrappingKeys }

export interface Secrets {
  readonly files: SecretFiles
  /** Says that what is here was seen to open: copies of the master key file from before are refused from now on. */
  claim(): Promise<void>
  close(): void
}

/** @throws TacitError ERR_KEY_MASTER where the wrapping keys are gone, or are not those of these secrets */
export async function openSecrets(
  files: KeyFiles,
  options: WrappingOptions,
  randomFill: RandomFill = (buffer) => randomFillSync(buffer),
): Promise<Secrets> {
  const names = (await files.list()).filter((name) => SECRET.test(name))
  const used = await wrappingReferences(files, names)
  // Secrets of an earlier build are not wrapped yet, and refer to nothing.
  const isEmpty = used.size === 0
  const wrapping =
    'keys' in options
      ? await bindStore(files, options.keys, isEmpty)
      : await openMasterFile({
          keys: files,
          place: options,
          used,
          isEmpty,
          randomFill,
        })
  const secrets = new SecretFiles(files, wrapping, randomFill)
  if (await isOfEarlierBuild(files)) await wrapOldSecrets(files, secrets)
  const claim = async (): Promise<void> => {
    if (wrapping instanceof MasterFile) await wrapping.claim()
  }
  return { files: secrets, claim, close: () => wrapping.close() }
}

/** Another store than the one that wrapped these secrets is refused, not tried. */
async function bindStore(files: KeyFiles, keys: WrappingKeys, isEmpty: boolean): Promise<WrappingKeys> {
  const known = (await files.read(WRAPPED_BY))?.toString('latin1')
  if (known !== keys.id && !isEmpty) {
    throw new TacitError(
      'ERR_KEY_MASTER',
      'These roots were wrapped by another key store; name the right one, or start with a new data directory',
    )
  }
  if (known === keys.id) {
    // Whoever made it may have died before it was on disk.
    await files.write(WRAPPED_BY, NO_BYTES, 0, true, true)
  } else {
    // Nothing is wrapped yet, so that a crash in between leaves nothing that would need it.
    if (known !== undefined) await files.remove(WRAPPED_BY)
    await files.create(WRAPPED_BY, Buffer.from(keys.id, 'latin1'))
  }
  await files.syncDirectory()
  return keys
}
