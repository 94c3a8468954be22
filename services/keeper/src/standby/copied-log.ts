/**
 * A standby's copy of the audit log: byte for byte how the primary's begins, and what its entries say of keys.
 *
 * Invariants
 * - What counts is whole lines that are on disk. Heads are written after the entries that they cover.
 * Recovery: what follows the last whole line of a file is of an append that was never acknowledged; it counts for
 * nothing and is cut with the next one.
 */
import { type AuditEntry, entriesOfLines } from '@tacit/audit-log'
import type { KeyFiles } from '../key-files.js'
import { KeyRecords } from '../key-records.js'
import { END_BYTES } from './replica-wire.js'

const NO_BYTES = Buffer.alloc(0)
const NAMES = { entries: 'entries.ndjson', heads: 'heads.ndjson' } as const

export class CopiedLog {
  readonly records = new KeyRecords()
  readonly #files: KeyFiles
  /** bytes that count */
  readonly #length = { entries: 0, heads: 0 }
  /** number of the last entry */
  #size = 0

  private constructor(files: KeyFiles) {
    this.#files = files
  }

  /** @throws TacitError ERR_AUDIT_DAMAGED */
  static async open(files: KeyFiles): Promise<CopiedLog> {
    const log = new CopiedLog(files)
    for (const file of ['entries', 'heads'] as const) {
      const found = await files.read(NAMES[file])
      if (found === null) {
        await files.create(NAMES[file], NO_BYTES)
        continue
      }
      const whole = found.subarray(0, found.lastIndexOf('\n') + 1)
      if (file === 'entries') log.#take(entriesOfLines(whole, 0))
      log.#length[file] = whole.length
      // Cut and synced before anybody acts on it: a dead process may have left it in the page cache alone.
      await files.write(NAMES[file], NO_BYTES, whole.length, true)
    }
    await files.syncDirectory()
    return log
  }

  get length(): { readonly entries: number; readonly heads: number } {
    return this.#length
  }

  /** The last bytes of what counts, hexadecimal. */
  async endOf(file: 'entries' | 'heads'): Promise<string> {
    const length = this.#length[file]
    const from = Math.max(0, length - END_BYTES)
    return ((await this.#files.read(NAMES[file], from, length - from)) ?? NO_BYTES).toString('hex')
  }

  /** Durable on return. @throws TacitError ERR_AUDIT_DAMAGED where these are not the next entries */
  async append(entries: Buffer, heads: Buffer): Promise<void> {
    const said = entriesOfLines(entries, this.#size)
    await this.#write('entries', entries)
    this.#take(said)
    await this.#write('heads', heads)
  }

  async #write(file: 'entries' | 'heads', bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return
    await this.#files.write(NAMES[file], bytes, this.#length[file], true)
    this.#length[file] += bytes.length
  }

  #take(entries: readonly AuditEntry[]): void {
    for (const entry of entries) this.records.take(entry)
    this.#size += entries.length
  }
}
