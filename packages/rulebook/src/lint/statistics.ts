/** Statistics: only what fields yield, events once, and nothing by person. */
import { conceivableDimensions, yieldedDimensions } from '../dimensions.js'
import type { Leaves } from '../leaves.js'
import { LANDING_COLUMNS, PROVENANCE_COLUMN, RECORD_COLUMNS } from '../plan.js'
import type { StatisticDraft } from '../schema.js'
import { nearest } from '../nearest.js'
import { hasBrokenWhere, isAdditive, type LintContext } from './context.js'

/** Names that a record or an answer of the API already uses. */
const RESERVED: ReadonlySet<string> = new Set([
  ...RECORD_COLUMNS.map((column) => column.name),
  ...LANDING_COLUMNS.map((column) => column.name),
  PROVENANCE_COLUMN.name,
  'window_start',
  'window',
  'users',
  'events',
  'floor',
  'visits',
  'time_s',
  'bucket',
  'share',
  'step',
  'conversion',
  'week',
  'rate',
  'users_error',
  'events_error',
  'statistic',
])
type Statistic = Leaves<StatisticDraft>

const PERSONAL: ReadonlySet<string> = new Set(['user_id', 'tenant_id'])
const TOKEN_FIELDS: ReadonlySet<string> = new Set(['role', 'cohort'])
const MAX_DIMENSIONS = 4

/** Dimension name → the field that yields it; two fields under one name are a finding. */
function yieldedBy({ draft, report }: LintContext): ReadonlyMap<string, string> {
  const yielded = new Map<string, string>()
  for (const [field, rule] of draft.fields.read) {
    const place = draft.source.place(['fields', field], 'key')
    for (const dimension of yieldedDimensions(field, rule)) {
      if (RESERVED.has(dimension))
        report('RULE_DIMENSION_RESERVED', place, `The name ${dimension} is reserved.`)
      const other = yielded.get(dimension)
      if (other !== undefined) {
        report('RULE_DIMENSION_TWICE', place, `${field} and ${other} both yield ${dimension}.`)
      }
      yielded.set(dimension, field)
    }
  }
  return yielded
}

/** Dimensions that a field with a mistake of its own may yield once that is mended. */
function conceivable({ draft }: LintContext): ReadonlySet<string> {
  const { broken, read } = draft.fields
  return new Set([...broken].flatMap((field) => conceivableDimensions(field, read.get(field))))
}

interface Yields {
  /** dimension → the field that yields it */
  readonly by: ReadonlyMap<string, string>
  readonly conceivable: ReadonlySet<string>
}

function lintDimensions(context: LintContext, id: string, statistic: Statistic, yields: Yields): void {
  const { draft, report } = context
  const network = draft.sites.read.get(statistic.site ?? '')?.identity === 'network'
  const seen = new Set<string>()
  for (const key of ['by', 'drill'] as const) {
    const list = statistic[key] ?? []
    if (list.length > MAX_DIMENSIONS) {
      const place = draft.source.place(['statistics', id, key])
      report('RULE_DETAIL', place, `statistics.${id}.${key} has more than ${MAX_DIMENSIONS} dimensions.`)
    }
    for (const [index, dimension] of list.entries()) {
      const place = draft.source.place(['statistics', id, key, index])
      if (seen.has(dimension))
        report('RULE_DIMENSION_TWICE', place, `${dimension} stands here a second time.`)
      seen.add(dimension)
      const field = yields.by.get(dimension)
      if (PERSONAL.has(dimension)) {
        report('RULE_STATISTIC_PERSON', place, `statistics.${id} counts by ${dimension}.`)
      } else if (field === undefined) {
        if (draft.fields.present && !yields.conceivable.has(dimension)) {
          const near = nearest(dimension, [...yields.by.keys()])
          const hint = near === null ? '' : ` Did you mean \`${near}\`?`
          report('RULE_STATISTIC_DIMENSION', place, `No field yields \`${dimension}\`.${hint}`)
        }
      } else if (network && TOKEN_FIELDS.has(field)) {
        report('RULE_DIMENSION_TOKEN', place, `A network site has no ${field}.`)
      } else if (dimension === 'client_ip') {
        const code = network ? 'RULE_DIMENSION_NETWORK' : 'RULE_DIMENSION_EMPLOYER'
        report(code, place, `statistics.${id} counts by the cut network.`)
      }
    }
  }
}

function lintKind({ draft, catalogues, report }: LintContext, id: string, statistic: Statistic): void {
  const kind = statistic.where?.kind
  const rule = draft.fields.read.get('event_name')
  if (kind === undefined || rule?.do !== 'allow') return
  const catalogue = catalogues.get(`events ${rule.catalogue}`)
  const events = catalogue?.isWhole === true ? catalogue.events : undefined
  if (events === undefined || Object.values(events).some((event) => event.kind === kind)) return
  const place = draft.source.place(['statistics', id, 'where', 'kind'])
  report('RULE_STATISTIC_KIND', place, `The catalogue has no event of the kind ${kind}.`)
}

