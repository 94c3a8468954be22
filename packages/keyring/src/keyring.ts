/**
 * The collector's pseudonym keys: fetched from the keeper once, used synchronously, zeroed on time.
 *
 * Invariants
 * - At most `maxEntries` keys and `MAX_EPOCHS` epochs are held; what is pushed out is zeroed and can be loaded again.
 * - A key of an epoch that {@link Keyring.retire} has passed is neither held nor taken in: an answer that arrives
 *   after it is zeroed, and the epoch is `late`.
 * - `late` holds for a whole epoch and for good (an epoch never goes back); `missing` holds for one scope and shortly.
 * Recovery: none is needed; everything held here can be asked for again.
 */
import { type Clock, epochFromLabel, type Stream, systemClock } from '@tacit/contracts'
import type { KeeperPort, KeyAnswer, KeyScope } from './port.js'
import { createPseudonymizer, type Pseudonymizer } from './pseudonym.js'

/** Days, weeks and months that can be open or just closed at once are far fewer. */
const MAX_EPOCHS = 64

export interface KeyringOptions {
  /** most keys held, over all epochs; default 20,000 (about 30 MB) */
  readonly maxEntries?: number
  /** how long `missing` is remembered, ms; default 5,000 */
  readonly missingForMs?: number
  readonly clock?: Clock
}

export interface Keyring {
  /**
   * The key of a (stream, epoch, scope), synchronously. Use it before the next `await`: it may be destroyed after.
   * @returns `undefined`: not fetched yet, {@link Keyring.load} it; `late`: the epoch is closed; `missing`: no key can be had
   */
  peek(stream: Stream, epoch: string, scope: KeyScope): Pseudonymizer | 'late' | 'missing' | undefined
  /**
   * Asks the keeper, so that a following `peek` knows. Calls for the same key share one request.
   * @throws what the keeper throws: nothing is remembered then
   */
  load(stream: Stream, epoch: string, scope: KeyScope): Promise<void>
  /**
   * Zeroes and forgets the keys of epochs that ended `latenessMs` or longer before `now`.
   * @returns labels of those epochs
   */
  retire(now: number, latenessMs: number): readonly string[]
  /** Zeroes everything. */
  close(): void
}

/** One (epoch, scope): a key, or until when it is known to be missing. */
interface Entry {
  readonly forget: () => void
  readonly pseudonymizer: Pseudonymizer | null
  readonly missingUntil: number
  used: boolean
}

interface EpochKeys {
  readonly end: number
  late: boolean
  readonly tenants: Map<string, Entry>
  readonly sites: Map<string, Entry>
  readonly own: Map<string, Entry>
}

/** Keys of one purpose. */
export function createKeyring(keeper: KeeperPort, purpose: string, options: KeyringOptions = {}): Keyring {
  return new CachedKeyring(keeper, purpose, options)
}

