/** Fields: which source may pass through which transform, and how coarse. */
import { DAY } from '@tacit/contracts'
import { ADDRESS_BITS, MAX_ROW_BITS, TIME_BOUNDS } from '../bounds.js'
import { combinationsOf, GENERALISED_FROM } from '../dimensions.js'
import { isBroken } from '../draft.js'
import type { FieldDraft } from '../field-schema.js'
import { isStated, type Leaves } from '../leaves.js'
import { sourceOf } from '../sources.js'
import { type LintContext, hasSite, POOLED } from './context.js'
import { lintMatches } from './matches.js'

/** Required scopes: people and tenants may be joined neither over time nor over purposes. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  user_id: ['epoch', 'purpose', 'tenant'],
  tenant_id: ['epoch', 'purpose'],
}

/** What the families of one row are to tell together: privacy.md 2.7 */
const USUAL_ROW_BITS = 4
/** A bucket of milliseconds that is narrower tells one machine from the next (privacy.md 2.6). */
const MIN_MILLISECONDS = 10
/** Small counts may have a few buckets of their own (0, 1, 2). */
const MAX_FINE_BUCKETS = 3

type Rule<Do extends FieldDraft['do'] = FieldDraft['do']> = Leaves<Extract<FieldDraft, { readonly do: Do }>>

function lintTruncate(context: LintContext, field: string, rule: Rule<'truncate'>): void {
  for (const family of ['ipv4', 'ipv6'] as const) {
    const bits = rule[family]
    if (bits === undefined || bits <= ADDRESS_BITS[family]) continue
    const message = `${family} keeps ${bits} bits; at most ${ADDRESS_BITS[family]} are allowed.`
    context.report('RULE_TRUNCATION_FINE', context.draft.source.place(['fields', field, family]), message)
  }
}

function lintTemplate(context: LintContext, field: string, rule: Rule<'template'>): void {
  const { draft, report } = context
  const has = (key: string): boolean => isStated(draft.source, ['fields', field, key])
  const whole = has('catalogue') && has('otherwise') && !has('generic')
  const generic = has('generic') && !has('catalogue') && !has('otherwise')
  if (!whole && !generic) {
    const place = draft.source.place(['fields', field])
    report('RULE_TEMPLATE_SOURCE', place, `fields.${field} needs either catalogue and otherwise, or generic.`)
  }
  if (rule.generic?.words === 'any') {
    const words = draft.source.place(['fields', field, 'generic', 'words'])
    report('RULE_WORDS_ANY', words, `fields.${field} keeps every segment that does not look like an id.`)
  }
}

function lintAllow(context: LintContext, field: string, rule: Rule<'allow'>): void {
  const { draft, report } = context
  const at = (...path: (string | number)[]) => draft.source.place(['fields', field, ...path])
  const has = (key: string): boolean => isStated(draft.source, ['fields', field, key])
  if (['values', 'catalogue', 'pattern'].filter(has).length !== 1) {
    report('RULE_ALLOW_OPEN', at(), `fields.${field} needs exactly one of values, catalogue and pattern.`)
  }
  if (rule.otherwise === POOLED) report('RULE_VALUE_RESERVED', at('otherwise'), `\`${POOLED}\` is reserved.`)
  const seen = new Set<string>()
  for (const [index, value] of (rule.values ?? []).entries()) {
    const text = String(value)
    if (text === POOLED) report('RULE_VALUE_RESERVED', at('values', index), `\`${POOLED}\` is reserved.`)
    if (seen.has(text))
      report('RULE_VALUE_TWICE', at('values', index), `fields.${field} lists a value twice.`)
    seen.add(text)
  }
  const isDropping =
    rule.otherwise === 'drop_event' || isBroken(draft, rule.otherwise, ['fields', field, 'otherwise'])
  if (field === 'event_name' && (!has('catalogue') || !isDropping)) {
    report('RULE_EVENT_UNKNOWN', at(), 'event_name needs a catalogue of events and `otherwise: drop_event`.')
  }
}

