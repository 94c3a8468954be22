/**
 * The file `term` beside the keys: which of several keepers this one is.
 *
 *     two slots of 256 bytes, each: SHA-256 of what follows · a standing as JSON, with its number, filled up with spaces
 *
 * Invariants
 * - A standing is on disk when {@link TermFile.save} resolves. It is written over the older of the two slots, so that
 *   a crash in the middle leaves the former whole; the whole slot of the higher number counts.
 * - A new file gets its first standing in both slots, so that a file longer than one slot has always a whole one.
 * - It holds nothing secret.
 * Recovery: a file of at most one slot without a whole one is what a crash left of the first attempt, and counts for
 * nothing. Any other file without a whole slot is damaged, and ends everything by name: a keeper that was taken over from
 * must not come back as a primary.
 */
import { createHash } from 'node:crypto'
import { TacitError } from '@tacit/contracts'
import { z } from 'zod'
import { isErrorCode, type KeyFiles } from '../key-files.js'
import { createSerial } from '../serial.js'

export const TERM_FILE = 'term'
const SLOT_BYTES = 256
const HASH_BYTES = 32
const MAX_WAITING = 256

const natural = z.int().min(0)
const standing = z.strictObject({
  number: natural,
  /** takeovers so far */
  term: natural,
  /**
   * `standby`: follows a primary. `promoting`: became the primary, and has not yet put on record what that takes.
   * `handed over`, `fenced`: is no primary any more, and never again. `retired`: the standby confirmed besides that it
   * has everything, so every secret here is to be destroyed.
   */
  state: z.enum(['primary', 'standby', 'promoting', 'handed over', 'fenced', 'retired']),
  /** ms by the primary's clock: a standby has everything that came to be before; null: it was never in step */
  synced: natural.nullable(),
  /** ms: when the former primary stopped, as the operator said at the promotion */
  stopped: natural.nullable(),
  /** whether the primary that a standby followed had stopped in order when they were last in step */
  handedOver: z.boolean(),
})

type Numbered = z.infer<typeof standing>
export type Standing = Readonly<Omit<Numbered, 'number'>>

/** That of a directory without the file: a keeper that never had a standby. */
const FIRST: Numbered = {
  number: 0,
  term: 0,
  state: 'primary',
  synced: null,
  stopped: null,
  handedOver: false,
}

export class TermFile {
  readonly #files: KeyFiles
  readonly #serial = createSerial(MAX_WAITING)
  #now: Numbered
  /** whether there is a file with a whole slot */
  #isThere: boolean

  private constructor(files: KeyFiles, found: Numbered | null) {
    this.#files = files
    this.#now = found ?? FIRST
    this.#isThere = found !== null
  }

  /** @throws TacitError ERR_KEY_STORE */
  static async open(files: KeyFiles): Promise<TermFile> {
    const bytes = await files.read(TERM_FILE)
    const slots = bytes === null ? [] : [0, 1].flatMap((slot) => standingIn(bytes, slot) ?? [])
    const found = slots.toSorted((a, b) => b.number - a.number)[0] ?? null
    if (found === null && bytes !== null && bytes.length > SLOT_BYTES) {
      throw new TacitError(
        'ERR_KEY_STORE',
        'The file `term` beside the keys is damaged: start with a new data directory, as a standby of the keeper that is primary now',
      )
    }
    // What a process wrote before it died is acted upon only once it is on disk.
    if (found !== null) await files.write(TERM_FILE, Buffer.alloc(0), 0, true, true)
    return new TermFile(files, found)
  }

  get now(): Standing {
    return this.#now
  }

  /** Whether a standing was ever saved here. */
  get isThere(): boolean {
    return this.#isThere
  }

  /** Changes what is given, durably. @throws what the disk throws; then the former standing holds, or this one */
  save(change: Partial<Standing>): Promise<void> {
    return this.#serial(async () => {
      const next = { ...this.#now, ...change, number: this.#now.number + 1 }
      if (!this.#isThere) await this.#create()
      await this.#write(next)
      if (!this.#isThere) await this.#write({ ...next, number: next.number + 1 })
      this.#isThere = true
    })
  }

  async #create(): Promise<void> {
    try {
      await this.#files.create(TERM_FILE, Buffer.alloc(0))
    } catch (error) {
      if (!isErrorCode(error, 'EEXIST')) throw error
    }
    await this.#files.syncDirectory()
  }

  async #write(next: Numbered): Promise<void> {
    const body = Buffer.from(JSON.stringify(next).padEnd(SLOT_BYTES - HASH_BYTES))
    const slot = Buffer.concat([digestOf(body), body])
    // The first, number 1, goes to the file's beginning, so that half of it is less than one slot.
    const at = (next.number + 1) % 2
    await this.#files.write(TERM_FILE, slot, at * SLOT_BYTES, true, true)
    this.#now = next
  }
}

const digestOf = (body: Buffer): Buffer => createHash('sha256').update(body).digest()

function standingIn(file: Buffer, slot: number): Numbered | null {
  const bytes = file.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)
  const body = bytes.subarray(HASH_BYTES)
  if (bytes.length < SLOT_BYTES || !digestOf(body).equals(bytes.subarray(0, HASH_BYTES))) return null
  return standing.parse(JSON.parse(body.toString()))
}
