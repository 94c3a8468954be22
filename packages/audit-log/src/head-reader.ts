/** The heads that a verification holds the entries to: those whose form, key and signature are right. */
import type { KeyObject } from 'node:crypto'
import { windowsHint } from './document.js'
import { MAX_LINE_BYTES } from './entry-line.js'
import { HEADS } from './files.js'
import type { Findings } from './findings.js'
import { forEachLine } from './lines.js'
import { headFault, isSignedHead, logId, readHeadLine, type SignedHead } from './signed-head.js'

/** A head to hold the entries to, and what it is called: `the head of 2026-08-05T01:00:00Z (monday.json)`. */
export interface Claim {
  readonly head: SignedHead
  readonly name: string
}

/** Begins a sentence with a name. */
export const begins = (name: string): string =>
  name.replace(/^(?:the|kept) /, (word) => word.charAt(0).toUpperCase() + word.slice(1))

/** Of heads that say the same: `, and so 3 later heads`; empty where there are none. */
export function andSo(count: number, which: string): string {
  return count === 0 ? '' : `, and so ${String(count)} ${which} head${count === 1 ? '' : 's'}`
}

export class HeadReader {
  readonly claims: Claim[] = []
  readonly #findings: Findings
  readonly #publicKey: KeyObject
  readonly #log: string
  /** of another key */
  readonly #foreign: Claim[] = []
  #own = 0

  constructor(findings: Findings, publicKey: KeyObject) {
    this.#findings = findings
    this.#publicKey = publicKey
    this.#log = logId(publicKey)
  }

  /** Whether heads were given, and all of them are of another key. */
  get isForeign(): boolean {
    return this.#foreign.length > 0 && this.#own === 0
  }

  /** The log's own heads: they grow, in size and time. */
  readFile(file: Buffer): void {
    let number = 0
    let before: SignedHead | null = null
    const isUnfinished = forEachLine([file], MAX_LINE_BYTES, (bytes, start, end) => {
      number += 1
      const line = `Line ${String(number)} of ${HEADS}`
      const hint = number === 1 ? windowsHint(bytes.subarray(start, end)) : ''
      const head = this.#take(readHeadLine(bytes.toString('utf8', start, end)), line, { hint })
      if (head === null) return
      if (before !== null && head.size < before.size) {
        this.#findings.add('head_order', `${line} covers less than the head before.`, head.size)
      }
      if (before !== null && head.time < before.time) {
        this.#findings.add('time', `${line} is of an earlier time than the head before.`, head.size)
      }
      before = head
    })
    if (isUnfinished) {
      this.#findings.add(
        'unfinished',
        'The heads end in the middle of a line; if they were being written, copy them again.',
      )
    }
  }

  /** A head that was kept elsewhere. @param file what it is called */
  take(head: unknown, file: string): void {
    this.#take(head, file, { suffix: ` (${file})` })
  }

  #take(
    head: unknown,
    place: string,
    { hint = '', suffix = '' }: { readonly hint?: string; readonly suffix?: string },
  ): SignedHead | null {
    if (!isSignedHead(head)) {
      this.#own += 1
      this.#findings.add('head', `${begins(place)} is not a signed head as it was written${hint}.`)
      return null
    }
    const name = `the head of ${head.time}${suffix}`
    const fault = headFault(head, this.#publicKey, this.#log)
    if (fault === 'key') {
      this.#foreign.push({ head, name })
      return null
    }
    this.#own += 1
    if (fault === 'signature') {
      this.#findings.add('head_signature', `${begins(name)} is not signed by the key.`, head.size)
      return null
    }
    this.claims.push({ head, name })
    return head
  }

  /** One word on all that are of another key, however many. */
  end(): void {
    const [first, ...more] = this.#foreign
    if (first === undefined) return
    this.#findings.add(
      'head_key',
      this.isForeign
        ? 'This key is of another log (the sample and real data have different ones).'
        : `${begins(first.name)} is of another log${andSo(more.length, 'other')}.`,
      first.head.size,
    )
  }
}
