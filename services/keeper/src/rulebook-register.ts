/**
 * The register of rulebooks: which one ruled from when, what people were told, who signed. It lies in the keeper's store
 * until the audit log exists, which then takes it over.
 *
 * Format: one file an entry, `000001.json`, …, mode 0600.
 * Invariants
 * - An entry is written to a temporary file, flushed, and linked under the next number: two processes cannot take one
 *   number, a crash leaves an entry whole or not at all, and no entry is ever written again.
 * - Numbers have no gap, and times do not fall. An entry that cannot be read, or a gap, ends everything by name
 *   (ERR_REGISTER_DAMAGED): a register that was tampered with must not choose the rules.
 * - It holds hashes, dates and names of approvers; nothing of a person whose data it is.
 * Recovery: temporary files of a crash are removed when it is opened for writing.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type ProblemCode, TacitError } from '@tacit/contracts'

export interface Signature {
  /** key id of the approver */
  readonly kid: string
  /** Ed25519, base64url */
  readonly signature: string
}

/** What was done. `hash`: SHA-256 of the rulebook. Times are ms. */
export type RegisterAction =
  | { readonly action: 'initial'; readonly hash: string }
  | { readonly action: 'notice'; readonly hash: string }
  | {
      readonly action: 'activate' | 'rollback'
      readonly hash: string
      readonly replaces: string
      readonly class: 'tighten' | 'neutral' | 'loosen'
      readonly takesEffect: number
      /** whether it may begin within a day; else events of days before `takesEffect` are late under it */
      readonly atOnce: boolean
      readonly signatures: readonly Signature[]
    }
  | { readonly action: 'cancel'; readonly cancels: number }
  /** what the running instance found: `code`: why it does not obey the change, null where it will */
  | { readonly action: 'checked'; readonly checks: number; readonly code: ProblemCode | null }
  /** `from`: ms, the moment from which it decided */
  | { readonly action: 'applied'; readonly applies: number; readonly hash: string; readonly from: number }

export type RegisterEntry = RegisterAction & { readonly seq: number; readonly time: number }

const NAME = /^(\d{6})\.json$/
const MAX_ENTRIES = 100_000

const damaged = (what: string): TacitError =>
  new TacitError(
    'ERR_REGISTER_DAMAGED',
    `The register of rulebooks is damaged (${what}); restore it from a backup`,
  )

function isEntry(value: unknown, seq: number): value is RegisterEntry {
  if (typeof value !== 'object' || value === null) return false
  const entry = value as Readonly<Record<string, unknown>>
  const known = ['initial', 'notice', 'activate', 'rollback', 'cancel', 'checked', 'applied']
  return entry['seq'] === seq && Number.isFinite(entry['time']) && known.includes(String(entry['action']))
}

export class RulebookRegister {
  readonly #dir: string
  #entries: readonly RegisterEntry[] = []

  private constructor(dir: string) {
    this.#dir = dir
  }

  /** @param dir its own folder; made if missing, mode 0700 @throws TacitError ERR_REGISTER_DAMAGED */
  static open(dir: string): RulebookRegister {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const register = new RulebookRegister(dir)
    register.entries()
    return register
  }

  /** Every entry, oldest first, those of other processes included. @throws TacitError ERR_REGISTER_DAMAGED */
  entries(): readonly RegisterEntry[] {
    const numbers = readdirSync(this.#dir)
      .flatMap((name) => NAME.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b)
    if (numbers.length === this.#entries.length) return this.#entries
    if (numbers.some((number, at) => number !== at + 1)) throw damaged('an entry is missing')
    const entries = [...this.#entries]
    for (let seq = entries.length + 1; seq <= numbers.length; seq++) {
      const entry = this.#read(seq)
      if (entry.time < (entries.at(-1)?.time ?? 0))
        throw damaged(`entry ${String(seq)} is older than the one before`)
      entries.push(entry)
    }
    this.#entries = entries
    return entries
  }

  /**
   * Appends an entry, durably.
   * @param now ms
   * @throws TacitError ERR_ACTIVATION_CLOCK where the clock is behind the last entry
   */
  append(action: RegisterAction, now: number): RegisterEntry {
    for (;;) {
      const entries = this.entries()
      const last = entries.at(-1)
      if (last !== undefined && now < last.time) {
        throw new TacitError(
          'ERR_ACTIVATION_CLOCK',
          'The clock is behind the last entry of the register of rulebooks; set it right, then try again',
        )
      }
      if (entries.length >= MAX_ENTRIES) throw damaged('it is full')
      const entry: RegisterEntry = { ...action, seq: entries.length + 1, time: now }
      if (this.#write(entry)) return entry
    }
  }

  #path(seq: number): string {
    return join(this.#dir, `${String(seq).padStart(6, '0')}.json`)
  }

  #read(seq: number): RegisterEntry {
    let value: unknown
    try {
      value = JSON.parse(readFileSync(this.#path(seq), 'utf8'))
    } catch {
      throw damaged(`entry ${String(seq)} cannot be read`)
    }
    if (!isEntry(value, seq)) throw damaged(`entry ${String(seq)} is none`)
    return value
  }

  /** @returns false where another process took the number */
  #write(entry: RegisterEntry): boolean {
    const temporary = join(this.#dir, `.new-${String(process.pid)}-${String(entry.seq)}`)
    rmSync(temporary, { force: true })
    const file = openSync(temporary, 'wx', 0o600)
    try {
      writeSync(file, `${JSON.stringify(entry)}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    try {
      linkSync(temporary, this.#path(entry.seq))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw new TacitError('ERR_KEY_STORE', undefined, { cause: error })
    } finally {
      rmSync(temporary, { force: true })
    }
    const folder = openSync(this.#dir, 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
    return true
  }
}
