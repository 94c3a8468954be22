/** Noise of a site's release: drawn once for each group, and charged to the ledger of the budget. */
import {
  drawNoise,
  type GroupOffsets,
  type NoisePlan,
  noisePlan,
  systemRandom,
  type TreeNoise,
} from '@tacit/disclosure'
import type { Rulebook, Site } from '@tacit/rulebook'
import { treesOf } from '@tacit/warehouse'

/** The plan of a site's noise; null where the rulebook has it off. */
export function siteNoise(rulebook: Rulebook, site: Site): NoisePlan | null {
  const { maxEventsPerPerson, minUsers, noise } = rulebook.release
  if (noise === null) return null
  const statistics = rulebook.statistics.filter((statistic) => statistic.site === site.id)
  const trees = statistics.flatMap((statistic) => treesOf(rulebook, statistic, 'day'))
  return noisePlan({
    noise,
    minUsers,
    maxEventsPerPerson,
    kinds: new Set(Object.values(rulebook.events).map(({ kind }) => kind)).size,
    // Nothing bounds in how many cells of a week somebody is.
    membershipsPerPerson: null,
    largestSeconds: Math.max(1, ...trees.flatMap(({ seconds }) => Object.values(seconds ?? {}))),
    statistics,
  })
}

const ALL = { events: 0, visits: 0, time_s: 0, share: 0 } as const

/**
 * Noise of one statistic and window of a release: each group is drawn once, however often it is looked at.
 * @returns null where it must not be published: nothing bounds what one person changes
 */
export function treeNoise(plan: NoisePlan, statistic: string, window: string): TreeNoise | null {
  const planned = plan.statistics.find((one) => one.statistic === statistic && one.window === window)
  if (planned === undefined) return null
  const drawn = new Map<string, GroupOffsets>()
  const halfWidth = (measure: string): number =>
    planned.numbers.find((number) => number.measure === measure)?.halfWidth ?? 0
  return {
    tau: planned.tau,
    error: { users: halfWidth('users'), events: halfWidth('events') },
    draw(hour, dims) {
      const key = JSON.stringify([hour, ...dims])
      const known = drawn.get(key)
      if (known !== undefined) return known
      const [offsets = {}] = drawNoise([{ users: 0, ...ALL }], planned, systemRandom)
      const group: GroupOffsets = { users: 0, ...offsets }
      drawn.set(key, group)
      return group
    },
  }
}
