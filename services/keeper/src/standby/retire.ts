/** What becomes of a keeper whose standby confirmed that it has everything: nothing here is needed any more. */
import { TacitError } from '@tacit/contracts'
import type { SecretFiles } from '../secret-files.js'
import { isSecretName } from './replica-wire.js'

/**
 * Destroys every secret of a directory, and puts nothing on record: the log goes on elsewhere, and so do the keys.
 * Recovery: called again, it goes on with what is left.
 * @throws TacitError ERR_KEY_STORE where some could not be destroyed; the others are
 */
export async function retire(files: SecretFiles): Promise<void> {
  let failed = 0
  for (const name of (await files.list()).filter(isSecretName)) {
    await files.shred(name).catch(() => {
      failed += 1
    })
  }
  await files.sync()
  if (failed > 0) {
    throw new TacitError(
      'ERR_KEY_STORE',
      'This keeper handed over, and not every key in its directory could be destroyed: start it once more, and it goes on',
    )
  }
}
