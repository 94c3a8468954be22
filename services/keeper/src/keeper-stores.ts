/** Where a keeper's bytes lie on a disk: its directory, the audit log's, and the master key file, each where it is told. */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { TacitError } from '@tacit/contracts'
import { adjacentKeyFiles, isErrorCode, type KeyFiles, openKeyFiles } from './key-files.js'
import type { WrappingOptions } from './open-secrets.js'

/** Others than the owner may do nothing with a secret file. */
const OTHERS = 0o077

export interface KeeperStores {
  /** roots and the keys beside them, wrapped */
  readonly keys: KeyFiles
  readonly audit: KeyFiles
  readonly wrapping: WrappingOptions
}

export interface KeeperPlaces {
  /** the keeper's own directory: made with mode 0700, its files with 0600 */
  readonly keys: string
  /** the audit log's directory */
  readonly audit: string
  /** the master key file, mode 0600; its folder may belong to others */
  readonly masterFile: string
  /** a file whose bytes seal the master key file, at least 32: a systemd credential */
  readonly credentialFile?: string | undefined
}

/** All of it under one folder: for one machine, and for trying. docs/keys.md says why the master key belongs elsewhere. */
export function keeperPlaces(dir: string): KeeperPlaces {
  return { keys: join(dir, 'keys'), audit: join(dir, 'audit'), masterFile: join(dir, 'master.key') }
}

/** @throws TacitError ERR_KEY_MASTER where the master key file's folder is missing, others may read the master key file, or the credential cannot be read */
export function openKeeperStores({ audit, credentialFile, keys, masterFile }: KeeperPlaces): KeeperStores {
  const path = resolve(masterFile)
  makeFolder(path, dirname(resolve(keys)))
  refuseOthers(path)
  return {
    keys: openKeyFiles(keys),
    audit: openKeyFiles(audit),
    wrapping: {
      files: adjacentKeyFiles(dirname(path)),
      name: basename(path),
      ...(credentialFile === undefined ? {} : { credential: readCredential(credentialFile) }),
    },
  }
}

/**
 * Beside the keys, where nobody named another place, the folder is made. One that its operator named is not: it may not
 * be mounted, and a key that is made there instead would vanish when it is.
 */
function makeFolder(path: string, beside: string): void {
  const folder = dirname(path)
  if (folder === beside) mkdirSync(folder, { recursive: true, mode: 0o700 })
  else if (!existsSync(folder)) {
    throw new TacitError(
      'ERR_KEY_MASTER',
      `There is no folder for the master key file ${path}: mount it, or make it with mode 0700 where it shall be`,
    )
  }
}

function refuseOthers(path: string): void {
  try {
    if ((statSync(path).mode & OTHERS) === 0) return
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return
    throw new TacitError(
      'ERR_KEY_MASTER',
      `The master key file ${path} cannot be read; look at its permissions`,
    )
  }
  throw new TacitError(
    'ERR_KEY_MASTER',
    `Others than its owner may read the master key file ${path}: run \`chmod 600 ${path}\`, and think about who has read it`,
  )
}

/** systemd shows a credential to its unit alone, with mode 0400 or 0440: its permissions are systemd's. */
function readCredential(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    throw new TacitError(
      'ERR_KEY_MASTER',
      'The master credential cannot be read; hand it over with LoadCredential=tacit-master-key:…',
    )
  }
}
