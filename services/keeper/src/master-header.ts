/** The header of a master key file: whose it is, and whether a credential seals it (master-file.ts has the format). */
import { createHmac } from 'node:crypto'
import { lengthPrefixed, secretBuffer, TacitError } from '@tacit/contracts'
import { KEY_BYTES } from '@tacit/keyring'
import type { RandomFill } from './secret-files.js'
import { NONCE_BYTES, TAG_BYTES, unwrapSecret, wrapSecret } from './wrapping.js'

const MAGIC = Buffer.from('TKM1', 'latin1')
const ID_START = 8
const ID_BYTES = 16
const TOKEN_START = ID_START + ID_BYTES
const CHECK_START = TOKEN_START + ID_BYTES
const CHECK_BYTES = NONCE_BYTES + TAG_BYTES

export const SLOT_BYTES = 96
/** Where a header lies. */
export const header = { BYTES: SLOT_BYTES, TOKEN_START } as const

export interface MasterHeader {
  /** 32 hexadecimal digits, for good */
  readonly id: string
  /** 32 hexadecimal digits, new at each start */
  readonly token: string
  readonly isSealed: boolean
  readonly check: Buffer
}

/** The header of a file; null where it has no whole one. */
export function readHeader(bytes: Buffer): MasterHeader | null {
  const id = bytes.toString('hex', ID_START, TOKEN_START)
  if (bytes.length < header.BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC) || /^0*$/.test(id))
    return null
  return {
    id,
    token: bytes.toString('hex', TOKEN_START, CHECK_START),
    isSealed: bytes[MAGIC.length] === 1,
    check: Buffer.from(bytes.subarray(CHECK_START, CHECK_START + CHECK_BYTES)),
  }
}

/** Whether a file is what a crash left of a header that was being made: then nothing was ever wrapped by it. */
export function isHalfMade(bytes: Buffer): boolean {
  const isZero = bytes.every((byte) => byte === 0)
  const begins = MAGIC.subarray(0, bytes.length).equals(bytes.subarray(0, MAGIC.length))
  return bytes.length <= header.BYTES && (isZero || begins)
}

/** The bytes of a new header. */
export function newHeader(
  token: string,
  sealing: ((id: string) => Buffer) | null,
  randomFill: RandomFill,
): Buffer {
  const bytes = Buffer.alloc(header.BYTES)
  MAGIC.copy(bytes)
  randomFill(bytes.subarray(ID_START, TOKEN_START))
  bytes.write(token, TOKEN_START, 'hex')
  if (sealing === null) return bytes
  bytes[MAGIC.length] = 1
  const id = bytes.toString('hex', ID_START, TOKEN_START)
  const key = sealing(id)
  const nonce = randomFill(Buffer.alloc(NONCE_BYTES))
  wrapSecret(key, nonce, Buffer.alloc(0), checkedContext(id)).copy(bytes, CHECK_START)
  key.fill(0)
  return bytes
}

const checkedContext = (id: string): Buffer => lengthPrefixed('master-check/v1', id)

/** What encrypts the slots of a file under a credential, for the caller to zero. */
export function sealingKey(credential: Uint8Array, id: string): Buffer {
  const key = secretBuffer(KEY_BYTES)
  const mac = createHmac('sha256', lengthPrefixed('master-credential/v1', id)).update(credential).digest()
  key.set(mac)
  mac.fill(0)
  return key
}

/** @throws TacitError ERR_KEY_MASTER where the file is not sealed with that credential, or with none */
export function requireCredential({ check, id, isSealed }: MasterHeader, sealing: Buffer | null): void {
  if (isSealed && sealing === null) {
    throw new TacitError(
      'ERR_KEY_MASTER',
      'The master key file is sealed with a credential that is not here; hand it over with LoadCredential=tacit-master-key:…',
    )
  }
  if (!isSealed && sealing !== null) {
    throw new TacitError(
      'ERR_KEY_MASTER',
      'The master key file was made without a credential, and one is given; start with a new data directory, or without it',
    )
  }
  if (sealing !== null && unwrapSecret(sealing, check, checkedContext(id)) === null) {
    throw new TacitError(
      'ERR_KEY_MASTER',
      'The master key file is sealed with another credential; hand over the one it was made with',
    )
  }
}
