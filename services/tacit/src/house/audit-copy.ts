/**
 * A byte copy of an audit log: of a data directory, while whatever writes it goes on; of a file or folder that somebody
 * kept; or through the running instance, where its keeper is another process. No key is opened, and nothing is locked.
 */
import type { KeyObject } from 'node:crypto'
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readLogCopy } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { everHeldData } from '@tacit/dashboard'
import { keyRecordsOf } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import { UsageError } from '../output.js'
import { given } from './audit-proofs.js'
import { type DataLayout, presentLayout, type RealmLayout, type RealmName } from './layout.js'
import { askInstance, queryOf } from './reader.js'
import { storedRulebook } from './rulebook-files.js'
import { readRunFile, type RunFile } from './run-file.js'

const ENTRIES = 'entries.ndjson'
const HEADS = 'heads.ndjson'
const PUBLIC_KEY = 'public.pem'

const LINE_FEED = 0x0a
const CHUNK_BYTES = 4_194_304
/** No line is longer, so a whole log has a line feed within so many bytes of its end. */
const LAST_LINE_BYTES = 4_096

export interface AuditCopy {
  /** null where it is nobody's but its file's */
  readonly realm: RealmName | null
  /** what rules there; null where that is not known */
  readonly rulebook: Rulebook | null
  /** `heads.ndjson`, read before the entries; absent where there is no such file */
  readonly heads?: Buffer
  /** of `entries.ndjson` */
  readonly bytes: number
  /** `entries.ndjson` in chunks, each in memory of its own */
  chunks(): Iterable<Buffer>
  /** the key that lies beside it; null where none does, or what lies there is none */
  readonly publicKey: KeyObject | null
}

/** Whether a log was begun, as its bytes, its key or the realm's other data tell, and not one entry is there. */
export function isEmptied({ bytes, chunks, publicKey, realm }: AuditCopy): boolean {
  if (bytes === 0) return publicKey !== null || realm !== null
  for (const chunk of chunks()) if (chunk.includes(LINE_FEED)) return false
  return true
}

/** The whole of a copy, to look into. */
export function readingOf(copy: AuditCopy) {
  return readLogCopy({
    entries: Buffer.concat([...copy.chunks()]),
    heads: copy.heads ?? Buffer.alloc(0),
    publicKey: copy.publicKey,
  })
}

export interface AuditPlace {
  readonly data: string
  readonly site?: string
  /** instead: a copy, see {@link copyOfFiles} */
  readonly log?: string
}

/**
 * The log of a data directory; cut at its last whole line, because somebody may be writing. Of one that was taken away a
 * copy without bytes and key.
 * @returns null where there are no data yet that it could tell of
 * @throws UsageError where no realm there has that site, TacitError ERR_INPUT_FILE where there is no such directory, or
 * the log is that of a keeper elsewhere
 */
export async function copyOfData({ data, site }: AuditPlace): Promise<AuditCopy | null> {
  const layout = existingLayout(data)
  const running = readRunFile(layout)
  if (running?.remoteKeeper === true) return copyThrough(running, layout, site)
  const copy = chooseCopy(
    layout,
    (['main', 'sample'] as const).map((name) => layout.realm(name)),
    site,
  )
  refuseElsewhere(layout, copy)
  return copy
}

/** A note says that the keeper is another process. Whoever can write there could add it, so it makes nothing pass. */
function refuseElsewhere(layout: DataLayout, copy: AuditCopy | null): void {
  if (copy === null || copy.realm === null || copy.publicKey !== null || copy.bytes > 0) return
  const { keeperElsewhere, keys } = layout.realm(copy.realm)
  if (existsSync(keys) || !existsSync(keeperElsewhere)) return
  throw new TacitError(
    'ERR_INPUT_FILE',
    `The audit log of ${layout.dir} is with its keeper, which is another process: name the keeper's data directory with --data, or start the instance that asks it`,
  )
}

/** The log that lies in a realm's folder, cut at its last whole line; null where there is none yet. */
function copyOfRealm({ audit, name, rulebook }: RealmLayout): AuditCopy | null {
  if (!isLog(audit)) return null
  return { realm: name, rulebook: storedRulebook(rulebook), ...filesIn(audit, true) }
}

/** In the place of a log that is not there, though keys or stores are; null where they are not either. */
function missingFrom({ keys, name, rulebook, state }: RealmLayout): AuditCopy | null {
  if (![keys, state].some((folder) => existsSync(folder))) return null
  return { realm: name, rulebook: storedRulebook(rulebook), bytes: 0, chunks: () => [], publicKey: null }
}

/** @throws TacitError ERR_INPUT_FILE where there is none: looking makes nothing */
export function existingLayout(data: string): DataLayout {
  const layout = presentLayout(data)
  if (existsSync(join(data, ENTRIES))) {
    throw new TacitError(
      'ERR_INPUT_FILE',
      `${data} is an audit directory itself, and no data directory: name it with --log ${data}`,
    )
  }
  return layout
}

/** What `--log` names: `entries.ndjson`, or a folder with it and its heads. @throws Error of the system */
export function copyOfFiles(path: string): AuditCopy {
  if (!existsSync(path)) {
    throw new TacitError('ERR_INPUT_FILE', `There is no file or folder ${path}; name one with --log`)
  }
  if (!statSync(path).isDirectory()) {
    return { realm: null, rulebook: null, publicKey: null, ...entriesOf(path, false) }
  }
  if (!isLog(path)) {
    throw new TacitError('ERR_INPUT_FILE', `There is no ${ENTRIES} in ${path}: it is no copy of an audit log`)
  }
  return { realm: null, rulebook: null, ...filesIn(path, false) }
}

