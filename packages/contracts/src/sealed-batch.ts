/**
 * A sealed batch, version 1: what a log message holds.
 *
 *     magic "TCB1" · u32 BE header length · header (UTF-8 JSON) · AES-256-GCM ciphertext of the rows · 16-byte tag
 *
 * Invariants
 * - The header is authenticated (additional data), not encrypted: it holds counts, never a value of a person.
 * - The key is the hour's log key, diversified by producer: HKDF-SHA256(ikm = log key, salt = LP("batch-key/v1"),
 *   info = LP(producer), 32). The nonce is the batch number (96 bits, big endian). A producer id is random per boot
 *   and its batch numbers only rise, so no (key, nonce) pair is ever used twice (NIST SP 800-38D, 8.2.1).
 * - Rows are JSONCompactEachRow lines, one section a stream, in the order of `header.sections`.
 * - Another version is another magic (`TCB2`) or another `v`; it is refused by its name, never guessed at.
 * The whole of it, with test vectors: docs/sealed-batch.md.
 * Recovery: none is needed; a batch that does not authenticate is set aside, never served.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Stream } from './epochs.js'
import { hkdf32 } from './hkdf.js'
import { lengthPrefixed } from './length-prefix.js'
import { TacitError } from './problems.js'

const MAGIC = Buffer.from('TCB1', 'latin1')
/** `TCB` and a digit: a batch of some version of this format. */
const FAMILY = /^TCB([0-9])/
const SALT = lengthPrefixed('batch-key/v1')
const TAG_BYTES = 16
const PREFIX_BYTES = 8

/** Events of one UTC hour of event time. */
export interface HourCounts {
  received: number
  accepted: number
  dropped: Record<string, number>
}

export interface BatchSection {
  readonly stream: Stream
  /** length of the section in bytes */
  readonly bytes: number
  /** rows per epoch label */
  readonly rows: Readonly<Record<string, number>>
}

export interface BatchHeader {
  readonly v: 1
  /** hour of receipt, ms since the epoch, a whole UTC hour */
  readonly hour: number
  /** 16 hexadecimal digits, random per boot of a collector */
  readonly producer: string
  /** rises by one a batch within a producer, from 0 */
  readonly batch: number
  /** hash of the rulebook that decided */
  readonly rulebook: string
  readonly sections: readonly BatchSection[]
  /** ledger increments by hour of event time (RFC 3339) */
  readonly counts: Readonly<Record<string, HourCounts>>
  /** props that no rule names, removed */
  readonly removedProps: number
  /** events that a detector dropped, by `detector field`; absent where none was */
  readonly detected?: Readonly<Record<string, number>>
  /** present on a watermark: no later batch of any earlier boot, and none of this producer, has an hour before `hour` */
  readonly watermark?: true
  /** present on a watermark of a log that several write: it speaks for its writer alone */
  readonly mark?: Mark
}

/** Whom a watermark speaks for, in a log of several writers and parts. A copy of it is in each part. */
export interface Mark {
  /** 16 hexadecimal digits, of one spool's life: what the spool holds after a crash is of the same writer */
  readonly writer: string
  /** parts that the writer used until then: the watermark holds once it was read in each of them */
  readonly parts: number
  /** nothing of the writer follows at all, until it marks again */
  readonly last?: true
}

export interface OpenedBatch {
  readonly header: BatchHeader
  /** JSONCompactEachRow lines per section, in the order of `header.sections` */
  readonly sections: readonly { readonly section: BatchSection; readonly rows: Buffer }[]
}

/** The key under which one producer seals in one hour. @param logKey 32 bytes */
export function batchKey(logKey: Uint8Array, producer: string): Buffer {
  return hkdf32([logKey], SALT, lengthPrefixed(producer))
}

function nonceOf(batch: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeBigUInt64BE(BigInt(batch), 4)
  return nonce
}

