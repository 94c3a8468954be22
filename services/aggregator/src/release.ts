/**
 * The release of one window: reconcile, clean, count, cut, check, commit, insert. Once.
 *
 * Order: the manifests of all statistics of the window are committed together, before any cell is inserted. Recovery
 * inserts what was committed and never computes again. If the independent checker refuses, nothing of the window is
 * released, with an alarm.
 */
import { epochFromLabel, type Stream, TacitError } from '@tacit/contracts'
import {
  buildManifest,
  type Cell,
  cellsOf,
  checkRelease,
  checkTogether,
  cut,
  type Manifest,
  type ManifestContent,
  readManifest,
  type StatisticSpec,
  type Thresholds,
} from '@tacit/disclosure'
import {
  declaredValues,
  isReleased,
  type Rulebook,
  sameDeclaration,
  type Site,
  type Statistic,
} from '@tacit/rulebook'
import type { KeeperPort } from '@tacit/keyring'
import type { CleanedRows, CountRequest, StoredCell, Warehouse } from '@tacit/warehouse'
import { type Evidence, releaseEvents } from './evidence.js'
import type { CommittedManifest, WindowRecord } from './records.js'
import type { Rulebooks } from './rulebooks.js'
import type { AggregatorState } from './state.js'

/** What a dimension's empty value is called in a published cell. */
const NONE = '(none)'

export interface ReleaseOptions {
  readonly rulebooks: Rulebooks
  readonly keeper: Pick<KeeperPort, 'reconciled'>
  readonly evidence: Evidence
  readonly state: AggregatorState
  readonly warehouse: Warehouse
  readonly alarm: (message: string) => void
}

export interface ReleasedStatistic {
  readonly statistic: string
  readonly window: string
  readonly windowStart: number
  readonly cells: number
  /** declared values minus published ones, a function of what is public; null for open domains */
  readonly withheld: number | null
}

interface Computed {
  readonly content: ManifestContent
  readonly manifest: Manifest
  readonly withheld: number | null
}

function thresholdsOf(rulebook: Rulebook, site: Site): Thresholds {
  const { minUsers, minTenants, minNetworks, maxShare, maxPersonShare } = rulebook.release
  return { identity: site.identity, minUsers, minTenants, minNetworks, maxShare, maxPersonShare }
}

function specOf(statistic: Statistic): StatisticSpec {
  const { id, by, measures, people } = statistic
  return {
    id,
    by,
    measures: measures.filter((measure) => measure === 'users' || measure === 'events'),
    people,
  }
}

/** `(other)` and `(none)` are no declared values: they do not make fewer of them withheld. */
function withheldValues(rulebook: Rulebook, statistic: Statistic, cells: readonly Cell[]): number | null {
  const domains: ReadonlySet<string>[] = []
  for (const dimension of statistic.by) {
    const values = declaredValues(rulebook, dimension, statistic.where.kind)
    if (values === null) return null
    domains.push(new Set(values))
  }
  const declared = domains.reduce((product, domain) => product * domain.size, 1)
  const published = cells.filter(({ dims }) => domains.every((domain, at) => domain.has(dims[at] ?? '')))
  return Math.max(0, declared - published.length)
}

export class Releaser {
  readonly #options: ReleaseOptions

  constructor(options: ReleaseOptions) {
    this.#options = options
  }

