import { Command } from 'commander'
import { activationCommands } from './rules-activate.js'
import { approvalCommands } from './rules-approvals.js'
import { rulesCheckCommand } from './rules-check.js'
import { rulesDiffCommand } from './rules-diff.js'
import { rulesExplainCommand } from './rules-explain.js'
import { rulesInitCommand } from './rules-init.js'
import { rulesKeygenCommand } from './rules-keygen.js'
import { rulesSchemaCommand } from './rules-schema.js'
import { rulesShadowCommand } from './rules-shadow.js'
import { rulesSqlCommand } from './rules-sql.js'
import { rulesTestCommand } from './rules-test.js'
import { rulesTryCommand } from './rules-try.js'
import { rulesWordsCommand } from './rules-words.js'

export function rulesCommand(): Command {
  const command = new Command('rules')
    .description('Rulebooks: check, explain, compare, try, test and activate them')
    .addCommand(rulesCheckCommand())
    .addCommand(rulesExplainCommand())
    .addCommand(rulesDiffCommand())
    .addCommand(rulesInitCommand())
    .addCommand(rulesKeygenCommand())
    .addCommand(rulesSchemaCommand())
    .addCommand(rulesShadowCommand())
    .addCommand(rulesSqlCommand())
    .addCommand(rulesTestCommand())
    .addCommand(rulesTryCommand())
    .addCommand(rulesWordsCommand())
    .addHelpText('after', '\nExample:\n  $ npx tacit rules check rulebooks/erp/rulebook.yaml\n')
  for (const one of [...activationCommands(), ...approvalCommands()]) command.addCommand(one)
  return command
}
