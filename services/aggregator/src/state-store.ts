/**
 * Small values by key, kept in LMDB, and changed in transactions: alone, or as a member of a group that shares them.
 *
 * Invariants
 * - Transactions follow one another; each sees what the one before it changed, and is there whole or not at all.
 * - Shared: what is here is what the journal says, and nothing else; a change is in the journal before it is here, and is
 *   applied here as it is everywhere else. What lay here at the start is thrown away. So what is a process's own, and must
 *   outlive it, is in a store of its own.
 * Recovery: alone, LMDB's last flushed transaction stands; shared, the journal is read from its beginning.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { JournalChange } from '@tacit/event-log'
import { open, type RootDatabase } from 'lmdb'

export type Key = string | (string | number)[]

/** What makes changes durable for all who share them, and has them applied here. */
export interface SharedJournal {
  write(changes: readonly JournalChange[]): Promise<void>
  close(): Promise<void>
}

/** Opens the journal: what is in it is given to `apply`, in order, and what comes. Resolves when that is all of it. */
export type OpenJournal<J extends SharedJournal> = (
  apply: (changes: readonly JournalChange[]) => Promise<void>,
) => Promise<J>

/** LMDB's, beside which it keeps its lock. */
const FILE = 'state.mdb'

interface Change {
  readonly key: Key
  /** undefined: it goes */
  readonly value: unknown
}

export class StateStore {
  readonly #db: RootDatabase<unknown, Key>
  #journal: SharedJournal | null = null
  /** what the running transaction changed so far, by the key's JSON */
  #pending: Map<string, Change> | null = null
  #last: Promise<void> = Promise.resolve()

  private constructor(db: RootDatabase<unknown, Key>) {
    this.#db = db
  }

  /** @param dir its own folder; made if missing, mode 0700 */
  static open(dir: string): StateStore {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    return new StateStore(open<unknown, Key>({ path: join(dir, FILE), encoding: 'json' }))
  }

  /** A copy of what a journal holds, made anew. @param dir its folder, of which other files stay @throws what opening the journal throws */
  static async share<J extends SharedJournal>(
    dir: string,
    openJournal: OpenJournal<J>,
  ): Promise<{ readonly store: StateStore; readonly journal: J }> {
    for (const name of [FILE, `${FILE}-lock`]) rmSync(join(dir, name), { force: true })
    const store = StateStore.open(dir)
    try {
      const journal = await openJournal((changes) => store.#apply(changes))
      store.#journal = journal
      return { store, journal }
    } catch (error) {
      await store.close()
      throw error
    }
  }

  get(key: Key): unknown {
    const pending = this.#pending?.get(JSON.stringify(key))
    return pending === undefined ? this.#db.get(key) : pending.value
  }

  /** Keys and values from `start` to `end` in the order of keys, without what a running transaction changed. */
  range(start: Key, end: Key, inclusiveEnd = false): { key: Key; value: unknown }[] {
    return [...this.#db.getRange({ start, end, inclusiveEnd })]
  }

  /** Only within a transaction. */
  put(key: Key, value: unknown): void {
    this.#change({ key, value })
  }

  /** Only within a transaction. */
  remove(key: Key): void {
    this.#change({ key, value: undefined })
  }

  /**
   * Makes all changes of `change`, which is synchronous, durable. Rejects with what the journal rejects with; then another
   * may own the state, and only what is read from then on is true.
   */
  transaction(change: () => void): Promise<void> {
    const done = this.#last.then(() => this.#run(change))
    this.#last = done.catch(() => undefined)
    return done
  }

  /** As a transaction, at once and only here. */
  changeHere(change: () => void): void {
    const changes = this.#changesOf(change)
    this.#db.transactionSync(() => this.#write(changes))
  }

  async close(): Promise<void> {
    await this.#last
    await this.#journal?.close()
    await this.#db.flushed
    await this.#db.close()
  }

  #change(change: Change): void {
    if (this.#pending === null) throw new Error('a value is changed in a transaction only')
    this.#pending.set(JSON.stringify(change.key), change)
  }

  #changesOf(change: () => void): readonly Change[] {
    this.#pending = new Map()
    try {
      change()
      return [...this.#pending.values()]
    } finally {
      this.#pending = null
    }
  }

  async #run(change: () => void): Promise<void> {
    const changes = this.#changesOf(change)
    if (changes.length === 0) return
    if (this.#journal === null) {
      await this.#db.transaction(() => this.#write(changes))
      await this.#db.flushed
      return
    }
    await this.#journal.write(
      changes.map(({ key, value }) => ({
        key: JSON.stringify(key),
        value: value === undefined ? null : JSON.stringify(value),
      })),
    )
  }

  /** Takes in what the journal says. It is read anew at each start, so nothing is waited for. */
  async #apply(changes: readonly JournalChange[]): Promise<void> {
    const read = changes.map(({ key, value }) => ({
      key: JSON.parse(key) as Key,
      value: value === null ? undefined : (JSON.parse(value) as unknown),
    }))
    await this.#db.transaction(() => this.#write(read))
  }

  /** Within a transaction of the database. */
  #write(changes: readonly Change[]): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.#db.remove(key)
      else this.#db.put(key, value)
    }
  }
}
