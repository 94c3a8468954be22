/**
 * The roots of epochs and log hours, each in one of the states absent → open → closed → destroying → destroyed.
 *
 * Invariants
 * - States never go back: a state is on disk before anyone is told of it or acts on it.
 * - Open: the root's file is durable, name and all, and its creation is on record, before the root is used.
 * - Destroy: `destroying` is on record durably; then the copy in memory is zeroed, its wrapping key and its file are
 *   overwritten with random bytes, synced, unlinked and the directory synced; then `destroyed`, which may reach the disk
 *   later, because `destroying` without a file means the same.
 * - Only roots of open epochs and hours are in memory.
 * - An overdue root dies whether the record can be written or not: a full disk must not keep it. Then it is put on record
 *   later; a crash in between leaves a root without its file, which the next start declares lost. Where its file cannot be
 *   overwritten either, it is gone from memory alone, and its state stays what it was on disk.
 * - Counts that do not add up hold an epoch's root for a day beyond its time, and no longer (INV-26), while any aggregator
 *   says so; an hour's key never outlives its day ({@link deadlineOf}).
 * - An hour's key dies before its day is over once every aggregator that has keys of it on record has settled it, and no
 *   other says that it does not add up. Who has settled is in memory alone: forgotten, the key dies with its day.
 * Recovery (on boot, before anything is answered): half made files were never used and go; whole ones that are not on
 * record are taken over as created; begun destructions are finished; an open root whose file is lost or torn is
 * declared destroyed, never made anew. A file that is whole and does not open tells of a wrong master key: refused, before
 * anything is destroyed for it.
 * Callers hold the keeper's lock around every method but `stateOf`, `rootOf` and `shorten`.
 */
import { TacitError } from '@tacit/contracts'
import type { KeyTimes } from '@tacit/keyring'
import type { KeyJournal } from './key-journal.js'
import { deadlineOf, type KeyLife, lifeOfFile, lifeOfLabel } from './key-life.js'
import { type KeyEvent, UNNAMED, type Why } from './key-records.js'
import type { SecretFiles } from './secret-files.js'

export type RootState = 'open' | 'closed' | 'destroying' | 'destroyed'

/** What became of roots: labels of epochs (`day:2026-08-05`) and of log hours (`hour:2026-08-05T10`). */
export interface TickReport {
  readonly closed: readonly string[]
  readonly destroyed: readonly string[]
  /** open roots whose file was lost; they are destroyed too */
  readonly lost: readonly string[]
  /** overdue destructions that failed and are tried again with the next tick: an alarm */
  readonly failed: readonly string[]
}

interface Entry {
  life: KeyLife
  state: RootState
  /** only while open */
  root: Buffer | null
  /** the aggregators that have settled it */
  readonly settled: Set<string>
}

const STATE_OF: Readonly<Partial<Record<KeyEvent['step'], RootState>>> = {
  created: 'open',
  closed: 'closed',
  destroying: 'destroying',
  destroyed: 'destroyed',
}
const ORDER: readonly RootState[] = ['open', 'closed', 'destroying', 'destroyed']

/** A collector never settles an hour, nor does who has no name; everybody else does. */
const canSettle = (party: string): boolean => !party.startsWith('collector/') && party !== UNNAMED

export class RootRegistry {
  readonly #files: SecretFiles
  readonly #journal: KeyJournal
  readonly #rules: KeyTimes
  readonly #entries = new Map<string, Entry>()
  /** those not yet destroyed: what a sweep looks at */
  readonly #living = new Map<string, Entry>()

  constructor(files: SecretFiles, journal: KeyJournal, rules: KeyTimes) {
    this.#files = files
    this.#journal = journal
    this.#rules = rules
  }

  /** undefined: absent. */
  stateOf(label: string): RootState | undefined {
    return this.#entries.get(label)?.state
  }

  /** The root of an open epoch or hour. Use it before the next `await`, and never keep it: it is zeroed in place. */
  rootOf(label: string): Buffer | undefined {
    return this.#entries.get(label)?.root ?? undefined
  }

