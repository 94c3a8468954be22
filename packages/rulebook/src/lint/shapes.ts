/** Statistics by their shape: histograms, funnels, retention, the last minutes, and what each may carry. */
import type { FindingCode } from '../codes.js'
import { isStated, type Leaves } from '../leaves.js'
import type { StatisticDraft } from '../schema.js'
import { RELEASED_WINDOWS } from '../plan.js'
import { isAdditive, type LintContext } from './context.js'

type Say = (code: FindingCode, path: readonly (string | number)[], message: string, fix?: string) => void

type Statistic = Leaves<StatisticDraft>

const SPECIAL = ['histogram', 'funnel', 'retention'] as const
/** A cohort of a list is coarse while the list is short. */
const MAX_COHORTS = 60

/** The keys that are there, readable or not. */
type Has = (key: keyof Statistic) => boolean

function lintShape(id: string, statistic: Statistic, has: Has, say: Say): void {
  const special = SPECIAL.filter(has)
  const live = statistic.window?.includes('5m') === true
  if (special.length > 1 || (live && special.length > 0)) {
    const names = [...(live ? ['window: 5m'] : []), ...special].join(' and ')
    say('RULE_STATISTIC_SHAPE', [], `statistics.${id} states ${names}; only one of them.`)
    return
  }
  const [shape] = special
  if (live) return lintLive(id, statistic, has, say)
  if (shape === 'funnel' || shape === 'retention') {
    for (const key of ['by', 'drill'] as const) {
      if (has(key)) say('RULE_STATISTIC_SHAPE', [key], `A ${shape} has no \`${key}\`; its rows are its own.`)
    }
  } else if (shape === 'histogram' && has('drill')) {
    say(
      'RULE_STATISTIC_SHAPE',
      ['drill'],
      'A histogram has no `drill`: its buckets are what lies below `by`.',
    )
  }
  if (shape === undefined) {
    // With a window that does not read it may be one of the last minutes, which has no dimensions.
    for (const key of ['by', 'measures'] as const) {
      if (!has(key) && statistic.window !== undefined)
        say('RULE_MISSING_KEY', [], `The key \`statistics.${id}.${key}\` is missing.`)
    }
  } else if (statistic.measures?.some(isAdditive) === true) {
    say('RULE_PEOPLE_ONLY', ['measures'], `A ${shape} publishes no numbers of events.`)
  }
}

function lintLive(id: string, { measures, window }: Statistic, has: Has, say: Say): void {
  const alone = window?.length === 1 && !has('by') && !has('drill') && !has('where')
  const people = measures === undefined ? has('measures') : measures.length === 1 && measures[0] === 'users'
  if (alone && people) return
  say('RULE_LIVE', ['window'], `statistics.${id} has more than the number of people of the last minutes.`)
}

function lintHistogram({ draft }: LintContext, statistic: Statistic, say: Say): void {
  const { histogram } = statistic
  if (histogram === undefined) return
  const rule = draft.fields.read.get(histogram)
  const isUnknown = !draft.fields.present || (rule === undefined && draft.fields.broken.has(histogram))
  if (rule?.do !== 'bucket' && !isUnknown)
    say('RULE_HISTOGRAM_FIELD', ['histogram'], `${histogram} has no buckets.`)
  if ([...(statistic.by ?? []), ...(statistic.drill ?? [])].includes(histogram))
    say('RULE_DIMENSION_TWICE', ['histogram'], `${histogram} is a dimension of the statistic too.`)
}

/** Routes or event names that exist; null where that cannot be told, or where any could. */
function stepValues(
  { catalogues, draft }: LintContext,
  field: 'path' | 'event_name',
): ReadonlySet<string> | null {
  const { fields } = draft
  const rule = fields.read.get(field)
  // What no rule keeps has no value.
  if (rule === undefined || rule.do === 'drop')
    return fields.broken.has(field) || !fields.present ? null : new Set()
  if (rule.do !== 'template' && rule.do !== 'allow') return null
  if (rule.catalogue === undefined) return null
  const catalogue = catalogues.get(`${rule.do === 'template' ? 'routes' : 'events'} ${rule.catalogue}`)
  if (catalogue?.isWhole !== true) return null
  const otherwise = rule.do === 'template' && rule.otherwise !== undefined ? [rule.otherwise] : []
  return new Set([...(catalogue.routes ?? Object.keys(catalogue.events ?? {})), ...otherwise])
}

