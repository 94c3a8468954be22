/** What the dashboard reads: released cells and the ledger, of real data (`main`) or of sample data (`sample`). */
import type { SignedHead } from '@tacit/audit-log'
import type { Rulebook } from '@tacit/rulebook'
import type { LatestWindow, LiveNumber, ReleasedCell } from './answer/index.js'
import type { WindowCount } from './answer/withheld.js'

export type RealmName = 'main' | 'sample'

/** Inclusive UTC days, `YYYY-MM-DD`; an absent end is open. */
export interface DayRange {
  readonly from?: string
  readonly to?: string
}

/** Cells of one level of a statistic. */
export interface LevelQuery extends DayRange {
  readonly statistic: string
  readonly window: string
  /** length of their `dims`; absent: of every level */
  readonly depth?: number
}

export interface CellQuery extends LevelQuery {
  /** of each window only so many of the largest, and the pool of all the others */
  readonly top?: number
  /** only cells of these values */
  readonly dims?: readonly (readonly string[])[]
  /** so many cells at most: those of the earliest windows, the largest of a window first */
  readonly limit?: number
}

/** One window of a statistic. */
export interface WindowQuery {
  readonly statistic: string
  readonly window: string
  /** ms */
  readonly windowStart: number
}

/** A manifest as it was committed, before any of its cells was published. */
export interface CommittedManifest {
  readonly id: string
  /** canonical text */
  readonly text: string
  /** SHA-256 of the text, hex */
  readonly hash: string
}

export interface LedgerRow {
  /** the events' UTC hour, RFC 3339 with seconds */
  readonly hour: string
  readonly received: number
  readonly accepted: number
  /** number by reason; reasons with zero are left out */
  readonly dropped: Readonly<Record<string, number>>
}

/** Events that a detector dropped in a field on one UTC day of receipt. */
export interface DetectionRow {
  readonly day: string
  readonly detector: string
  /** a field of the rulebook, or `props` for what no rule names */
  readonly field: string
  readonly events: number
}

/** Which rulebook ruled when, RFC 3339; the last of `history` rules. */
export interface RulebookHistory {
  /** since when the one that rules does; null where that is on no record */
  readonly since: string | null
  /** the change that waits to take effect; `verified`: whether the instance will obey it, null until it has looked */
  readonly pending: {
    readonly hash: string
    readonly takes_effect: string
    readonly verified: boolean | null
  } | null
  readonly history: readonly {
    readonly hash: string
    readonly since: string | null
    readonly until: string | null
  }[]
}

/** What a check of an invariant found when it last ran. */
export interface CheckResult {
  readonly id: string
  readonly title: string
  readonly ok: boolean
  /** RFC 3339 */
  readonly at: string
  /** fixed texts; of a check that is fine they are notes */
  readonly findings: readonly string[]
}

/** One root that ever was: what the keeper has on record of it, never anything of the key. */
export interface KeyRecord {
  readonly id: string
  readonly stream: 'day' | 'week' | 'month' | 'hour' | 'tenant' | 'site'
  /** null for tenants and sites */
  readonly epoch: string | null
  /** RFC 3339 */
  readonly created: string
  /** null while it lives */
  readonly destroyed: string | null
  /** who was given keys that are derived from it */
  readonly handedTo: readonly string[]
  /** numbers of audit entries */
  readonly entries: { readonly created: number; readonly destroyed: number | null }
  /** whether the counts under it added up; null where nobody said */
  readonly reconciled: boolean | null
}

/** The audit log of a realm, for reading. */
export interface RealmAudit {
  /** the newest signed head; null before the first */
  head(): Promise<SignedHead | null>
  /** SPKI, PEM */
  publicKey(): Promise<string>
  /** bytes of one of its files from `offset` on, at most `max`, ending with a whole line; empty at its end */
  read(file: 'entries' | 'heads', offset: number, max: number): Promise<Buffer>
}

/** Sample data has a rulebook, tables and keys of its own, so it is a realm of its own. */
export interface Realm {
  readonly name: RealmName
  /** marked as sample wherever it is shown */
  readonly sample: boolean
  readonly rulebook: Rulebook
  /** the rules of a hash; null where they are not known here */
  ruled(hash: string): Rulebook | null
  cells(query: CellQuery): Promise<readonly ReleasedCell[]>
  /** how many declared values each window of a level has published */
  counts(query: LevelQuery): Promise<readonly WindowCount[]>
  /** by statistic and window the newest that has released cells */
  latest(): Promise<readonly LatestWindow[]>
  /** numbers that are overwritten every few minutes. @param now ms */
  live(now: number): Promise<readonly LiveNumber[]>
  /** what a window's cells were committed in; null where it is kept no longer */
  manifest(query: WindowQuery): Promise<CommittedManifest | null>
  ledger(range: DayRange): Promise<readonly LedgerRow[]>
  detections(range: DayRange): Promise<readonly DetectionRow[]>
  history(): RulebookHistory
  /** none before the first run */
  checks(): readonly CheckResult[]
  /** every root that ever was, oldest first */
  keys(): Promise<readonly KeyRecord[]>
  readonly audit: RealmAudit
}
