/**
 * What a change of the rulebook must bring before it may rule, as far as the two rulebooks tell: for `rules diff`, which
 * says it beforehand, and for the activation, which asks for it. Source: controls.md, clause 11; privacy.md, INV-18.
 */
import { DAY } from '@tacit/contracts'
import type { Rulebook } from '../types.js'
import { takingEffect } from './effect.js'
import { type RulebookDiff, utcDate } from './types.js'

/** People are told so long before a loosening takes effect (privacy policy, clause 11). */
export const NOTICE_DAYS = 30
export const NOTICE_MS = NOTICE_DAYS * DAY

/** One thing that activation asks for. */
export interface ActivationNeed {
  readonly need:
    | 'same_house'
    | 'not_expired'
    | 'signatures'
    | 'notice_on_record'
    | 'own_notice'
    | 'own_policy'
  /** whether the rulebook itself brings it; null where only a running system can tell */
  readonly met: boolean | null
  readonly says: string
}

/**
 * Whether no consent that was given to the former rulebook covers this one: it serves a newer policy, or asks nobody
 * for consent. Versions are dates, which sort as text.
 */
export function hasOwnPolicy(from: Rulebook, to: Rulebook): boolean {
  const asked = Object.values(to.sites).some(({ lawfulBasis }) => lawfulBasis === 'consent')
  return !asked || to.policy.version > from.policy.version
}

/** Whether people were told of this very rulebook: after they were told of the former one. */
export function hasOwnNotice(from: Rulebook, to: Rulebook): boolean {
  return to.noticeAt !== null && (from.noticeAt === null || to.noticeAt > from.noticeAt)
}

/** Whether one data directory may be ruled by both: keys, tables and pseudonyms belong to one purpose and identity (INV-21). */
export function isSameHouse(from: Rulebook, to: Rulebook): boolean {
  const moved = Object.values(to.sites).some((site) => {
    const before = from.sites[site.id]
    return before !== undefined && before.identity !== site.identity
  })
  return from.purpose.id === to.purpose.id && !moved && from.region === to.region
}

/** What no rulebook has to say of itself, and what keeps it out all the same: only where it does. */
function obstacles(from: Rulebook, to: Rulebook, diff: RulebookDiff, now: number): ActivationNeed[] {
  const found: ActivationNeed[] = []
  if (!isSameHouse(from, to)) {
    found.push({
      need: 'same_house',
      met: false,
      says: 'The same purpose, region and identity of each site: another one has keys and tables of its own, in another data directory.',
    })
  }
  const { at } = takingEffect(diff, to, now)
  if (to.expires <= at) {
    found.push({
      need: 'not_expired',
      met: false,
      says: `An \`expires\` after ${utcDate(at)}, the day from which it could rule.`,
    })
  }
  return found
}

/**
 * What activation will ask for; nothing where nothing changes.
 * @param diff of the two @param now ms, when activation is asked
 */
export function activationNeeds(
  from: Rulebook,
  to: Rulebook,
  diff: RulebookDiff,
  now: number,
): readonly ActivationNeed[] {
  if (diff.changes.length === 0) return []
  const signatures: ActivationNeed = {
    need: 'signatures',
    met: null,
    says: 'Two approvers sign this very change (`tacit rules sign`).',
  }
  const hard = obstacles(from, to, diff, now)
  if (diff.class !== 'loosen') return [...hard, signatures]
  return [...hard, ...looseningNeeds(from, to), signatures]
}

function looseningNeeds(from: Rulebook, to: Rulebook): readonly ActivationNeed[] {
  return [
    {
      need: 'own_policy',
      met: hasOwnPolicy(from, to),
      says: `A policy.version newer than ${from.policy.version}, where a site is on consent: people are asked anew, because the consent they gave does not cover a loosening.`,
    },
    {
      need: 'own_notice',
      met: hasOwnNotice(from, to),
      says: 'A notice of its own: notice.at lies after the former rulebook’s.',
    },
    {
      need: 'notice_on_record',
      met: null,
      says: `The notice is on record where it shall rule (\`tacit rules notice\`), ${String(NOTICE_DAYS)} days before it takes effect.`,
    },
  ]
}
