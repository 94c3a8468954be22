/**
 * A cache of two generations, for values read off raw input.
 *
 * Invariants
 * - At most `maxEntries` entries; a full young generation becomes the old one, and the old one is forgotten.
 * - No entry is served once its generation is `maxAgeMs` old, and a hit does not make an entry younger: what a request
 *   brought is forgotten on time however often it comes back.
 * - Keys are copies: a slice would keep the whole header or log line alive.
 * - Nothing leaves it but through `get`.
 * Recovery: none is needed; a clock that steps back empties it.
 *
 * Not lru-cache: its time to live is kept and checked entry by entry, and forgetting on time without a request takes
 * a timer an entry. Here forgetting is two assignments, which is also what a key's death asks for.
 */
import { type Clock, MAX_RAW_AGE_MS } from '@tacit/contracts'

export interface GenerationCacheOptions {
  /** entries in both generations together, at least 2 */
  readonly maxEntries: number
  /** milliseconds; at most {@link MAX_RAW_AGE_MS} */
  readonly maxAgeMs: number
  readonly clock: Clock
}

export { MAX_RAW_AGE_MS }

export class GenerationCache<V> {
  readonly #half: number
  readonly #maxAgeMs: number
  readonly #clock: Clock
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  #youngSince: number
  #oldSince: number

  /** @throws RangeError where an option is out of its bounds */
  constructor({ maxEntries, maxAgeMs, clock }: GenerationCacheOptions) {
    if (!(maxEntries >= 2)) throw new RangeError('maxEntries is at least 2')
    if (!(maxAgeMs > 0 && maxAgeMs <= MAX_RAW_AGE_MS)) {
      throw new RangeError('maxAgeMs is above 0 and at most 15 minutes')
    }
    this.#half = Math.floor(maxEntries / 2)
    this.#maxAgeMs = maxAgeMs
    this.#clock = clock
    this.#youngSince = clock.now()
    this.#oldSince = this.#youngSince
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): V | undefined {
    this.expire()
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: string, value: V): void {
    this.expire()
    const copy = Buffer.from(key, 'utf8').toString('utf8')
    // A lone surrogate does not survive the copy: such a key is no text, and is not kept.
    if (copy !== key) return
    if (this.#young.size >= this.#half) this.#turn(this.#clock.now())
    this.#young.set(copy, value)
  }

  /** Forgets what is due. Its owner calls it on a timer too, because without requests nothing else would. */
  expire(): void {
    const now = this.#clock.now()
    if (now < this.#youngSince) return this.clear()
    if (now - this.#youngSince >= this.#maxAgeMs / 2) this.#turn(now)
    if (now - this.#oldSince >= this.#maxAgeMs && this.#old.size > 0) this.#old = new Map()
  }

  /** Forgets everything, e.g. because a key died. */
  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#youngSince = this.#clock.now()
    this.#oldSince = this.#youngSince
  }

  #turn(now: number): void {
    this.#old = this.#young
    this.#oldSince = this.#youngSince
    this.#young = new Map()
    this.#youngSince = now
  }
}
