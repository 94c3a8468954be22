/**
 * A file that only grows.
 *
 * Invariants
 * - A durable append is on disk when it resolves, with everything before it.
 * - A failed append is as if it never was: before anything else is written the file is cut where it counted last, so
 *   that no rest of it can follow a shorter append. (A process that dies in between may find it whole.)
 * - What is not synced yet is kept in memory, at most `MAX_UNSYNCED_BYTES`, and written once more after a failure: a
 *   failed sync makes the kernel forget that these pages are not on disk.
 * Recovery: a new process cuts and syncs what it found when it first appends; it knows neither whether a damaged end
 * follows nor what the process before it had synced.
 */
import { TacitError } from '@tacit/contracts'
import type { AuditFiles } from './files.js'

const MAX_UNSYNCED_BYTES = 1_048_576

export class AppendFile {
  readonly #files: AuditFiles
  readonly #name: string
  /** bytes that count */
  #length: number
  /** the last of them, which may not be on disk */
  #unsynced: Uint8Array[] = []
  #unsyncedBytes = 0
  /** whether the file may differ from what counts */
  #isUncertain = true

  /** @param length bytes of the file that count */
  constructor(files: AuditFiles, name: string, length: number) {
    this.#files = files
    this.#name = name
    this.#length = length
  }

  get length(): number {
    return this.#length
  }

  /** @throws TacitError ERR_AUDIT_WRITE; then nothing was appended */
  async append(bytes: Uint8Array, durable: boolean): Promise<void> {
    const isSynced = durable || this.#unsyncedBytes + bytes.length > MAX_UNSYNCED_BYTES
    await this.#attempt(async () => {
      if (this.#isUncertain) await this.#restore()
      await this.#files.write(this.#name, bytes, this.#length, isSynced)
    })
    this.#length += bytes.length
    if (isSynced) {
      this.#forget()
    } else {
      this.#unsynced.push(bytes)
      this.#unsyncedBytes += bytes.length
    }
  }

  /** On return everything is on disk. @throws TacitError ERR_AUDIT_WRITE */
  async sync(): Promise<void> {
    if (this.#isUncertain || this.#unsyncedBytes > 0) await this.#attempt(() => this.#restore())
  }

  /** Writes what may not be on disk once more, cuts what follows it, and syncs. */
  async #restore(): Promise<void> {
    const tail = Buffer.concat(this.#unsynced)
    await this.#files.write(this.#name, tail, this.#length - tail.length, true)
    this.#forget()
    this.#isUncertain = false
  }

  #forget(): void {
    this.#unsynced = []
    this.#unsyncedBytes = 0
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (cause) {
      this.#isUncertain = true
      throw new TacitError('ERR_AUDIT_WRITE', 'The audit log could not be written: look at its disk', {
        cause,
      })
    }
  }
}
