/**
 * The collector's pseudonym keys: fetched from the keeper once, used synchronously, zeroed on time (held-keys.ts).
 * The keys of the next epoch are fetched before it begins (ahead.ts).
 *
 * Invariants
 * - A key of an epoch that {@link Keyring.retire} has passed is neither held nor taken in: an answer that arrives
 *   after it is zeroed, and the epoch is `late`.
 * - A keeper that cannot be reached, or cannot unwrap a root, costs the events whose keys are not held, and fails no beacon.
 * Recovery: none is needed; everything held here can be asked for again.
 */
import { type Clock, type Stream, systemClock, TacitError } from '@tacit/contracts'
import { AheadRequests, dueAhead, type Prefetched, PREFETCH_MS } from './ahead.js'
import { HeldKeys, type KeyName, nameOf } from './held-keys.js'
import type { KeeperPort, KeyScope } from './port.js'
import type { Pseudonymizer } from './pseudonym.js'

export interface KeyringOptions {
  /** most keys held, over all epochs, those of the next one included; default 20,000 (about 30 MB) */
  readonly maxEntries?: number
  /** how long `missing` is remembered, ms; default 5,000 */
  readonly missingForMs?: number
  readonly clock?: Clock
  /** the keeper cannot be reached, and events are dropped for it; told once until it answers again */
  readonly onUnavailable?: () => void
  /** the keeper has a root that it cannot unwrap, and events are dropped for it; told once */
  readonly onUnreadable?: () => void
}

export interface Keyring {
  /**
   * The key of a (stream, epoch, scope), synchronously. Use it before the next `await`: it may be destroyed after.
   * @returns `undefined`: not fetched yet, {@link Keyring.load} it; `late`: the epoch is closed; `missing`: no key can be had
   */
  peek(stream: Stream, epoch: string, scope: KeyScope): Pseudonymizer | 'late' | 'missing' | undefined
  /**
   * Asks the keeper, so that a following `peek` knows. Calls for the same key share one request. Where the keeper cannot
   * be reached (ERR_KEEPER_UNAVAILABLE), or cannot unwrap a root (ERR_KEY_MASTER), the key is `missing` for a short while:
   * its events are dropped and counted.
   * @throws what else the keeper throws: nothing is remembered then
   */
  load(stream: Stream, epoch: string, scope: KeyScope): Promise<void>
  /**
   * Goes on fetching the keys of the next epoch, from ten minutes before it begins, for every scope whose key was used
   * in the epoch that runs. Call it every second or so; it does not wait, and what fails is tried again at the next call.
   * @param now ms
   * @returns the keys that are needed and those that are here; none are needed before that time
   */
  prefetch(now: number): Prefetched
  /**
   * Zeroes and forgets the keys of epochs that ended `latenessMs` or longer before `now`.
   * @returns labels of those epochs
   */
  retire(now: number, latenessMs: number): readonly string[]
  /** Zeroes everything. */
  close(): void
}

/** Keys of one purpose. */
export function createKeyring(keeper: KeeperPort, purpose: string, options: KeyringOptions = {}): Keyring {
  return new CachedKeyring(keeper, purpose, options)
}

class CachedKeyring implements Keyring {
  readonly #keeper: KeeperPort
  readonly #purpose: string
  readonly #held: HeldKeys
  readonly #loading = new Map<string, Promise<void>>()
  readonly #ahead: AheadRequests<KeyName>
  readonly #onUnavailable: () => void
  readonly #onUnreadable: () => void
  #unavailable = false
  #unreadable = false

  constructor(keeper: KeeperPort, purpose: string, options: KeyringOptions) {
    this.#keeper = keeper
    this.#purpose = purpose
    const { clock = systemClock, maxEntries = 20_000, missingForMs = 5_000 } = options
    this.#held = new HeldKeys(maxEntries, missingForMs, clock)
    this.#ahead = new AheadRequests(textOf, (name) => this.#fetchAhead(name))
    this.#onUnavailable = options.onUnavailable ?? (() => {})
    this.#onUnreadable = options.onUnreadable ?? (() => {})
  }

  // The label says its stream, so the stream adds nothing to the way to a key.
  peek(_stream: Stream, epoch: string, scope: KeyScope): Pseudonymizer | 'late' | 'missing' | undefined {
    return this.#held.use(epoch, scope)
  }

  load(stream: Stream, epoch: string, scope: KeyScope): Promise<void> {
    const name = { stream, epoch, scope }
    const key = textOf(name)
    const running = this.#loading.get(key)
    if (running !== undefined) return running
    const loading = this.#fetch(name).finally(() => this.#loading.delete(key))
    this.#loading.set(key, loading)
    return loading
  }

  async #fetch({ stream, epoch, scope }: KeyName): Promise<void> {
    if (this.#held.isPast(epoch)) return this.#held.take(epoch, scope, { state: 'closed' })
    try {
      const answer = await this.#keeper.pseudonymKey({ purpose: this.#purpose, stream, epoch, scope })
      this.#unavailable = false
      this.#held.take(epoch, scope, answer)
    } catch (error) {
      this.#tell(error)
      this.#held.miss(epoch, scope)
    }
  }

  /** Says why there is no key, once. @throws `error` where it is another: nothing is known of the key then */
  #tell(error: unknown): void {
    const code = error instanceof TacitError ? error.code : null
    if (code === 'ERR_KEEPER_UNAVAILABLE') {
      if (!this.#unavailable) this.#onUnavailable()
      this.#unavailable = true
    } else if (code === 'ERR_KEY_MASTER') {
      if (!this.#unreadable) this.#onUnreadable()
      this.#unreadable = true
    } else throw error
  }

  prefetch(now: number): Prefetched {
    const found = this.#held.wantedAhead(now)
    if (found === null) {
      this.#ahead.stop()
      return { wanted: 0, held: 0 }
    }
    const { end, held, missing, wanted } = found
    const { underWay } = this.#ahead
    const due = dueAhead(wanted, now - (end - PREFETCH_MS)) - held
    const room = this.#held.makeRoom(Math.min(due, missing.length), now)
    this.#ahead.start(missing, room - underWay)
    return { wanted, held }
  }

  /** Only a key is taken in: that there is none is told to the beacon that asks, when it does. */
  async #fetchAhead({ stream, epoch, scope }: KeyName): Promise<void> {
    if (this.#held.isPast(epoch)) return
    const answer = await this.#keeper.pseudonymKey({ purpose: this.#purpose, stream, epoch, scope })
    if (answer.state === 'open') this.#held.takeAhead(epoch, scope, answer.key)
  }

  retire(now: number, latenessMs: number): readonly string[] {
    return this.#held.retire(now, latenessMs)
  }

  close(): void {
    this.#ahead.stop()
    this.#held.close()
  }
}

function textOf({ stream, epoch, scope }: KeyName): string {
  return JSON.stringify([stream, epoch, scope.of, nameOf(scope)])
}
