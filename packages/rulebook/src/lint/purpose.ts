/** Purpose and consent. */
import { type LintContext, hasSite } from './context.js'

/** Interface.md, "Basis": these count everywhere. */
const EVERYWHERE = ['gpc', 'dnt', 'objected'] as const
/** Known from the token, so they hold on signed sites. */
const SIGNED = ['tenant_opted_out', 'account_closed', 'not_adult', 'wrong_region'] as const

const MAX_CONSENT_MONTHS = 13

export function lintPurpose(context: LintContext): void {
  const { draft, report } = context
  const { purpose, source } = draft
  if (purpose === undefined) return
  const stated = new Set<string>(purpose.refuse_when)
  const needed = [...EVERYWHERE, ...(hasSite(context, 'signed') ? SIGNED : [])]
  const missing = needed.filter((signal) => !stated.has(signal))
  if (missing.length > 0) {
    const place = source.place(['purpose', 'refuse_when'], 'key')
    report('RULE_REFUSE_WHEN', place, `refuse_when must also name ${missing.join(', ')}.`)
  }
  if (purpose.max_consent_age < 1 || purpose.max_consent_age > MAX_CONSENT_MONTHS) {
    const message = `max_consent_age must be from 1 to ${MAX_CONSENT_MONTHS} months.`
    report('RULE_CONSENT_AGE', source.place(['purpose', 'max_consent_age']), message)
  }
}
