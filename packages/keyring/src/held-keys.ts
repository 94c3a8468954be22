/**
 * The pseudonym keys that a process holds: bounded in number, found synchronously, zeroed when they go.
 *
 * Invariants
 * - At most `maxEntries` keys and `MAX_EPOCHS` epochs are held; what is pushed out is zeroed and can be loaded again.
 * - A key of an epoch that {@link HeldKeys.retire} has passed is neither held nor taken in.
 * - `late` holds for a whole epoch and for good (an epoch never goes back); `missing` holds for one scope and shortly.
 * - What is taken in ahead of its epoch pushes out nothing that was used.
 * Recovery: none is needed; everything held here can be asked for again.
 */
import { type Clock, type Epoch, epochFromLabel, epochOf } from '@tacit/contracts'
import { type Prefetched, PREFETCH_MS } from './ahead.js'
import type { KeyAnswer, KeyScope, PseudonymKeyRequest } from './port.js'
import { createPseudonymizer, type Pseudonymizer } from './pseudonym.js'

/** Days, weeks and months that can be open or just closed at once are far fewer. */
const MAX_EPOCHS = 64

/** Which key: of one purpose, so the purpose is left out. */
export type KeyName = Omit<PseudonymKeyRequest, 'purpose'>

export type Held = Pseudonymizer | 'late' | 'missing' | undefined

/** Keys of the next epoch: how many are needed, and which of them are still to be asked for. */
export interface Wanted extends Prefetched {
  readonly missing: readonly KeyName[]
  /** when the epoch that runs ends, ms */
  readonly end: number
}

/** One (epoch, scope): a key, or until when it is known to be missing. */
interface Entry {
  readonly scope: KeyScope
  readonly forget: () => void
  readonly pseudonymizer: Pseudonymizer | null
  readonly missingUntil: number
  /** since it was last looked at for eviction */
  used: boolean
  /** before that */
  wasUsed: boolean
}

interface EpochKeys {
  readonly epoch: Epoch
  late: boolean
  readonly tenants: Map<string, Entry>
  readonly sites: Map<string, Entry>
  readonly own: Map<string, Entry>
}

