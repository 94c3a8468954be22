/** The catalogue: every statistic that was declared, and what may be asked of it. Pure. */
import { rfc3339 } from '@tacit/contracts'
import type { Rulebook, Statistic } from '@tacit/rulebook'
import { stepLabel } from './cell.js'

export interface CatalogueEntry {
  readonly id: string
  readonly title: string
  readonly shape: Statistic['shape']['type']
  readonly windows: readonly string[]
  readonly by: readonly string[]
  readonly drill: readonly string[]
  readonly measures: readonly string[]
  /** whether people are counted exactly or down to a step */
  readonly people: 'floored' | 'exact'
  /** a published value covers at least so many people */
  readonly min_users: number
  readonly site: string
  readonly realm: string
  readonly sample: boolean
  /** start of the newest window that has published values; null while there is none */
  readonly latest: string | null
  /** of a histogram: what the buckets are of */
  readonly field?: string
  /** of a funnel, in order */
  readonly steps?: readonly string[]
  /** the statistic that `rate` is per 100 events of */
  readonly per?: string
}

/** The newest window of a statistic that has released cells. */
export interface LatestWindow {
  readonly statistic: string
  readonly window: string
  /** ms */
  readonly windowStart: number
}

/** A realm as the catalogue needs it. */
export interface CatalogueRealm {
  readonly name: string
  readonly sample: boolean
  readonly rulebook: Rulebook
  readonly latest: readonly LatestWindow[]
}

/** Every declared statistic of every realm, real data first. */
export function statisticsCatalogue(realms: readonly CatalogueRealm[]): readonly CatalogueEntry[] {
  return realms.flatMap(({ name, sample, rulebook, latest }) =>
    rulebook.statistics.map((statistic) => ({
      ...declared(statistic),
      min_users: rulebook.release.minUsers,
      site: statistic.site,
      realm: name,
      sample,
      latest: latestStart(latest, statistic.id),
    })),
  )
}

function declared({ by, drill, id, measures, people, per, shape, title, windows }: Statistic) {
  return {
    id,
    title,
    shape: shape.type,
    windows,
    by,
    drill,
    measures,
    people,
    ...(shape.type === 'histogram' ? { field: shape.field } : undefined),
    ...(shape.type === 'funnel' ? { steps: shape.steps.map(stepLabel) } : undefined),
    ...(per === undefined ? undefined : { per }),
  }
}

function latestStart(latest: readonly LatestWindow[], id: string): string | null {
  const starts = latest.filter(({ statistic }) => statistic === id).map(({ windowStart }) => windowStart)
  return starts.length === 0 ? null : rfc3339(starts.reduce((a, b) => Math.max(a, b)))
}

const FINEST_FIRST = ['5m', 'hour', 'day', 'week', 'month']

/** The default window of a statistic: the finest that it declares. */
export function finestWindow(statistic: Statistic): string {
  return (
    FINEST_FIRST.find((window) => statistic.windows.some((declaredOne) => declaredOne === window)) ?? 'day'
  )
}
