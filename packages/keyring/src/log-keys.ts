/**
 * Sealing and opening of batches under the hours' log keys.
 *
 * Invariants
 * - No key leaves this module: a buffer that a caller still held when its hour is forgotten would be all zeroes, and
 *   sealing under it would be no sealing at all.
 * - What is held is the key of one (hour, producer); the hour's own key stays with the keeper.
 * - A key that arrives after its hour was forgotten or retired is zeroed and not used.
 * Recovery: none is needed; keys can be asked for again for as long as the keeper has them.
 */
import {
  type BatchHeader,
  HOUR,
  hourOf,
  type OpenedBatch,
  openBatch,
  readBatchHeader,
  sealBatch,
} from '@tacit/contracts'
import { type Prefetched, PREFETCH_MS } from './ahead.js'
import type { KeeperPort } from './port.js'

/** The least life of an hour's keys, from its beginning, ms: what was sealed in its last moment has to be staged. */
export const LEAST_LOG_KEY_LIFE_MS = 2 * HOUR
/** An hour has as many keys as collectors were booted in it; a log lives for 24 hours. */
const MAX_KEYS = 1_024

export interface LogKeys {
  /**
   * Seals rows under the key of the header's hour and producer; makes the hour's key if it was never opened.
   * @returns null where that hour has no key, and may have none
   */
  seal(header: BatchHeader, rows: Uint8Array): Promise<Buffer | null>
  /**
   * Opens a sealed batch.
   * @returns null where the hour's key is destroyed: the batch can never be opened again
   * @throws TacitError ERR_BATCH_FORMAT, ERR_BATCH_AUTHENTICATION
   */
  open(bytes: Buffer): Promise<OpenedBatch | null>
  /**
   * Fetches the key of the next hour for a producer that sealed something in the hour that runs, from ten minutes before
   * it begins. Call it every second or so; it does not wait, and what fails is tried again at the next call. An hour in
   * which nothing is sealed after all has a key that the keeper destroys when its time is up.
   * @param now ms @param producer 16 hexadecimal digits
   */
  prefetch(now: number, producer: string): Prefetched
  /** Zeroes the keys of an hour (ms). */
  forget(hour: number): void
  /**
   * Zeroes the keys of every hour whose time is up, whether it was settled or not, and answers that come later. Call it
   * every second or so.
   * @param now ms @param lifeMs from the beginning of an hour; two hours at least, so that the last batch can be staged
   */
  retire(now: number, lifeMs: number): void
  /** Zeroes everything. */
  close(): void
}

/**
 * Log keys of one process. Call `forget` when an hour's key was destroyed, or no more of it will come, and `retire` as
 * time goes.
 */
export function createLogKeys(keeper: KeeperPort): LogKeys {
  return new CachedLogKeys(keeper)
}

type HourProducer = Pick<BatchHeader, 'hour' | 'producer'>

interface Request extends HourProducer {
  readonly create: boolean
  /** false once its hour is forgotten */
  wanted: boolean
  done: Promise<void>
}

class CachedLogKeys implements LogKeys {
  readonly #keeper: KeeperPort
  /** hour → producer → key */
  readonly #hours = new Map<number, Map<string, Buffer>>()
  readonly #requests = new Map<string, Request>()
  #size = 0
  /** The latest hour whose time is up. */
  #lastRetired = Number.NEGATIVE_INFINITY

  constructor(keeper: KeeperPort) {
    this.#keeper = keeper
  }

  async seal(header: BatchHeader, rows: Uint8Array): Promise<Buffer | null> {
    const key = this.#peek(header) ?? (await this.#load(header, true), this.#peek(header))
    return key === undefined ? null : sealBatch(header, rows, key)
  }

  async open(bytes: Buffer): Promise<OpenedBatch | null> {
    const header = readBatchHeader(bytes)
    const key = this.#peek(header) ?? (await this.#load(header, false), this.#peek(header))
    return key === undefined ? null : openBatch(bytes, key, header)
  }

  prefetch(now: number, producer: string): Prefetched {
    const running = hourOf(now)
    const hour = running + HOUR
    if (now < hour - PREFETCH_MS || this.#peek({ hour: running, producer }) === undefined) {
      return { wanted: 0, held: 0 }
    }
    if (this.#peek({ hour, producer }) !== undefined) return { wanted: 1, held: 1 }
    // A failure is told to nobody here: who seals in that hour asks again, and is told.
    this.#load({ hour, producer }, true).catch(() => {})
    return { wanted: 1, held: 0 }
  }

  forget(hour: number): void {
    for (const [name, request] of this.#requests) {
      if (request.hour !== hour) continue
      request.wanted = false
      this.#requests.delete(name)
    }
    this.#drop(hour)
  }

  retire(now: number, lifeMs: number): void {
    this.#lastRetired = Math.max(this.#lastRetired, hourOf(now - Math.max(lifeMs, LEAST_LOG_KEY_LIFE_MS)))
    for (const hour of this.#hours.keys()) if (hour <= this.#lastRetired) this.#drop(hour)
  }

  close(): void {
    for (const request of this.#requests.values()) request.wanted = false
    this.#requests.clear()
    for (const hour of this.#hours.keys()) this.#drop(hour)
  }

  #peek({ hour, producer }: HourProducer): Buffer | undefined {
    return this.#hours.get(hour)?.get(producer)
  }

  #load({ hour, producer }: HourProducer, create: boolean): Promise<void> {
    const name = JSON.stringify([hour, producer, create])
    const running = this.#requests.get(name)
    if (running !== undefined) return running.done
    const request: Request = { hour, producer, create, wanted: true, done: Promise.resolve() }
    this.#requests.set(name, request)
    request.done = this.#fetch(request).finally(() => {
      if (this.#requests.get(name) === request) this.#requests.delete(name)
    })
    return request.done
  }

  async #fetch(request: Request): Promise<void> {
    const key = await this.#keeper.batchKey(request.hour, request.producer, request.create)
    if (key === null) return
    if (request.wanted && request.hour > this.#lastRetired) this.#hold(request.hour, request.producer, key)
    else key.fill(0)
  }

  #hold(hour: number, producer: string, key: Buffer): void {
    for (const oldest of this.#hours.keys()) {
      if (this.#size < MAX_KEYS) break
      this.#drop(oldest)
    }
    const keys = this.#hours.get(hour) ?? new Map<string, Buffer>()
    const former = keys.get(producer)
    if (former === undefined) this.#size += 1
    former?.fill(0)
    keys.set(producer, key)
    this.#hours.set(hour, keys)
  }

  #drop(hour: number): void {
    const keys = this.#hours.get(hour)
    if (keys === undefined) return
    for (const key of keys.values()) key.fill(0)
    this.#size -= keys.size
    this.#hours.delete(hour)
  }
}
