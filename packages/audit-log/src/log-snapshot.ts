/** The entries as they stand in the file, for reading and for proofs; what is appended meanwhile is not in it. */
import { setImmediate } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import { BLOCK, type BlockTree } from './block-tree.js'
import { type AuditEntry, entryOfLine, leafOfLine, readEntryLine } from './entry-line.js'
import { type AuditFiles, ENTRIES } from './files.js'
import { consistencyPath, inclusionPath } from './merkle-proof.js'
import { HASH_BYTES } from './sha256.js'

const LINE_FEED = 0x0a
/** Entries between two turns of the event loop: some milliseconds. */
const TURN = 1_000

interface ReadLine {
  readonly seq: number
  readonly salt: string
  readonly line: string
  /** where its line feed is */
  readonly end: number
}

const changed = (cause?: unknown): TacitError =>
  new TacitError('ERR_AUDIT_READ', 'The audit log could not be read as it was written: look at its disk', {
    cause,
  })

export class LogSnapshot {
  readonly #bytes: Buffer
  readonly #tree: BlockTree
  /** leaf hashes of the blocks that were read, one after the other */
  readonly #leaves = new Map<number, Buffer>()

  /** @param bytes whole lines @param tree of exactly these */
  constructor(bytes: Buffer, tree: BlockTree) {
    this.#bytes = bytes
    this.#tree = tree
  }

  /** @param length bytes that count @throws TacitError ERR_AUDIT_READ */
  static async read(files: AuditFiles, tree: BlockTree, length: number): Promise<LogSnapshot> {
    let bytes: Buffer | null
    try {
      bytes = await files.read(ENTRIES)
    } catch (cause) {
      throw changed(cause)
    }
    if (bytes === null || bytes.length < length) throw changed()
    return new LogSnapshot(bytes.subarray(0, length), tree)
  }

  /** @param fromSeq an entry that is there */
  async *entries(fromSeq: number): AsyncGenerator<AuditEntry> {
    let line: ReadLine | null = this.#line(fromSeq)
    while (line !== null) {
      yield entryOfLine(line.line)
      if (line.seq % TURN === 0) await setImmediate()
      line = line.end + 1 < this.#bytes.length ? this.#lineAt(line.end + 1) : null
    }
  }

  /** @param seq an entry that is there */
  entry(seq: number): { entry: AuditEntry; salt: string } {
    const { line, salt } = this.#line(seq)
    return { entry: entryOfLine(line), salt }
  }

  #line(seq: number): ReadLine {
    const block = Math.floor((seq - 1) / BLOCK)
    let start = this.#tree.offsetOf(block) ?? this.#bytes.length
    for (let skipped = block * BLOCK + 1; skipped < seq; skipped += 1) start = this.#endOf(start) + 1
    const line = this.#lineAt(start)
    if (line.seq !== seq) throw changed()
    return line
  }

  /** @param index from 0 */
  inclusionPath(index: number, size: number): Buffer[] {
    return inclusionPath(this.#rangeRoot, index, size)
  }

  consistencyPath(from: number, to: number): Buffer[] {
    return consistencyPath(this.#rangeRoot, from, to)
  }

  readonly #rangeRoot = (start: number, end: number): Buffer =>
    this.#tree.rangeRoot(start, end, (block) => this.#leavesOf(block))

  #leavesOf(block: number): Buffer {
    const known = this.#leaves.get(block)
    if (known !== undefined) return known
    const leaves = Buffer.alloc(BLOCK * HASH_BYTES)
    let start = this.#tree.offsetOf(block) ?? this.#bytes.length
    for (let at = 0; at < BLOCK && start < this.#bytes.length; at += 1) {
      const { salt, end } = this.#lineAt(start)
      leafOfLine(this.#bytes, start, end, salt, leaves.subarray(at * HASH_BYTES))
      start = end + 1
    }
    this.#leaves.set(block, leaves)
    return leaves
  }

  #endOf(start: number): number {
    const end = this.#bytes.indexOf(LINE_FEED, start)
    if (end < 0) throw changed()
    return end
  }

  #lineAt(start: number): ReadLine {
    const end = this.#endOf(start)
    const line = this.#bytes.toString('latin1', start, end)
    const read = readEntryLine(line)
    if (!read?.isKnown) throw changed()
    return { seq: read.seq, salt: read.salt, line, end }
  }
}
