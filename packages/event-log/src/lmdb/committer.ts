/**
 * Turns concurrent requests into one LMDB transaction after another.
 *
 * Invariants
 * - One transaction is under way at a time; what arrives meanwhile shares the next one and its flush.
 * - Positions are given out in the order of `append` calls, when the transaction is formed, and a refused append
 *   takes none: positions have no gaps but those of expiry.
 * - A promise resolves only after the transaction that holds its write is on disk.
 * - Fail stop: after any failed or overdue transaction nothing is written until the environment was closed, opened
 *   again, flushed, read and has taken a probe write. Until then every request is refused (ERR_LOG_WRITE).
 * - Recovery is what opening is: the next position is beyond the last record, the floor and every cursor.
 */
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import type { Cursor } from '../port.js'
import { HourRuns } from './hour-runs.js'
import { loadState, runKey } from './load.js'
import { sealFrame } from './record.js'
import { Room, type RoomOptions, transactionBytes } from './room.js'
import { FLOOR_KEY, writeState } from './state.js'
import { dataFile, LmdbStore, type WriteGroup } from './store.js'

/** What one transaction may hold: a few milliseconds of writing. */
const MAX_GROUP_RECORDS = 512
const MAX_GROUP_BYTES = 8 * 1024 * 1024
const MAX_GROUP_CHANGES = 16
/** What may wait: the collector holds far less back. */
const MAX_QUEUED = 20_000
const MAX_QUEUED_BYTES = 64 * 1024 * 1024
/** A disk that takes longer than this for one transaction counts as failed. */
const STALL_MS = 30_000
const REOPEN_MIN_MS = 250
const REOPEN_MAX_MS = 5_000

export interface Change {
  readonly state: WriteGroup['state']
  readonly removeRecords: readonly number[]
  readonly removeState: readonly string[]
}

interface Waiting {
  resolve(): void
  reject(error: unknown): void
}
interface PendingAppend extends Waiting {
  readonly frame: Buffer
  readonly hour: number
}
interface PendingChange extends Waiting {
  readonly change: Change
}

interface Opened {
  readonly store: LmdbStore
  readonly room: Room
}

export class Committer {
  readonly #options: RoomOptions
  #opened: Opened | null = null
  #next = 1
  #runs = new HourRuns()
  #cursors = new Map<string, Cursor>()
  #appends: PendingAppend[] = []
  #changes: PendingChange[] = []
  #queuedBytes = 0
  #busy = false
  #running: Promise<void> = Promise.resolve()
  #recovering: Promise<void> | null = null
  #closing = false

  constructor(options: RoomOptions) {
    this.#options = options
  }

