/**
 * The log that is being written: one process at a time appends to it, signs it, and proves from it.
 *
 * Invariants
 * - Entries have the numbers 1, 2, 3 … and times that do not fall; no entry is ever changed or removed.
 * - Writes run one after the other, in the order they were asked for; appends that wait for the same write share it.
 * - A durable append is on disk when it resolves, with everything before it. A failed one is as if it never was.
 * - Everything that a head covers is on disk before the head is.
 * In memory: the tree's frontier, 32 bytes for every 1,024 entries, and the heads. Recovery: opening.ts.
 */
import { randomBytes } from 'node:crypto'
import { rfc3339, TacitError } from '@tacit/contracts'
import type { AppendFile } from './append-file.js'
import type { BlockTree } from './block-tree.js'
import { canonicalJson } from './canonical-json.js'
import {
  type AuditEntry,
  type AuditEvent,
  entryOf,
  isAuditEvent,
  leafOfLine,
  SALT_BYTES,
  writeEntryLine,
} from './entry-line.js'
import type { AuditFiles } from './files.js'
import { LogSnapshot } from './log-snapshot.js'
import { type ConsistencyProof, consistencyProof, type InclusionProof, inclusionProof } from './proof.js'
import { HASH_BYTES } from './sha256.js'
import { type AuditSigner, HEAD_VERSION, logId, type SignedHead, signHead } from './signed-head.js'
import { WriteQueue } from './write-queue.js'

/** Fills new memory with random bytes. */
export type RandomBytes = (length: number) => Buffer

export interface AuditLog {
  /** entries that are written */
  readonly size: number
  /** of the last of them, RFC 3339; empty where there is none */
  readonly lastTime: string
  /**
   * Whether opening passed over bytes at the end of a file. After a crash that is what it left of an append that nobody
   * was told of; without one, somebody or the disk may have damaged entries that no head covered yet.
   */
  readonly cutTail: boolean
  /**
   * Appends all of them or none; a crash in the middle may leave the first of them.
   * @param events in this order, one after the other
   * @param atMs the moment, in ms, never before that of an earlier call
   * @param durable on disk when it resolves, with everything before it
   * @throws TacitError ERR_AUDIT_ENTRY for an event that is not one of the list; ERR_AUDIT_CLOCK where the moment is
   *   before the last entry's; ERR_AUDIT_WRITE where nothing could be written, or too much waits already
   */
  append(events: readonly AuditEvent[], atMs: number, durable: boolean): Promise<readonly AuditEntry[]>
  /** Entries from number `fromSeq` (from 1) to the last that is written now. @throws TacitError ERR_AUDIT_READ */
  entries(fromSeq?: number): AsyncIterable<AuditEntry>
  /**
   * Signs a head over everything appended before, once that is on disk; and again, where nothing is new.
   * @param atMs the moment, in ms
   * @throws TacitError ERR_AUDIT_CLOCK, ERR_AUDIT_WRITE
   */
  sign(atMs: number): Promise<SignedHead>
  /** The newest head; null where none was signed yet. */
  head(): SignedHead | null
  /**
   * Syncs what was appended before. @returns the bytes of both files that are on disk then: no byte of them ever changes,
   * whatever fails later, and the heads cover no entry beyond them
   * @throws TacitError ERR_AUDIT_WRITE
   */
  synced(): Promise<{ readonly entries: number; readonly heads: number }>
  /** Every head, the oldest first. */
  heads(): readonly SignedHead[]
  /**
   * @param seq the entry, from 1
   * @param size that of a head which covers it
   * @throws TacitError ERR_AUDIT_RANGE, ERR_AUDIT_READ
   */
  inclusionProof(seq: number, size: number): Promise<InclusionProof>
  /** @param fromSize @param toSize those of two heads, at least 1 @throws TacitError ERR_AUDIT_RANGE, ERR_AUDIT_READ */
  consistencyProof(fromSize: number, toSize: number): Promise<ConsistencyProof>
}

/** What an opened log begins with. */
export interface LogState {
  readonly files: AuditFiles
  readonly signer: AuditSigner
  readonly random?: RandomBytes | undefined
  readonly entries: AppendFile
  readonly heads: AppendFile
  readonly tree: BlockTree
  readonly lastTime: string
  readonly signedHeads: SignedHead[]
  readonly cutTail: boolean
}

interface Append {
  readonly events: readonly AuditEvent[]
  readonly at: number
  readonly durable: boolean
}

const outOfRange = (): TacitError =>
  new TacitError('ERR_AUDIT_RANGE', 'Ask for an entry or a size that the audit log has')

export class FileAuditLog implements AuditLog {
  readonly #state: LogState
  readonly #log: string
  readonly #random: RandomBytes
  readonly #queue = new WriteQueue<Append, readonly AuditEntry[]>((appends) => this.#write(appends))
  #lastTime: string

  constructor(state: LogState) {
    this.#state = state
    this.#log = logId(state.signer.publicKey)
    this.#random = state.random ?? randomBytes
    this.#lastTime = state.lastTime
  }

