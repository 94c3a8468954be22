/** What the aggregator writes down, one type a record. */
import type { BatchHeader, Stream } from '@tacit/contracts'

/** One hour of receipt on its way from landing to staging. */
export interface ReceiptHour {
  /** rows expected in landing, by stream and epoch label */
  readonly rows: Record<string, Record<string, number>>
  /** batches that left rows in landing, by label of a week or month: no more than beacons did (mixing.ts); older builds wrote none */
  readonly batches?: Record<string, number>
  /** its rows are in staging, and only its log key is left to die: nothing may be received in it any more */
  readonly moved?: true
  /** rows of it that moved were fewer than were accepted */
  readonly short?: true
}

/**
 * Reconciliation of one window of one stream (INV-26): accepted = staged + quarantined + expired, before cleaning; of a
 * week or a month, whose tables are sets, + deduplicated.
 */
export interface WindowRecord {
  /** `withheld`: the independent checker refused it, nothing of it is ever released */
  status: 'open' | 'committed' | 'released' | 'expired' | 'withheld'
  /** rows that accepted events left in sealed batches */
  accepted: number
  /** rows found in staging when the window closed */
  staged: number
  /** rows of batches that were set aside */
  quarantined: number
  /** rows whose log key or root died before they were staged or released */
  expired: number
  /** rows with the event id of another, removed by cleaning; of a week or a month, rows that were there already */
  deduplicated: number
  reconciled: boolean
  /** ids of the manifests committed for it */
  manifests: string[]
  /** the staging partition is gone */
  dropped: boolean
  /** its manifests are in the audit log; absent in what older builds wrote */
  onRecord?: boolean
}

/** Rows that were accepted and never came into landing. */
export interface MissingRows {
  readonly stream: Stream
  readonly epoch: string
  readonly rows: number
}

/** An INSERT SELECT from landing to staging whose outcome may be unknown; those of all streams are written at once. */
export interface SettleIntent {
  readonly stream: Stream
  readonly hours: readonly number[]
  /** of these hours, counted before the first try: a later one finds landing empty */
  readonly missing: readonly MissingRows[]
  /** those of these hours that lack rows; absent in what older builds wrote */
  readonly short?: readonly number[]
  readonly queryId: string
}

export interface CommittedManifest {
  readonly id: string
  readonly text: string
  readonly hash: string
}

/** How one batch fared. */
export interface AppliedBatch {
  readonly header: BatchHeader
  /** part of the log that it was read in */
  readonly part: number
  readonly fate: 'landed' | 'quarantined' | 'expired'
}

export interface LedgerRow {
  readonly hour: string
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
}

/**
 * Why a day's rows are not dated by the rulebook that ruled then: a driven run filled it, long after its time, or it
 * was there before the hash of the rulebook was written on rows.
 */
export type Undated = 'driven' | 'before'

/** What a check of an invariant found, the last time that it ran. */
export interface CheckResult {
  readonly id: string
  readonly title: string
  readonly ok: boolean
  /** RFC 3339, by the clock of the run */
  readonly at: string
  /** fixed texts, never a value or a number of anybody */
  readonly findings: readonly string[]
}