/** Events of a kind are published once; a statistic of all kinds meets every other one. */
function lintOnce({ draft, report }: LintContext): void {
  const additive: { site: string; kind: string | undefined; id: string }[] = []
  const exact = new Map<string, string>()
  for (const [id, statistic] of draft.statistics.read) {
    const { site, where } = statistic
    if (site === undefined || hasBrokenWhere(draft, id, statistic)) continue
    const kind = where?.kind
    if (statistic.measures?.some(isAdditive) === true) {
      const other = additive.find(
        (before) =>
          before.site === site && (before.kind === kind || before.kind === undefined || kind === undefined),
      )
      if (other !== undefined) {
        const place = draft.source.place(['statistics', id, 'measures'])
        report('RULE_ADDITIVE_TWICE', place, `statistics.${other.id} publishes these events already.`)
      }
      additive.push({ site, kind, id })
    }
    if (statistic.people !== 'exact') continue
    const other = exact.get(site)
    if (other !== undefined) {
      const place = draft.source.place(['statistics', id, 'people'])
      report('RULE_EXACT_TWICE', place, `statistics.${other} publishes exact people of this site already.`)
    }
    exact.set(site, id)
  }
}

/** Whether a statistic says how people of the rows of a kind overlap. */
function overlaps({ by, funnel, where }: Statistic, kind: string | undefined): boolean {
  return funnel !== undefined || by?.includes('from_path') === true || where?.kind === kind
}

/** Beside exact people nothing else may be said of the same people: what they share would follow. */
function lintBesideExact({ draft, report }: LintContext): void {
  const { read } = draft.statistics
  for (const [id, exact] of read) {
    const { people, site, where } = exact
    if (people !== 'exact' || hasBrokenWhere(draft, id, exact)) continue
    for (const [other, statistic] of read) {
      const isRead = statistic.site === site && !hasBrokenWhere(draft, other, statistic)
      if (other === id || !isRead || statistic.people === 'exact' || !overlaps(statistic, where?.kind))
        continue
      const place = draft.source.place(['statistics', other], 'key')
      report('RULE_EXACT_BESIDE', place, `statistics.${id} publishes exact people of these events.`)
    }
  }
}

/** A list of people by a drill's dimension alone, beside the statistic that has the drill. */
function lintBesideDrill({ draft, report }: LintContext): void {
  const { read } = draft.statistics
  for (const [id, statistic] of read) {
    const { by = [], measures = [], site, where, window: windows = [] } = statistic
    const isList = statistic.drill === undefined && measures.includes('users') && !measures.some(isAdditive)
    if (by.length !== 1 || !isList || hasBrokenWhere(draft, id, statistic)) continue
    for (const [other, drilled] of read) {
      const isSame = where?.kind === undefined || where.kind === drilled.where?.kind
      const meets = windows.some((window) => drilled.window?.includes(window) === true)
      if (drilled.site !== site || !isSame || !meets || hasBrokenWhere(draft, other, drilled)) continue
      if (drilled.drill?.includes(by[0] ?? '') !== true) continue
      const place = draft.source.place(['statistics', id, 'by'])
      report('RULE_DRILL_BESIDE', place, `statistics.${other} divides people by ${by[0] ?? ''}, too.`)
    }
  }
}

function lintSite({ draft, report }: LintContext, id: string, { site }: Statistic): void {
  const { sites, source } = draft
  if (site === undefined || !sites.present || sites.good.has(site) || sites.broken.has(site)) return
  const near = nearest(site, [...sites.good.keys(), ...sites.broken])
  const hint = near === null ? '' : ` Did you mean \`${near}\`?`
  const place = source.place(['statistics', id, 'site'])
  report('RULE_STATISTIC_SITE', place, `There is no site \`${site}\`.${hint}`)
}

export function lintStatistics(context: LintContext): void {
  const { draft, report } = context
  const yields: Yields = { by: yieldedBy(context), conceivable: conceivable(context) }
  for (const [id, statistic] of draft.statistics.read) {
    lintSite(context, id, statistic)
    const measures = statistic.measures ?? []
    if (new Set(measures).size !== measures.length) {
      const place = draft.source.place(['statistics', id, 'measures'])
      report('RULE_VALUE_TWICE', place, 'A measure stands here twice.')
    }
    lintDimensions(context, id, statistic, yields)
    lintKind(context, id, statistic)
  }
  lintOnce(context)
  lintBesideExact(context)
  lintBesideDrill(context)
}