  /** The environment for reading. Throws ERR_LOG_CLOSED or, while the log recovers, ERR_LOG_READ. */
  get store(): LmdbStore {
    if (this.#closing) throw new TacitError('ERR_LOG_CLOSED')
    if (!this.#opened) throw new TacitError('ERR_LOG_READ')
    return this.#opened.store
  }

  /** Hours of the records that stand. */
  get runs(): HourRuns {
    return this.#runs
  }

  /** The position that the next record gets. */
  get next(): number {
    return this.#next
  }

  /** Durable cursors by group. */
  get cursors(): Map<string, Cursor> {
    return this.#cursors
  }

  /** Opens the environment, flushes it, reads its state and proves with a write that it takes writes. */
  async open(): Promise<void> {
    const { dir, files, maxBytes } = this.#options
    const store = new LmdbStore(dir, maxBytes)
    try {
      // a failed commit may have left a newer meta page on disk than in memory: settle that before pages are reused
      const allocated = await files.extend(dataFile(dir), 0)
      const { next, runs, cursors } = loadState(store)
      const room = new Room(this.#options, dataFile(dir), allocated)
      const probe = { key: FLOOR_KEY, value: writeState(next - 1) }
      await room.admit(transactionBytes([], 0, store.pageSize), true, store).catch(ignoreFull)
      await store.write({ records: [], state: [probe], removeRecords: [], removeState: [] })
      this.#next = next
      this.#runs = runs
      this.#cursors = cursors
      this.#opened = { store, room }
    } catch (error) {
      await store.close().catch(() => undefined)
      throw error
    }
  }

  /** Queues a frame; resolves when it is on disk. */
  append(frame: Buffer, hour: number): Promise<void> {
    const refusal = this.#refusal(frame.length)
    if (refusal) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#appends.push({ frame, hour, resolve, reject })
      this.#queuedBytes += frame.length
      this.#wake()
    })
  }

  /** Queues writes to the small values and removals; resolves when they are on disk. */
  change(change: Change): Promise<void> {
    const refusal = this.#refusal(0)
    if (refusal) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#changes.push({ change, resolve, reject })
      this.#wake()
    })
  }

  /** Takes nothing more, finishes what is queued, and closes. Rejects with ERR_LOG_WRITE where the disk hangs. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#running
    await this.#recovering
    const opened = this.#opened
    this.#opened = null
    if (opened) await withinStall(opened.store.close())
  }

  #refusal(bytes: number): TacitError | null {
    if (this.#closing) return new TacitError('ERR_LOG_CLOSED')
    if (!this.#opened) return new TacitError('ERR_LOG_WRITE')
    const queued = this.#appends.length + this.#changes.length
    if (queued < MAX_QUEUED && this.#queuedBytes + bytes <= MAX_QUEUED_BYTES) return null
    return new TacitError('ERR_LOG_WRITE', 'The log is behind: too much waits to be written')
  }

  #wake(): void {
    if (this.#busy) return
    this.#busy = true
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    while (this.#opened && (this.#appends.length > 0 || this.#changes.length > 0)) {
      // one turn of the event loop, so that callers who were just answered join the next group
      await nextTurn()
      await this.#transact(this.#opened, this.#takeAppends(), this.#changes.splice(0, MAX_GROUP_CHANGES))
    }
    this.#busy = false
  }

  #takeAppends(): PendingAppend[] {
    let bytes = 0
    let count = 0
    for (const { frame } of this.#appends) {
      if (count === MAX_GROUP_RECORDS || (count > 0 && bytes + frame.length > MAX_GROUP_BYTES)) break
      bytes += frame.length
      count++
    }
    this.#queuedBytes -= bytes
    return this.#appends.splice(0, count)
  }

  async #transact(opened: Opened, appends: PendingAppend[], changes: PendingChange[]): Promise<void> {
    let admitted = appends
    try {
      admitted = await this.#admit(opened, appends, changes)
      if (admitted.length === 0 && changes.length === 0) return
      await withinStall(opened.store.write(this.#form(admitted, changes)))
      for (const waiting of [...admitted, ...changes]) waiting.resolve()
    } catch (error) {
      const failure = asFailure(error)
      for (const waiting of [...admitted, ...changes]) waiting.reject(failure)
      if (failure.code === 'ERR_LOG_FULL') return
      this.#fail(opened)
    }
  }

  /** Makes room for the group. Where appends have none they are refused, and cursors and expiry go on alone. */
  async #admit(opened: Opened, appends: PendingAppend[], changes: PendingChange[]): Promise<PendingAppend[]> {
    const removals = changes.reduce((sum, { change }) => sum + change.removeRecords.length, 0)
    const state = changes.flatMap(({ change }) => change.state.map(({ value }) => value.length))
    const frames = appends.map(({ frame }) => frame.length)
    const { store, room } = opened
    const bytes = (sizes: number[]) => transactionBytes(sizes, removals, store.pageSize)
    try {
      await room.admit(bytes([...frames, ...state]), appends.length === 0, store)
      return appends
    } catch (error) {
      const failure = asFailure(error)
      if (failure.code !== 'ERR_LOG_FULL' || appends.length === 0 || changes.length === 0) throw failure
      for (const waiting of appends) waiting.reject(failure)
      await room.admit(bytes(state), true, store)
      return []
    }
  }

  /** Gives out positions and puts the transaction together. */
  #form(appends: PendingAppend[], changes: PendingChange[]): WriteGroup {
    const records: { position: number; frame: Buffer }[] = []
    const state: { key: string; value: Buffer }[] = []
    for (const { frame, hour } of appends) {
      const position = this.#next++
      sealFrame(frame, position)
      records.push({ position, frame })
      const run = this.#runs.opens(position, hour)
      if (!run) continue
      this.#runs.add(run)
      state.push({ key: runKey(position), value: writeState(hour) })
    }
    for (const { change } of changes) state.push(...change.state)
    return {
      records,
      state,
      removeRecords: changes.flatMap(({ change }) => change.removeRecords),
      removeState: changes.flatMap(({ change }) => change.removeState),
    }
  }

  /** Refuses all that waits, and recovers in the background. */
  #fail(opened: Opened): void {
    this.#opened = null
    const waiting = [...this.#appends, ...this.#changes]
    this.#appends = []
    this.#changes = []
    this.#queuedBytes = 0
    for (const { reject } of waiting) reject(new TacitError('ERR_LOG_WRITE'))
    this.#recovering = this.#recover(opened.store).finally(() => {
      this.#recovering = null
    })
  }

  async #recover(broken: LmdbStore): Promise<void> {
    await broken.close().catch(() => undefined)
    for (
      let pause = REOPEN_MIN_MS;
      !this.#closing && !this.#opened;
      pause = Math.min(pause * 2, REOPEN_MAX_MS)
    ) {
      await this.open().catch(() => delay(pause, undefined, { ref: false }))
    }
  }
}

/** The outcome of a step on disk, or ERR_LOG_WRITE when it takes longer than a disk that works. */
async function withinStall(step: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TacitError('ERR_LOG_WRITE', 'The disk does not answer')), STALL_MS)
    timer.unref()
  })
  try {
    await Promise.race([step, stalled])
  } finally {
    clearTimeout(timer)
  }
}

function asFailure(error: unknown): TacitError {
  return error instanceof TacitError ? error : new TacitError('ERR_LOG_WRITE', undefined, { cause: error })
}

/** A full disk does not keep the log from being opened: what is in it can be read. */
function ignoreFull(error: unknown): void {
  if (!(error instanceof TacitError && error.code === 'ERR_LOG_FULL')) throw error
}
