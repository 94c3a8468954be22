/**
 * One line of `entries.ndjson`, version 1, and its leaf in the tree.
 *
 *     {"entry":{"action":…,"actor":…,"object":{…},"rulebook":…,"seq":7,"time":"2026-08-05T00:00:01Z"},"salt":"…"}
 *     leaf = SHA-256(0x00 ‖ salt ‖ canonical entry)
 *
 * The salt, 16 random bytes, keeps small entries from being guessed by their hashes in proofs. The whole line is
 * canonical (RFC 8785) and printable ASCII, so that every entry has one line and no other, and the canonical bytes of
 * the entry are those that stand in the line.
 */
import { parseInstant, rfc3339, TacitError } from '@tacit/contracts'
import { AUDIT_ACTIONS, type AuditDeed, isAuditDeed, objectPattern } from './actions.js'
import { canonicalJson } from './canonical-json.js'
import { forEachLine } from './lines.js'
import { HASH_BYTES, sha256Into } from './sha256.js'

export const SALT_BYTES = 16
/** Bytes of the canonical entry, at most: then an inclusion proof among a million stays within 2 KB. */
export const MAX_ENTRY_BYTES = 1_000
/** Bytes of a line, at most: what is longer was not written by us, and is not read into memory. */
export const MAX_LINE_BYTES = 2_048

/** What somebody did, before it has a number and a time. */
export type AuditEvent = AuditDeed & {
  /** who: a short word, such as `keeper`, `aggregator`, `collector`, `operator`; never a person's name */
  readonly actor: string
  /** SHA-256 (hexadecimal) of the rulebook that ruled; null where none did */
  readonly rulebook: string | null
}

/** An entry of the log. */
export type AuditEntry = AuditEvent & {
  /** from 1, without a gap */
  readonly seq: number
  /** RFC 3339, UTC, with seconds */
  readonly time: string
}

/** What a line is checked for besides its form. */
export interface EntryLine {
  readonly seq: number
  readonly time: string
  /** base64url */
  readonly salt: string
  /** whether its action is one of the list, with an object as that must have */
  readonly isKnown: boolean
}

const ACTOR = '[a-z][a-z0-9_-]{0,31}(?:/[A-Za-z0-9._-]{1,64})?'
const HEX = '[0-9a-f]{64}'
const TIME = String.raw`\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ`
/** 22 digits of base64url, of which the last has four bits that must be zero. */
const SALT = '[A-Za-z0-9_-]{21}[AQgw]'

/** The expression of a whole line; the members of both objects stand in the order of RFC 8785. */
function linePattern(action: string, object: string): RegExp {
  return new RegExp(
    `^\\{"entry":\\{"action":"${action}","actor":"${ACTOR}","object":${object},` +
      `"rulebook":(?:null|"${HEX}"),"seq":[1-9]\\d{0,14},"time":"${TIME}"\\},"salt":"${SALT}"\\}$`,
  )
}

const KNOWN = new Map<string, RegExp>(
  AUDIT_ACTIONS.map((action) => [
    action,
    linePattern(action.replaceAll('.', '\\.'), objectPattern(action) ?? ''),
  ]),
)
/** What a version to come may write. */
const ANY = linePattern('[a-z][a-z0-9_.]{0,39}', String.raw`\{[\x20-\x7e]*\}`)
const IS_ACTOR = new RegExp(`^${ACTOR}$`)
const IS_HASH = new RegExp(`^${HEX}$`)

// Where things stand in a line, from its beginning and from its end.
const ENTRY_AT = '{"entry":'.length
const ACTION_AT = '{"entry":{"action":"'.length
const SALT_FROM_END = 22 + '"}'.length
const AFTER_ENTRY = ',"salt":"'.length + SALT_FROM_END
const TIME_LENGTH = '2026-08-05T00:00:01Z'.length
const TIME_FROM_END = TIME_LENGTH + '"}'.length + AFTER_ENTRY
const SEQ = '"seq":'
const DAY_LENGTH = '2026-08-05'.length

