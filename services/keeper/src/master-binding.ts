/**
 * Opens a master key file for a keeper's directory, and holds that the two belong together.
 *
 *     wrapped-by, in the keeper's directory: id · token · next token, 32 hexadecimal digits each
 *
 * At each start, once what is here was seen to open: `wrapped-by` names the next token, then the file's header takes it, then `wrapped-by` drops the former one.
 * So a file whose token is neither was used by another directory since, or is an older copy: its slots are not what the
 * roots here refer to, and to go on would destroy what lives.
 * Recovery: after a crash in between, the file's token is one of the two.
 */
import { TacitError } from '@tacit/contracts'
import { KEY_BYTES } from '@tacit/keyring'
import { isThere, type KeyFiles } from './key-files.js'
import { MasterFile } from './master-file.js'
import {
  header,
  isHalfMade,
  type MasterHeader,
  newHeader,
  readHeader,
  requireCredential,
  sealingKey,
} from './master-header.js'
import type { RandomFill } from './secret-files.js'

/** Says which store of wrapping keys the secrets beside it need. */
export const WRAPPED_BY = 'wrapped-by'
const TOKEN_BYTES = 16
const LINE = /^([0-9a-f]{32}) ([0-9a-f]{32}) ([0-9a-f]{32})$/

export interface MasterPlace {
  /** the folder of the master key file, and its name */
  readonly files: KeyFiles
  readonly name: string
  /** seals the file's slots, at least 32 bytes; zeroed once it is used */
  readonly credential?: Uint8Array
}

export interface Binding {
  /** the keeper's directory */
  readonly keys: KeyFiles
  readonly place: MasterPlace
  /** references that the roots there hold */
  readonly used: ReadonlySet<string>
  /** whether nothing is wrapped there yet */
  readonly isEmpty: boolean
  readonly randomFill: RandomFill
}

interface Bound {
  readonly id: string
  readonly tokens: readonly string[]
}

const unusable = (why: string): TacitError => new TacitError('ERR_KEY_MASTER', why)

/** @throws TacitError ERR_KEY_MASTER */
export async function openMasterFile(binding: Binding): Promise<MasterFile> {
  const { credential, files, name } = binding.place
  if (credential !== undefined && credential.length < KEY_BYTES) {
    throw unusable('The master credential is shorter than 32 bytes; make one with `openssl rand 32`')
  }
  const sealing = credential === undefined ? null : (id: string): Buffer => sealingKey(credential, id)
  const bound = readBound(await binding.keys.read(WRAPPED_BY))
  const found = await find(binding, bound, sealing)
  const key = sealing?.(found.id) ?? null
  credential?.fill(0)
  requireCredential(found, key)
  // Whoever made it may have died before it was on disk.
  await files.write(name, Buffer.alloc(0), 0, true, true)
  await files.syncDirectory()
  await bind(binding.keys, found.id, [found.token, found.token])
  const claim = async (): Promise<string> => {
    const token = tokenBy(binding.randomFill)
    await bind(binding.keys, found.id, [found.token, token])
    await files.write(name, Buffer.from(token, 'hex'), header.TOKEN_START, true, true)
    await bind(binding.keys, found.id, [token, token])
    return token
  }
  const options = { files, name, randomFill: binding.randomFill, claim }
  return new MasterFile(options, found, key, binding.used)
}

const tokenBy = (randomFill: RandomFill): string => randomFill(Buffer.alloc(TOKEN_BYTES)).toString('hex')

/** The header of the file that belongs to this directory; made where there may be none yet. */
async function find(
  { isEmpty, place, randomFill }: Binding,
  bound: Bound | null,
  sealing: ((id: string) => Buffer) | null,
): Promise<MasterHeader> {
  const { files, name } = place
  const bytes = await files.read(name)
  const known = bytes === null ? null : readHeader(bytes)
  const hasSlots = bytes !== null && bytes.length > header.BYTES
  const isStrange = bytes !== null && known === null && !isHalfMade(bytes)
  bytes?.fill(0)
  if (isStrange) {
    throw unusable('The file named as the master key file is something else; name another place for it')
  }
  if (known !== null && bound !== null && bound.id === known.id) {
    if (isOneOf(bound.tokens, known.token)) return known
    throw unusable(
      'The master key file is an older copy, or another data directory used it since: bring back the one that was used here last. To go on without would destroy every key that lives',
    )
  }
  if (!isEmpty) {
    throw unusable(
      known === null
        ? 'The master key file is gone, and without it no root can be read; bring it back from where it is, or start with a new data directory'
        : 'These roots were wrapped by another master key; name the right one, or start with a new data directory',
    )
  }
  // Nothing is wrapped here: a file without slots is one that a crash kept from its first use.
  if (known !== null && !hasSlots) return known
  if (known !== null) {
    throw unusable(
      'The master key file belongs to another data directory, whose keys it would cost; name another file, or remove this one if that directory is gone',
    )
  }
  if (bytes !== null) await files.remove(name)
  const made = newHeader(tokenBy(randomFill), sealing, randomFill)
  await files.create(name, made)
  await files.syncDirectory()
  const fresh = readHeader(made)
  if (fresh === null) throw unusable('The master key file could not be made')
  return fresh
}

/** A write that a crash cut in the middle leaves a token that is partly the one and partly the other. */
function isOneOf([current = '', next = '']: readonly string[], token: string): boolean {
  return [...token].every((digit, at) => digit === current[at] || digit === next[at])
}

function readBound(bytes: Buffer | null): Bound | null {
  const match = LINE.exec(bytes?.toString('latin1') ?? '')
  if (match === null) return null
  const [, id = '', ...tokens] = match
  return { id, tokens }
}

/** One line of a fixed length, so that it is written in its place. */
async function bind(keys: KeyFiles, id: string, tokens: readonly [string, string]): Promise<void> {
  const line = Buffer.from([id, ...tokens].join(' '), 'latin1')
  if (await isThere(keys, WRAPPED_BY)) await keys.write(WRAPPED_BY, line, 0, true)
  else {
    await keys.create(WRAPPED_BY, line)
    await keys.syncDirectory()
  }
}