function chooseCopy(
  layout: DataLayout,
  realms: readonly RealmLayout[],
  site: string | undefined,
): AuditCopy | null {
  const found = realms.flatMap((realm) => copyOfRealm(realm) ?? missingFrom(realm) ?? [])
  const sitesOf = ({ rulebook }: AuditCopy): readonly string[] => Object.keys(rulebook?.sites ?? {})
  const copies = found.filter((copy) => site === undefined || sitesOf(copy).includes(site))
  if (site !== undefined && copies.length === 0) {
    const sites = [...new Set(found.flatMap(sitesOf))].sort()
    throw new UsageError(
      sites.length === 0
        ? `No rulebook in ${layout.dir} has this site, nor any other; leave --site out`
        : `No rulebook in ${layout.dir} has this site; there are: ${sites.join(', ')}`,
    )
  }
  // As the ledger does: real data, unless only the sample ever had any.
  return (copies.length < 2 ? copies : copies.filter(heldData)).at(0) ?? copies.at(0) ?? null
}

/** Of a log that was emptied or damaged nobody knows, so it is the one to be looked at. */
function heldData(copy: AuditCopy): boolean {
  if (isEmptied(copy)) return true
  try {
    return everHeldData(keyRecordsOf(readingOf(copy).entries()))
  } catch (error) {
    if (error instanceof TacitError && error.code === 'ERR_AUDIT_DAMAGED') return true
    throw error
  }
}

/** Its key alone is a log too: one whose entries somebody took away, and whoever verifies it should see that. */
function isLog(folder: string): boolean {
  return [ENTRIES, PUBLIC_KEY].some((name) => existsSync(join(folder, name)))
}

function filesIn(folder: string, cut: boolean): Omit<AuditCopy, 'realm' | 'rulebook'> {
  const heads = join(folder, HEADS)
  const key = join(folder, PUBLIC_KEY)
  // The heads first: entries that are written meanwhile do no harm, heads of entries that were not read would.
  const headBytes = existsSync(heads) ? { heads: wholeLines(readFileSync(heads), cut) } : {}
  return {
    ...headBytes,
    ...entriesOf(join(folder, ENTRIES), cut),
    publicKey: existsSync(key) ? keyBeside(key) : null,
  }
}

/** null also where it is none: whoever brings the right one verifies all the same. */
function keyBeside(path: string): KeyObject | null {
  try {
    return given.publicKey(path)
  } catch {
    return null
  }
}

const wholeLines = (bytes: Buffer, cut: boolean): Buffer =>
  cut ? bytes.subarray(0, bytes.lastIndexOf(LINE_FEED) + 1) : bytes

function entriesOf(path: string, cut: boolean): Pick<AuditCopy, 'bytes' | 'chunks'> {
  if (!existsSync(path)) return { bytes: 0, chunks: () => [] }
  const bytes = lengthOf(path, cut)
  return { bytes, chunks: () => chunksOf(path, bytes) }
}

function lengthOf(path: string, cut: boolean): number {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    if (!cut) return size
    const start = Math.max(0, size - LAST_LINE_BYTES)
    const tail = Buffer.alloc(size - start)
    const length = readSync(file, tail, 0, tail.length, start)
    const end = tail.subarray(0, length).lastIndexOf(LINE_FEED)
    // No line feed there: nothing whole was begun, or it is no log, which its reader will say.
    return end < 0 && start > 0 ? size : start + end + 1
  } finally {
    closeSync(file)
  }
}

function* chunksOf(path: string, bytes: number): Generator<Buffer> {
  const file = openSync(path, 'r')
  try {
    for (let at = 0; at < bytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytes - at))
      const length = readSync(file, chunk, 0, chunk.length, at)
      if (length === 0) return
      at += length
      yield chunk.subarray(0, length)
    }
  } finally {
    closeSync(file)
  }
}

/** What the running instance copies from a keeper that is another process. */
async function copyThrough(
  running: RunFile,
  layout: DataLayout,
  site: string | undefined,
): Promise<AuditCopy> {
  const head = await askInstance(running, `/api/v1/audit/head${queryOf({ site })}`)
  const { public_key: pem, realm } = JSON.parse(head) as { public_key: string; realm: RealmName }
  const heads = await download(running, realm, 'heads')
  const chunks = await download(running, realm, 'entries')
  return {
    realm,
    rulebook: storedRulebook(layout.realm(realm).rulebook),
    heads: Buffer.concat(heads),
    bytes: chunks.reduce((sum, { length }) => sum + length, 0),
    chunks: () => chunks,
    publicKey: given.publicKeyOf(Buffer.from(pem), 'What the keeper answered'),
  }
}

async function download(running: RunFile, realm: RealmName, file: string): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  for (let offset = 0; ; ) {
    const query = queryOf({ realm, file, offset: String(offset) })
    // Both files are ASCII, so that text loses nothing.
    const chunk = Buffer.from(await askInstance(running, `/api/v1/audit/copy${query}`), 'latin1')
    if (chunk.length === 0) return chunks
    offset += chunk.length
    chunks.push(chunk)
  }
}
