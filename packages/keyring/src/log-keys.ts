/**
 * Sealing and opening of batches under the hours' log keys.
 *
 * Invariants
 * - No key leaves this module: a buffer that a caller still held when its hour is forgotten would be all zeroes, and
 *   sealing under it would be no sealing at all.
 * - What is held is the key of one (hour, producer); the hour's own key is zeroed as soon as that is derived.
 * - A key that arrives after its hour was forgotten is zeroed and not used.
 * Recovery: none is needed; keys can be asked for again for as long as the keeper has them.
 */
import {
  type BatchHeader,
  batchKey,
  type OpenedBatch,
  openBatch,
  readBatchHeader,
  sealBatch,
} from '@tacit/contracts'
import type { KeeperPort } from './port.js'

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
  /** Zeroes the keys of an hour (ms). */
  forget(hour: number): void
  /** Zeroes everything. */
  close(): void
}

/** Log keys of one process. Call `forget` when an hour's key was destroyed, or no more of it will come. */
export function createLogKeys(keeper: KeeperPort): LogKeys {
  return new CachedLogKeys(keeper)
}

interface Request {
  readonly hour: number
  readonly producer: string
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
    return key === undefined ? null : openBatch(bytes, key)
  }

  forget(hour: number): void {
    for (const [name, request] of this.#requests) {
      if (request.hour !== hour) continue
      request.wanted = false
      this.#requests.delete(name)
    }
    this.#drop(hour)
  }

  close(): void {
    for (const request of this.#requests.values()) request.wanted = false
    this.#requests.clear()
    for (const hour of this.#hours.keys()) this.#drop(hour)
  }

  #peek({ hour, producer }: BatchHeader): Buffer | undefined {
    return this.#hours.get(hour)?.get(producer)
  }

  #load({ hour, producer }: BatchHeader, create: boolean): Promise<void> {
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
    const logKey = await this.#keeper.logKey(request.hour, request.create)
    if (logKey === null) return
    if (request.wanted) this.#hold(request.hour, request.producer, batchKey(logKey, request.producer))
    logKey.fill(0)
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
