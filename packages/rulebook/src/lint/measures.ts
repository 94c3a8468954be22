/** What measures are counted from, and what rates are made of. */
import type { Leaves } from '../leaves.js'
import { nearest } from '../nearest.js'
import type { StatisticDraft } from '../schema.js'
import { hasBrokenWhere, type LintContext } from './context.js'

type Statistic = Leaves<StatisticDraft>

/** Visits and seconds are told by page views, by two props that the page measures. */
function lintMeasured({ draft, report }: LintContext, id: string, statistic: Statistic): void {
  const { measures = [], where } = statistic
  const place = draft.source.place(['statistics', id, 'measures'])
  const counted = measures.filter((measure) => measure === 'visits' || measure === 'time_s')
  if (counted.length > 0 && !hasBrokenWhere(draft, id, statistic) && where?.kind !== 'page_view') {
    report('RULE_MEASURE', place, `Only page views tell ${counted.join(' and ')}.`)
  }
  const { broken, present, read } = draft.fields
  if (!present) return
  const start = read.get('visit_start')
  const starts =
    start?.do === 'allow' ? (start.values ?? []).some((value) => String(value) === 'true') : false
  if (counted.includes('visits') && !broken.has('visit_start') && !starts) {
    report('RULE_MEASURE', place, 'Visits are counted from visit_start, which no rule keeps as `true`.')
  }
  if (
    counted.includes('time_s') &&
    !broken.has('time_spent_s') &&
    read.get('time_spent_s')?.do !== 'bucket'
  ) {
    report('RULE_MEASURE', place, 'Seconds are counted from time_spent_s, which no rule keeps in buckets.')
  }
}

/** Why a statistic cannot be the base of a rate of another; null where it can, or where that cannot be told yet. */
function unfit(rated: Statistic, base: Statistic): string | null {
  if (base.site !== undefined && rated.site !== undefined && base.site !== rated.site)
    return 'is of another site'
  if (base.measures?.includes('events') === false) return 'counts no events'
  if (base.window?.includes('day') === false) return 'has no days'
  const [by, of] = [rated.by, base.by]
  if (by !== undefined && of !== undefined && !of.every((dimension, index) => by[index] === dimension))
    return 'is counted by other dimensions'
  const missing = rated.window?.find((window) => window !== 'hour' && base.window?.includes(window) === false)
  return missing === undefined ? null : `has no ${missing}`
}

function lintPer({ draft, report }: LintContext, id: string, statistic: Statistic): void {
  const { measures, per, window } = statistic
  if (per === undefined) return
  const place = draft.source.place(['statistics', id, 'per'])
  const { broken, read } = draft.statistics
  const base = read.get(per)
  const special = statistic.histogram ?? statistic.funnel ?? statistic.retention
  if (special !== undefined || measures?.includes('events') === false || window?.includes('day') === false) {
    report('RULE_PER', place, `statistics.${id} counts no events by the day, so it has no rate.`)
  } else if (per === id) {
    report('RULE_PER', place, 'A rate of itself is always 100.')
  } else if (base !== undefined) {
    const why = unfit(statistic, base)
    if (why !== null) report('RULE_PER', place, `statistics.${per} ${why}.`)
  } else if (!broken.has(per)) {
    const near = nearest(per, [...read.keys()])
    const hint = near === null ? '' : ` Did you mean \`${near}\`?`
    report('RULE_PER', place, `There is no statistic \`${per}\`.${hint}`)
  }
}

export function lintMeasures(context: LintContext): void {
  for (const [id, statistic] of context.draft.statistics.read) {
    lintMeasured(context, id, statistic)
    lintPer(context, id, statistic)
  }
}
