/**
 * The roots of tenants and network sites, made at their first use.
 *
 * Invariants
 * - A root's id is HMAC-SHA256(naming key, LP(kind, id)), 32 hexadecimal digits: neither a directory listing nor the audit
 *   log names a customer, and a plain hash would give in to a list of customers. The naming key is random and stays here.
 * - A root is used only once it is on disk, and is never replaced: one whose file is gone or torn is put on record as lost,
 *   and its tenant has no keys for good. One whose file is whole and does not open is left as it is (ERR_KEY_MASTER).
 * - What became of these roots goes on record once an hour, sorted by id: the moment of a tenant's first beacon would
 *   tell more of it than that it came.
 * - A destroyed root is never made again: its tenant has no keys for good.
 * - At most `MAX_ROOTS` are in memory; what is pushed out is zeroed and read again when needed.
 * Recovery: half made files were never used and are made anew (secret-files.ts); roots that a crash kept off the record
 * are put on it at the next {@link ScopeRoots.record}; a begun destruction is finished.
 */
import { createHmac } from 'node:crypto'
import { hourOf, lengthPrefixed, TacitError } from '@tacit/contracts'
import type { KeyScope } from '@tacit/keyring'
import type { KeyJournal } from './key-journal.js'
import { hasEpoch, type KeyEvent, type Why } from './key-records.js'
import type { SecretFiles } from './secret-files.js'
import type { Serial } from './serial.js'

export const NAMING_KEY = 'naming.key'
const MAX_ROOTS = 10_000
const FILE = /^(tenant|site)-([0-9a-f]{32})\.root$/

/** The id of the root that a file holds, `tenant:…` or `site:…`; null where it is another file. */
function idOfFile(name: string): string | null {
  const match = FILE.exec(name)
  return match === null ? null : `${match[1] ?? ''}:${match[2] ?? ''}`
}

/** The file of a tenant's or site's root. */
export const fileOf = (id: string): string => `${id.replace(':', '-')}.root`

export interface ScopeRootsOptions {
  readonly files: SecretFiles
  readonly journal: KeyJournal
  readonly serial: Serial
  /** ms; what a former process left unrecorded waits for the next hour */
  readonly now: () => number
}

export class ScopeRoots {
  readonly #files: SecretFiles
  readonly #journal: KeyJournal
  readonly #serial: Serial
  readonly #namingKey: Buffer
  /** by id, oldest first */
  readonly #roots = new Map<string, Buffer>()
  /** ids of roots that were found lost since the last {@link ScopeRoots.takeLost} */
  #lost: string[] = []
  /** ids that are not on record yet, and to whom keys of them went */
  readonly #unrecorded = new Map<string, Set<string>>()
  readonly #now: () => number
  #recordedHour: number
  #closed = false

  private constructor({ files, journal, now, serial }: ScopeRootsOptions, namingKey: Buffer) {
    this.#now = now
    this.#recordedHour = hourOf(now())
    this.#files = files
    this.#journal = journal
    this.#serial = serial
    this.#namingKey = namingKey
  }

  /**
   * @throws TacitError ERR_KEY_STORE where the naming key is gone or torn but there are, or were, roots that are named by it;
   * ERR_KEY_MASTER where it, or a root that may be in use and is not on record yet, is whole and does not open
   */
  static async open(options: ScopeRootsOptions): Promise<ScopeRoots> {
    const { files, journal } = options
    const ids = (await files.list()).flatMap((name) => idOfFile(name) ?? [])
    // Under another name a closed account would be a new one.
    const isUsed = ids.length > 0 || journal.records().some(({ id }) => !hasEpoch(id))
    const roots = new ScopeRoots(options, await files.lasting(NAMING_KEY, isUsed))
    for (const id of ids) {
      if (journal.recordOf(id) !== undefined) continue
      const root = await files.readInUse(fileOf(id), id)
      if (root === null) await files.shred(fileOf(id))
      else roots.#unrecorded.set(id, new Set())
      root?.fill(0)
    }
    await files.sync()
    return roots
  }

