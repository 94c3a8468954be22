/**
 * Verifies a copy of the log with the public key alone. One pass over the entries, in memory that does not grow with
 * them. What a pass proves: every entry that a valid head covers is, bit by bit, what was there when it was signed.
 * Entries after the newest head are checked for their form only, and found where they are of more than an hour or two:
 * heads are signed so often. A log whose tail was dropped, or written anew, together with its heads shows only against
 * a head that was kept elsewhere: hand in every head there is.
 */
import type { KeyObject } from 'node:crypto'
import { HOUR } from '@tacit/contracts'
import { windowsHint } from './document.js'
import { leafOfLine, MAX_LINE_BYTES, readEntryLine } from './entry-line.js'
import { HEADS } from './files.js'
import { type Finding, Findings } from './findings.js'
import { andSo, begins, type Claim, HeadReader } from './head-reader.js'
import { KeyLives, type LifeRules, spanOf } from './key-lives.js'
import { forEachLine } from './lines.js'
import { Frontier } from './merkle-tree.js'
import { HASH_BYTES } from './sha256.js'
import type { SignedHead } from './signed-head.js'

export interface LogCopy {
  /** `entries.ndjson`, whole or in chunks */
  readonly entries: Buffer | Iterable<Buffer>
  /** `heads.ndjson`; where entries are still being written, copied before them */
  readonly heads?: Buffer
  /** Ed25519; from a place that whoever keeps the log cannot write to */
  readonly publicKey: KeyObject
  /** heads that were kept elsewhere, of any shape: what is none is a finding */
  readonly earlierHeads?: readonly unknown[]
  /** what each of them is called, in the same order: its file's name */
  readonly headNames?: readonly string[]
  /** also judge whether every key lived as keys must (key-lives.ts) */
  readonly lives?: LifeRules
}

export interface Verification {
  /** whether nothing was found */
  readonly ok: boolean
  /** lines of `entries.ndjson` */
  readonly entries: number
  /** the first of them, which a valid head covers and which are as it was signed */
  readonly signed: number
  /** those after: somebody without the key could have written them */
  readonly unsigned: number
  /** the valid head that covers most, of all that were given; null where there is none */
  readonly head: SignedHead | null
  readonly findings: readonly Finding[]
}

/** A keeper signs once an hour, and writes nothing once its newest head is an hour and a half old: then it signs first. */
const MOST_UNSIGNED_MS = 2 * HOUR

const NOTHING = 'There is not one entry, so nothing is proven: a log begins with the first key.'

/** What there is to say of a log of which not even the key is left. */
export const NO_LOG: Verification = {
  ok: false,
  entries: 0,
  signed: 0,
  unsigned: 0,
  head: null,
  findings: [{ code: 'empty', text: NOTHING }],
}

const UNSIGNED = {
  none: `The copy has no heads (${HEADS} is not there), so nothing of its entries is proven.`,
  some: 'No valid head covers any of the entries, so nothing of them is proven.',
} as const

/** @returns what was found; never throws for what the copy contains */
export function verifyLog(copy: LogCopy): Verification {
  const { entries, heads, publicKey, earlierHeads = [], headNames = [], lives } = copy
  const findings = new Findings()
  const reader = new HeadReader(findings, publicKey)
  if (heads !== undefined) reader.readFile(heads)
  earlierHeads.forEach((head, at) => {
    reader.take(head, headNames[at] ?? `kept head ${String(at + 1)}`)
  })
  reader.end()
  const check = new EntryCheck(findings, reader.claims, lives)
  const isUnfinished = forEachLine(
    Buffer.isBuffer(entries) ? [entries] : entries,
    MAX_LINE_BYTES,
    (bytes, start, end) => check.line(bytes, start, end),
  )
  if (isUnfinished) {
    findings.add(
      'unfinished',
      'The entries end in the middle of a line; if they were being written, copy them again.',
    )
  }
  check.end(
    reader.isForeign
      ? null
      : heads === undefined && earlierHeads.length === 0
        ? UNSIGNED.none
        : UNSIGNED.some,
  )
  const list = findings.list()
  const signed = check.head?.size ?? 0
  return {
    ok: list.length === 0,
    entries: check.entries,
    signed,
    unsigned: check.entries - signed,
    head: check.head,
    findings: list,
  }
}

/** Takes the entries one by one, and holds the tree to each head as it reaches its size. */
class EntryCheck {
  entries = 0
  head: SignedHead | null = null
  readonly #findings: Findings
  /** the one of the smallest size last */
  readonly #claims: Claim[]
  readonly #tree = new Frontier()
  readonly #leaf = Buffer.alloc(HASH_BYTES)
  #seq = 0
  #time = ''
  /** of the first entry after the newest head that holds; empty where there is none */
  #unsignedSince = ''
  /** the largest size up to which everything is as signed, once a root differs */
  #agreed = 0
  /** heads of other entries than these, the smallest first, and where the first of them tells the change to be */
  #differing: { readonly first: Claim; readonly from: number; count: number } | null = null
  readonly #lives: KeyLives | null

  constructor(findings: Findings, claims: readonly Claim[], lives: LifeRules | undefined) {
    this.#findings = findings
    this.#lives = lives === undefined ? null : new KeyLives(findings, lives)
    this.#claims = claims.toSorted((left, right) => right.head.size - left.head.size)
    this.#checkHeads()
  }