  /** All that was ever opened, by label. */
  states(): { label: string; state: RootState }[] {
    return [...this.#entries.values()].map(({ life, state }) => ({ label: life.label, state }))
  }

  /**
   * Brings disk and journal into one line after a start, and does what is overdue at `now` (ms).
   * @param followed whether these files are a standby's, which took overdue ones away by its own clock and could not say so
   * @throws TacitError ERR_KEY_MASTER where a root that must live is here and does not open
   */
  async recover(now: number, followed = false): Promise<TickReport> {
    for (const step of this.#journal.steps) this.#replay(step)
    const lost: Entry[] = []
    for (const entry of this.#living.values()) {
      if (entry.state !== 'open') continue
      entry.root = await this.#files.read(entry.life.file)
      if (entry.root !== null || (followed && now >= this.#deadline(entry))) continue
      if (now < this.#deadline(entry)) await this.#files.requireNotWhole(entry.life.file, entry.life.label)
      lost.push(entry)
    }
    for (const name of await this.#files.list()) {
      const life = lifeOfFile(name, this.#rules)
      if (life !== null) await this.#settleFile(life, now)
    }
    const first = await this.#destroy(lost, now, 'lost')
    // Finishes begun destructions too.
    const then = await this.sweep(now)
    return {
      closed: then.closed,
      destroyed: [...first.destroyed, ...then.destroyed],
      lost: lost.map(({ life }) => life.label),
      failed: then.failed,
    }
  }

  #replay({ key, step }: KeyEvent): void {
    // Tenants and sites are scope-roots.ts's.
    const life = lifeOfLabel(key, this.#rules)
    if (life === null) return
    const known = this.#entries.get(key)
    const state = STATE_OF[step]
    if (state === undefined) return
    const goesForward =
      known === undefined ? state === 'open' : ORDER.indexOf(state) > ORDER.indexOf(known.state)
    if (!goesForward) {
      throw new TacitError(
        'ERR_KEY_STORE',
        'What the audit log says of keys contradicts itself: start with a new data directory, and keep this one as evidence',
      )
    }
    this.#set(known ?? { life, state, root: null, settled: new Set() }, state)
  }

  /** A file that is not on record is taken over or removed; one that was destroyed, or may not be here, is shredded again. */
  async #settleFile(life: KeyLife, now: number): Promise<void> {
    const state = this.stateOf(life.label)
    if (state === 'destroyed' || this.#journal.isWithheld(life.label)) {
      await this.#files.shred(life.file)
      await this.#files.sync()
      return
    }
    if (state !== undefined) return
    const root = await this.#files.adopt(life.file)
    if (root !== null) await this.#opened(life, root, now)
  }

  /** Opens an absent epoch or hour, for those who are given keys of it. */
  async open(life: KeyLife, now: number, parties: readonly string[]): Promise<void> {
    if (this.#entries.has(life.label)) throw new TacitError('ERR_KEY_STORE', 'A root is made only once')
    await this.#opened(life, await this.#files.create(life.file), now, parties)
  }

  async #opened(life: KeyLife, root: Buffer, now: number, parties: readonly string[] = []): Promise<void> {
    const key = life.label
    const handed = parties.map((to): KeyEvent => ({ step: 'handed', key, to }))
    try {
      await this.#journal.append([{ step: 'created', key }, ...handed], now, true)
    } catch (error) {
      root.fill(0)
      throw error
    }
    this.#set({ life, state: 'open', root, settled: new Set() }, 'open')
  }

  /** The moment (ms) at which a root dies, if nobody says more of it. */
  #deadline({ life }: Entry): number {
    return deadlineOf(life, this.#journal.recordOf(life.label)?.reconciled === false)
  }

  /** Has living roots die by the rules as they are now, which within one run only ever get shorter. */
  shorten(): void {
    for (const entry of this.#living.values())
      entry.life = lifeOfLabel(entry.life.label, this.#rules) ?? entry.life
  }

  /** Puts on record whether the counts under a living root add up, as `by` says; while anybody says no, it is held. */
  async reconciled(label: string, holds: boolean, now: number, by: string): Promise<void> {
    if (!this.#living.has(label)) return
    const objectors = this.#journal.objectorsTo(label)
    const isNews = holds
      ? objectors.some((objector) => objector === by || objector === UNNAMED) ||
        this.#journal.recordOf(label)?.reconciled === null
      : !objectors.includes(by)
    if (isNews) await this.#journal.append([verdictOf(label, holds, by)], now, true)
  }

  /**
   * Closes what is past its time and destroys what is overdue at `now` (ms).
   * @param only a label; default: everything
   */
  async sweep(now: number, only?: string): Promise<TickReport> {
    const chosen = only === undefined ? undefined : this.#living.get(only)
    const entries = only === undefined ? [...this.#living.values()] : chosen === undefined ? [] : [chosen]
    const overdue = entries.filter((entry) => now >= this.#deadline(entry) || entry.state === 'destroying')
    const closing = entries.filter(({ life, state }) => state === 'open' && now >= life.closesAt)
    const staying = closing.filter((entry) => !overdue.includes(entry))
    // First: what may fail over the closing of others must not keep a root alive.
    const report = await this.#destroy(overdue, now, 'schedule')
    await this.#journal.append(
      staying.map(({ life }) => ({ step: 'closed', key: life.label })),
      now,
      true,
    )
    for (const entry of staying) this.#set(entry, 'closed')
    const closed = closing.filter(({ state }) => state !== 'open').map(({ life }) => life.label)
    return { closed, lost: [], ...report }
  }

  /**
   * The same of one root, whose state is to be told.
   * @throws TacitError ERR_KEY_STORE where it is over and nothing on disk says so
   */
  async sweepOne(label: string, now: number): Promise<void> {
    const { failed } = await this.sweep(now, label)
    if (failed.includes(label) && this.stateOf(label) === 'open') throw undestroyed()
  }

  /**
   * `by` has settled an hour, reconciled or not: its root dies now if it was the last that is waited for; nothing happens
   * where there is none.
   */
  async settle(label: string, reconciled: boolean, now: number, by: string): Promise<void> {
    const entry = this.#living.get(label)
    if (entry === undefined) return
    if (entry.state === 'open' && this.#waitsFor(entry).some((party) => party !== by)) {
      await this.reconciled(label, reconciled, now, by)
      entry.settled.add(by)
      return
    }
    const { failed } = await this.#destroy([entry], now, 'settled', [verdictOf(label, reconciled, by)])
    if (failed.length > 0) throw undestroyed()
  }

  /** The aggregators that have keys of an hour, or say that it does not add up, and have not settled it. */
  #waitsFor({ life: { label }, settled }: Entry): readonly string[] {
    const handedTo = this.#journal.recordOf(label)?.handedTo ?? []
    const parties = [...handedTo, ...this.#journal.objectorsTo(label)]
    return parties.filter((party) => canSettle(party) && !settled.has(party))
  }

  /** @param verdict what is put on record first */
  async #destroy(
    entries: readonly Entry[],
    now: number,
    why: Why,
    verdict: readonly KeyEvent[] = [],
  ): Promise<Pick<TickReport, 'destroyed' | 'failed'>> {
    if (entries.length === 0) return { destroyed: [], failed: [] }
    const isOnRecord = await this.#begin(entries, now, why, verdict)
    for (const entry of entries) {
      if (isOnRecord && entry.state !== 'destroying') this.#set(entry, 'destroying')
      else zero(entry)
    }
    const done: Entry[] = []
    const failed: Entry[] = []
    for (const entry of entries) {
      try {
        await this.#files.shred(entry.life.file)
        done.push(entry)
      } catch {
        failed.push(entry)
      }
    }
    await this.#files.sync()
    if (!isOnRecord) {
      // Destroyed they are; that they were is put on record with the next sweep.
      for (const entry of done) this.#set(entry, 'destroying')
      return { destroyed: [], failed: entries.map(({ life }) => life.label) }
    }
    await this.#journal.append(
      done.map((entry) => ({ step: 'destroyed', key: entry.life.label, why: this.#whyOf(entry, now, why) })),
      now,
      false,
    )
    for (const entry of done) this.#set(entry, 'destroyed')
    return { destroyed: done.map(({ life }) => life.label), failed: failed.map(({ life }) => life.label) }
  }

  /** Puts on record that roots are about to die. @returns whether it could; only what is overdue goes on without */
  async #begin(
    entries: readonly Entry[],
    now: number,
    why: Why,
    verdict: readonly KeyEvent[],
  ): Promise<boolean> {
    const events = entries
      .filter(({ life }) => !this.#journal.isDoomed(life.label))
      .map(({ life }): KeyEvent => ({ step: 'destroying', key: life.label }))
    try {
      if (events.length > 0) await this.#journal.append([...verdict, ...events], now, true)
    } catch (error) {
      if (why !== 'schedule') throw error
      return false
    }
    return true
  }

  /** A sweep finishes what a crash interrupted: what is not due yet was settled, and the record says so. */
  #whyOf(entry: Entry, now: number, why: Why): Why {
    return why === 'schedule' && now < this.#deadline(entry) ? 'settled' : why
  }

  #set(entry: Entry, state: RootState): void {
    entry.state = state
    if (state !== 'open') zero(entry)
    this.#entries.set(entry.life.label, entry)
    if (state === 'destroyed') this.#living.delete(entry.life.label)
    else this.#living.set(entry.life.label, entry)
  }

  /** Zeroes what is in memory; nothing is destroyed here any more. */
  close(): void {
    for (const entry of this.#living.values()) zero(entry)
    this.#living.clear()
  }
}

const undestroyed = (): TacitError =>
  new TacitError('ERR_KEY_STORE', 'A key could not be destroyed; it is tried again')

function zero(entry: Entry): void {
  entry.root?.fill(0)
  entry.root = null
}

function verdictOf(key: string, holds: boolean, by: string): KeyEvent {
  return { step: holds ? 'reconciled' : 'held', key, by }
}
