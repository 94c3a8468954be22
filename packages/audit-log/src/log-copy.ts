/**
 * A byte copy of the log, read without any secret: its entries, its heads, and proofs. Whether all of it is what was signed
 * is another question (verify-log.ts); a line that is no entry is refused here, because nothing can be said of what follows.
 */
import type { KeyObject } from 'node:crypto'
import { TacitError } from '@tacit/contracts'
import { BlockTree } from './block-tree.js'
import { type AuditEntry, entryOfLine, leafOfLine, readEntryLine } from './entry-line.js'
import { LogSnapshot } from './log-snapshot.js'
import { type ConsistencyProof, consistencyProof, type InclusionProof, inclusionProof } from './proof.js'
import { HASH_BYTES } from './sha256.js'
import { headFault, logId, readHeadLine, type SignedHead } from './signed-head.js'

const LINE_FEED = 0x0a

export interface LogReading {
  /**
   * Entries from number `fromSeq` (from 1) on, in order; those of a later version are among them, as they stand.
   * @throws TacitError ERR_AUDIT_DAMAGED at a line that is no entry, or out of its order
   */
  entries(fromSeq?: number): Iterable<AuditEntry>
  /** Every head that is signed by the key, the oldest first. */
  heads(): readonly SignedHead[]
  /** The last of them; null where there is none. */
  newestHead(): SignedHead | null
  /**
   * The last of them that the entries bear out; null where there is none. Where it is not the newest, entries were changed or
   * cut. @throws TacitError ERR_AUDIT_DAMAGED
   */
  soundHead(): SignedHead | null
  /** @param seq the entry, from 1 @param size that of a head which covers it @throws TacitError ERR_AUDIT_DAMAGED, ERR_AUDIT_RANGE */
  inclusionProof(seq: number, size: number): InclusionProof
  /** @param from @param to those of two heads, at least 1 @throws TacitError ERR_AUDIT_DAMAGED, ERR_AUDIT_RANGE */
  consistencyProof(from: number, to: number): ConsistencyProof
}

/**
 * @param entries `entries.ndjson`; bytes after its last line feed do not count @param heads `heads.ndjson`
 * @param publicKey null where none is known: then the form of a head has to do
 */
export function readLogCopy({
  entries,
  heads,
  publicKey,
}: {
  readonly entries: Buffer
  readonly heads: Buffer
  readonly publicKey: KeyObject | null
}): LogReading {
  const whole = entries.subarray(0, entries.lastIndexOf(LINE_FEED) + 1)
  let tree: BlockTree | null = null
  const grown = (): BlockTree => {
    tree ??= treeOf(whole)
    return tree
  }
  const assertHas = (...sizes: readonly number[]): void => {
    const { size } = grown()
    if (sizes.every((one) => Number.isSafeInteger(one) && one >= 1 && one <= size)) return
    throw new TacitError('ERR_AUDIT_RANGE', `Ask for an entry or a size from 1 to ${String(size)}`)
  }
  const log = publicKey === null ? '' : logId(publicKey)
  const claimed = heads
    .toString('latin1')
    .split('\n')
    .flatMap((line) => readHeadLine(line) ?? [])
  const isSigned = (head: SignedHead): boolean =>
    publicKey === null || headFault(head, publicKey, log) === null
  let sound: SignedHead | null | undefined
  return {
    *entries(fromSeq = 1) {
      for (const { line, seq } of linesOf(whole)) if (seq >= fromSeq) yield entryOfLine(line)
    },
    heads: () => claimed.filter(isSigned),
    newestHead: () => claimed.findLast(isSigned) ?? null,
    soundHead() {
      if (sound === undefined) sound = bornOut(whole, claimed).findLast(isSigned) ?? null
      return sound
    },
    inclusionProof(seq, size) {
      assertHas(seq, size)
      if (seq > size) throw new TacitError('ERR_AUDIT_RANGE', 'The head does not cover this entry yet')
      const snapshot = new LogSnapshot(whole, grown())
      const { entry, salt } = snapshot.entry(seq)
      return inclusionProof({ seq, size, entry, salt }, snapshot.inclusionPath(seq - 1, size))
    },
    consistencyProof(from, to) {
      assertHas(from, to)
      if (from > to) throw new TacitError('ERR_AUDIT_RANGE', 'Name the smaller size first')
      if (from === to) return consistencyProof(from, to, [])
      return consistencyProof(from, to, new LogSnapshot(whole, grown()).consistencyPath(from, to))
    },
  }
}

interface Line {
  readonly line: string
  readonly seq: number
  readonly salt: string
  readonly start: number
  readonly end: number
}

function* linesOf(bytes: Buffer): Generator<Line> {
  let number = 0
  for (let start = 0, end = 0; start < bytes.length; start = end + 1) {
    end = bytes.indexOf(LINE_FEED, start)
    number += 1
    const line = bytes.toString('latin1', start, end)
    const read = readEntryLine(line)
    if (read?.seq !== number) {
      throw new TacitError(
        'ERR_AUDIT_DAMAGED',
        `Line ${String(number)} of the audit log is not entry ${String(number)} as it was written: run \`tacit audit verify\``,
      )
    }
    yield { line, seq: number, salt: read.salt, start, end }
  }
}

/** @param onGrown called after each entry */
function treeOf(bytes: Buffer, onGrown: (tree: BlockTree) => void = () => {}): BlockTree {
  const tree = new BlockTree()
  const leaf = Buffer.allocUnsafe(HASH_BYTES)
  for (const { end, salt, start } of linesOf(bytes)) {
    leafOfLine(bytes, start, end, salt, leaf)
    tree.push(leaf, start)
    onGrown(tree)
  }
  return tree
}

/** Those heads, in their order, whose root is that of the entries. */
function bornOut(bytes: Buffer, heads: readonly SignedHead[]): readonly SignedHead[] {
  const sizes = new Set(heads.map(({ size }) => size))
  const roots = new Map<number, string>()
  treeOf(bytes, (tree) => {
    if (sizes.has(tree.size)) roots.set(tree.size, tree.root().toString('hex'))
  })
  return heads.filter(({ root, size }) => roots.get(size) === root)
}