export class HeldKeys {
  readonly #maxEntries: number
  readonly #missingForMs: number
  readonly #clock: Clock
  readonly #epochs = new Map<string, EpochKeys>()
  /** all entries, oldest first */
  readonly #entries = new Set<Entry>()
  /** epochs that ended at or before this are late */
  #horizon = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(maxEntries: number, missingForMs: number, clock: Clock) {
    this.#maxEntries = Math.max(1, maxEntries)
    this.#missingForMs = missingForMs
    this.#clock = clock
  }

  /** What is known of a key, which counts as its use. */
  use(epoch: string, scope: KeyScope): Held {
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

  /** Whether an epoch is past, so that nobody need be asked. */
  isPast(epoch: string): boolean {
    return epochFromLabel(epoch).end <= this.#horizon
  }

  /** Takes in what the keeper said (zeroing the key that it handed over). */
  take(epoch: string, scope: KeyScope, answer: KeyAnswer): void {
    if (this.#closed || this.isPast(epoch) || answer.state === 'closed') {
      if (answer.state === 'open') answer.key.fill(0)
      if (!this.#closed) this.#markLate(epoch)
      return
    }
    const keys = this.#keysOf(epoch)
    entriesOf(keys, scope).get(nameOf(scope))?.forget()
    while (this.#entries.size >= this.#maxEntries) this.#evictOne()
    this.#hold(keys, scope, answer.state === 'open' ? answer.key : null)
  }

  /** Remembers for a short while that no key can be had; a key that is held meanwhile stays. */
  miss(epoch: string, scope: KeyScope): void {
    const entry = this.#entryOf(epoch, scope)
    if (entry === undefined || entry.pseudonymizer === null) this.take(epoch, scope, { state: 'absent' })
  }

  /** Takes in a key ahead of its epoch where there is room and none is held; the buffer is zeroed either way. */
  takeAhead(epoch: string, scope: KeyScope, key: Buffer): void {
    const isOpen = !this.#closed && !this.isPast(epoch) && this.#epochs.get(epoch)?.late !== true
    const former = isOpen ? this.#entryOf(epoch, scope) : undefined
    const isNeeded = isOpen && (former === undefined || former.pseudonymizer === null)
    if (isNeeded) former?.forget()
    if (isNeeded && this.#entries.size < this.#maxEntries) this.#hold(this.#keysOf(epoch), scope, key)
    key.fill(0)
  }

  /**
   * The keys of the next epoch of those that were used in the one that runs, once its end is near.
   * @returns null where no epoch is about to end
   */
  wantedAhead(now: number): Wanted | null {
    const ending = [...this.#epochs.values()].filter(
      ({ epoch, late }) => !late && now >= epoch.end - PREFETCH_MS && now >= epoch.start && now < epoch.end,
    )
    const [first] = ending
    if (first === undefined) return null
    const missing: KeyName[] = []
    let wanted = 0
    for (const keys of ending) {
      const { stream } = keys.epoch
      const next = epochOf(stream, keys.epoch.end).label
      const ahead = this.#epochs.get(next)
      if (ahead?.late === true) continue
      for (const { pseudonymizer, scope, used, wasUsed } of allOf(keys)) {
        if (pseudonymizer === null || !(used || wasUsed)) continue
        wanted += 1
        const held = ahead === undefined ? undefined : entriesOf(ahead, scope).get(nameOf(scope))
        if (held === undefined || held.pseudonymizer === null) missing.push({ stream, epoch: next, scope })
      }
    }
    // Every epoch ends at a midnight, so those that are about to end all end at once.
    return { wanted, held: wanted - missing.length, missing, end: first.epoch.end }
  }

  /**
   * Makes room for keys that are taken in ahead: entries of epochs that began, and that nobody used, go.
   * @returns for how many of `count` there is room
   */
  makeRoom(count: number, now: number): number {
    const free = (): number => this.#maxEntries - this.#entries.size
    for (const keys of this.#epochs.values()) {
      if (keys.epoch.start > now) continue
      for (const entry of allOf(keys)) {
        if (free() >= count) return count
        if (!entry.used && !entry.wasUsed) entry.forget()
      }
    }
    return Math.min(count, free())
  }

  /** Zeroes and forgets epochs that ended `latenessMs` or longer before `now`. @returns their labels */
  retire(now: number, latenessMs: number): readonly string[] {
    this.#horizon = Math.max(this.#horizon, now - latenessMs)
    const past = [...this.#epochs]
      .filter(([, { epoch }]) => epoch.end <= this.#horizon)
      .map(([label]) => label)
    for (const label of past) this.#forget(label)
    return past
  }

  /** Zeroes everything, and takes nothing in any more. */
  close(): void {
    this.#closed = true
    for (const label of this.#epochs.keys()) this.#forget(label)
  }

  #entryOf(epoch: string, scope: KeyScope): Entry | undefined {
    const keys = this.#epochs.get(epoch)
    return keys === undefined ? undefined : entriesOf(keys, scope).get(nameOf(scope))
  }

  /** Holds a key (zeroing what was handed over), or that there is none. */
  #hold(keys: EpochKeys, scope: KeyScope, key: Buffer | null): void {
    const entries = entriesOf(keys, scope)
    const name = nameOf(scope)
    const pseudonymizer = key === null ? null : createPseudonymizer(key)
    key?.fill(0)
    const entry: Entry = {
      scope,
      pseudonymizer,
      missingUntil: this.#clock.now() + this.#missingForMs,
      used: false,
      wasUsed: false,
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
      entry.wasUsed = true
      this.#entries.delete(entry)
      this.#entries.add(entry)
    }
  }

  #keysOf(label: string): EpochKeys {
    const known = this.#epochs.get(label)
    if (known !== undefined) return known
    for (const oldest of this.#epochs.keys()) {
      if (this.#epochs.size < MAX_EPOCHS) break
      this.#forget(oldest)
    }
    const keys: EpochKeys = {
      epoch: epochFromLabel(label),
      late: false,
      tenants: new Map(),
      sites: new Map(),
      own: new Map(),
    }
    this.#epochs.set(label, keys)
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
}

function* allOf(keys: EpochKeys): Generator<Entry> {
  yield* keys.tenants.values()
  yield* keys.sites.values()
  yield* keys.own.values()
}

function forgetAll(keys: EpochKeys): void {
  for (const entry of allOf(keys)) entry.forget()
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

/** The scope's name among those of its kind. */
export function nameOf(scope: KeyScope): string {
  if (scope.of === 'tenant') return scope.tenant
  return scope.of === 'site' ? scope.site : ''
}