function lintGeneralise({ draft, report }: LintContext, field: string, rule: Rule<'generalise'>): void {
  const at = (...path: (string | number)[]) => draft.source.place(['fields', field, ...path])
  const { max_bits: maxBits, to = [] } = rule
  const known: readonly string[] = GENERALISED_FROM[field] ?? []
  const wrong = to.findIndex((name, index) => !known.includes(name) || to.indexOf(name) !== index)
  if (wrong >= 0) {
    report('RULE_GENERALISE_TO', at('to', wrong), `${field} generalises to ${known.join(', ')}, each once.`)
  }
  if (maxBits !== undefined && maxBits > MAX_ROW_BITS) {
    report('RULE_MAX_BITS', at('max_bits'), `max_bits is ${maxBits}; at most ${MAX_ROW_BITS}.`)
  }
  const combinations = combinationsOf(to)
  if (!isStated(draft.source, ['fields', field, 'max_bits']) && combinations > 2 ** USUAL_ROW_BITS) {
    const bits = Math.log2(combinations).toFixed(1)
    const message = `${field} has up to ${combinations} combinations, ${bits} bits; no max_bits bounds them.`
    report('RULE_MAX_BITS_MISSING', at(), message)
  }
}

function lintBucket({ draft, report }: LintContext, field: string, { edges = [] }: Rule<'bucket'>): void {
  const place = draft.source.place(['fields', field, 'edges'])
  if (edges.some((edge, index) => index > 0 && edge <= edges[index - 1]!)) {
    report('RULE_BUCKET_EDGES', place, `The edges of ${field} do not rise.`)
    return
  }
  const widths = edges.slice(1).map((edge, index) => edge - edges[index]!)
  const least = field.endsWith('_ms') ? MIN_MILLISECONDS : 2
  const fine = widths.filter((width) => width < least).length
  if (fine > MAX_FINE_BUCKETS) {
    const message = `${fine} buckets of ${field} are narrower than ${least}: they coarsen next to nothing.`
    report('RULE_BUCKET_FINE', place, message)
  }
}

function lintRule(context: LintContext, field: string, rule: Rule): void {
  const { draft, report } = context
  const at = (...path: (string | number)[]) => draft.source.place(['fields', field, ...path])
  switch (rule.do) {
    case 'truncate':
      return lintTruncate(context, field, rule)
    case 'template':
      return lintTemplate(context, field, rule)
    case 'allow':
      return lintAllow(context, field, rule)
    case 'generalise':
      return lintGeneralise(context, field, rule)
    case 'bucket':
      return lintBucket(context, field, rule)
    case 'pseudonym': {
      if (rule.scope === undefined) return
      const scope: string = [...rule.scope].sort().join(', ')
      const needed = (SCOPES[field] ?? []).join(', ')
      if (scope !== needed)
        report('RULE_PSEUDONYM_SCOPE', at('scope'), `The scope of ${field} must be [${needed}].`)
      return
    }
    case 'coarsen': {
      const { to } = rule
      if (to !== undefined && (to < TIME_BOUNDS.coarsening.least || to > DAY || DAY % to !== 0)) {
        const message = `fields.${field} must be coarsened to a step from 15m to 24h that divides the day.`
        report('RULE_COARSENING', at('to'), message)
      }
      return
    }
    case 'drop':
      return
    default: {
      const never: never = rule
      throw new TypeError(`unknown transform ${String(never)}`)
    }
  }
}

/** Fields that every record is made of. */
function lintRequired(context: LintContext): void {
  const { fields, source } = context.draft
  if (!fields.present) return
  const people = hasSite(context, 'signed') ? ['user_id', 'tenant_id'] : []
  for (const field of ['timestamp', 'event_name', ...people]) {
    const rule = fields.read.get(field)
    if (rule === undefined ? fields.broken.has(field) : rule.do !== 'drop') continue
    context.report(
      'RULE_FIELD_REQUIRED',
      source.place(['fields', field], 'key'),
      `The field ${field} needs a rule that keeps it.`,
    )
  }
}

/** One field: whether its source may pass through its transform, and how coarse that is. */
export function lintField(context: LintContext, field: string, rule: Rule): void {
  const { draft, report } = context
  const fitting = sourceOf(field).transforms
  if (fitting.includes(rule.do)) {
    lintRule(context, field, rule)
    lintMatches(context, field, rule)
  } else {
    const message = `fields.${field} cannot be \`${rule.do}\`; it can be ${fitting.join(', ')}.`
    report('RULE_FIELD_TRANSFORM', draft.source.place(['fields', field, 'do']), message)
  }
}

export function lintFields(context: LintContext): void {
  lintRequired(context)
  for (const [field, rule] of context.draft.fields.read) lintField(context, field, rule)
}
