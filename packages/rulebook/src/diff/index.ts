/**
 * What changes for people from one rulebook to another. Every difference of meaning is classed, and the whole by its
 * worst. What no rule here knows is a loosening: a change that nobody classed must not pass as harmless.
 */
import type { Rulebook } from '../types.js'
import { compareRest } from './compare.js'
import { diffContent } from './content.js'
import { isFrame } from './effect.js'
import { diffFrame, diffPurpose } from './frame.js'
import { diffRelease, diffTimes } from './limits.js'
import { NOTICE_DAYS, NOTICE_MS } from './requirements.js'
import {
  type Change,
  type ChangeClass,
  type DiffRefusal,
  type RulebookDiff,
  type Say,
  utcDate,
} from './types.js'

export { sameDeclaration } from './declaration.js'
export { takingEffect } from './effect.js'
export {
  type ActivationNeed,
  activationNeeds,
  hasOwnNotice,
  hasOwnPolicy,
  isSameHouse,
  NOTICE_DAYS,
} from './requirements.js'
export type { Change, ChangeClass, RulebookDiff } from './types.js'

const MAX_SHOWN = 80

/** What is compared by a rule of its own; `hash` and `sources` follow from the rest. */
const CLASSED: readonly (keyof Rulebook)[] = [
  'name',
  'version',
  'hash',
  'policy',
  'effective',
  'expires',
  'noticeAt',
  'purpose',
  'sites',
  'epochs',
  'fields',
  'events',
  'statistics',
  'release',
  'keep',
  'scan',
  'bots',
  'assets',
  'region',
  'examples',
  'sources',
]

function shown(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text
}

const RANK: Readonly<Record<ChangeClass, number>> = { tighten: 0, neutral: 1, loosen: 2 }

/** The worst of some changes; neutral where there is none but of names and dates. */
function worst(changes: readonly Change[]): ChangeClass {
  const meant = changes.filter((change) => !isFrame(change))
  if (meant.length === 0) return 'neutral'
  return meant.reduce<ChangeClass>(
    (found, change) => (RANK[change.class] > RANK[found] ? change.class : found),
    'tighten',
  )
}

/** Whether a loosening states a notice that is old enough when it takes effect. */
function noticeRefusal(to: Rulebook): DiffRefusal | null {
  if (to.noticeAt === null) {
    return {
      code: 'RULE_LOOSEN_NOTICE',
      message:
        'It loosens the rules and states no notice: tell people, and write the day under `notice: { at: … }`.',
      earliest: null,
    }
  }
  const earliest = to.noticeAt + NOTICE_MS
  if (to.effective >= earliest) return null
  return {
    code: 'RULE_LOOSEN_NOTICE',
    message: `It loosens the rules, and takes effect before people were told of it for ${String(NOTICE_DAYS)} days. The first day it may is ${utcDate(earliest)}.`,
    earliest: utcDate(earliest),
  }
}

/** Compares two rulebooks. Pure. @param from the one that rules @param to the one that shall */
export function diffRulebooks(from: Rulebook, to: Rulebook): RulebookDiff {
  const changes: Change[] = []
  const say: Say = (path, kind, before, after, says) => {
    changes.push({ path, class: kind, from: shown(before), to: shown(after), says })
  }
  diffFrame(say, from, to)
  diffPurpose(say, from.purpose, to.purpose)
  diffTimes(say, from, to)
  diffRelease(say, from.release, to.release)
  diffContent(say, from, to)
  compareRest(say, '', from, to, CLASSED)
  const whole = worst(changes)
  return { class: whole, changes, refusal: whole === 'loosen' ? noticeRefusal(to) : null }
}
