/**
 * One site's window, computed: clean, count, cut, check. What comes out may be committed; nothing here writes anything but
 * a scratch table, which is gone at the end.
 */
import { DAY, epochFromLabel, type Stream, TacitError } from '@tacit/contracts'
import {
  type Cell,
  type ClosedWindow,
  type CountedFunnel,
  type CountedNode,
  type CountedTree,
  type CountedUnion,
  dimsKey,
  questionsOf,
  releaseWindow,
  type TreeNoise,
  unionKey,
  type Verdict,
  type WindowInput,
} from '@tacit/disclosure'
import type { Rulebook, Site, Statistic } from '@tacit/rulebook'
import type { CleanedRows, TreeRequest, Warehouse } from '@tacit/warehouse'
import { withDaySums } from './day-sums.js'
import {
  funnelSteps,
  hidesEverybody,
  othersOf,
  type PlannedTree,
  type SitePlan,
  sitePlan,
} from './release-plan.js'

export interface SiteWindow {
  readonly rulebook: Rulebook
  readonly site: Site
  readonly stream: Stream
  /** label */
  readonly epoch: string
  /** of this site, declared alike in all rulebooks that ruled the window */
  readonly statistics: readonly Statistic[]
  /** of a week or a month: for each statistic the published cells of each of its days */
  readonly days: ReadonlyMap<string, readonly (readonly Cell[])[]>
  /** null: this statistic must not be published in this window while noise is on; undefined: noise is off */
  readonly noiseOf: (statistic: string, window: string) => TreeNoise | null | undefined
}

export interface ComputedStatistic {
  readonly statistic: Statistic
  readonly window: ClosedWindow
  readonly cells: readonly Cell[]
}

export interface ComputedSite {
  readonly statistics: readonly ComputedStatistic[]
  readonly verdict: Verdict
  /** rows with the event id of another */
  readonly deduplicated: number
  /** ms of cutting, and of checking */
  readonly took: { readonly cut: number; readonly check: number }
}

/** Noise of a statistic, where it is on. */
function noiseIn(
  { noiseOf }: SiteWindow,
  statistic: Statistic,
  window: string,
): { readonly noise?: TreeNoise } {
  const noise = noiseOf(statistic.id, window)
  return noise === undefined || noise === null ? {} : { noise }
}

/** Groups beside the event of a statistic that counts sensitive ones, whatever their people did; null for others. */
function besideRequest(rulebook: Rulebook, tree: PlannedTree): TreeRequest | null {
  const others = othersOf(rulebook, tree)
  if (others === null) return null
  const { statistic } = tree.request
  return {
    levels: others.length > 0 ? others : tree.spec.levels,
    ...(statistic === undefined ? {} : { statistic }),
  }
}

/** People of each group beside the event; `[]` is everybody. */
async function peopleBeside(
  rows: CleanedRows,
  request: TreeRequest,
  nodes: readonly CountedNode[],
): Promise<(others: readonly string[]) => number | undefined> {
  const parts = nodes.flatMap(({ dims }) => (dims.length === 1 ? (dims[0] ?? []) : []))
  const [everybody] =
    parts.length === 0 ? [] : await rows.unions(request, [{ hour: null, parent: [], parts }])
  const people = new Map(nodes.map(({ dims, users }) => [dimsKey(dims), users]))
  people.set(dimsKey([]), everybody?.users ?? 0)
  return (group) => people.get(dimsKey(group))
}

async function countTrees(
  site: SiteWindow,
  rows: CleanedRows,
  plan: SitePlan,
): Promise<readonly CountedTree[]> {
  const { rulebook } = site
  const beside = plan.trees.map((tree) => besideRequest(rulebook, tree))
  // All at once: trees of the same rows are counted in one pass.
  const requests = [...plan.trees.map(({ request }) => request), ...beside.flatMap((one) => one ?? [])]
  const counted = await rows.trees(requests)
  return Promise.all(
    plan.trees.map(async (tree, at): Promise<CountedTree> => {
      const { request, spec, statistic, window } = tree
      const asked = beside[at] ?? null
      const people =
        asked === null ? null : await peopleBeside(rows, asked, counted[requests.indexOf(asked)] ?? [])
      return {
        spec,
        window,
        kind: request.kind ?? request.statistic ?? null,
        nodes: counted[at] ?? [],
        unions: [],
        cleanedRows: rows.total(request),
        ...(people === null ? {} : { hides: hidesEverybody(rulebook, tree, people) }),
        ...noiseIn(site, statistic, window),
      }
    }),
  )
}

