/**
 * The keeper: it decides by the clock it is handed who may have which key, and never lets a root out. One process at a
 * time may have a directory open; whoever opens the data directory holds that lock.
 *
 * Invariants: see root-registry.ts (epochs and hours), scope-roots.ts (tenants and sites), secret-files.ts (what lies on
 * disk). What changes a root runs one after the other, so two requests for an absent epoch make one root.
 */
import {
  batchKey,
  type Clock,
  type Epoch,
  epochFromLabel,
  HOUR,
  MINUTE,
  type Stream,
  TacitError,
} from '@tacit/contracts'
import {
  derivePseudonymKey,
  type EpochState,
  type KeeperPort,
  type KeyAnswer,
  type KeyTimes,
  LEAST_LOG_KEY_LIFE_MS,
  type PseudonymKeyRequest,
} from '@tacit/keyring'
import type { KeyJournal } from './key-journal.js'
import type { Keeper } from './keeper.js'
import { epochLife, hourLife, isHour, type KeyLife } from './key-life.js'
import type { AuditService, KeyRecord } from './keeper-service.js'
import type { Producers } from './producers.js'
import type { Term } from './remote/wire.js'
import type { RootRegistry, RootState, TickReport } from './root-registry.js'
import { fileOf, type ScopeRoots } from './scope-roots.js'
import type { Serial } from './serial.js'
import { storing } from './storing.js'
import type { Company, ReplicaSource } from './standby/replica-source.js'
import type { Pull } from './standby/replica-wire.js'
import type { Reign } from './standby/reign.js'

/** After the close of its window an epoch can be released for so long at least, ms. */
const RELEASE_MS = HOUR
/** What the process's own door is called on record. */
const IN_PROCESS = 'in-process'

/** What an opened directory gives (open-keeper.ts). */
export interface Parts {
  readonly clock: Clock
  readonly streams: readonly Stream[]
  readonly rules: KeyTimes
  readonly roots: RootRegistry
  readonly scopes: ScopeRoots
  readonly producers: Producers
  readonly serial: Serial
  readonly journal: KeyJournal
  readonly replica: ReplicaSource
  readonly reign: Reign
  readonly recovered: TickReport
  readonly isAuditCut: boolean
  readonly audit: AuditService
  /** Destroys every secret on disk (standby/retire.ts). */
  readonly retire: () => Promise<void>
  readonly closeWrapping: () => void
}

