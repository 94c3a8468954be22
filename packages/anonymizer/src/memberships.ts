/**
 * Records of the week and month streams: for each statistic of such a window, that a person was in one of its cells.
 * No count, no time, only the dimensions of that statistic (design.md, decision 3).
 */
import type { Stream } from '@tacit/contracts'
import {
  dimensionsOf,
  type EventKind,
  readsKind,
  type Rulebook,
  type StreamPlan,
  statisticsOf,
} from '@tacit/rulebook'
import type { Dimension, EventContext } from './dimensions.js'
import { DROP_EVENT } from './values.js'

/** The cells of one event in one stream: `"statistic"` and the dimension columns that follow the identity. */
export interface Membership {
  /** JSON of the statistic's column */
  readonly statistic: string
  /** the dimension columns of the plan, each with its comma before it; null where a rule drops the event */
  columns(context: EventContext): string | null
}

export interface MembershipStream {
  readonly stream: Stream
  /** by site and kind of event */
  of(site: string, kind: EventKind): readonly Membership[]
}

const NONE: readonly Membership[] = []

/** Compiles the memberships of one stream. @param dimensions compiled dimensions by name */
export function compileMemberships(
  rulebook: Rulebook,
  plan: StreamPlan,
  dimensions: ReadonlyMap<string, Dimension>,
): MembershipStream {
  const bySiteAndKind = new Map<string, Membership[]>()
  const kinds = new Set(Object.values(rulebook.events).map(({ kind }) => kind))
  for (const statistic of statisticsOf(rulebook, plan.stream)) {
    const read = new Set(dimensionsOf(statistic, plan.stream))
    const columns = plan.dimensions.map((name) => (read.has(name) ? (dimensions.get(name) ?? null) : null))
    const membership: Membership = {
      statistic: JSON.stringify(statistic.id),
      columns(context) {
        let text = ''
        for (const dimension of columns) {
          const value = dimension === null ? '""' : dimension.quoted(context)
          if (value === DROP_EVENT) return null
          text += `,${value}`
        }
        return text
      },
    }
    for (const kind of kinds) {
      if (!readsKind(statistic, kind)) continue
      const key = `${statistic.site} ${kind}`
      const known = bySiteAndKind.get(key)
      if (known === undefined) bySiteAndKind.set(key, [membership])
      else known.push(membership)
    }
  }
  return { stream: plan.stream, of: (site, kind) => bySiteAndKind.get(`${site} ${kind}`) ?? NONE }
}