async function countFunnels(
  site: SiteWindow,
  rows: CleanedRows,
  plan: SitePlan,
): Promise<readonly CountedFunnel[]> {
  const funnels: CountedFunnel[] = []
  for (const funnel of plan.funnels) {
    const nodes = await rows.funnel(funnel.steps)
    funnels.push({
      id: funnel.statistic.id,
      steps: funnelSteps(site.rulebook, funnel, nodes),
      ...noiseIn(site, funnel.statistic, 'day'),
    })
  }
  return funnels
}

/** Each round counts at least one union more of the few that siblings have; more rounds than this is a mistake. */
const MOST_ROUNDS = 1_000

/** Counts the unions that cuts ask for, round after round, until they ask no more. */
async function answered(rows: CleanedRows, plan: SitePlan, first: WindowInput): Promise<WindowInput> {
  let { trees } = first
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const input = { ...first, trees }
    const asked = questionsOf(input)
    if (asked.every((unions) => unions.length === 0)) return input
    trees = await Promise.all(
      trees.map(async (tree, at): Promise<CountedTree> => {
        const planned = plan.trees[at]
        const unions = [...new Map((asked[at] ?? []).map((union) => [unionKey(union), union])).values()]
        if (unions.length === 0 || planned === undefined) return tree
        const nodes = await rows.unions(planned.request, unions)
        const counted: CountedUnion[] = nodes.flatMap((node, place) => {
          const union = unions[place]
          return union === undefined ? [] : [{ union, node }]
        })
        return { ...tree, unions: [...tree.unions, ...counted] }
      }),
    )
  }
  throw new TacitError('ERR_INTERNAL', 'The cut asks on and on.')
}

function isPublic({ noiseOf }: SiteWindow, statistic: Statistic, window: string): boolean {
  return noiseOf(statistic.id, window) !== null
}

function statisticsOf(
  window: SiteWindow,
  plan: SitePlan,
  released: { readonly trees: readonly (readonly Cell[])[]; readonly funnels: readonly (readonly Cell[])[] },
): ComputedStatistic[] {
  const { days, stream } = window
  const trees = plan.trees.map(({ statistic, window: of }, at): ComputedStatistic => {
    const cells = released.trees[at] ?? []
    const sums =
      statistic.measures.some((measure) => measure !== 'users') && statistic.shape.type === 'counts'
    return {
      statistic,
      window: of,
      cells: stream === 'day' || !sums ? cells : withDaySums(cells, days.get(statistic.id) ?? []),
    }
  })
  const funnels = plan.funnels.map(
    ({ statistic }, at): ComputedStatistic => ({
      statistic,
      window: 'day',
      cells: released.funnels[at] ?? [],
    }),
  )
  return [...trees, ...funnels]
}

/** @throws WarehouseError, and what counting throws */
export async function computeSite(warehouse: Warehouse, window: SiteWindow): Promise<ComputedSite> {
  const { days, epoch, rulebook, site, stream } = window
  const whole = sitePlan(rulebook, site, stream, window.statistics)
  const plan: SitePlan = {
    ...whole,
    trees: whole.trees.filter(({ statistic, window: of }) => isPublic(window, statistic, of)),
    funnels: whole.funnels.filter(({ statistic }) => isPublic(window, statistic, 'day')),
  }
  const rows = await warehouse.clean({
    stream,
    epoch,
    site: site.id,
    identity: site.identity,
    maxEventsPerPerson: rulebook.release.maxEventsPerPerson,
  })
  try {
    const input = await answered(rows, plan, {
      trees: await countTrees(window, rows, plan),
      funnels: await countFunnels(window, rows, plan),
      thresholds: plan.thresholds,
      days,
    })
    const { took, verdict, ...released } = releaseWindow(input)
    return {
      statistics: statisticsOf(window, plan, released),
      verdict,
      deduplicated: rows.deduplicated,
      took,
    }
  } finally {
    await rows.drop()
  }
}

/** Starts of the UTC days of an epoch, ms. */
export function dayStarts(epoch: string): readonly number[] {
  const { end, start } = epochFromLabel(epoch)
  const days: number[] = []
  for (let day = start; day < end; day += DAY) days.push(day)
  return days
}