/** Seals rows under a key made by {@link batchKey}. The length of `rows` is the sum of the sections' bytes. */
export function sealBatch(header: BatchHeader, rows: Uint8Array, key: Uint8Array): Buffer {
  const head = Buffer.from(JSON.stringify(header), 'utf8')
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES + head.length)
  MAGIC.copy(prefix, 0)
  prefix.writeUInt32BE(head.length, MAGIC.length)
  head.copy(prefix, PREFIX_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(header.batch))
  cipher.setAAD(prefix)
  const body = cipher.update(rows)
  cipher.final()
  return Buffer.concat([prefix, body, cipher.getAuthTag()])
}

function versionProblem(version: string | number): TacitError {
  return new TacitError(
    'ERR_BATCH_VERSION',
    `A sealed batch is of version ${version}, and this Tacit reads version 1. Run the Tacit that wrote it until its hour is staged.`,
  )
}

/** @throws TacitError ERR_BATCH_VERSION for a version of this format that is not known, else ERR_BATCH_FORMAT */
function checkMagic(bytes: Buffer): void {
  if (bytes.subarray(0, MAGIC.length).equals(MAGIC)) return
  const version = FAMILY.exec(bytes.toString('latin1', 0, MAGIC.length))?.[1]
  throw version === undefined ? new TacitError('ERR_BATCH_FORMAT') : versionProblem(version)
}

/** The version that a header says, where it is one that may come: its number is said, so it must be small. */
function versionOf(header: unknown): number | null {
  const v = typeof header === 'object' && header !== null && 'v' in header ? header.v : null
  return typeof v === 'number' && Number.isInteger(v) && v > 0 && v < 1_000 ? v : null
}

/** Whether a key can be found and a nonce made by it; what else it says is believed once it authenticates. */
function isHeader(value: unknown): value is BatchHeader {
  if (typeof value !== 'object' || value === null) return false
  const { batch, counts, hour, producer, sections, v } = value as Readonly<Record<string, unknown>>
  return (
    v === 1 &&
    Number.isSafeInteger(hour) &&
    Number.isSafeInteger(batch) &&
    (batch as number) >= 0 &&
    typeof producer === 'string' &&
    Array.isArray(sections) &&
    typeof counts === 'object' &&
    counts !== null
  )
}

/**
 * Reads the header without authenticating it: for finding the key, and for counting what can no longer be opened.
 * @throws TacitError ERR_BATCH_FORMAT, ERR_BATCH_VERSION
 */
export function readBatchHeader(bytes: Buffer): BatchHeader {
  checkMagic(bytes)
  if (bytes.length < PREFIX_BYTES + TAG_BYTES) throw new TacitError('ERR_BATCH_FORMAT')
  const length = bytes.readUInt32BE(MAGIC.length)
  if (PREFIX_BYTES + length + TAG_BYTES > bytes.length) throw new TacitError('ERR_BATCH_FORMAT')
  let header: unknown
  try {
    header = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + length))
  } catch {
    throw new TacitError('ERR_BATCH_FORMAT')
  }
  const version = versionOf(header)
  if (version !== null && version !== 1) throw versionProblem(version)
  if (!isHeader(header)) throw new TacitError('ERR_BATCH_FORMAT')
  return header
}

/**
 * Opens a sealed batch.
 * @param key made by {@link batchKey} for the header's hour and producer
 * @param header as {@link readBatchHeader} read it, where it was read already
 * @throws TacitError ERR_BATCH_FORMAT, ERR_BATCH_VERSION, ERR_BATCH_AUTHENTICATION
 */
export function openBatch(bytes: Buffer, key: Uint8Array, header = readBatchHeader(bytes)): OpenedBatch {
  const bodyStart = PREFIX_BYTES + bytes.readUInt32BE(MAGIC.length)
  const tagStart = bytes.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(header.batch))
  decipher.setAAD(bytes.subarray(0, bodyStart))
  decipher.setAuthTag(bytes.subarray(tagStart))
  let rows: Buffer
  try {
    rows = decipher.update(bytes.subarray(bodyStart, tagStart))
    decipher.final()
  } catch {
    throw new TacitError('ERR_BATCH_AUTHENTICATION')
  }
  let at = 0
  const sections = header.sections.map((section) => {
    const part = { section, rows: rows.subarray(at, at + section.bytes) }
    at += section.bytes
    return part
  })
  if (at !== rows.length) throw new TacitError('ERR_BATCH_FORMAT')
  return { header, sections }
}
