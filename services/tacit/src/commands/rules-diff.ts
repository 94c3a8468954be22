/** `rules diff`: what changes for people from one rulebook to another. */
import { systemClock, TacitError } from '@tacit/contracts'
import {
  type ActivationNeed,
  activationNeeds,
  diffRulebooks,
  type Rulebook,
  type RulebookDiff,
} from '@tacit/rulebook'
import { Command } from 'commander'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { EXIT, print, printJson, table, UsageError } from '../output.js'

const WORDS = {
  tighten: 'It tightens the rules: less is collected, kept or published.',
  neutral: 'It neither tightens nor loosens the rules.',
  loosen: 'It loosens the rules: more is collected, kept or published.',
} as const

export function rulesDiffCommand(): Command {
  return new Command('diff')
    .description(
      'What changes for people from one rulebook to another: each change tighten, neutral or loosen, the whole as its worst',
    )
    .argument('<before>', 'the rulebook that rules')
    .argument('<after>', 'the rulebook that shall')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExit code: 0 tighten or neutral (also where the two say the same), 1 loosen, refused or not (the last lines say which), 2 used wrongly, or a file cannot be read or has errors, 3 the system could not.\nA loosening is refused where it takes effect before people were told of it for 30 days (`notice.at`). What activation will ask for besides is said below the changes.\n\nExample:\n  $ npx tacit rules diff rulebooks/erp/rulebook.yaml my/rulebook.yaml\n',
    )
    .action((before: string, after: string, { json }: { readonly json?: boolean }) => {
      const [from, to] = [comparable(before), comparable(after)]
      const diff = diffRulebooks(from, to)
      const needs = activationNeeds(from, to, diff, systemClock.now())
      if (diff.class === 'loosen') process.exitCode = EXIT.failed
      if (json === true) return printJson({ ...diff, before_activation: needs })
      if (diff.changes.length === 0) return print('The two rulebooks say the same.')
      printDiff(diff, needs)
    })
}

/** A rulebook without errors; one that has some cannot be compared, which says nothing about any change. @throws UsageError */
function comparable(file: string): Rulebook {
  try {
    return requireRulebook(readRulebook(file), file)
  } catch (error) {
    if (error instanceof TacitError && error.code === 'ERR_RULEBOOK_INVALID')
      throw new UsageError(`${error.message} (${error.code})`)
    throw error
  }
}

const MET = (met: boolean | null): string => (met === null ? '' : met ? ' It has that.' : ' It lacks that.')

function printDiff(diff: RulebookDiff, needs: readonly ActivationNeed[]): void {
  const rows = diff.changes.map(({ class: kind, from, path, says, to }) => [
    kind,
    path,
    from ?? '—',
    to ?? '—',
    says,
  ])
  print(`${table(['', 'where', 'before', 'after', 'what it means'], rows)}\n`)
  print(WORDS[diff.class])
  if (diff.refusal !== null) print(`Refused: ${diff.refusal.message}`)
  print('Before it may rule, activation asks for:')
  for (const { met, says } of needs) print(`  - ${says}${MET(met)}`)
}
