/** How long keys may have lived in a realm, for a verification of its audit log. */
import type { LifeRules } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import type { Rulebook } from '@tacit/rulebook'
import type { RealmLayout } from './layout.js'
import { RealmRulebooks } from './realm-rulebooks.js'
import { archivedRulebooks } from './rulebook-files.js'

export interface RuledLives {
  /** the longest that any rulebook gave which ever ruled there: the log is of all their times; null where none is known */
  readonly lives: Required<Pick<LifeRules, 'destroyAfterMs' | 'hourLifeMs'>> | null
  /** whether earlier rulebooks could not be read, so that they are those of the current one alone */
  readonly isRegisterDamaged: boolean
}

/** @param current the rulebook that rules there now; null at a keeper of its own, which keeps each that it was started with */
export function ruledLives(layout: RealmLayout, current: Rulebook | null): RuledLives {
  try {
    const rulebooks =
      current === null ? archivedRulebooks(layout.archive) : new RealmRulebooks(layout, current).all()
    return { lives: longest(rulebooks), isRegisterDamaged: false }
  } catch (error) {
    // What the audit log tells is worth knowing all the more then.
    if (!(error instanceof TacitError) || error.code !== 'ERR_REGISTER_DAMAGED') throw error
    return { lives: longest(current === null ? [] : [current]), isRegisterDamaged: true }
  }
}

function longest(rulebooks: readonly Rulebook[]): RuledLives['lives'] {
  if (rulebooks.length === 0) return null
  return {
    destroyAfterMs: Math.max(...rulebooks.map(({ epochs }) => epochs.destroyKeyAfterMs)),
    hourLifeMs: Math.max(...rulebooks.map(({ keep }) => keep.logMs)),
  }
}
