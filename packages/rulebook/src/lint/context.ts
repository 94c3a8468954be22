/** What every lint looks at. */
import type { Catalogue } from '../catalogues.js'
import { type Draft, isBroken } from '../draft.js'
import type { Report } from '../findings.js'
import type { Measure } from '../types.js'

export interface LintContext {
  readonly draft: Draft
  /** by `format name` */
  readonly catalogues: ReadonlyMap<string, Catalogue>
  readonly report: Report
}

/** A value that pooled cells carry, and no field may. */
export const POOLED = '(other)'

/** Whether a site of that identity is declared. */
export function hasSite({ draft }: LintContext, identity: 'signed' | 'network'): boolean {
  return [...draft.sites.read.values()].some((site) => site.identity === identity)
}

/** Which events a statistic counts is not known before its own mistake is mended. */
export function hasBrokenWhere(draft: Draft, id: string, { where }: { readonly where?: unknown }): boolean {
  return isBroken(draft, where, ['statistics', id, 'where'])
}

/** Whether a measure is one of which sums say something, and which is therefore published once. */
export function isAdditive(measure: Measure): boolean {
  return measure !== 'users'
}
