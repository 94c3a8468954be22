/**
 * The keeper in process: it decides by the clock it is handed who may have which key, and never lets a root out.
 * One process at a time may have a directory open; whoever opens the data directory holds that lock.
 *
 * Invariants: see root-registry.ts (epochs and hours) and scope-roots.ts (tenants and sites). What changes a root
 * runs one after the other, so two requests for an absent epoch make one root.
 */
import { randomFillSync } from 'node:crypto'
import { type Clock, DAY, type Epoch, epochFromLabel, type Stream, TacitError } from '@tacit/contracts'
import {
  derivePseudonymKey,
  type EpochState,
  type KeeperPort,
  type KeyAnswer,
  type PseudonymKeyRequest,
} from '@tacit/keyring'
import { openJournal } from './journal.js'
import { type KeyFiles, openKeyFiles } from './key-files.js'
import { epochLife, hourLife, isHour, type KeyLife, type LifeRules } from './key-life.js'
import type { RandomFill } from './root-file.js'
import { RootRegistry, type RootState, type TickReport } from './root-registry.js'
import { ScopeRoots } from './scope-roots.js'
import { createSerial, type Serial } from './serial.js'

/** Requests that may wait for the disk. */
const MAX_WAITING = 4_096

export interface KeeperOptions {
  /** the keeper's own directory: made with mode 0700, its files with 0600 */
  readonly dir: string
  readonly clock: Clock
  /** the rulebook's `epochs.lateness`, ms */
  readonly latenessMs: number
  /** the rulebook's `epochs.destroy_key_after`, ms after the epoch's end */
  readonly destroyKeyAfterMs: number
  /** streams that have epochs; keys of any other are absent */
  readonly streams: readonly Stream[]
  /** how long after its start an hour's log key lives at most, ms; default 24 h */
  readonly logKeyLifeMs?: number
  /** default: the system's random source */
  readonly randomFill?: RandomFill
  /** default: the disk at `dir` */
  readonly files?: KeyFiles
}

export interface Keeper {
  readonly port: KeeperPort
  /** what opening found overdue, and did */
  readonly recovered: TickReport
  /**
   * Closes epochs past their end + lateness, destroys roots past end + destroyKeyAfter and log keys past their life.
   * Call it at least every minute, and whenever a driven clock moved.
   * @throws TacitError ERR_KEY_STORE
   */
  tick(): Promise<TickReport>
  /**
   * Obeys the times of another rulebook from now on. A key never lives longer than it was made for: where the new time
   * is longer, the shorter one holds until the keeper is opened again.
   */
  obey(rules: Readonly<LifeRules>): void
  /** Zeroes every secret in memory; roots stay on disk, and calls fail from now on. */
  close(): Promise<void>
}

/** Opens the keeper: finishes what a crash interrupted, destroys what is overdue, then answers. @throws TacitError ERR_KEY_STORE */
export async function openKeeper(options: KeeperOptions): Promise<Keeper> {
  const randomFill = options.randomFill ?? ((buffer: Buffer) => randomFillSync(buffer))
  const rules = { ...options, logKeyLifeMs: options.logKeyLifeMs ?? DAY }
  try {
    const files = options.files ?? openKeyFiles(options.dir)
    const serial = createSerial(MAX_WAITING)
    const roots = new RootRegistry(files, await openJournal(files), rules, randomFill)
    const recovered = await roots.recover(options.clock.now())
    const scopes = await ScopeRoots.open(files, randomFill, serial)
    return new EmbeddedKeeper({ ...options, rules, roots, scopes, serial, recovered })
  } catch (error) {
    throw storeError(error)
  }
}

interface Parts {
  readonly clock: Clock
  readonly streams: readonly Stream[]
  readonly rules: LifeRules
  readonly roots: RootRegistry
  readonly scopes: ScopeRoots
  readonly serial: Serial
  readonly recovered: TickReport
}

class EmbeddedKeeper implements Keeper, KeeperPort {
  readonly port: KeeperPort = this
  readonly recovered: TickReport
  readonly #clock: Clock
  readonly #streams: readonly Stream[]
  /** shared with the registry: one object, so that both obey at once */
  readonly #rules: { -readonly [K in keyof LifeRules]: LifeRules[K] }
  readonly #roots: RootRegistry
  readonly #scopes: ScopeRoots
  readonly #serial: Serial
  #closed = false

  constructor(parts: Parts) {
    this.recovered = parts.recovered
    this.#clock = parts.clock
    this.#streams = parts.streams
    this.#rules = parts.rules
    this.#roots = parts.roots
    this.#scopes = parts.scopes
    this.#serial = parts.serial
  }

