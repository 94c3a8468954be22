/** `rules diff`: what changes for people from one rulebook to another. */
import { diffRulebooks } from '@tacit/rulebook'
import { Command } from 'commander'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { EXIT, print, printJson, table } from '../output.js'

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
      '\nExit code: 0 tighten or neutral, 1 loosen (refused or not: the last lines say which), 2 used wrongly, 3 cannot be read.\nA loosening is refused where it takes effect before people were told of it for 30 days (`notice.at`).\n\nExample:\n  $ npx tacit rules diff rulebooks/erp/rulebook.yaml my/rulebook.yaml\n',
    )
    .action((before: string, after: string, { json }: { readonly json?: boolean }) => {
      const diff = diffRulebooks(
        requireRulebook(readRulebook(before), before),
        requireRulebook(readRulebook(after), after),
      )
      if (diff.class === 'loosen') process.exitCode = EXIT.failed
      if (json === true) return printJson(diff)
      if (diff.changes.length === 0) return print('The two rulebooks say the same.')
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
    })
}