class CachedKeyring implements Keyring {
  readonly #keeper: KeeperPort
  readonly #purpose: string
  readonly #maxEntries: number
  readonly #missingForMs: number
  readonly #clock: Clock
  readonly #epochs = new Map<string, EpochKeys>()
  /** all entries, oldest first */
  readonly #entries = new Set<Entry>()
  readonly #loading = new Map<string, Promise<void>>()
  /** epochs that ended at or before this are late */
  #horizon = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(keeper: KeeperPort, purpose: string, options: KeyringOptions) {
    this.#keeper = keeper
    this.#purpose = purpose
    this.#maxEntries = Math.max(1, options.maxEntries ?? 20_000)
    this.#missingForMs = options.missingForMs ?? 5_000
    this.#clock = options.clock ?? systemClock
  }

  // The label says its stream, so the stream adds nothing to the way to a key.
  peek(_stream: Stream, epoch: string, scope: KeyScope): Pseudonymizer | 'late' | 'missing' | undefined {
    const keys = this.#epochs.get(epoch)
    if (keys === undefined) return undefined
    if (keys.late) return 'late'
    const entry = entriesOf(keys, scope).get(nameOf(scope))
    if (entry === undefined) return undefined
    if (entry.pseudonymizer === null) {
      return this.#clock.now() < entry.missingUntil ? 'missing' : undefined
    }
    entry.used = true
    return entry.pseudonymizer
  }

  load(stream: Stream, epoch: string, scope: KeyScope): Promise<void> {
    const key = JSON.stringify([stream, epoch, scope.of, nameOf(scope)])
    const running = this.#loading.get(key)
    if (running !== undefined) return running
    const loading = this.#fetch(stream, epoch, scope).finally(() => this.#loading.delete(key))
    this.#loading.set(key, loading)
    return loading
  }

  async #fetch(stream: Stream, epoch: string, scope: KeyScope): Promise<void> {
    if (epochFromLabel(epoch).end <= this.#horizon) return this.#remember(epoch, scope, { state: 'closed' })
    this.#remember(
      epoch,
      scope,
      await this.#keeper.pseudonymKey({ purpose: this.#purpose, stream, epoch, scope }),
    )
  }

  #remember(epoch: string, scope: KeyScope, answer: KeyAnswer): void {
    const { end } = epochFromLabel(epoch)
    if (this.#closed || end <= this.#horizon || answer.state === 'closed') {
      if (answer.state === 'open') answer.key.fill(0)
      if (!this.#closed) this.#markLate(epoch)
      return
    }
    const entries = entriesOf(this.#keysOf(epoch), scope)
    entries.get(nameOf(scope))?.forget()
    this.#hold(entries, nameOf(scope), answer.state === 'open' ? answer.key : null)
  }

  /** Takes a key in (zeroing what was handed over), or that there is none. */
  #hold(entries: Map<string, Entry>, name: string, key: Buffer | null): void {
    const pseudonymizer = key === null ? null : createPseudonymizer(key)
    key?.fill(0)
    while (this.#entries.size >= this.#maxEntries) this.#evictOne()
    const entry: Entry = {
      pseudonymizer,
      missingUntil: this.#clock.now() + this.#missingForMs,
      used: false,
      forget: () => {
        pseudonymizer?.destroy()
        this.#entries.delete(entry)
        entries.delete(name)
      },
    }
    entries.set(name, entry)
    this.#entries.add(entry)
  }

  /** Second chance (the CLOCK algorithm): the oldest entry that was not used since it was last looked at goes. */
  #evictOne(): void {
    for (const entry of this.#entries) {
      if (!entry.used) return entry.forget()
      entry.used = false
      this.#entries.delete(entry)
      this.#entries.add(entry)
    }
  }

  #keysOf(epoch: string): EpochKeys {
    const known = this.#epochs.get(epoch)
    if (known !== undefined) return known
    for (const oldest of this.#epochs.keys()) {
      if (this.#epochs.size < MAX_EPOCHS) break
      this.#forget(oldest)
    }
    const keys: EpochKeys = {
      end: epochFromLabel(epoch).end,
      late: false,
      tenants: new Map(),
      sites: new Map(),
      own: new Map(),
    }
    this.#epochs.set(epoch, keys)
    return keys
  }

  #markLate(epoch: string): void {
    const keys = this.#keysOf(epoch)
    keys.late = true
    forgetAll(keys)
  }

  #forget(epoch: string): void {
    const keys = this.#epochs.get(epoch)
    if (keys === undefined) return
    forgetAll(keys)
    this.#epochs.delete(epoch)
  }

  retire(now: number, latenessMs: number): readonly string[] {
    this.#horizon = Math.max(this.#horizon, now - latenessMs)
    const past = [...this.#epochs].filter(([, keys]) => keys.end <= this.#horizon).map(([label]) => label)
    for (const label of past) this.#forget(label)
    return past
  }

  close(): void {
    this.#closed = true
    for (const label of this.#epochs.keys()) this.#forget(label)
  }
}

function forgetAll(keys: EpochKeys): void {
  for (const entries of [keys.tenants, keys.sites, keys.own]) {
    for (const entry of entries.values()) entry.forget()
  }
}

function entriesOf(keys: EpochKeys, scope: KeyScope): Map<string, Entry> {
  switch (scope.of) {
    case 'tenant':
      return keys.tenants
    case 'site':
      return keys.sites
    case 'tenants':
      return keys.own
    default: {
      const never: never = scope
      throw new TypeError(`unknown scope ${String(never)}`)
    }
  }
}

function nameOf(scope: KeyScope): string {
  if (scope.of === 'tenant') return scope.tenant
  return scope.of === 'site' ? scope.site : ''
}
