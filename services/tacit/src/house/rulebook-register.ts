/** The register of a realm's rulebooks at a start: begun where there is none, and obeyed where a crash came in between. */
import { existsSync } from 'node:fs'
import type { Clock } from '@tacit/contracts'
import { RulebookRegister } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import type { RealmLayout } from './layout.js'
import { archivedRulebook, archiveRulebook, storeRulebook } from './rulebook-files.js'
import { historyOf } from './rulebook-history.js'

/** Opens the register of a realm, or null where there is none. */
export function openRegister(layout: RealmLayout): RulebookRegister | null {
  return existsSync(layout.register) ? RulebookRegister.open(layout.register) : null
}

/**
 * Settles which rulebook a realm begins with: the register's last, and on empty stores the given one as `initial`.
 * @param stored the one that the stores were made under
 */
export function settleRegister(layout: RealmLayout, stored: Rulebook, clock: Clock): Rulebook {
  const register = RulebookRegister.open(layout.register)
  archiveRulebook(layout.archive, stored)
  const last = historyOf(register.entries()).reigns.at(-1)
  if (last === undefined) {
    register.append({ action: 'initial', hash: stored.hash }, clock.now())
    return stored
  }
  if (last.hash === stored.hash) return stored
  // The register was written, and the copy beside the stores was not: a crash came in between.
  const rulebook = archivedRulebook(layout.archive, last.hash)
  storeRulebook(layout.rulebook, rulebook)
  return rulebook
}
