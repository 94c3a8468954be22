import { Command } from 'commander'
import { ERP_RULEBOOK } from '../house/layout.js'
import { findingText, readRulebook } from '../house/rulebook-files.js'
import { EXIT, print, printJson } from '../output.js'
import { activationCommands } from './rules-activate.js'
import { rulesDiffCommand } from './rules-diff.js'
import { rulesExplainCommand } from './rules-explain.js'
import { rulesSchemaCommand } from './rules-schema.js'
import { rulesShadowCommand } from './rules-shadow.js'
import { rulesSqlCommand } from './rules-sql.js'
import { rulesTestCommand } from './rules-test.js'
import { rulesTryCommand } from './rules-try.js'
import { rulesWordsCommand } from './rules-words.js'

const count = (many: number, word: string): string => `${many} ${word}${many === 1 ? '' : 's'}`

interface CheckOptions {
  readonly json?: boolean
}

function checkCommand(): Command {
  return new Command('check')
    .description(
      'Read a rulebook and its catalogues, and say everything that is wrong, with place, reason and remedy',
    )
    .argument('[file]', 'the rulebook', ERP_RULEBOOK)
    .option('--json', 'for machines')
    .addHelpText('after', '\nExample:\n  $ npx tacit rules check rulebooks/erp/rulebook.yaml\n')
    .action((file: string, { json }: CheckOptions) => {
      const { findings, rulebook } = readRulebook(file)
      const errors = findings.filter(({ severity }) => severity === 'error').length
      if (json)
        printJson({
          ok: rulebook !== null,
          rulebook: rulebook?.name ?? null,
          hash: rulebook?.hash ?? null,
          findings,
        })
      else {
        for (const finding of findings) print(findingText(finding))
        const warnings = findings.length - errors
        print(
          rulebook === null
            ? `${count(errors, 'error')}, ${count(warnings, 'warning')}.`
            : `${rulebook.name} ${rulebook.version} is sound (${count(warnings, 'warning')}). Hash ${rulebook.hash}`,
        )
      }
      if (rulebook === null) process.exitCode = EXIT.failed
    })
}

export function rulesCommand(): Command {
  const command = new Command('rules')
    .description('Rulebooks: check, explain, compare, try, test and activate them')
    .addCommand(checkCommand())
    .addCommand(rulesExplainCommand())
    .addCommand(rulesDiffCommand())
    .addCommand(rulesSchemaCommand())
    .addCommand(rulesShadowCommand())
    .addCommand(rulesSqlCommand())
    .addCommand(rulesTestCommand())
    .addCommand(rulesTryCommand())
    .addCommand(rulesWordsCommand())
    .addHelpText('after', '\nExample:\n  $ npx tacit rules check rulebooks/erp/rulebook.yaml\n')
  for (const one of activationCommands()) command.addCommand(one)
  return command
}
