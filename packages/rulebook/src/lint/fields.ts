/** Fields: which source may pass through which transform, and how coarse. */
import { DAY, MINUTE } from '@tacit/contracts'
import { GENERALISED_FROM } from '../dimensions.js'
import type { FieldDraft } from '../field-schema.js'
import { sourceOf } from '../sources.js'
import { type LintContext, hasSite, POOLED } from './context.js'

/** Required scopes: people and tenants may be joined neither over time nor over purposes. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  user_id: ['epoch', 'purpose', 'tenant'],
  tenant_id: ['epoch', 'purpose'],
}

const MAX_BITS = { ipv4: 24, ipv6: 48 }
const MIN_COARSENING = 15 * MINUTE
/** log2(1000 people / 10) is 6.6: privacy.md 2.7 */
const MAX_ROW_BITS = 6

function lintTruncate(context: LintContext, field: string, rule: FieldDraft & { do: 'truncate' }): void {
  for (const family of ['ipv4', 'ipv6'] as const) {
    if (rule[family] <= MAX_BITS[family]) continue
    const message = `${family} keeps ${rule[family]} bits; at most ${MAX_BITS[family]} are allowed.`
    context.report('RULE_TRUNCATION_FINE', context.draft.source.place(['fields', field, family]), message)
  }
}

function lintTemplate(context: LintContext, field: string, rule: FieldDraft & { do: 'template' }): void {
  const { draft, report } = context
  const place = draft.source.place(['fields', field])
  const whole = rule.catalogue !== undefined && rule.otherwise !== undefined && rule.generic === undefined
  const generic = rule.generic !== undefined && rule.catalogue === undefined && rule.otherwise === undefined
  if (!whole && !generic) {
    report('RULE_TEMPLATE_SOURCE', place, `fields.${field} needs either catalogue and otherwise, or generic.`)
  }
  if (rule.generic?.words === 'any') {
    const words = draft.source.place(['fields', field, 'generic', 'words'])
    report('RULE_WORDS_ANY', words, `fields.${field} keeps every segment that does not look like an id.`)
  }
}

function lintAllow(context: LintContext, field: string, rule: FieldDraft & { do: 'allow' }): void {
  const { draft, report } = context
  const at = (...path: (string | number)[]) => draft.source.place(['fields', field, ...path])
  const ways = [rule.values, rule.catalogue, rule.pattern].filter((way) => way !== undefined)
  if (ways.length !== 1) {
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
  if (field === 'event_name' && (rule.catalogue === undefined || rule.otherwise !== 'drop_event')) {
    report('RULE_EVENT_UNKNOWN', at(), 'event_name needs a catalogue of events and `otherwise: drop_event`.')
  }
}

function lintRule(context: LintContext, field: string, rule: FieldDraft): void {
  const { draft, report } = context
  const at = (...path: (string | number)[]) => draft.source.place(['fields', field, ...path])
  switch (rule.do) {
    case 'truncate':
      return lintTruncate(context, field, rule)
    case 'template':
      return lintTemplate(context, field, rule)
    case 'allow':
      return lintAllow(context, field, rule)
    case 'pseudonym': {
      const scope: string = [...rule.scope].sort().join(', ')
      const needed = (SCOPES[field] ?? []).join(', ')
      if (scope !== needed)
        report('RULE_PSEUDONYM_SCOPE', at('scope'), `The scope of ${field} must be [${needed}].`)
      return
    }
    case 'coarsen':
      if (rule.to < MIN_COARSENING || rule.to > DAY || DAY % rule.to !== 0) {
        report(
          'RULE_COARSENING',
          at('to'),
          `fields.${field} must be coarsened to a step from 15m to 24h that divides the day.`,
        )
      }
      return
    case 'generalise': {
      const known: readonly string[] = GENERALISED_FROM[field] ?? []
      const wrong = rule.to.findIndex(
        (name, index) => !known.includes(name) || rule.to.indexOf(name) !== index,
      )
      if (wrong >= 0)
        report(
          'RULE_GENERALISE_TO',
          at('to', wrong),
          `${field} generalises to ${known.join(', ')}, each once.`,
        )
      if (rule.max_bits !== undefined && rule.max_bits > MAX_ROW_BITS) {
        report('RULE_MAX_BITS', at('max_bits'), `max_bits is ${rule.max_bits}; at most ${MAX_ROW_BITS}.`)
      }
      return
    }
    case 'bucket':
      if (rule.edges.some((edge, index) => index > 0 && edge <= rule.edges[index - 1]!)) {
        report('RULE_BUCKET_EDGES', at('edges'), `The edges of ${field} do not rise.`)
      }
      return
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
    const rule = fields.good.get(field)
    if (fields.broken.has(field) || (rule !== undefined && rule.do !== 'drop')) continue
    context.report(
      'RULE_FIELD_REQUIRED',
      source.place(['fields', field], 'key'),
      `The field ${field} needs a rule that keeps it.`,
    )
  }
}

export function lintFields(context: LintContext): void {
  const { draft, report } = context
  lintRequired(context)
  for (const [field, rule] of draft.fields.good) {
    const fitting = sourceOf(field).transforms
    if (fitting.includes(rule.do)) {
      lintRule(context, field, rule)
    } else {
      const message = `fields.${field} cannot be \`${rule.do}\`; it can be ${fitting.join(', ')}.`
      report('RULE_FIELD_TRANSFORM', draft.source.place(['fields', field, 'do']), message)
    }
  }
}
