/**
 * The release of one window: reconcile, compute (clean, count, cut, check: release-site.ts), commit, insert. Once.
 *
 * Order: the manifests of all statistics of the window are committed together, before any cell is inserted. Recovery
 * inserts what was committed and never computes again. If the independent checker refuses, nothing of the window is
 * released, with an alarm.
 */
import { epochFromLabel, HOUR, type Stream, TacitError } from '@tacit/contracts'
import {
  buildManifest,
  type Cell,
  checkTogether,
  type Manifest,
  type ManifestContent,
  manifestId,
  type NoisePlan,
  readManifest,
} from '@tacit/disclosure'
import {
  declaredValues,
  type Rulebook,
  sameDeclaration,
  type Site,
  type Statistic,
  streamOf,
} from '@tacit/rulebook'
import type { KeeperPort } from '@tacit/keyring'
import type { StoredCell, Warehouse } from '@tacit/warehouse'
import { type BudgetCharge, budgetChange } from './budget.js'
import { type Evidence, releaseEvents } from './evidence.js'
import { siteNoise, treeNoise } from './noise.js'
import type { CommittedManifest, WindowRecord } from './records.js'
import { type ComputedSite, type ComputedStatistic, computeSite, dayStarts } from './release-site.js'
import type { Rulebooks } from './rulebooks.js'
import type { AggregatorState } from './state.js'

/** Cutting and checking longer than this is a mistake: then nothing is released. */
const LONGEST_MS = 30_000

export interface ReleaseOptions {
  readonly rulebooks: Rulebooks
  readonly keeper: Pick<KeeperPort, 'reconciled'>
  readonly evidence: Evidence
  readonly state: AggregatorState
  readonly warehouse: Warehouse
  readonly alarm: (message: string) => void
  /** told how many ms a site's window took to cut, and to check */
  readonly onComputed?: (took: ComputedSite['took']) => void
}

export interface ReleasedStatistic {
  readonly statistic: string
  readonly window: string
  readonly windowStart: number
  readonly cells: number
  /** declared values minus published ones, a function of what is public; null for open domains, and for hours */
  readonly withheld: number | null
}

interface Computed {
  readonly content: ManifestContent
  readonly manifest: Manifest
  readonly withheld: number | null
}

/** `(other)` and `(none)` are no declared values: they do not make fewer of them withheld. */
function withheldValues(rulebook: Rulebook, { cells, statistic, window }: ComputedStatistic): number | null {
  if (window === 'hour' || statistic.shape.type !== 'counts') return null
  const domains: ReadonlySet<string>[] = []
  for (const dimension of statistic.by) {
    const values = declaredValues(rulebook, dimension, statistic.where.kind)
    if (values === null) return null
    domains.push(new Set(values))
  }
  const declared = domains.reduce((product, domain) => product * domain.size, 1)
  const published = cells.filter(
    ({ dims }) =>
      dims.length === statistic.by.length && domains.every((domain, at) => domain.has(dims[at] ?? '')),
  )
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
    await warehouse.insertCells(
      new Map(contents.map((content, at) => [manifests[at]?.id ?? '', storedCells(content)])),
    )
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
    const charges: BudgetCharge[] = []
    for (const site of Object.values(rulebook.sites)) {
      const statistics = rulebook.statistics.filter(
        (statistic) =>
          statistic.site === site.id &&
          statistic.windows.some((window) => window !== '5m' && streamOf(window) === stream) &&
          // A window that two rulebooks ruled has rows of both: only what meant the same is counted.
          ruled.every((former) => former === rulebook || sameDeclaration(former, rulebook, statistic.id)),
      )
      if (statistics.length === 0) continue
      const plan = siteNoise(rulebook, site)
      if (plan !== null) {
        const charge = { site: site.id, stream, epoch, plan, statistics: statistics.map(({ id }) => id) }
        if (!this.#hasRoom(charge)) {
          this.#options.alarm(
            `the privacy budget of ${site.id} has no room for ${epoch}: nothing of it is released`,
          )
          continue
        }
        charges.push(charge)
      }
      computed.push(...(await this.#computeSite(rulebook, stream, epoch, site, statistics, record, plan)))
    }
    const together = checkTogether(computed.map(({ content }) => content))
    if (!together.ok) throw this.#refused(together.findings)
    await state.commitWindow(
      stream,
      epoch,
      record,
      computed.map(({ manifest }) => manifest),
      budgetChange(charges),
    )
    return computed.map(({ content, withheld }) => ({
      statistic: content.statistic,
      window: content.window,
      windowStart: start,
      cells: content.cells.length,
      withheld,
    }))
  }

  /** A ledger that cannot be read has no room for anything. */
  #hasRoom(charge: BudgetCharge): boolean {
    try {
      return this.#options.state.budget.hasRoom(charge)
    } catch (error) {
      if (error instanceof TacitError && error.code === 'ERR_RELEASE_BUDGET') return false
      throw error
    }
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
    plan: NoisePlan | null,
  ): Promise<Computed[]> {
    const found = await computeSite(this.#options.warehouse, {
      rulebook,
      site,
      stream,
      epoch,
      statistics,
      days: stream === 'day' ? new Map() : this.#daysOf(site, epoch, statistics),
      noiseOf: (statistic, window) => (plan === null ? undefined : treeNoise(plan, statistic, window)),
    })
    this.#options.onComputed?.(found.took)
    if (!found.verdict.ok) throw this.#refused(found.verdict.findings)
    if (found.took.cut + found.took.check > LONGEST_MS) throw this.#refused(['time'])
    if (stream === 'day') record.deduplicated += found.deduplicated
    return found.statistics.map((one) => {
      const content: ManifestContent = {
        site: site.id,
        statistic: one.statistic.id,
        kind: one.statistic.where.kind ?? null,
        window: one.window,
        windowStart: epochFromLabel(epoch).start,
        rulebook: rulebook.hash,
        cells: one.cells,
      }
      return { content, manifest: buildManifest(content), withheld: withheldValues(rulebook, one) }
    })
  }

  /** What the days of a week or a month published, by statistic; a day that published nothing is an empty list. */
  #daysOf(
    site: Site,
    epoch: string,
    statistics: readonly Statistic[],
  ): ReadonlyMap<string, readonly (readonly Cell[])[]> {
    const { state } = this.#options
    const counted = statistics.filter(
      ({ shape, windows }) => shape.type === 'counts' && windows.includes('day'),
    )
    return new Map(
      counted.map(({ id }) => [
        id,
        dayStarts(epoch).map((windowStart) => {
          const manifest = state.manifest(
            manifestId({ site: site.id, statistic: id, window: 'day', windowStart }),
          )
          return manifest === undefined ? [] : readManifest(manifest.text, manifest.hash).cells
        }),
      ]),
    )
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
    windowStart: content.windowStart + (cell.hour ?? 0) * HOUR,
    dims: cell.dims,
    users: cell.users,
    events: cell.events,
    floor: cell.floor,
    visits: cell.visits ?? null,
    time_s: cell.time_s ?? null,
    share: cell.share ?? null,
    users_error: cell.users_error ?? null,
    events_error: cell.events_error ?? null,
    rulebook: content.rulebook,
  }))
}
