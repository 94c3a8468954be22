/** A copy of the keeper's directory and of the master key file, as a file-system snapshot makes one, and what opens in it. */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { lengthPrefixed } from '@tacit/contracts'
import { unwrapped } from '@tacit/keeper/testing'
import { lootOfDirectory } from './loot.js'

export interface KeeperCopy {
  readonly files: ReadonlyMap<string, Buffer>
  /** the master key file */
  readonly master: Buffer
}

/** Secrets by the names of their files. */
export type Secrets = ReadonlyMap<string, Buffer>

export function copyKeeper({
  keys,
  masterFile,
}: {
  readonly keys: string
  readonly masterFile: string
}): KeeperCopy {
  const files = lootOfDirectory(keys).map(({ bytes, name }) => [name, bytes] as const)
  return { files: new Map(files), master: readFileSync(masterFile) }
}

/** The secrets among the files that a master key file opens, by default the one that was copied with them. */
export function secretsOf({ files, master }: KeeperCopy, masterFile = master): Secrets {
  return new Map(
    [...files].flatMap(([name, bytes]) => {
      const secret = unwrapped(bytes, name, masterFile)
      return secret === null ? [] : [[name, secret] as const]
    }),
  )
}

/** The secret in a file. @throws RangeError where there is none */
export function secretOf(secrets: Secrets, name: string): Buffer {
  const secret = secrets.get(name)
  if (secret === undefined) throw new RangeError(`no secret ${name}`)
  return secret
}

/** The file of a tenant's root (scope-roots.ts of the keeper). */
export function fileOfTenant(secrets: Secrets, tenant: string): string {
  const naming = createHmac('sha256', secretOf(secrets, 'naming.key'))
  const id = naming.update(lengthPrefixed('tenant', tenant)).digest('hex').slice(0, 32)
  return `tenant-${id}.root`
}

/** What a secret is on the disk: the key that wraps it, in its slot, and the wrapped bytes (nonce, secret, tag). */
export function wrappingOf(
  { files, master }: KeeperCopy,
  name: string,
): { readonly key: Buffer; readonly wrapped: Buffer } {
  const bytes = files.get(name) ?? Buffer.alloc(0)
  const end = 5 + (bytes[4] ?? 0)
  const [slot = ''] = bytes.toString('latin1', 5, end).split('.')
  const start = 96 + 96 * Number(slot) + 8
  return { key: master.subarray(start, start + 32), wrapped: bytes.subarray(end) }
}
