/**
 * Opens the log of a directory, or makes it.
 *
 * Recovery: a damaged end is of an append that nobody was told of: it counts for nothing, and the next append cuts it. A
 * flipped bit in the last entry looks the same as long as no head covers it: {@link AuditLog.cutTail} says so, for an alarm.
 * Damage before a good line is not of our making and refuses to open, and so do fewer entries than the newest head
 * covers, entries other than those it covers, and an entry of a kind unknown here: whoever goes on from a log that
 * forgot something could do twice what must be done once.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { TacitError } from '@tacit/contracts'
import { AppendFile } from './append-file.js'
import { type AuditLog, FileAuditLog, type RandomBytes } from './audit-log.js'
import { BlockTree } from './block-tree.js'
import {
  type AuditEntry,
  type EntryLine,
  entryOfLine,
  leafOfLine,
  MAX_LINE_BYTES,
  readEntryLine,
} from './entry-line.js'
import { type AuditFiles, ENTRIES, HEADS, PUBLIC_KEY } from './files.js'
import { forEachLine } from './lines.js'
import { HASH_BYTES } from './sha256.js'
import { type AuditSigner, headFault, logId, readHeadLine, type SignedHead } from './signed-head.js'

const NO_BYTES = Buffer.alloc(0)

const damaged = (what: string): TacitError =>
  new TacitError(
    'ERR_AUDIT_DAMAGED',
    `The audit log is damaged: ${what}. Keep it as evidence, restore it from a copy`,
  )

const otherKey = (): TacitError =>
  new TacitError('ERR_AUDIT_KEY', 'The audit log was signed with another key: start with that key')

export interface AuditLogOptions {
  /** the directory `audit/`, to which nobody else writes */
  readonly files: AuditFiles
  /** the private key, which stays with the caller */
  readonly signer: AuditSigner
  /**
   * Is given every entry that is there, in order, while it is read: no second pass is needed for what follows from them.
   * What it was given counts only once the log has opened.
   */
  readonly onEntry?: (entry: AuditEntry) => void
  /** for tests */
  readonly random?: RandomBytes
}

/**
 * @throws TacitError ERR_AUDIT_DAMAGED (above); ERR_AUDIT_KEY where the log is of another key; ERR_AUDIT_READ and
 *   ERR_AUDIT_WRITE where the files fail
 */
export async function openAuditLog({ files, onEntry, random, signer }: AuditLogOptions): Promise<AuditLog> {
  const entryBytes = await reading(() => files.read(ENTRIES))
  const headBytes = await reading(() => files.read(HEADS))
  const heads = readHeads(headBytes ?? NO_BYTES, signer.publicKey)
  const entries = readEntries(entryBytes ?? NO_BYTES, heads.list.at(-1) ?? null, onEntry)
  const cutTail = entries.length < (entryBytes?.length ?? 0) || heads.length < (headBytes?.length ?? 0)
  await keepPublicKey(files, signer.publicKey)
  await making(async () => {
    if (entryBytes === null) await files.create(ENTRIES, NO_BYTES)
    if (headBytes === null) await files.create(HEADS, NO_BYTES)
    await files.syncDirectory()
  })
  return new FileAuditLog({
    files,
    signer,
    random,
    entries: new AppendFile(files, ENTRIES, entries.length),
    heads: new AppendFile(files, HEADS, heads.length),
    tree: entries.tree,
    lastTime: entries.lastTime,
    signedHeads: heads.list,
    cutTail,
  })
}

function readHeads(bytes: Buffer, publicKey: KeyObject): { list: SignedHead[]; length: number } {
  const log = logId(publicKey)
  const list: SignedHead[] = []
  let length = 0
  eachGoodLine(bytes, 'a head', readHeadLine, (head, end) => {
    if (head.log !== log) throw otherKey()
    if (head.size < (list.at(-1)?.size ?? 0)) throw damaged('a head covers less than the one before')
    list.push(head)
    length = end + 1
  })
  const newest = list.at(-1)
  // The others are for an auditor to check.
  if (newest !== undefined && headFault(newest, publicKey, log) !== null) {
    throw damaged('its newest head is not signed by its key')
  }
  return { list, length }
}

function readEntries(
  bytes: Buffer,
  head: SignedHead | null,
  onEntry?: (entry: AuditEntry) => void,
): { tree: BlockTree; length: number; lastTime: string } {
  const tree = new BlockTree()
  const leaf = Buffer.allocUnsafe(HASH_BYTES)
  let length = 0
  let lastTime = ''
  const checkRoot = (): void => {
    if (tree.size === head?.size && tree.root().toString('hex') !== head.root) {
      throw damaged('its newest head covers other entries')
    }
  }
  checkRoot()
  eachGoodLine<EntryLine>(bytes, 'an entry', readEntryLine, (entry, end, line) => {
    if (entry.seq !== tree.size + 1) throw damaged('an entry is missing or out of its order')
    if (entry.time < lastTime) throw damaged('an entry is earlier than the one before')
    if (!entry.isKnown) throw damaged('an entry is of a kind that only another version may know')
    leafOfLine(bytes, length, end, entry.salt, leaf)
    tree.push(leaf, length)
    length = end + 1
    lastTime = entry.time
    onEntry?.(entryOfLine(line))
    checkRoot()
  })
  if (head !== null && tree.size < head.size) throw damaged('fewer entries are there than were signed')
  return { tree, length, lastTime }
}

/**
 * Calls `onLine` for every line that `read` can read, with where its end is and its text, and passes over unreadable ones that no
 * readable one follows.
 * @throws TacitError ERR_AUDIT_DAMAGED where one follows
 */
function eachGoodLine<T>(
  bytes: Buffer,
  name: string,
  read: (line: string) => T | null,
  onLine: (read: T, end: number, line: string) => void,
): void {
  let isDamaged = false
  forEachLine([bytes], MAX_LINE_BYTES, (chunk, start, end) => {
    const text = chunk.toString('latin1', start, end)
    const line = read(text)
    if (line === null) {
      isDamaged = true
      return
    }
    if (isDamaged) throw damaged(`${name} before its end cannot be read`)
    onLine(line, end, text)
  })
}

/** The key for auditors lies beside the log. A crash may have left a part of it: none, or, without its last byte, the same. */
async function keepPublicKey(files: AuditFiles, publicKey: KeyObject): Promise<void> {
  const pem = Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))
  const found = await reading(() => files.read(PUBLIC_KEY))
  if (found?.equals(pem)) return
  if (found !== null && isOther(found, publicKey)) throw otherKey()
  await making(() => (found === null ? files.create(PUBLIC_KEY, pem) : files.write(PUBLIC_KEY, pem, 0, true)))
}

function isOther(pem: Buffer, publicKey: KeyObject): boolean {
  try {
    return !createPublicKey(pem).equals(publicKey)
  } catch {
    return false
  }
}

async function reading<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (cause) {
    throw new TacitError('ERR_AUDIT_READ', 'The audit log could not be read: look at its disk', { cause })
  }
}

async function making(action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (cause) {
    throw new TacitError('ERR_AUDIT_WRITE', 'The audit log could not be made: look at its disk', { cause })
  }
}
