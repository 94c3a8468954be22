/** The warehouse of one database: what the aggregator writes, the release counts, and the dashboard reads. */
import { type Stream, TacitError } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import { cellCounts, latestWindows, manifestOfWindow, queryCells, releasedWindows } from './cell-queries.js'
import { cellCount, insertCells } from './cells.js'
import { clean } from './clean.js'
import { type ConnectionOptions, connect } from './connection.js'
import { dropLanding, land, landed, landingHours } from './landing.js'
import { liveNumbers, putLive } from './live.js'
import { latestTerm, takeOver } from './owner.js'
import { cellProvenance, rowProvenance } from './provenance.js'
import { migrate } from './migrations.js'
import { dropEpoch, settle, stagedEpochs, stagedRows } from './staging.js'
import type {
  BatchRange,
  CellCount,
  CellProvenance,
  CellQuery,
  CleanedRows,
  CleanRequest,
  DecidedBy,
  LandedCount,
  LandingHour,
  LatestWindow,
  LevelQuery,
  LiveNumber,
  ReleasedWindow,
  RowProvenance,
  ServerAddress,
  SettleOptions,
  StagedCount,
  StoredCell,
} from './types.js'

/** Every method throws a WarehouseError, whose `kind` says how to act; its text never carries a value. */
export interface Warehouse {
  /**
   * Makes what is missing and checks what is there. Call it first: the other methods know only these streams.
   * @throws TacitError ERR_DATA_RULEBOOK
   */
  migrate(plans: readonly StreamPlan[]): Promise<void>
  /**
   * Settles, drops and releases from now on: what another does after this changes nothing, and its scratch tables go.
   * @param term higher than that of whoever did so before; 0 where nobody else has this database
   * @throws TacitError ERR_LOG_FENCED where it is not; `settle` and the drops do so once another took over
   */
  takeOver(term: number): Promise<void>
  /** The highest term in which anybody took this database over; 0 where nobody did. */
  latestTerm(): Promise<number>
  /**
   * One insert of JSONCompactEachRow lines as they are. @param token names stream and range
   * @param by the rulebook of all of them: each row carries its hash from then on
   */
  land(stream: Stream, rows: readonly Buffer[], token: string, by: DecidedBy): Promise<void>
  /** Rows of these ranges in landing: the read-back. */
  landed(stream: Stream, ranges: readonly BatchRange[]): Promise<LandedCount>
  /** Hours of receipt that have rows in landing. @param options.distinctOf of these hours (ms) alone, distinct rows too */
  landingHours(
    stream: Stream,
    options?: { readonly distinctOf?: readonly number[] },
  ): Promise<readonly LandingHour[]>
  /**
   * Moves whole hours (ms) into staging; repeatable with `resume`.
   * @returns rows in staging by epoch: of those hours, and of all hours where rows tell none (week and month)
   */
  settle(stream: Stream, hours: readonly number[], options: SettleOptions): Promise<readonly StagedCount[]>
  /**
   * Drops whole hours (ms) of landing. @param options.completeUntil ms: no row whose hour of receipt is before it comes
   * any more; then a day of which nothing else is there goes in milliseconds, not in a second or two
   */
  dropLanding(
    stream: Stream,
    hours: readonly number[],
    options?: { readonly completeUntil?: number },
  ): Promise<void>
  stagedRows(stream: Stream, epoch: string): Promise<number>
  stagedEpochs(stream: Stream): Promise<readonly StagedCount[]>
  /** Drops an epoch of staging and makes sure that no part of it is left. */
  dropEpoch(stream: Stream, epoch: string): Promise<void>
  /** Cleaned and capped rows of one (epoch, site), to be counted and dropped. */
  clean(request: CleanRequest): Promise<CleanedRows>
  /** Makes the cells of each manifest, by its id, be there exactly once. */
  insertCells(manifests: ReadonlyMap<string, readonly StoredCell[]>): Promise<void>
  cellCount(manifest: string): Promise<number>
  /** Cells of one level by window, the largest first. */
  queryCells(query: CellQuery): Promise<readonly StoredCell[]>
  cellCounts(query: LevelQuery): Promise<readonly CellCount[]>
  /** By statistic and window the newest that has released cells. */
  latestWindows(): Promise<readonly LatestWindow[]>
  /** The id of the manifest that a window's cells are of; null where it has none. */
  manifestOfWindow(window: LatestWindow): Promise<string | null>
  releasedWindows(): Promise<readonly ReleasedWindow[]>
  /** Overwrites all live numbers with these. @throws TacitError ERR_LOG_FENCED where another took over */
  putLive(numbers: readonly LiveNumber[]): Promise<void>
  /** The live number of each statistic. @param now ms: one that is ten minutes old or older has `users` null */
  live(now: number): Promise<readonly LiveNumber[]>
  /** Every hash that rows in landing or staging carry, by hour of receipt and epoch. */
  rowProvenance(stream: Stream): Promise<readonly RowProvenance[]>
  /** Every hash that released cells carry, by window. */
  cellProvenance(): Promise<readonly CellProvenance[]>
  close(): Promise<void>
}

/**
 * Opens the warehouse in a database of a server; nothing is sent yet.
 * @param database its name; made by `migrate`
 */
export function openWarehouse(
  address: ServerAddress,
  database: string,
  options: ConnectionOptions = {},
): Warehouse {
  const connection = connect(address, database, options)
  const plans = new Map<Stream, StreamPlan>()
  const planOf = (stream: Stream): StreamPlan => {
    const plan = plans.get(stream)
    if (plan === undefined) throw new TacitError('ERR_INTERNAL', `The stream ${stream} has no tables.`)
    return plan
  }
  return {
    async migrate(wanted) {
      await migrate(connection, wanted)
      plans.clear()
      for (const plan of wanted) plans.set(plan.stream, plan)
    },
    takeOver: (term) => takeOver(connection, term),
    latestTerm: () => latestTerm(connection),
    land: async (stream, rows, token, { dimensions, rulebook }) => {
      const plan = planOf(stream)
      return land(connection, dimensions === undefined ? plan : { stream, dimensions }, rows, token, rulebook)
    },
    landed: (stream, ranges) => landed(connection, stream, ranges),
    landingHours: (stream, { distinctOf } = {}) => landingHours(connection, stream, distinctOf ?? null),
    settle: async (stream, hours, how) => settle(connection, planOf(stream), hours, how),
    dropLanding: (stream, hours, { completeUntil = 0 } = {}) =>
      dropLanding(connection, stream, hours, completeUntil),
    stagedRows: (stream, epoch) => stagedRows(connection, stream, epoch),
    stagedEpochs: (stream) => stagedEpochs(connection, stream),
    dropEpoch: (stream, epoch) => dropEpoch(connection, stream, epoch),
    clean: async (request) => clean(connection, planOf(request.stream), request),
    insertCells: (manifests) => insertCells(connection, manifests),
    cellCount: (manifest) => cellCount(connection, manifest),
    queryCells: (query) => queryCells(connection, query),
    cellCounts: (query) => cellCounts(connection, query),
    latestWindows: () => latestWindows(connection),
    manifestOfWindow: (window) => manifestOfWindow(connection, window),
    releasedWindows: () => releasedWindows(connection),
    putLive: (numbers) => putLive(connection, numbers),
    live: (now) => liveNumbers(connection, now),
    rowProvenance: (stream) => rowProvenance(connection, stream),
    cellProvenance: () => cellProvenance(connection),
    close: () => connection.close(),
  }
}
