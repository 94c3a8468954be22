/** Statistics by their shape: histograms, funnels, retention, the last minutes, and what each may carry. */
import type { FindingCode } from '../codes.js'
import type { StatisticDraft } from '../schema.js'
import type { LintContext } from './context.js'

type Say = (code: FindingCode, path: readonly (string | number)[], message: string) => void

const SPECIAL = ['histogram', 'funnel', 'retention'] as const
/** A cohort of a list is coarse while the list is short. */
const MAX_COHORTS = 60

function lintShape(id: string, statistic: StatisticDraft, say: Say): void {
  const special = SPECIAL.filter((key) => statistic[key] !== undefined)
  const live = statistic.window.includes('5m')
  if (special.length > 1 || (live && special.length > 0)) {
    const names = [...(live ? ['window: 5m'] : []), ...special].join(' and ')
    say('RULE_STATISTIC_SHAPE', [], `statistics.${id} states ${names}; only one of them.`)
    return
  }
  const [shape] = special
  if (live) return lintLive(id, statistic, say)
  if (shape === 'funnel' || shape === 'retention') {
    for (const key of ['by', 'drill'] as const) {
      if (statistic[key] !== undefined)
        say('RULE_STATISTIC_SHAPE', [key], `A ${shape} has no \`${key}\`; its rows are its own.`)
    }
  }
  if (shape === undefined) {
    for (const key of ['by', 'measures'] as const) {
      if (statistic[key] === undefined)
        say('RULE_MISSING_KEY', [], `The key \`statistics.${id}.${key}\` is missing.`)
    }
  } else if (statistic.measures?.includes('events') === true) {
    say('RULE_PEOPLE_ONLY', ['measures'], `A ${shape} publishes no numbers of events.`)
  }
}

function lintLive(id: string, statistic: StatisticDraft, say: Say): void {
  const { by, drill, measures, where, window } = statistic
  const alone = window.length === 1 && by === undefined && drill === undefined && where === undefined
  if (alone && measures?.length === 1 && measures[0] === 'users') return
  say('RULE_LIVE', ['window'], `statistics.${id} has more than the number of people of the last minutes.`)
}

function lintHistogram({ draft }: LintContext, statistic: StatisticDraft, say: Say): void {
  const { histogram } = statistic
  if (histogram === undefined || draft.fields.broken.has(histogram)) return
  const rule = draft.fields.good.get(histogram)
  if (rule?.do !== 'bucket') say('RULE_HISTOGRAM_FIELD', ['histogram'], `${histogram} has no buckets.`)
  if ([...(statistic.by ?? []), ...(statistic.drill ?? [])].includes(histogram))
    say('RULE_DIMENSION_TWICE', ['histogram'], `${histogram} is a dimension of the statistic too.`)
}

/** Routes or event names that exist, or null where the catalogue could not be read. */
function stepValues(
  { catalogues, draft }: LintContext,
  field: 'path' | 'event_name',
): ReadonlySet<string> | null {
  const rule = draft.fields.good.get(field)
  if (rule?.do === 'template' && rule.catalogue !== undefined) {
    const routes = catalogues.get(`routes ${rule.catalogue}`)?.routes
    return routes === undefined ? null : new Set([...routes, ...(rule.otherwise ? [rule.otherwise] : [])])
  }
  if (rule?.do === 'allow' && rule.catalogue !== undefined) {
    const events = catalogues.get(`events ${rule.catalogue}`)?.events
    return events === undefined ? null : new Set(Object.keys(events))
  }
  return null
}

function lintFunnel(context: LintContext, statistic: StatisticDraft, say: Say): void {
  const seen = new Set<string>()
  for (const [index, step] of (statistic.funnel ?? []).entries()) {
    const colon = step.indexOf(':')
    const of = step.slice(0, colon)
    const known = stepValues(context, of === 'page' ? 'path' : 'event_name')
    if (known !== null && !known.has(step.slice(colon + 1))) {
      const where = of === 'page' ? 'route' : 'event'
      say('RULE_FUNNEL_STEP', ['funnel', index], `No ${where} of the catalogue is that step.`)
    }
    if (seen.has(step)) say('RULE_FUNNEL_STEP', ['funnel', index], 'This step stands here a second time.')
    seen.add(step)
  }
}

function lintRetention({ draft }: LintContext, statistic: StatisticDraft, say: Say): void {
  if (statistic.retention === undefined) return
  const { cohort } = statistic.retention
  const rule = draft.fields.good.get(cohort)
  const listed = rule?.do === 'allow' && (rule.values?.length ?? Number.POSITIVE_INFINITY) <= MAX_COHORTS
  const month = rule?.do === 'allow' && rule.pattern === 'month'
  if (!draft.fields.broken.has(cohort) && !listed && !month)
    say('RULE_RETENTION', ['retention', 'cohort'], `${cohort} is no month and no short list.`)
  if (statistic.window.some((window) => window !== 'week' && window !== 'month'))
    say('RULE_RETENTION', ['window'], 'Retention is counted by the week or the month.')
  if (draft.sites.good.get(statistic.site)?.identity === 'network')
    say('RULE_DIMENSION_TOKEN', ['retention'], 'A network site has no cohorts.')
}

function lintMeasures(id: string, statistic: StatisticDraft, say: Say): void {
  const events = statistic.measures?.includes('events') === true
  if (events && statistic.by?.includes('from_path') === true)
    say('RULE_PEOPLE_ONLY', ['measures'], `statistics.${id} counts how people go from page to page.`)
  if (events && statistic.window.every((window) => window === 'hour'))
    say('RULE_PEOPLE_ONLY', ['measures'], 'Hours carry people only; events are counted by the day.')
  if (statistic.people !== 'exact') return
  const days = statistic.window.length === 1 && statistic.window[0] === 'day'
  if (!days || statistic.drill !== undefined || SPECIAL.some((key) => statistic[key] !== undefined))
    say('RULE_EXACT_LEVEL', ['people'], `statistics.${id} has more than one level of days.`)
}

/** What this version does not compute yet is said, once a statistic. */
function lintReleased(id: string, statistic: StatisticDraft, say: Say): void {
  const special = SPECIAL.find((key) => statistic[key] !== undefined)
  const later = statistic.window.filter((window) => window !== 'day')
  if (special !== undefined) {
    say('RULE_NOT_RELEASED', [special], `statistics.${id}: this version publishes no ${special}.`)
  } else if (later.length > 0) {
    const names = later.join(', ')
    say('RULE_NOT_RELEASED', ['window'], `statistics.${id}: this version publishes days, not ${names}.`)
  }
}

export function lintShapes(context: LintContext): void {
  const { draft, report } = context
  const titles = new Set<string>()
  for (const [id, statistic] of draft.statistics.good) {
    const say: Say = (code, path, message) =>
      report(
        code,
        draft.source.place(['statistics', id, ...path], path.length === 0 ? 'key' : 'value'),
        message,
      )
    lintShape(id, statistic, say)
    lintHistogram(context, statistic, say)
    lintFunnel(context, statistic, say)
    lintRetention(context, statistic, say)
    lintMeasures(id, statistic, say)
    lintReleased(id, statistic, say)
    const title = `${statistic.site} ${statistic.title}`
    if (titles.has(title)) say('RULE_TITLE_TWICE', ['title'], 'Another statistic of the site has this title.')
    titles.add(title)
  }
}