export class EmbeddedKeeper implements Keeper {
  readonly port: KeeperPort = this.door(IN_PROCESS)
  readonly audit: AuditService
  readonly recovered: TickReport
  readonly isAuditCut: boolean
  readonly #parts: Parts
  readonly #clock: Clock
  /** shared with the registry: one object, so that both obey at once */
  readonly #rules: { -readonly [K in keyof KeyTimes]: KeyTimes[K] }
  /**
   * What nobody may shorten a life beyond: windows that were open when this keeper was opened close by the lateness of then,
   * and who may say what rules must not be able to destroy what was not released or staged.
   */
  readonly #shortest: Readonly<KeyTimes>
  readonly #roots: RootRegistry
  readonly #scopes: ScopeRoots
  readonly #journal: KeyJournal
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
    const { record, sign, ...reading } = parts.audit
    this.audit = {
      ...reading,
      record: async (events) => this.#answer(() => record(events)),
      sign: async () => this.#answer(sign),
    }
    this.recovered = parts.recovered
    this.isAuditCut = parts.isAuditCut
    this.#clock = parts.clock
    this.#rules = parts.rules
    this.#shortest = {
      latenessMs: 0,
      destroyKeyAfterMs: parts.rules.latenessMs + RELEASE_MS,
      logKeyLifeMs: LEAST_LOG_KEY_LIFE_MS,
    }
    this.#roots = parts.roots
    this.#scopes = parts.scopes
    this.#journal = parts.journal
  }

  door(to: string, aggregator?: string): KeeperPort {
    return {
      pseudonymKey: (request) => this.#answer(() => this.#pseudonymKey(request, to)),
      batchKey: (hour, producer, create) =>
        this.#answer(() => this.#batchKey({ hour, producer, create }, to, aggregator)),
      destroyLogKey: (hour, reconciled) => this.#answer(() => this.#settle(hour, reconciled, to)),
      epochs: (stream) => this.#answer(() => this.#epochs(stream)),
      reconciled: (stream, epoch, holds) =>
        this.#answer(() => this.#locked(() => this.#reconciled(stream, epoch, holds, to))),
      obey: async (times) => this.#obey(times),
    }
  }

  async #pseudonymKey(request: PseudonymKeyRequest, to: string): Promise<KeyAnswer> {
    const epoch = this.#epochOf(request)
    if (epoch === null) return { state: 'absent' }
    const life = epochLife(epoch, this.#rules)
    for (;;) {
      const state = await this.#enter(life, [to])
      if (state !== 'open') return { state }
      let unshared: readonly string[] = []
      const answer = await this.#scopes.withRoot(
        request.scope,
        to,
        (scopeRoot, scopeId): KeyAnswer | null => {
          // Looked up only now: while the scope's root was read, the epoch may have closed, and so may the keeper.
          this.#assertOpen()
          const epochRoot = this.#roots.rootOf(epoch.label)
          if (epochRoot === undefined) return { state: 'closed' }
          if (scopeId !== null && this.#journal.isBarred(epoch.label, scopeId)) return { state: 'absent' }
          const files = scopeId === null ? [life.file] : [life.file, fileOf(scopeId)]
          if (!this.#parts.replica.isShared(files)) unshared = files
          if (unshared.length > 0) return null
          const { purpose, scope } = request
          return {
            state,
            key: derivePseudonymKey({ epochRoot, scopeRoot, purpose, scope, epoch: epoch.label }),
          }
        },
      )
      if (unshared.length === 0) return answer ?? { state: 'absent' }
      // And asked again from the beginning: the epoch may have closed meanwhile.
      await this.#parts.replica.share(unshared)
    }
  }

  async #batchKey(
    {
      create,
      hour,
      producer,
    }: { readonly hour: number; readonly producer: string; readonly create: boolean },
    to: string,
    aggregator: string | undefined,
  ): Promise<Buffer | null> {
    if (!isHour(hour)) return null
    const life = hourLife(hour, this.#rules)
    if (!create && this.#roots.stateOf(life.label) === undefined) return null
    if (create && !(await this.#maySeal(hour, producer, to))) return null
    // Who seals and settles both is waited for by the name under which it settles.
    const parties = create && aggregator !== undefined ? [to, aggregator] : [to]
    for (;;) {
      if ((await this.#enter(life, parties)) !== 'open') return null
      this.#assertOpen()
      const root = this.#roots.rootOf(life.label)
      if (root === undefined) return null
      if (this.#parts.replica.isShared([life.file])) return batchKey(root, producer)
      await this.#parts.replica.share([life.file])
    }
  }

  /** A producer is a collector's own. This process has every root in any case, and nobody beside it. */
  async #maySeal(hour: number, producer: string, to: string): Promise<boolean> {
    const state = this.#settled(hourLife(hour, this.#rules))
    if (state === 'closed' || state === 'absent') return false
    if (to === IN_PROCESS) return true
    return this.#locked(() => this.#parts.producers.claim(producer, to, hour, this.#clock.now()))
  }

  async #settle(hour: number, reconciled: boolean, by: string): Promise<void> {
    if (!isHour(hour)) return
    // Nobody has staged what is still sealed. Clocks of two machines agree to a minute.
    if (by !== IN_PROCESS && this.#clock.now() < hour + HOUR - MINUTE) {
      throw new TacitError('ERR_KEEPER_REQUEST', 'An hour that is not over cannot be settled')
    }
    const { label } = hourLife(hour, this.#rules)
    await this.#locked(() => this.#roots.settle(label, reconciled, this.#clock.now(), by))
  }

  async #epochs(stream: Stream): Promise<readonly EpochState[]> {
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
  }

  async #reconciled(stream: Stream | 'hour', epoch: string, holds: boolean, by: string): Promise<void> {
    if (epoch.startsWith(`${stream}:`)) await this.#roots.reconciled(epoch, holds, this.#clock.now(), by)
  }

  #obey(times: KeyTimes): void {
    for (const key of ['latenessMs', 'destroyKeyAfterMs', 'logKeyLifeMs'] as const) {
      this.#rules[key] = Math.min(this.#rules[key], Math.max(times[key], this.#shortest[key]))
    }
    this.#roots.shorten()
  }

  closeAccount(tenant: string): Promise<void> {
    return this.#answer(() => this.#locked(() => this.#scopes.destroy(tenant, this.#clock.now())))
  }

  async keys(): Promise<readonly KeyRecord[]> {
    // Of a fenced one too, to whoever has its directory: the server answers nobody.
    this.#assertUnclosed()
    return this.#journal.records()
  }

  term(): Term {
    return this.#parts.reign.term
  }

  state(): 'primary' | 'fenced' {
    return this.#parts.reign.state
  }

  company(): Company {
    return this.#parts.replica.company
  }

  async replica(principal: string, pull: Pull): Promise<Buffer> {
    this.#assertUnclosed()
    if (this.state() !== 'primary') throw new TacitError('ERR_KEEPER_FENCED')
    return storing(() => this.#parts.replica.answer(principal, pull))
  }

  fence(seen: Term): Promise<boolean> {
    return storing(() => this.#parts.reign.fence(seen))
  }

  async handOver(): Promise<void> {
    this.#assertOpen()
    const { reign, replica, retire, serial } = this.#parts
    await storing(async () => {
      // What runs already ends first; what comes after finds that this keeper is over.
      await reign.handOver(replica, () => serial(() => this.#scopes.record(this.#clock.now(), true)))
      await serial(() => {
        this.#forget()
        return retire()
      })
    })
  }

  async tick(): Promise<TickReport> {
    this.#assertUnclosed()
    return storing(() =>
      this.#parts.serial(async () => {
        this.#assertUnclosed()
        this.#parts.replica.passOverSilent()
        const now = this.#clock.now()
        const report = await this.#roots.sweep(now)
        await this.#scopes.record(now)
        // Two keepers of one log must not both sign it.
        if (!this.#parts.reign.isOver && this.#journal.audit.isDue()) await this.#journal.audit.sign()
        return { ...report, lost: [...report.lost, ...this.#scopes.takeLost()] }
      }),
    )
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#parts.replica.close()
    await this.#parts.serial(async () => {
      // What is not on record yet is put on it at the next start, if it cannot be now.
      await this.#scopes.record(this.#clock.now(), true).catch(() => {})
      await this.#journal.audit.signRest().catch(() => {})
      this.#forget()
      this.#parts.closeWrapping()
    })
  }

  /** Zeroes what is in memory. */
  #forget(): void {
    this.#roots.close()
    this.#scopes.close()
  }

  /** The state of a key at this moment, after opening it if it is absent and may be, and closing it if it must be. */
  async #enter(life: KeyLife, parties: readonly string[]): Promise<'open' | 'closed' | 'absent'> {
    const before = this.#settled(life)
    const isOnRecord = before !== 'open' || parties.every((to) => this.#journal.wasHanded(life.label, to))
    if (before !== 'unsettled' && isOnRecord) return before
    await this.#locked(async () => {
      const settled = this.#settled(life)
      const now = this.#clock.now()
      if (settled === 'open') await this.#hand(life, parties, now)
      if (settled !== 'unsettled') return
      if (this.#roots.stateOf(life.label) === undefined) await this.#roots.open(life, now, parties)
      else await this.#roots.sweepOne(life.label, now)
    })
    const state = this.#settled(life)
    // Its time came just now.
    return state === 'unsettled' ? this.#enter(life, parties) : state
  }

  async #hand({ label: key }: KeyLife, parties: readonly string[], now: number): Promise<void> {
    const others = parties.filter((to) => !this.#journal.wasHanded(key, to))
    await this.#journal.append(
      others.map((to) => ({ step: 'handed', key, to })),
      now,
      true,
    )
  }

  /** `unsettled`: the disk must change before there is an answer. */
  #settled(life: KeyLife): 'open' | 'closed' | 'absent' | 'unsettled' {
    const now = this.#clock.now()
    const state = this.#roots.stateOf(life.label)
    if (state !== undefined && state !== 'open') return 'closed'
    if (now < life.opensAt || this.#journal.isWithheld(life.label)) return 'absent'
    if (now >= life.closesAt) return state === undefined ? 'closed' : 'unsettled'
    return state ?? 'unsettled'
  }

  async #closeIfPast(label: string): Promise<void> {
    const life = epochLife(epochFromLabel(label), this.#rules)
    if (this.#settled(life) === 'unsettled') await this.#roots.sweepOne(label, this.#clock.now())
  }

  #epochOf({ stream, epoch: label }: PseudonymKeyRequest): Epoch | null {
    if (!this.#parts.streams.includes(stream)) return null
    try {
      const epoch = epochFromLabel(label)
      return epoch.stream === stream ? epoch : null
    } catch {
      return null
    }
  }

  #locked<T>(task: () => Promise<T>): Promise<T> {
    return this.#parts.serial(() => {
      this.#assertOpen()
      return task()
    })
  }

  async #answer<T>(task: () => Promise<T>): Promise<T> {
    this.#assertOpen()
    return storing(task)
  }

  /** Whether this keeper may answer at all. */
  #assertOpen(): void {
    this.#assertUnclosed()
    if (this.#parts.reign.isOver) throw new TacitError('ERR_KEEPER_FENCED')
  }

  #assertUnclosed(): void {
    if (this.#closed) throw new TacitError('ERR_KEY_STORE', 'The keeper is closed')
  }
}

function shownState(state: RootState): EpochState['state'] {
  return state === 'destroying' ? 'closed' : state
}