  get cutTail(): boolean {
    return this.#state.cutTail
  }

  get lastTime(): string {
    return this.#lastTime
  }

  get size(): number {
    return this.#state.tree.size
  }

  async append(
    events: readonly AuditEvent[],
    atMs: number,
    durable: boolean,
  ): Promise<readonly AuditEntry[]> {
    if (!events.every(isAuditEvent)) {
      throw new TacitError(
        'ERR_AUDIT_ENTRY',
        'Give the audit log an event of its list, with nothing else in it',
      )
    }
    return this.#queue.share({ events, at: atMs, durable })
  }

  /** One write for all; what each of them became, or why it was refused. */
  async #write(appends: readonly Append[]): Promise<(readonly AuditEntry[] | TacitError)[]> {
    let seq = this.size
    let time = this.#lastTime
    const lines: Line[] = []
    const results = appends.map(({ events, at }) => {
      if (events.length === 0) return []
      if (rfc3339(at) < time) return this.#clockIsBehind()
      const entries = events.map((event) => entryOf(event, ++seq, at))
      time = rfc3339(at)
      lines.push(...this.#lines(entries))
      return entries
    })
    const { entries: file, tree } = this.#state
    let offset = file.length
    const durable = appends.some((append) => append.durable)
    if (lines.length > 0) await file.append(Buffer.concat(lines.map(({ bytes }) => bytes)), durable)
    else if (durable) await file.sync()
    const leaf = Buffer.allocUnsafe(HASH_BYTES)
    for (const { bytes, salt } of lines) {
      leafOfLine(bytes, 0, bytes.length - 1, salt, leaf)
      tree.push(leaf, offset)
      offset += bytes.length
    }
    this.#lastTime = time
    return results
  }

  #lines(entries: readonly AuditEntry[]): Line[] {
    const salts = this.#random(SALT_BYTES * entries.length)
    return entries.map((entry, at) => {
      const salt = salts.toString('base64url', at * SALT_BYTES, (at + 1) * SALT_BYTES)
      return { salt, bytes: Buffer.from(writeEntryLine(entry, salt), 'latin1') }
    })
  }

  #clockIsBehind(): TacitError {
    return new TacitError(
      'ERR_AUDIT_CLOCK',
      'The clock is behind the last entry of the audit log; set it right',
    )
  }

  async *entries(fromSeq = 1): AsyncGenerator<AuditEntry> {
    if (!Number.isSafeInteger(fromSeq) || fromSeq < 1) throw outOfRange()
    if (fromSeq > this.size) return
    yield* (await this.#snapshot()).entries(fromSeq)
  }

  async sign(atMs: number): Promise<SignedHead> {
    return this.#queue.alone(async () => {
      const { entries, heads, tree, signer, signedHeads } = this.#state
      const time = rfc3339(atMs)
      if (time < this.#lastTime || time < (signedHeads.at(-1)?.time ?? '')) throw this.#clockIsBehind()
      await entries.sync()
      const root = tree.root().toString('hex')
      const head = signHead({ v: HEAD_VERSION, log: this.#log, size: tree.size, root, time }, signer)
      await heads.append(Buffer.from(`${canonicalJson(head)}\n`, 'latin1'), true)
      signedHeads.push(head)
      return head
    })
  }

  head(): SignedHead | null {
    return this.#state.signedHeads.at(-1) ?? null
  }

  synced(): Promise<{ readonly entries: number; readonly heads: number }> {
    return this.#queue.alone(async () => {
      const { entries, heads } = this.#state
      await entries.sync()
      await heads.sync()
      return { entries: entries.length, heads: heads.length }
    })
  }

  heads(): readonly SignedHead[] {
    return [...this.#state.signedHeads]
  }

  async inclusionProof(seq: number, size: number): Promise<InclusionProof> {
    if (!this.#has(size) || !Number.isSafeInteger(seq) || seq < 1 || seq > size) throw outOfRange()
    const snapshot = await this.#snapshot()
    const { entry, salt } = snapshot.entry(seq)
    return inclusionProof({ seq, size, entry, salt }, snapshot.inclusionPath(seq - 1, size))
  }

  async consistencyProof(fromSize: number, toSize: number): Promise<ConsistencyProof> {
    if (!this.#has(toSize) || !this.#has(fromSize) || fromSize > toSize) throw outOfRange()
    if (fromSize === toSize) return consistencyProof(fromSize, toSize, [])
    const snapshot = await this.#snapshot()
    return consistencyProof(fromSize, toSize, snapshot.consistencyPath(fromSize, toSize))
  }

  #has(size: number): boolean {
    return Number.isSafeInteger(size) && size >= 1 && size <= this.size
  }

  async #snapshot(): Promise<LogSnapshot> {
    const { files, tree, entries } = this.#state
    return LogSnapshot.read(files, tree, entries.length)
  }
}

interface Line {
  readonly salt: string
  readonly bytes: Buffer
}
