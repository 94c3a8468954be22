/** What a rulebook asks of the release of one site and stream: trees, funnels, and how each is published. Pure. */
import type { Stream } from '@tacit/contracts'
import type { ClosedWindow, CountedNode, FunnelStep, Thresholds, TreeSpec } from '@tacit/disclosure'
import {
  declaredValues,
  fieldOf,
  type FunnelStep as DeclaredStep,
  type Rulebook,
  type Site,
  type Statistic,
} from '@tacit/rulebook'
import { releasedWindows, type TreeRequest, treesOf } from '@tacit/warehouse'

/** A tree that is counted for a statistic's window. */
export interface PlannedTree {
  readonly statistic: Statistic
  readonly window: ClosedWindow
  readonly request: TreeRequest
  readonly spec: TreeSpec
}

export interface PlannedFunnel {
  readonly statistic: Statistic
  readonly steps: readonly DeclaredStep[]
}

export interface SitePlan {
  readonly thresholds: Thresholds
  readonly trees: readonly PlannedTree[]
  readonly funnels: readonly PlannedFunnel[]
}

function specOf(
  rulebook: Rulebook,
  statistic: Statistic,
  { hourly, levels }: TreeRequest,
  stream: Stream,
): TreeSpec {
  const { by, id, measures, people, shape, where } = statistic
  // Hours, weeks and months are of people; what adds up is published of days alone.
  const isDay = stream === 'day' && hourly !== true
  return {
    id,
    levels,
    plain: shape.type === 'retention' ? levels.length : by.length,
    measures: isDay ? measures : measures.filter((measure) => measure === 'users'),
    people: isDay ? people : 'floored',
    declared: levels.map((level) => declaredValues(rulebook, level, where.kind)),
    histogram: shape.type === 'histogram',
  }
}

/** @param statistics of one site */
export function sitePlan(
  rulebook: Rulebook,
  site: Site,
  stream: Stream,
  statistics: readonly Statistic[],
): SitePlan {
  const trees = statistics.flatMap((statistic) => {
    const windows = releasedWindows(statistic, stream)
    return treesOf(rulebook, statistic, stream).map((request, at) => ({
      statistic,
      window: windows[at] as ClosedWindow,
      request,
      spec: specOf(rulebook, statistic, request, stream),
    }))
  })
  const funnels = statistics.flatMap((statistic) =>
    stream === 'day' && statistic.shape.type === 'funnel'
      ? [{ statistic, steps: statistic.shape.steps }]
      : [],
  )
  return { thresholds: { identity: site.identity, ...rulebook.release }, trees, funnels }
}

const EVENT = 'event_name'

/** Levels beside the event of a tree that counts declared sensitive events; null where it counts none. */
export function othersOf(rulebook: Rulebook, { spec }: PlannedTree): readonly string[] | null {
  const isSensitive = Object.values(rulebook.events).some(({ sensitive }) => sensitive === true)
  if (!isSensitive || fieldOf(rulebook, EVENT) === null || !spec.levels.includes(EVENT)) return null
  return spec.levels.filter((level) => level !== EVENT)
}

/**
 * Diversity: a sensitive event that everybody of a group did may not be said of that group.
 * @param people of each group by its values beside the event; `[]` is everybody
 */
export function hidesEverybody(
  rulebook: Rulebook,
  { spec }: PlannedTree,
  people: (others: readonly string[]) => number | undefined,
): (node: CountedNode) => boolean {
  const at = spec.levels.indexOf(EVENT)
  return ({ dims, users }) => {
    const event = dims[at]
    if (event === undefined || rulebook.events[event]?.sensitive !== true) return false
    return people(dims.filter((_value, level) => level !== at)) === users
  }
}

/** Steps of a funnel as they are published. */
export function funnelSteps(
  rulebook: Rulebook,
  { steps }: PlannedFunnel,
  nodes: readonly CountedNode[],
): readonly FunnelStep[] {
  return steps.flatMap(({ of, value }, at) => {
    const node = nodes[at]
    const sensitive = of === 'event' && rulebook.events[value]?.sensitive === true
    return node === undefined ? [] : [{ label: `${of}:${value}`, node, sensitive }]
  })
}