  /** Releases a window whose receipt hours are all settled; does nothing for one that is released already. */
  async release(stream: Stream, epoch: string): Promise<ReleasedStatistic[]> {
    const { state } = this.#options
    const released: ReleasedStatistic[] = []
    if (state.window(stream, epoch).status === 'open') released.push(...(await this.#commit(stream, epoch)))
    await this.insertCommitted(stream, epoch)
    return released
  }

  /** Puts a committed window on record, inserts its cells and marks it released; repeatable. */
  async insertCommitted(stream: Stream, epoch: string): Promise<void> {
    const { evidence, state, warehouse } = this.#options
    const record = state.window(stream, epoch)
    if (record.status !== 'committed') return
    const manifests = record.manifests.map((id) => state.manifest(id) as CommittedManifest)
    const contents = manifests.map(({ hash, text }) => readManifest(text, hash))
    // Nothing is public before it is on record. A crash in between may put it there twice, with the same hashes.
    if (record.onRecord !== true) {
      const rulebook = contents[0]?.rulebook
      if (rulebook !== undefined)
        await evidence.record(releaseEvents({ stream, epoch, record }, manifests, rulebook))
      record.onRecord = true
      await state.putWindow(stream, epoch, record)
    }
    // One after the other: a process that dies leaves at most one insert under way.
    for (const [at, content] of contents.entries()) {
      await warehouse.insertCells(manifests[at]?.id ?? '', storedCells(content))
    }
    await state.putWindow(stream, epoch, { ...record, status: 'released' })
    await evidence.sign()
  }

  /** Looks again at a window whose counts did not add up: where they do now, its root may go. */
  async reconcileAgain(stream: Stream, epoch: string): Promise<void> {
    const { keeper, state } = this.#options
    const record = state.window(stream, epoch)
    const again = await this.#counted(stream, epoch)
    if (!again.reconciled) return
    await keeper.reconciled(stream, epoch, true)
    await state.putWindow(stream, epoch, { ...record, staged: again.staged, reconciled: true })
  }

  async #commit(stream: Stream, epoch: string): Promise<ReleasedStatistic[]> {
    const { rulebooks, state } = this.#options
    const { end, start } = epochFromLabel(epoch)
    const { latenessMs } = rulebooks.current().epochs
    const ruled = rulebooks.ruling(start, end, end + latenessMs)
    const rulebook = ruled.at(-1) as Rulebook
    const record = await this.#reconcile(stream, epoch)
    const computed: Computed[] = []
    for (const site of Object.values(rulebook.sites)) {
      const statistics = rulebook.statistics.filter(
        (statistic) =>
          statistic.site === site.id &&
          stream === 'day' &&
          statistic.shape.type === 'counts' &&
          isReleased(statistic, stream) &&
          // A window that two rulebooks ruled has rows of both: only what meant the same is counted.
          ruled.every((former) => former === rulebook || sameDeclaration(former, rulebook, statistic.id)),
      )
      if (statistics.length > 0)
        computed.push(...(await this.#computeSite(rulebook, stream, epoch, site, statistics, record)))
    }
    const together = checkTogether(computed.map(({ content }) => content))
    if (!together.ok) throw this.#refused(together.findings)
    await state.commitWindow(
      stream,
      epoch,
      record,
      computed.map(({ manifest }) => manifest),
    )
    return computed.map(({ content, withheld }) => ({
      statistic: content.statistic,
      window: content.window,
      windowStart: start,
      cells: content.cells.length,
      withheld,
    }))
  }

  /** accepted = staged + quarantined + expired, before anything is cleaned (INV-26). */
  async #reconcile(stream: Stream, epoch: string): Promise<WindowRecord> {
    const { alarm, keeper } = this.#options
    const record = await this.#counted(stream, epoch)
    if (!record.reconciled) {
      alarm(
        `window ${epoch} does not reconcile: ${differenceOf(record)}; its root is kept for up to a day longer`,
      )
    }
    await keeper.reconciled(stream, epoch, record.reconciled)
    return record
  }

  async #counted(stream: Stream, epoch: string): Promise<WindowRecord> {
    const { state, warehouse } = this.#options
    const record = state.window(stream, epoch)
    const staged = await warehouse.stagedRows(stream, epoch)
    const landed = record.accepted - record.quarantined - record.expired
    if (stream === 'day') return { ...record, staged, reconciled: landed === staged }
    // A week's and a month's table is a set: of what landed, whatever is no row of its own was there already.
    const deduplicated = Math.max(0, landed - staged)
    return {
      ...record,
      staged,
      deduplicated,
      reconciled: landed === staged + deduplicated && landed > 0 === staged > 0,
    }
  }

  async #computeSite(
    rulebook: Rulebook,
    stream: Stream,
    epoch: string,
    site: Site,
    statistics: readonly Statistic[],
    record: WindowRecord,
  ): Promise<Computed[]> {
    const { warehouse } = this.#options
    const rows = await warehouse.clean({
      stream,
      epoch,
      site: site.id,
      identity: site.identity,
      maxEventsPerPerson: rulebook.release.maxEventsPerPerson,
    })
    try {
      record.deduplicated += rows.deduplicated
      const computed: Computed[] = []
      for (const statistic of statistics)
        computed.push(await this.#computeStatistic(rulebook, rows, epoch, site, statistic))
      return computed
    } finally {
      await rows.drop()
    }
  }

  async #computeStatistic(
    rulebook: Rulebook,
    rows: CleanedRows,
    epoch: string,
    site: Site,
    statistic: Statistic,
  ): Promise<Computed> {
    const thresholds = thresholdsOf(rulebook, site)
    const spec = specOf(statistic)
    const request: CountRequest = {
      by: statistic.by,
      ...(statistic.where.kind === undefined ? {} : { kind: statistic.where.kind }),
    }
    const nodes = await rows.count(request)
    const { blocks, failing } = cut(nodes, thresholds)
    const pool =
      failing.length === 0
        ? null
        : await rows.pool(
            request,
            blocks.map(({ dims }) => dims),
          )
    const cells = cellsOf(spec, blocks, pool, failing.length, thresholds)
    const cleanedRows = rows.total(request)
    const verdict = checkRelease({ spec, thresholds, nodes, pool, cleanedRows, cells })
    if (!verdict.ok) throw this.#refused(verdict.findings)
    const content: ManifestContent = {
      site: site.id,
      statistic: statistic.id,
      kind: statistic.where.kind ?? null,
      window: 'day',
      windowStart: epochFromLabel(epoch).start,
      rulebook: rulebook.hash,
      cells: cells.map((cell) => ({
        ...cell,
        dims: cell.dims.map((value) => (value === '' ? NONE : value)),
      })),
    }
    return {
      content,
      manifest: buildManifest(content),
      withheld: withheldValues(rulebook, statistic, cells),
    }
  }

  #refused(findings: readonly string[]): TacitError {
    this.#options.alarm(
      `the independent checker refused a release (${findings.join(', ')}); nothing of it is published`,
    )
    return new TacitError('ERR_RELEASE_REFUSED')
  }
}

/** What does not add up, for the operator of this machine. */
export function differenceOf({ accepted, expired, quarantined, staged }: WindowRecord): string {
  return `${accepted} rows were accepted, and ${staged} are staged, ${quarantined} set aside, ${expired} expired`
}

function storedCells(content: ManifestContent): StoredCell[] {
  return content.cells.map((cell) => ({
    statistic: content.statistic,
    window: content.window,
    windowStart: content.windowStart,
    dims: cell.dims,
    users: cell.users,
    events: cell.events,
    floor: cell.floor,
    rulebook: content.rulebook,
  }))
}
