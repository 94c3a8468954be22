/** What the dashboard reads: released cells and the ledger, of real data (`main`) or of sample data (`sample`). */
import type { Rulebook } from '@tacit/rulebook'
import type { ReleasedWindow, StoredCell } from '@tacit/warehouse'

export type RealmName = 'main' | 'sample'

/** Inclusive UTC days, `YYYY-MM-DD`; an absent end is open. */
export interface DayRange {
  readonly from?: string
  readonly to?: string
}

export interface CellQuery extends DayRange {
  readonly statistic: string
  readonly window: string
}

export interface LedgerRow {
  /** the events' UTC hour, RFC 3339 with seconds */
  readonly hour: string
  readonly received: number
  readonly accepted: number
  /** number by reason; reasons with zero are left out */
  readonly dropped: Readonly<Record<string, number>>
}

/** Sample data has a rulebook, tables and keys of its own, so it is a realm of its own. */
export interface Realm {
  readonly name: RealmName
  /** marked as sample wherever it is shown */
  readonly sample: boolean
  readonly rulebook: Rulebook
  cells(query: CellQuery): Promise<readonly StoredCell[]>
  /** windows that have released cells */
  released(): Promise<readonly ReleasedWindow[]>
  ledger(range: DayRange): Promise<readonly LedgerRow[]>
}