/** What a line says; null where it is not exactly the canonical line of an entry. @param line without its end */
export function readEntryLine(line: string): EntryLine | null {
  const isKnown = KNOWN.get(line.slice(ACTION_AT, line.indexOf('"', ACTION_AT)))?.test(line) ?? false
  if (!isKnown && !(ANY.test(line) && isCanonical(line))) return null
  const timeAt = line.length - TIME_FROM_END
  const time = line.slice(timeAt, timeAt + TIME_LENGTH)
  if (!isTime(time)) return null
  const seq = Number.parseInt(line.slice(line.lastIndexOf(SEQ, timeAt) + SEQ.length, timeAt), 10)
  const saltAt = line.length - SALT_FROM_END
  return { seq, time, salt: line.slice(saltAt, saltAt + 22), isKnown }
}

function isCanonical(line: string): boolean {
  try {
    return canonicalJson(JSON.parse(line)) === line
  } catch {
    return false
  }
}

let lastDay = ''

/** Whether the calendar has its day; the pattern has seen to the hour. Entries follow each other: the answer is kept. */
function isTime(time: string): boolean {
  const day = time.slice(0, DAY_LENGTH)
  if (day === lastDay) return true
  if (Number.isNaN(parseInstant(time))) return false
  lastDay = day
  return true
}

/** The entry in a line that {@link readEntryLine} knows. */
export function entryOfLine(line: string): AuditEntry {
  return (JSON.parse(line) as { readonly entry: AuditEntry }).entry
}

/**
 * The entries of whole lines, for who copies a log as it grows.
 * @param after number of the entry before the first line
 * @throws TacitError ERR_AUDIT_DAMAGED where a line is not the next entry, of a kind known here
 */
export function entriesOfLines(bytes: Buffer, after: number): AuditEntry[] {
  const entries: AuditEntry[] = []
  const isCut = forEachLine([bytes], MAX_LINE_BYTES, (chunk, start, end) => {
    const line = chunk.toString('latin1', start, end)
    const read = readEntryLine(line)
    if (!read?.isKnown || read.seq !== after + entries.length + 1) throw noEntries()
    entries.push(entryOfLine(line))
  })
  if (isCut) throw noEntries()
  return entries
}

const noEntries = (): TacitError =>
  new TacitError('ERR_AUDIT_DAMAGED', 'What was copied of the audit log is not how it goes on')

/** Whether an event may become an entry: for callers whom the compiler does not check. */
export function isAuditEvent(event: AuditEvent): boolean {
  return (
    IS_ACTOR.test(event.actor) &&
    (event.rulebook === null || IS_HASH.test(event.rulebook)) &&
    isAuditDeed(event) &&
    // The longest number there is; every form is ASCII, a byte a character.
    canonicalJson(entryOf(event, Number.MAX_SAFE_INTEGER, 0)).length <= MAX_ENTRY_BYTES
  )
}

/** The entry that an event becomes. @param at ms */
export function entryOf(event: AuditEvent, seq: number, at: number): AuditEntry {
  // Member by member: what else the caller's object has stays outside.
  const { action, actor, object, rulebook } = event
  const entry = { action, actor, object, rulebook, seq, time: rfc3339(at) }
  return entry as AuditEntry
}

/** The line of an entry, with its end. @param salt base64url of {@link SALT_BYTES} random bytes */
export function writeEntryLine(entry: AuditEntry, salt: string): string {
  return `${canonicalJson({ entry, salt })}\n`
}

// The prefix 0x00 of leaves, the salt, the entry.
const leafInput = Buffer.alloc(1 + SALT_BYTES + MAX_LINE_BYTES)

/**
 * The leaf hash of a well-formed line, which lies in `bytes` from `start` to before `end` (its line feed).
 * @param target takes the hash at its beginning
 */
export function leafOfLine(bytes: Buffer, start: number, end: number, salt: string, target: Buffer): void {
  leafInput.write(salt, 1, 'base64url')
  const length = bytes.copy(leafInput, 1 + SALT_BYTES, start + ENTRY_AT, end - AFTER_ENTRY)
  sha256Into(leafInput.subarray(0, 1 + SALT_BYTES + length), target, 0)
}

/** The leaf hash of an entry from its canonical JSON. */
export function leafHash(canonicalEntry: string, salt: string): Buffer {
  const leaf = Buffer.allocUnsafe(HASH_BYTES)
  const entry = Buffer.from(canonicalEntry, 'utf8')
  sha256Into(Buffer.concat([Buffer.alloc(1), Buffer.from(salt, 'base64url'), entry]), leaf, 0)
  return leaf
}