  /** Finishes destructions that a crash cut short. @param now ms */
  async recover(now: number): Promise<void> {
    const begun = new Set<string>()
    for (const { key, step } of this.#journal.steps) {
      if (idOfFile(fileOf(key)) === null) continue
      if (step === 'destroying') begun.add(key)
      if (step === 'destroyed') begun.delete(key)
    }
    for (const id of begun) await this.#shred(id, now)
    // A file that comes back from a copy of before is worth nothing, and goes.
    for (const name of await this.#files.list()) {
      const id = idOfFile(name)
      if (id !== null && this.#isDestroyed(id)) await this.#files.shred(name)
    }
    await this.#files.sync()
  }

  /**
   * Calls `use` synchronously with the scope's root and its id (both null for the tenants' own scope), making it if need be.
   * @param to who is given what is derived from it
   * @returns what `use` does; null where the root is destroyed
   * @throws TacitError ERR_KEY_MASTER where it is there and does not open
   */
  async withRoot<T>(
    scope: KeyScope,
    to: string,
    use: (root: Buffer | null, id: string | null) => T,
  ): Promise<T | null> {
    if (scope.of === 'tenants') return use(null, null)
    this.#assertOpen()
    const id = this.#idOf(scope.of, scope.of === 'tenant' ? scope.tenant : scope.site)
    if (this.#isDestroyed(id)) return null
    const held = this.#roots.get(id)
    if (held !== undefined) {
      this.#handed(id, to)
      return use(held, id)
    }
    return this.#serial(async () => {
      this.#assertOpen()
      if (this.#isDestroyed(id)) return null
      const root = this.#roots.get(id) ?? (await this.#load(id))
      if (root === null) return null
      this.#handed(id, to)
      return use(root, id)
    })
  }

  /**
   * Destroys the root of a tenant whose account is closed, and its place: callers hold the keeper's lock.
   * @param now ms
   */
  async destroy(tenant: string, now: number): Promise<void> {
    const id = this.#idOf('tenant', tenant)
    if (this.#isDestroyed(id)) return
    // A tenant that never came is closed all the same: no root of it may be made later.
    await this.#doom(id, now)
    await this.#shred(id, now)
  }

  /** Puts on record what is not yet of a root, and that it is about to die. */
  async #doom(id: string, now: number): Promise<void> {
    // First: nobody is handed anything of it any more while that is written.
    this.#forget(id)
    await this.#journal.append([...this.#pending(id), { step: 'destroying', key: id }], now, true)
    this.#unrecorded.delete(id)
  }

  /** Takes a root out of memory. */
  #forget(id: string): void {
    this.#roots.get(id)?.fill(0)
    this.#roots.delete(id)
  }

  async #shred(id: string, now: number, why: Why = 'closed_account'): Promise<void> {
    this.#forget(id)
    await this.#files.shred(fileOf(id))
    await this.#files.sync()
    await this.#journal.append([{ step: 'destroyed', key: id, why }], now, true)
  }

  /** Destroyed, or about to be. */
  #isDestroyed(id: string): boolean {
    const state = this.#journal.recordOf(id)?.state
    return state !== undefined && state !== 'open'
  }

  /**
   * Puts on record what is not yet, at the first call of an hour.
   * @param now ms; a clock that was never set (0) is a reader's, and dates nothing @param atOnce whatever the hour
   */
  async record(now: number, atOnce = false): Promise<void> {
    const hour = hourOf(now)
    if (this.#recordedHour === hour && !atOnce) return
    this.#recordedHour = hour
    if (this.#unrecorded.size === 0 || now <= 0) return
    const ids = [...this.#unrecorded.keys()].sort()
    const events = ids.flatMap((id) => this.#pending(id))
    await this.#journal.append(events, hour, true)
    for (const id of ids) {
      // Those who were given keys of it while that was written are not on record yet.
      const parties = [...(this.#unrecorded.get(id) ?? [])].filter((to) => !this.#journal.wasHanded(id, to))
      if (parties.length === 0) this.#unrecorded.delete(id)
      else this.#unrecorded.set(id, new Set(parties))
    }
  }

  /** What is not on record yet of a root: that it came to be, and to whom keys of it went. */
  #pending(id: string): readonly KeyEvent[] {
    const isOnRecord = this.#journal.recordOf(id) !== undefined
    const parties = [...(this.#unrecorded.get(id) ?? [])].sort()
    return [
      ...(isOnRecord ? [] : [{ step: 'created' as const, key: id }]),
      ...parties.map((to): KeyEvent => ({ step: 'handed', key: id, to })),
    ]
  }

  #handed(id: string, to: string): void {
    if (this.#journal.wasHanded(id, to)) return
    const parties = this.#unrecorded.get(id) ?? new Set()
    parties.add(to)
    this.#unrecorded.set(id, parties)
  }

  /** @returns null where the root was there once, and is lost */
  async #load(id: string): Promise<Buffer | null> {
    let root = await this.#files.readInUse(fileOf(id), id)
    if (!this.#isKnown(id)) {
      // What is there already, a failed attempt left: it is taken over, name and all.
      root?.fill(0)
      root = await this.#files.create(fileOf(id))
    }
    if (root === null) {
      await this.#lose(id)
      return null
    }
    for (const [oldest, buffer] of this.#roots) {
      if (this.#roots.size < MAX_ROOTS) break
      buffer.fill(0)
      this.#roots.delete(oldest)
    }
    this.#roots.set(id, root)
    return root
  }

  /** Whether keys of it may have been handed out. */
  #isKnown(id: string): boolean {
    return this.#journal.recordOf(id) !== undefined || this.#unrecorded.has(id)
  }

  async #lose(id: string): Promise<void> {
    const now = this.#now()
    await this.#doom(id, now)
    await this.#shred(id, now, 'lost')
    this.#lost.push(id)
  }

  /** Ids of roots that were found lost since the last call: an alarm. */
  takeLost(): readonly string[] {
    return this.#lost.splice(0)
  }

  #idOf(kind: 'tenant' | 'site', id: string): string {
    const mac = createHmac('sha256', this.#namingKey).update(lengthPrefixed(kind, id)).digest('hex')
    return `${kind}:${mac.slice(0, 32)}`
  }

  #assertOpen(): void {
    if (this.#closed) throw new TacitError('ERR_KEY_STORE', 'The keeper is closed')
  }

  /** Zeroes what is in memory. */
  close(): void {
    this.#closed = true
    for (const root of this.#roots.values()) root.fill(0)
    this.#roots.clear()
    this.#namingKey.fill(0)
  }
}