function lintFunnel(context: LintContext, statistic: Statistic, say: Say): void {
  const seen = new Set<string>()
  for (const [index, step] of (statistic.funnel ?? []).entries()) {
    const colon = step.indexOf(':')
    const isPage = step.slice(0, colon) === 'page'
    const known = stepValues(context, isPage ? 'path' : 'event_name')
    if (known?.size === 0) {
      say('RULE_FUNNEL_STEP', ['funnel', index], `No rule keeps ${isPage ? 'path' : 'event_name'}.`)
    } else if (known !== null && !known.has(step.slice(colon + 1))) {
      const where = isPage ? 'route' : 'event'
      say('RULE_FUNNEL_STEP', ['funnel', index], `No ${where} of the catalogue is that step.`)
    }
    if (seen.has(step)) say('RULE_FUNNEL_STEP', ['funnel', index], 'This step stands here a second time.')
    seen.add(step)
  }
}

function lintRetention({ draft }: LintContext, statistic: Statistic, say: Say): void {
  if (statistic.retention === undefined) return
  const { cohort } = statistic.retention
  const rule = draft.fields.read.get(cohort)
  const listed = rule?.do === 'allow' && (rule.values?.length ?? Number.POSITIVE_INFINITY) <= MAX_COHORTS
  const month = rule?.do === 'allow' && rule.pattern === 'month'
  const isUnknown = !draft.fields.present || draft.fields.broken.has(cohort)
  if (!isUnknown && !listed && !month)
    say('RULE_RETENTION', ['retention', 'cohort'], `${cohort} is no month and no short list.`)
  if (draft.sites.read.get(statistic.site ?? '')?.identity === 'network')
    say('RULE_DIMENSION_TOKEN', ['retention'], 'A network site has no cohorts.')
}

function lintMeasures(id: string, statistic: Statistic, has: Has, say: Say): void {
  const { measures, window } = statistic
  const additive = measures?.some(isAdditive) === true
  if (additive && statistic.by?.includes('from_path') === true)
    say('RULE_PEOPLE_ONLY', ['measures'], `statistics.${id} counts how people go from page to page.`)
  if (additive && window?.every((name) => name === 'hour') === true) {
    say('RULE_PEOPLE_ONLY', ['measures'], 'Hours carry people only; events are counted by the day.')
  } else if (measures?.includes('users') === false && window?.includes('hour') === true) {
    const fix = 'Add `users` to the measures, or take `hour` out of the windows.'
    say('RULE_PEOPLE_ONLY', ['measures'], `Hours carry people only, and statistics.${id} counts none.`, fix)
  }
  if (statistic.people !== 'exact') return
  const days = window === undefined || (window.length === 1 && window[0] === 'day')
  if (!days || has('drill') || SPECIAL.some(has))
    say('RULE_EXACT_LEVEL', ['people'], `statistics.${id} has more than one level of days.`)
}

/** The windows that a shape can have, and the days that sums are made of. */
function lintWindows(id: string, statistic: Statistic, say: Say): void {
  const { measures, window = [] } = statistic
  // The last minutes are told by a finding of their own.
  if (window.includes('5m')) return
  const shape = SPECIAL.find((key) => statistic[key] !== undefined) ?? 'counts'
  const wrong = window.filter((name) => !RELEASED_WINDOWS[shape].includes(name))
  if (wrong.length > 0) {
    const code = shape === 'retention' ? 'RULE_RETENTION' : 'RULE_WINDOW'
    say(code, ['window'], `A ${shape} is published by the ${RELEASED_WINDOWS[shape].join(' and the ')}.`)
  }
  const longer = window.filter((name) => name === 'week' || name === 'month')
  if (longer.length > 0 && !window.includes('day') && measures?.some(isAdditive) === true) {
    const message = `statistics.${id} counts events by the ${longer.join(' and the ')}, and has no days to add up.`
    say('RULE_SUM_OF_DAYS', ['window'], message)
  }
}

export function lintShapes(context: LintContext): void {
  const { draft, report } = context
  const titles = new Set<string>()
  for (const [id, statistic] of draft.statistics.read) {
    const say: Say = (code, path, message, fix) =>
      report(
        code,
        draft.source.place(['statistics', id, ...path], path.length === 0 ? 'key' : 'value'),
        message,
        fix,
      )
    const has: Has = (key) => isStated(draft.source, ['statistics', id, key])
    lintShape(id, statistic, has, say)
    lintHistogram(context, statistic, say)
    lintFunnel(context, statistic, say)
    lintRetention(context, statistic, say)
    lintMeasures(id, statistic, has, say)
    lintWindows(id, statistic, say)
    if (statistic.site === undefined || statistic.title === undefined) continue
    const title = `${statistic.site} ${statistic.title}`
    if (titles.has(title)) say('RULE_TITLE_TWICE', ['title'], 'Another statistic of the site has this title.')
    titles.add(title)
  }
}
