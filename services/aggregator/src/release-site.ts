/**
 * One site's window, computed: clean, count, cut, check. What comes out may be committed; nothing here writes anything but
 * a scratch table, which is gone at the end.
 */
import { epochFromLabel, type Stream } from '@tacit/contracts'
import {
  type Cell,
  type CountedFunnel,
  type CountedTree,
  type CountedUnion,
  questionsOf,
  releaseWindow,
  type TreeNoise,
  unionKey,
  type Verdict,
  type WindowInput,
} from '@tacit/disclosure'
import type { Rulebook, Site, Statistic } from '@tacit/rulebook'
import type { CleanedRows, Warehouse } from '@tacit/warehouse'
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
  readonly window: 'hour' | 'day' | 'week' | 'month'
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

/** Groups beside the event, for statistics that count sensitive ones: how many people each has, whatever they did. */
async function peopleBeside(
  rulebook: Rulebook,
  rows: CleanedRows,
  tree: PlannedTree,
): Promise<((others: readonly string[]) => number | undefined) | null> {
  const others = othersOf(rulebook, tree)
  if (others === null) return null
  const { statistic } = tree.request
  const request = {
    levels: others.length > 0 ? others : tree.spec.levels,
    ...(statistic === undefined ? {} : { statistic }),
  }
  const [nodes = []] = await rows.trees([request])
  const parts = nodes.flatMap(({ dims }) => (dims.length === 1 ? (dims[0] ?? []) : []))
  const [everybody] =
    parts.length === 0 ? [] : await rows.unions(request, [{ hour: null, parent: [], parts }])
  const people = new Map(
    others.length === 0 ? [] : nodes.map(({ dims, users }) => [JSON.stringify(dims), users]),
  )
  people.set(JSON.stringify([]), everybody?.users ?? 0)
  return (group) => people.get(JSON.stringify(group))
}

async function countTrees(
  { noiseOf, rulebook }: SiteWindow,
  rows: CleanedRows,
  plan: SitePlan,
): Promise<readonly CountedTree[]> {
  const counted = await rows.trees(plan.trees.map(({ request }) => request))
  return Promise.all(
    plan.trees.map(async (tree, at): Promise<CountedTree> => {
      const { request, spec, statistic, window } = tree
      const people = await peopleBeside(rulebook, rows, tree)
      const noise = noiseOf(statistic.id, window)
      return {
        spec,
        window,
        kind: request.kind ?? request.statistic ?? null,
        nodes: counted[at] ?? [],
        unions: [],
        cleanedRows: rows.total(request),
        ...(people === null ? {} : { hides: hidesEverybody(rulebook, tree, people) }),
        ...(noise === undefined || noise === null ? {} : { noise }),
      }
    }),
  )
}

async function countFunnels(
  { noiseOf, rulebook }: SiteWindow,
  rows: CleanedRows,
  plan: SitePlan,
): Promise<readonly CountedFunnel[]> {
  const funnels: CountedFunnel[] = []
  for (const funnel of plan.funnels) {
    const nodes = await rows.funnel(funnel.steps)
    const noise = noiseOf(funnel.statistic.id, 'day')
    funnels.push({
      id: funnel.statistic.id,
      steps: funnelSteps(rulebook, funnel, nodes),
      ...(noise === undefined || noise === null ? {} : { noise }),
    })
  }
  return funnels
}

/** Counts the unions that cuts ask for, round after round, until they ask no more. */
async function answered(rows: CleanedRows, plan: SitePlan, first: WindowInput): Promise<WindowInput> {
  for (let input = first; ; ) {
    const asked = questionsOf(input)
    if (asked.every((unions) => unions.length === 0)) return input
    const trees = await Promise.all(
      input.trees.map(async (tree, at): Promise<CountedTree> => {
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
    input = { ...input, trees }
  }
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
  for (let day = start; day < end; day += 86_400_000) days.push(day)
  return days
}
