/** Purpose and consent. */
import { TIME_BOUNDS } from '../bounds.js'
import { type LintContext, hasSite } from './context.js'

/** Interface.md, "Basis": these count everywhere. */
const EVERYWHERE = ['gpc', 'dnt', 'objected'] as const
/** Known from the token, so they hold on signed sites. */
const SIGNED = ['tenant_opted_out', 'account_closed', 'not_adult', 'wrong_region'] as const

const { least: LEAST_CONSENT, most: MOST_CONSENT } = TIME_BOUNDS.consent

/** The clauses of the privacy policy that Tacit has a control for; `rules explain` says which. */
const CLAUSES: ReadonlySet<string> = new Set([
  '2a',
  '2b',
  '3',
  '4',
  '5',
  '6',
  '7',
  '8',
  '9',
  '10',
  '11',
  '12',
])

function lintClauses({ draft, report }: LintContext): void {
  const clauses = draft.policy?.clauses ?? []
  for (const [index, clause] of clauses.entries()) {
    const place = draft.source.place(['policy', 'clauses', index])
    if (clauses.indexOf(clause) !== index) {
      report('RULE_VALUE_TWICE', place, `Clause ${clause} stands here a second time.`)
    } else if (!CLAUSES.has(clause)) {
      report('RULE_CLAUSE_UNKNOWN', place, `Tacit knows no control for clause ${clause}.`)
    }
  }
}

export function lintPurpose(context: LintContext): void {
  const { draft, report } = context
  const { purpose, source } = draft
  lintClauses(context)
  if (purpose === undefined) return
  if (purpose.refuse_when !== undefined) {
    for (const [index, signal] of purpose.refuse_when.entries()) {
      if (purpose.refuse_when.indexOf(signal) === index) continue
      const place = source.place(['purpose', 'refuse_when', index])
      report('RULE_VALUE_TWICE', place, `The signal ${signal} stands here a second time.`)
    }
    const stated = new Set<string>(purpose.refuse_when)
    const needed = [...EVERYWHERE, ...(hasSite(context, 'signed') ? SIGNED : [])]
    const missing = needed.filter((signal) => !stated.has(signal))
    if (missing.length > 0) {
      const place = source.place(['purpose', 'refuse_when'], 'key')
      report('RULE_REFUSE_WHEN', place, `refuse_when must also name ${missing.join(', ')}.`)
    }
  }
  const { max_consent_age: age } = purpose
  if (age !== undefined && (age < LEAST_CONSENT || age > MOST_CONSENT)) {
    const message = `max_consent_age must be from ${LEAST_CONSENT} to ${MOST_CONSENT} months.`
    report('RULE_CONSENT_AGE', source.place(['purpose', 'max_consent_age']), message)
  }
}
