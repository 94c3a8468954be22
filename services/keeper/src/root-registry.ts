/**
 * The roots of epochs and log hours, each in one of the states absent → open → closed → destroying → destroyed.
 *
 * Invariants
 * - States never go back: a state is on disk before anyone is told of it or acts on it.
 * - Open: the root's file is durable, name and all, before the root is used. The journal's `opened` may reach the disk
 *   later, because a whole file that the journal does not know means the same.
 * - Destroy: the journal says `destroying` durably; then the copy in memory is zeroed, the file overwritten with
 *   random bytes, synced, unlinked and the directory synced; then `destroyed`, which may reach the disk later,
 *   because `destroying` without a file means the same.
 * - Only roots of open epochs and hours are in memory.
 * Recovery (on boot, before anything is answered): half made files were never used and go; whole ones that the journal
 * does not know are taken over as `opened`; begun destructions are finished; an open root whose file is lost or torn is
 * declared destroyed, never made anew.
 * Callers hold the keeper's lock around every method but `stateOf` and `rootOf`.
 */
import { TacitError } from '@tacit/contracts'
import type { Journal, JournalEvent, JournalRecord } from './journal.js'
import type { KeyFiles } from './key-files.js'
import { type KeyLife, type LifeRules, lifeOfFile, lifeOfLabel } from './key-life.js'
import { adoptRoot, createRoot, type RandomFill, readRoot, shredRoot } from './root-file.js'

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
  readonly life: KeyLife
  state: RootState
  /** only while open */
  root: Buffer | null
}

const STATE_OF: Readonly<Record<JournalEvent, RootState>> = {
  opened: 'open',
  closed: 'closed',
  destroying: 'destroying',
  destroyed: 'destroyed',
}
const ORDER: readonly RootState[] = ['open', 'closed', 'destroying', 'destroyed']

export class RootRegistry {
  readonly #files: KeyFiles
  readonly #journal: Journal
  readonly #rules: LifeRules
  readonly #randomFill: RandomFill
  readonly #entries = new Map<string, Entry>()
  /** those not yet destroyed: what a sweep looks at */
  readonly #living = new Map<string, Entry>()

