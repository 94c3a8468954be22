/** Changes of what frames a rulebook: names and dates, the policy it serves, its one purpose. */
import type { Rulebook } from '../types.js'
import { canonical, compareNumber, compareRest, compareSet, equal } from './compare.js'
import { type Say, utcDate } from './types.js'

/**
 * Consent counts only for the very policy that it was given to.
 *
 * A newer version is neutral: by itself it lets nothing more through, since former consents stop counting until people
 * are asked anew; and it is no tightening, since whom it leaves out may be asked tomorrow, under a text that nobody here
 * has read. An older version is a loosening: consents that had stopped counting would count again, though nobody was
 * asked for what rules now.
 * @param from,to dates, `2026-11-01`, which sort as text
 */
function diffPolicyVersion(say: Say, from: string, to: string): void {
  if (from === to) return
  if (to > from)
    say(
      'policy.version',
      'neutral',
      from,
      to,
      'It serves a newer policy; consents to the former one no longer cover it.',
    )
  else
    say(
      'policy.version',
      'loosen',
      from,
      to,
      'It goes back to an older policy; consents to that one would count again.',
    )
}

function noticeSays(from: number | null, to: number | null): string {
  if (to === null) return 'It no longer says when people were told.'
  return from === null ? 'It says when people were told.' : 'People were told on another day.'
}

/** Its name, dates, policy and examples. */
export function diffFrame(say: Say, from: Rulebook, to: Rulebook): void {
  const neutral = (path: string, a: unknown, b: unknown, says: string): void => {
    if (!equal(a, b)) say(path, 'neutral', a, b, says)
  }
  neutral('rulebook', from.name, to.name, 'The rulebook has another name.')
  neutral('version', from.version, to.version, 'The rulebook has another version.')
  diffPolicyVersion(say, from.policy.version, to.policy.version)
  compareRest(say, 'policy', from.policy, to.policy, ['version', 'clauses'])
  compareSet(
    say,
    'policy.clauses',
    from.policy.clauses,
    to.policy.clauses,
    { class: 'neutral', says: (clause) => `It says that it serves clause ${clause}.` },
    { class: 'loosen', says: (clause) => `It no longer says that it serves clause ${clause}.` },
  )
  neutral('effective', utcDate(from.effective), utcDate(to.effective), 'It takes effect on another day.')
  // A later day means that two people looked at the rules again, which is what the day is for: it promises an end to
  // unwatched rules, not to counting. The linter bounds how far ahead it may lie (13 months).
  neutral(
    'expires',
    utcDate(from.expires),
    utcDate(to.expires),
    'It is to be looked at again on another day.',
  )
  neutral(
    'notice.at',
    from.noticeAt === null ? null : utcDate(from.noticeAt),
    to.noticeAt === null ? null : utcDate(to.noticeAt),
    noticeSays(from.noticeAt, to.noticeAt),
  )
  neutral('examples', from.examples.length, to.examples.length, 'It has other examples.')
  if (from.examples.length === to.examples.length)
    neutral('examples', canonical(from.examples), canonical(to.examples), 'It has other examples.')
}

/** Its purpose, the consent it asks for, and what counts as a refusal. */
export function diffPurpose(say: Say, from: Rulebook['purpose'], to: Rulebook['purpose']): void {
  if (from.id !== to.id)
    say(
      'purpose.id',
      'loosen',
      from.id,
      to.id,
      'It serves another purpose, which people were never asked for.',
    )
  if (from.consent !== to.consent)
    say('purpose.consent', 'loosen', from.consent, to.consent, 'Another consent is asked for.')
  compareNumber(
    say,
    'purpose.max_consent_age',
    from.maxConsentAgeMonths,
    to.maxConsentAgeMonths,
    'loosen',
    {
      up: 'Older consent counts.',
      down: 'Consent goes stale sooner.',
    },
    (months) => `${String(months)} months`,
  )
  compareSet(
    say,
    'purpose.refuse_when',
    [...from.refuseWhen],
    [...to.refuseWhen],
    { class: 'tighten', says: (signal) => `It also refuses on ${signal}.` },
    { class: 'loosen', says: (signal) => `It no longer refuses on ${signal}.` },
  )
  compareRest(say, 'purpose', from, to, ['id', 'consent', 'maxConsentAgeMonths', 'refuseWhen'])
}
