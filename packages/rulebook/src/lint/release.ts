/** Thresholds of release. */
import { RELEASE_BOUNDS } from '../bounds.js'
import type { FindingCode } from '../codes.js'
import { isBroken } from '../draft.js'
import { isStated } from '../leaves.js'
import { type LintContext, hasSite } from './context.js'

const { groups: MIN_GROUPS, rows: MAX_ROWS, share: MAX_DOMINANCE, users: MIN_USERS } = RELEASE_BOUNDS

export function lintRelease(context: LintContext): void {
  const { draft, report } = context
  const { release, source } = draft
  if (release === undefined) return
  const say = (code: FindingCode, key: keyof typeof release, message: string): void =>
    report(code, source.place(['release', key]), message)
  const signed = hasSite(context, 'signed')
  const network = hasSite(context, 'network')

  /** whether a threshold is too weak, or missing where a site needs it; one that does not read is neither */
  const isWeak = (
    key: Exclude<keyof typeof release, 'noise'>,
    needed: boolean,
    tooWeak: (value: number) => boolean,
  ): boolean => {
    const value = release[key]
    return value === undefined ? needed && !isBroken(draft, value, ['release', key]) : tooWeak(value)
  }
  if (isWeak('min_users', false, (people) => people < MIN_USERS))
    say('RULE_MIN_USERS', 'min_users', `min_users must be at least ${MIN_USERS}.`)
  if (isWeak('min_tenants', signed, (tenants) => tenants < MIN_GROUPS)) {
    say('RULE_MIN_TENANTS', 'min_tenants', `A signed site needs min_tenants of at least ${MIN_GROUPS}.`)
  }
  if (isWeak('min_networks', network, (networks) => networks < MIN_GROUPS)) {
    say('RULE_MIN_NETWORKS', 'min_networks', `A network site needs min_networks of at least ${MIN_GROUPS}.`)
  }
  if (isWeak('max_share', signed, (share) => share > MAX_DOMINANCE)) {
    say('RULE_SHARE', 'max_share', 'A signed site needs max_share of at most 75%.')
  }
  if (signed && isWeak('max_person_share', false, (share) => share > MAX_DOMINANCE)) {
    say('RULE_PERSON_SHARE', 'max_person_share', 'With a signed site max_person_share is at most 75%.')
  }
  if (isWeak('max_events_per_person', false, (rows) => rows < 1 || rows > MAX_ROWS)) {
    say('RULE_CAP', 'max_events_per_person', `max_events_per_person must be from 1 to ${MAX_ROWS}.`)
  }
  lintStep(context)
  lintUnused(context)
}

/** A step below the threshold: two numbers that are one step apart differ by at least one person and fewer than k. */
function lintStep({ draft, report }: LintContext): void {
  const { min_users: minUsers, step } = draft.release ?? {}
  if (step === undefined || minUsers === undefined || step >= minUsers) return
  const message = `step is ${step}; with min_users of ${minUsers} it must be at least that.`
  report('RULE_STEP', draft.source.place(['release', 'step']), message)
}

/** Thresholds of a kind of site that the rulebook does not declare protect nobody. */
function lintUnused(context: LintContext): void {
  const { draft, report } = context
  const { read, good, broken, present } = draft.sites
  const isKnown = present && read.size === good.size + broken.size
  if (!isKnown || [...read.values()].some(({ identity }) => identity === undefined)) return
  const { source } = draft
  const holdsFor = { min_tenants: 'signed', max_share: 'signed', min_networks: 'network' } as const
  for (const [key, identity] of Object.entries(holdsFor)) {
    if (!isStated(source, ['release', key]) || hasSite(context, identity)) continue
    const message = `${key} holds for ${identity} sites, and there is none.`
    report('RULE_THRESHOLD_UNUSED', source.place(['release', key], 'key'), message)
  }
}