  constructor(files: KeyFiles, journal: Journal, rules: LifeRules, randomFill: RandomFill) {
    this.#files = files
    this.#journal = journal
    this.#rules = rules
    this.#randomFill = randomFill
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

  /** Brings disk and journal into one line after a start, and does what is overdue at `now` (ms). */
  async recover(now: number): Promise<TickReport> {
    for (const record of this.#journal.records) this.#replay(record)
    const lost: Entry[] = []
    for (const entry of this.#living.values()) {
      if (entry.state !== 'open') continue
      entry.root = await readRoot(this.#files, entry.life.file)
      if (entry.root === null) lost.push(entry)
    }
    for (const name of await this.#files.list()) {
      const life = lifeOfFile(name, this.#rules)
      if (life !== null) await this.#settleFile(life, now)
    }
    const first = await this.#destroy(lost, now)
    // Finishes begun destructions too.
    const then = await this.sweep(now)
    return {
      closed: then.closed,
      destroyed: [...first.destroyed, ...then.destroyed],
      lost: lost.map(({ life }) => life.label),
      failed: then.failed,
    }
  }

  #replay({ epoch, event }: JournalRecord): void {
    const state = STATE_OF[event]
    const known = this.#entries.get(epoch)
    const life = lifeOfLabel(epoch, this.#rules)
    const goesForward =
      known === undefined ? state === 'open' : ORDER.indexOf(state) > ORDER.indexOf(known.state)
    if (life === null || !goesForward) {
      throw new TacitError(
        'ERR_KEY_STORE',
        'The key journal contradicts itself: start with a new data directory',
      )
    }
    this.#set(known ?? { life, state, root: null }, state)
  }

  /** A file that the journal does not know is taken over or removed; one it calls destroyed is shredded again. */
  async #settleFile(life: KeyLife, now: number): Promise<void> {
    const state = this.stateOf(life.label)
    if (state === 'destroyed') {
      await shredRoot(this.#files, life.file, this.#randomFill)
      await this.#files.syncDirectory()
    }
    if (state !== undefined) return
    const root = await adoptRoot(this.#files, life.file)
    if (root !== null) await this.#opened(life, root, now)
  }

  /** Opens an absent epoch or hour. */
  async open(life: KeyLife, now: number): Promise<void> {
    if (this.#entries.has(life.label)) throw new TacitError('ERR_KEY_STORE', 'A root is made only once')
    await this.#opened(life, await createRoot(this.#files, life.file, this.#randomFill), now)
  }

  async #opened(life: KeyLife, root: Buffer, now: number): Promise<void> {
    try {
      await this.#journal.append([{ epoch: life.label, event: 'opened' }], now, false)
    } catch (error) {
      root.fill(0)
      throw error
    }
    this.#set({ life, state: 'open', root }, 'open')
  }

  /**
   * Closes what is past its time and destroys what is overdue at `now` (ms).
   * @param only a label; default: everything
   */
  async sweep(now: number, only?: string): Promise<TickReport> {
    const chosen = only === undefined ? undefined : this.#living.get(only)
    const entries = only === undefined ? [...this.#living.values()] : chosen === undefined ? [] : [chosen]
    const overdue = entries.filter(({ life, state }) => now >= life.destroyAt || state === 'destroying')
    const closing = entries.filter(({ life, state }) => state === 'open' && now >= life.closesAt)
    const staying = closing.filter((entry) => !overdue.includes(entry))
    await this.#journal.append(
      staying.map(({ life }) => ({ epoch: life.label, event: 'closed' })),
      now,
      true,
    )
    for (const entry of staying) this.#set(entry, 'closed')
    const closed = closing.map(({ life }) => life.label)
    return { closed, lost: [], ...(await this.#destroy(overdue, now)) }
  }

  /** Destroys the root of an open or closed epoch or hour now; nothing happens where there is none. */
  async destroy(label: string, now: number): Promise<void> {
    const entry = this.#living.get(label)
    if (entry === undefined) return
    const { failed } = await this.#destroy([entry], now)
    if (failed.length > 0)
      throw new TacitError('ERR_KEY_STORE', 'A key could not be destroyed; it is tried again')
  }

  async #destroy(entries: readonly Entry[], now: number): Promise<Pick<TickReport, 'destroyed' | 'failed'>> {
    if (entries.length === 0) return { destroyed: [], failed: [] }
    const begin = entries.filter(({ state }) => state !== 'destroying')
    await this.#journal.append(
      begin.map(({ life }) => ({ epoch: life.label, event: 'destroying' })),
      now,
      true,
    )
    for (const entry of begin) this.#set(entry, 'destroying')
    const done: Entry[] = []
    const failed: Entry[] = []
    for (const entry of entries) {
      try {
        await shredRoot(this.#files, entry.life.file, this.#randomFill)
        done.push(entry)
      } catch {
        failed.push(entry)
      }
    }
    await this.#files.syncDirectory()
    await this.#journal.append(
      done.map(({ life }) => ({ epoch: life.label, event: 'destroyed' })),
      now,
      false,
    )
    for (const entry of done) this.#set(entry, 'destroyed')
    return { destroyed: done.map(({ life }) => life.label), failed: failed.map(({ life }) => life.label) }
  }

  #set(entry: Entry, state: RootState): void {
    entry.state = state
    if (state !== 'open') {
      entry.root?.fill(0)
      entry.root = null
    }
    this.#entries.set(entry.life.label, entry)
    if (state === 'destroyed') this.#living.delete(entry.life.label)
    else this.#living.set(entry.life.label, entry)
  }

  /** Zeroes what is in memory. */
  close(): void {
    for (const entry of this.#living.values()) {
      entry.root?.fill(0)
      entry.root = null
    }
  }
}
