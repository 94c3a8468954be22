/**
 * What a standby asks of its primary, and what it gets. The question is a small JSON object, the answer bytes, because
 * secrets are in it: they never become text.
 *
 *     "TKP1" · u8 flags · u64 as of (ms, the primary's clock) · 3 × u64 times of keys (ms) · 16 bytes session · u32 number
 *     u32 length · lines of entries · u32 length · lines of heads · u32 count · count × (u8 length · file name · 32 bytes)
 *
 * All numbers are big-endian; u64 are whole numbers that a double holds.
 */
import { secretBuffer, TacitError } from '@tacit/contracts'
import { KEY_BYTES, type KeyTimes } from '@tacit/keyring'
import { z } from 'zod'

/** Bytes of entries, of heads, and secrets, of one answer at most. */
export const MAX_LINES = 1_048_576
export const MAX_SECRETS = 256
/** A secret's file is named within this; see {@link isSecretName}. */
const MAX_NAME = 64
const MAX_SECRETS_BYTES = MAX_SECRETS * (1 + MAX_NAME + KEY_BYTES)
/** Longest answer, bytes. */
export const MAX_PAGE = 2 * MAX_LINES + MAX_SECRETS_BYTES + 256
/** Names of 200,000 secrets. */
export const PULL_BODY = 12_582_912
const MAX_NAMES = 200_000

/** How many bytes of the end of a log's file say which file it is: an entry ends with its salt, a head with a signature. */
export const END_BYTES = 160

const SECRET_NAME =
  /^(?:(?:day|week|month)-\d{4}-\d{2}(?:-\d{2})?\.root|hour-\d{4}-\d{2}-\d{2}T\d{2}\.key|(?:tenant|site)-[0-9a-f]{32}\.root|(?:naming|audit-signing)\.key)$/

/** Whether a file of the keeper's directory holds a secret that a standby needs. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

const bytes = z.int().min(0)

export const PULL = z.strictObject({
  /** 32 hexadecimal digits; null begins a session */
  session: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  /** of the answer that the standby has kept, durably; 0: none of this session */
  number: bytes,
  /** bytes of the audit log's files that it has, durably */
  entries: bytes,
  heads: bytes,
  /** only to begin a session: what its files end with (hexadecimal), and which secrets it has */
  begin: z
    .strictObject({
      entriesEnd: z.string().max(2 * END_BYTES),
      headsEnd: z.string().max(2 * END_BYTES),
      have: z.array(z.string().regex(SECRET_NAME)).max(MAX_NAMES),
    })
    .nullable(),
})

/** One question of a standby. */
export type Pull = z.infer<typeof PULL>

export interface Secret {
  /** its file's name */
  readonly name: string
  /** 32 bytes in memory of their own */
  readonly bytes: Buffer
}

export interface Page {
  /**
   * `session`: the primary knows no such session, begin one. `diverged`: the standby's log is not how the primary's
   * begins. In both there is nothing else.
   */
  readonly refused: 'session' | 'diverged' | null
  /** whether the standby has everything with this, as of {@link Page.asOf} */
  readonly complete: boolean
  /** complete, and the primary creates nothing any more */
  readonly handedOver: boolean
  readonly asOf: number
  readonly times: KeyTimes
  readonly session: string
  readonly number: number
  readonly entries: Buffer
  readonly heads: Buffer
  readonly secrets: readonly Secret[]
}

const MAGIC = Buffer.from('TKP1', 'latin1')
const COMPLETE = 1
const HANDED_OVER = 2
const NO_SESSION = 4
const DIVERGED = 8
const SESSION_BYTES = 16

function flagsOf({ complete, handedOver, refused }: Page): number {
  return (
    (complete ? COMPLETE : 0) |
    (handedOver ? HANDED_OVER : 0) |
    (refused === 'session' ? NO_SESSION : 0) |
    (refused === 'diverged' ? DIVERGED : 0)
  )
}

const u64 = (number: number): Buffer => {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(BigInt(Math.max(0, Math.trunc(number))))
  return buffer
}
const u32 = (number: number): Buffer => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(number)
  return buffer
}

/** @returns memory of its own, for the caller to zero once it is out; so are the page's secrets, which stay the caller's */
export function encodePage(page: Page): Buffer {
  const { entries, heads, secrets, times } = page
  const parts: Buffer[] = [
    MAGIC,
    Buffer.of(flagsOf(page)),
    u64(page.asOf),
    ...[times.latenessMs, times.destroyKeyAfterMs, times.logKeyLifeMs].map(u64),
    Buffer.from(page.session.padStart(2 * SESSION_BYTES, '0'), 'hex'),
    u32(page.number),
    u32(entries.length),
    entries,
    u32(heads.length),
    heads,
    u32(secrets.length),
  ]
  for (const { bytes: secret, name } of secrets)
    parts.push(Buffer.of(name.length), Buffer.from(name, 'latin1'), secret)
  const whole = secretBuffer(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) at += part.copy(whole, at)
  return whole
}

/** Reads from a buffer, never beyond it. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#bytes = buffer
  }

  /** A view, not a copy. */
  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw foreign()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  u8 = (): number => this.take(1).readUInt8()
  u32 = (): number => this.take(4).readUInt32BE()

  u64(): number {
    const number = Number(this.take(8).readBigUInt64BE())
    if (!Number.isSafeInteger(number)) throw foreign()
    return number
  }

  assertEnd(): void {
    if (this.#at !== this.#bytes.length) throw foreign()
  }
}

/** @returns its buffers are views of `buffer` @throws TacitError ERR_KEEPER_UNAVAILABLE where it is no page of this version */
export function decodePage(buffer: Buffer): Page {
  const reader = new Reader(buffer)
  if (!reader.take(MAGIC.length).equals(MAGIC)) throw foreign()
  const flags = reader.u8()
  const asOf = reader.u64()
  const times = { latenessMs: reader.u64(), destroyKeyAfterMs: reader.u64(), logKeyLifeMs: reader.u64() }
  const session = reader.take(SESSION_BYTES).toString('hex')
  const number = reader.u32()
  const entries = reader.take(reader.u32())
  const heads = reader.take(reader.u32())
  const count = reader.u32()
  if (count > MAX_SECRETS) throw foreign()
  const secrets = Array.from({ length: count }, (): Secret => {
    const name = reader.take(reader.u8()).toString('latin1')
    if (!isSecretName(name)) throw foreign()
    return { name, bytes: reader.take(KEY_BYTES) }
  })
  reader.assertEnd()
  return {
    refused: (flags & NO_SESSION) !== 0 ? 'session' : (flags & DIVERGED) !== 0 ? 'diverged' : null,
    complete: (flags & COMPLETE) !== 0,
    handedOver: (flags & HANDED_OVER) !== 0,
    asOf,
    times,
    session,
    number,
    entries,
    heads,
    secrets,
  }
}

function foreign(): TacitError {
  return new TacitError(
    'ERR_KEEPER_UNAVAILABLE',
    'The primary’s answer is not of this version: run the same version on both sides',
  )
}
