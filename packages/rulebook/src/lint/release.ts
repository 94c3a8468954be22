/** Thresholds of release. Sources: design.md, "Disclosure"; the handbook on statistical disclosure control. */
import type { FindingCode } from '../codes.js'
import { type LintContext, hasSite } from './context.js'

const MIN_USERS = 5
const MIN_GROUPS = 2
const MAX_DOMINANCE = 0.75
const MAX_ROWS = 10_000

export function lintRelease(context: LintContext): void {
  const { draft, report } = context
  const { release, source } = draft
  if (release === undefined) return
  const say = (code: FindingCode, key: keyof typeof release, message: string): void =>
    report(code, source.place(['release', key]), message)
  const signed = hasSite(context, 'signed')
  const network = hasSite(context, 'network')

  if (release.min_users < MIN_USERS)
    say('RULE_MIN_USERS', 'min_users', `min_users must be at least ${MIN_USERS}.`)
  if (release.min_tenants === undefined ? signed : release.min_tenants < MIN_GROUPS) {
    say('RULE_MIN_TENANTS', 'min_tenants', `A signed site needs min_tenants of at least ${MIN_GROUPS}.`)
  }
  if (release.min_networks === undefined ? network : release.min_networks < MIN_GROUPS) {
    say('RULE_MIN_NETWORKS', 'min_networks', `A network site needs min_networks of at least ${MIN_GROUPS}.`)
  }
  if (release.max_share === undefined ? signed : release.max_share > MAX_DOMINANCE) {
    say('RULE_SHARE', 'max_share', 'A signed site needs max_share of at most 75%.')
  }
  if (signed && release.max_person_share > MAX_DOMINANCE) {
    say('RULE_PERSON_SHARE', 'max_person_share', 'With a signed site max_person_share is at most 75%.')
  }
  if (release.max_events_per_person < 1 || release.max_events_per_person > MAX_ROWS) {
    say('RULE_CAP', 'max_events_per_person', `max_events_per_person must be from 1 to ${MAX_ROWS}.`)
  }
}
