/** A data directory as the verbs that change its rulebook see it. */
import { TacitError } from '@tacit/contracts'
import type { RulebookRegister } from '@tacit/keeper'
import type { Rulebook } from '@tacit/rulebook'
import { presentLayout, type RealmLayout } from './layout.js'
import { archivedRulebook, storedRulebook } from './rulebook-files.js'
import { historyOf } from './rulebook-history.js'
import { openRegister } from './rulebook-register.js'
import { readRunFile } from './run-file.js'

export interface RuledPlace {
  /** absolute path of the data directory */
  readonly dir: string
  readonly layout: RealmLayout
  readonly current: Rulebook
  readonly register: RulebookRegister
  readonly isRunning: boolean
}

/** The realm of a data directory that has a rulebook. @throws TacitError ERR_INPUT_FILE */
export function openPlace(data: string): RuledPlace {
  const whole = presentLayout(data)
  const layout = whole.realm('main')
  const register = openRegister(layout)
  const current = storedRulebook(layout.rulebook)
  if (register === null || current === null) {
    throw new TacitError(
      'ERR_INPUT_FILE',
      `No rulebook rules in ${data} yet; the first start (\`tacit up --data ${data}\`) takes one as it is`,
    )
  }
  return { dir: whole.dir, layout, current, register, isRunning: readRunFile(whole) !== null }
}

/** The rulebook that ruled before. @throws TacitError ERR_ACTIVATION_NOTHING */
export function formerRulebook({ layout, register }: RuledPlace): Rulebook {
  const former = historyOf(register.entries()).reigns.at(-2)
  if (former === undefined) {
    throw new TacitError(
      'ERR_ACTIVATION_NOTHING',
      'No other rulebook ruled here before; there is nothing to go back to',
    )
  }
  return archivedRulebook(layout.archive, former.hash)
}
