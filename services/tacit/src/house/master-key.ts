/** Where the operator keeps the master key: TACIT_MASTER_KEY_FILE, and the credential that systemd hands over. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { TacitError } from '@tacit/contracts'
import { type KeeperStores, openKeeperStores } from '@tacit/keeper'
import type { RealmLayout } from './layout.js'

/** Name of the systemd credential that seals the master key file. */
export const MASTER_CREDENTIAL = 'tacit-master-key'

export interface MasterKey {
  readonly file?: string
  readonly credentialFile?: string
}

/** @param env of the process; `CREDENTIALS_DIRECTORY` is systemd's (systemd.exec(5), Credentials) */
export function masterKeyOf(env: NodeJS.ProcessEnv): MasterKey {
  const file = env['TACIT_MASTER_KEY_FILE']
  const folder = env['CREDENTIALS_DIRECTORY']
  const credentialFile = folder === undefined ? undefined : join(folder, MASTER_CREDENTIAL)
  return {
    ...(file === undefined || file === '' ? {} : { file }),
    ...(credentialFile !== undefined && existsSync(credentialFile) ? { credentialFile } : {}),
  }
}

/** Whether the master key file is sealed, where systemd hands over credentials; `isMissing`: one that is ours is not among them. */
export interface Sealing {
  readonly isMissing: boolean
  readonly text: string
}

/**
 * Null where there is no word of systemd's. A file that was made with a credential is refused without it; one that was
 * never sealed is not, so a credential that is misspelt in the unit would go unseen.
 */
export function sealingOf(env: NodeJS.ProcessEnv): Sealing | null {
  const folder = env['CREDENTIALS_DIRECTORY']
  if (folder === undefined || folder === '') return null
  if (masterKeyOf(env).credentialFile !== undefined) {
    return {
      isMissing: false,
      text: `The master key file is sealed with the credential ${MASTER_CREDENTIAL}`,
    }
  }
  return {
    isMissing: true,
    text: `The master key file is not sealed: systemd hands over credentials, and none is called ${MASTER_CREDENTIAL}; name it so with LoadCredentialEncrypted=${MASTER_CREDENTIAL}:… (docs/keys.md)`,
  }
}

/**
 * Opens what wraps keys by the master key file; where that will not do, the message says which file was looked at.
 * @throws TacitError ERR_KEY_MASTER, and what `open` throws
 */
export async function openWithMaster<T>(
  { audit, keys, masterKey }: Pick<RealmLayout, 'audit' | 'keys' | 'masterKey'>,
  { credentialFile, file }: MasterKey,
  open: (stores: KeeperStores) => Promise<T>,
): Promise<T> {
  const masterFile = resolve(file ?? masterKey)
  const origin =
    file === undefined
      ? 'where it is unless TACIT_MASTER_KEY_FILE says otherwise'
      : 'as TACIT_MASTER_KEY_FILE says'
  try {
    return await open(openKeeperStores({ keys, audit, masterFile, credentialFile }))
  } catch (error) {
    if (!(error instanceof TacitError) || error.code !== 'ERR_KEY_MASTER') throw error
    // Some of the keeper's messages name it already.
    const place = error.message.includes(masterFile) ? origin : `the file is ${masterFile}, ${origin}`
    throw new TacitError('ERR_KEY_MASTER', `${error.message} (${place})`, { cause: error })
  }
}