  pseudonymKey(request: PseudonymKeyRequest): Promise<KeyAnswer> {
    return this.#answer(async () => {
      const epoch = this.#epochOf(request)
      if (epoch === null) return { state: 'absent' }
      const state = await this.#enter(epochLife(epoch, this.#rules))
      if (state !== 'open') return { state }
      return this.#scopes.withRoot(request.scope, (scopeRoot): KeyAnswer => {
        // Looked up only now: while the scope's root was read, the epoch may have closed, and so may the keeper.
        this.#assertOpen()
        const epochRoot = this.#roots.rootOf(epoch.label)
        if (epochRoot === undefined) return { state: 'closed' }
        const { purpose, scope } = request
        return {
          state,
          key: derivePseudonymKey({ epochRoot, scopeRoot, purpose, scope, epoch: epoch.label }),
        }
      })
    })
  }

  logKey(hour: number, create: boolean): Promise<Buffer | null> {
    return this.#answer(async () => {
      if (!isHour(hour)) return null
      const life = hourLife(hour, this.#rules)
      if (!create && this.#roots.stateOf(life.label) === undefined) return null
      if ((await this.#enter(life)) !== 'open') return null
      this.#assertOpen()
      const root = this.#roots.rootOf(life.label)
      if (root === undefined) return null
      const key = Buffer.allocUnsafeSlow(root.length)
      key.set(root)
      return key
    })
  }

  destroyLogKey(hour: number): Promise<void> {
    return this.#answer(async () => {
      if (!isHour(hour)) return
      const { label } = hourLife(hour, this.#rules)
      await this.#locked(() => this.#roots.destroy(label, this.#clock.now()))
    })
  }

  epochs(stream: Stream): Promise<readonly EpochState[]> {
    return this.#answer(async () => {
      // Closing first keeps the answer true to the clock, and on disk, so that it is never taken back.
      await this.#locked(async () => {
        for (const { label, state } of this.#roots.states()) {
          if (state === 'open' && label.startsWith(`${stream}:`)) await this.#closeIfPast(label)
        }
      })
      return this.#roots
        .states()
        .filter(({ label }) => label.startsWith(`${stream}:`))
        .map(({ label, state }) => ({ label, state: shownState(state) }))
        .sort((a, b) => (a.label < b.label ? -1 : 1))
    })
  }

  tick(): Promise<TickReport> {
    return this.#answer(() => this.#locked(() => this.#roots.sweep(this.#clock.now())))
  }

  obey(rules: Readonly<LifeRules>): void {
    for (const key of ['latenessMs', 'destroyKeyAfterMs', 'logKeyLifeMs'] as const) {
      this.#rules[key] = Math.min(this.#rules[key], rules[key])
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#serial(async () => {
      this.#roots.close()
      this.#scopes.close()
    })
  }

  /** The state of a key at this moment, after opening it if it is absent and may be, and closing it if it must be. */
  async #enter(life: KeyLife): Promise<'open' | 'closed' | 'absent'> {
    const settled = this.#settled(life)
    if (settled !== 'unsettled') return settled
    await this.#locked(async () => {
      if (this.#settled(life) !== 'unsettled') return
      const now = this.#clock.now()
      if (this.#roots.stateOf(life.label) === undefined) await this.#roots.open(life, now)
      else await this.#roots.sweep(now, life.label)
    })
    const state = this.#settled(life)
    return state === 'unsettled' ? 'closed' : state
  }

  /** `unsettled`: the disk must change before there is an answer. */
  #settled(life: KeyLife): 'open' | 'closed' | 'absent' | 'unsettled' {
    const now = this.#clock.now()
    const state = this.#roots.stateOf(life.label)
    if (state !== undefined && state !== 'open') return 'closed'
    if (now < life.opensAt) return 'absent'
    if (now >= life.closesAt) return state === undefined ? 'closed' : 'unsettled'
    return state ?? 'unsettled'
  }

  async #closeIfPast(label: string): Promise<void> {
    const life = epochLife(epochFromLabel(label), this.#rules)
    if (this.#settled(life) === 'unsettled') await this.#roots.sweep(this.#clock.now(), label)
  }

  #epochOf({ stream, epoch: label }: PseudonymKeyRequest): Epoch | null {
    if (!this.#streams.includes(stream)) return null
    try {
      const epoch = epochFromLabel(label)
      return epoch.stream === stream ? epoch : null
    } catch {
      return null
    }
  }

  #locked<T>(task: () => Promise<T>): Promise<T> {
    return this.#serial(() => {
      this.#assertOpen()
      return task()
    })
  }

  async #answer<T>(task: () => Promise<T>): Promise<T> {
    this.#assertOpen()
    try {
      return await task()
    } catch (error) {
      throw storeError(error)
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new TacitError('ERR_KEY_STORE', 'The keeper is closed')
  }
}

function shownState(state: RootState): EpochState['state'] {
  return state === 'destroying' ? 'closed' : state
}

function storeError(error: unknown): TacitError {
  return error instanceof TacitError ? error : new TacitError('ERR_KEY_STORE', undefined, { cause: error })
}