  line(bytes: Buffer, start: number, end: number): void {
    this.entries += 1
    const line = bytes.toString('latin1', start, end)
    const entry = readEntryLine(line)
    if (entry === null) {
      const hint = this.entries === 1 ? windowsHint(bytes.subarray(start, end)) : ''
      this.#findings.add(
        'line',
        `Line ${String(this.entries)} is not an entry as it was written${hint}.`,
        this.entries,
      )
      // It counts as one entry; that its leaf is wrong shows in the root.
      this.#seq += 1
      this.#leaf.fill(0)
    } else {
      if (entry.seq !== this.#seq + 1) {
        const wanted = String(this.#seq + 1)
        this.#findings.add('sequence', `Line ${String(this.entries)} should be entry ${wanted}.`, entry.seq)
      }
      if (entry.time < this.#time) {
        this.#findings.add('time', `Entry ${String(entry.seq)} is earlier than the one before.`, entry.seq)
      }
      if (!entry.isKnown) {
        this.#findings.add('action', `Entry ${String(entry.seq)} is of no kind that there is.`, entry.seq)
      }
      this.#seq = entry.seq
      this.#time = entry.time
      if (this.#unsignedSince === '') this.#unsignedSince = entry.time
      leafOfLine(bytes, start, end, entry.salt, this.#leaf)
      if (entry.isKnown) this.#lives?.take(line, entry.seq, entry.time)
    }
    this.#tree.push(this.#leaf)
    this.#checkHeads()
  }

  /** Holds the entries so far to every head of exactly this size. */
  #checkHeads(): void {
    if (this.#claims.at(-1)?.head.size !== this.entries) return
    const root = this.#tree.root().toString('hex')
    const others: Claim[] = []
    for (let claim = this.#claims.at(-1); claim?.head.size === this.entries; claim = this.#claims.at(-1)) {
      this.#claims.pop()
      if (claim.head.root === root) this.#agree(claim)
      else others.push(claim)
    }
    for (const claim of others) this.#differ(claim)
  }

  #agree({ head, name }: Claim): void {
    if (head.time < this.#time) {
      this.#findings.add('time', `${begins(name)} is earlier than the last entry that it covers.`, head.size)
    }
    this.head = head
    this.#unsignedSince = ''
    if (this.#differing === null) this.#agreed = head.size
  }

  /** The first tells the narrowest range: what covers more cannot but differ too. */
  #differ(claim: Claim): void {
    if (this.#differing === null) this.#differing = { first: claim, from: this.#agreed + 1, count: 0 }
    else if (claim.head.size > this.#differing.first.head.size) this.#differing.count += 1
  }

  #addDiffering(): void {
    if (this.#differing === null) return
    const { count, first, from } = this.#differing
    const { head, name } = first
    const to = String(head.size)
    const more = andSo(count, 'later')
    this.#findings.add(
      'root',
      head.size < from
        ? `Entries up to ${to} are not those that ${name} covers${more}, though another head agrees with them.`
        : `Something between entry ${String(from)} and entry ${to} was changed: ${name} covers other entries${more}.`,
      head.size,
    )
  }

  /** What no entry was left for: the head that covers most tells how much is missing. */
  #addDropped(): void {
    const size = this.#claims.at(0)?.head.size
    // Of one size the last: those that were kept elsewhere come after the log's own.
    const most = this.#claims.findLast((claim) => claim.head.size === size)
    if (most === undefined) return
    const { head, name } = most
    const earlier = this.#claims.filter((claim) => claim.head.size !== size).length
    const missing = `${String(head.size)} entries, and only ${String(this.entries)} are there: the end was dropped`
    this.#findings.add(
      'dropped_tail',
      `${begins(name)} covers ${missing}${andSo(earlier, 'earlier')}.`,
      head.size,
    )
  }

  /** @param nothing what to say where no head covers anything */
  #addUnsigned(nothing: string): void {
    const signed = this.head?.size ?? 0
    if (signed === 0) {
      this.#findings.add('unsigned', nothing)
      return
    }
    const ms = Date.parse(this.#time) - Date.parse(this.#unsignedSince)
    // Without any there is no span: that is not a number.
    if (!(ms > MOST_UNSIGNED_MS)) return
    const [first, last] = [String(signed + 1), String(this.entries)]
    this.#findings.add(
      'unsigned',
      `Entries ${first} to ${last}, written over ${spanOf(ms)}, are covered by no head, though one is signed every hour: later heads are missing here, or the entries are not the keeper’s.`,
      signed + 1,
    )
  }

  /** @param unsigned what to say where no head covers anything; null where that was said */
  end(unsigned: string | null): void {
    const isContradicted = this.#differing !== null || this.#claims.length > 0
    this.#addDiffering()
    this.#addDropped()
    // Entries that a failing head covers were signed: that they are not those is said already.
    if (this.entries > 0 && !isContradicted && unsigned !== null) this.#addUnsigned(unsigned)
    if (this.entries === 0 && !isContradicted) {
      this.#findings.add('empty', NOTHING)
    }
    this.#lives?.end(this.#time)
  }
}
