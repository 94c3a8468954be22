/** `tacit <verb>`: the command line. Each verb is a file in `commands/`. */
import { Command, CommanderError } from 'commander'
import { benchCommand } from './commands/bench.js'
import { importCommand } from './commands/import.js'
import { ledgerCommand } from './commands/ledger.js'
import { resetCommand } from './commands/reset.js'
import { rulesCommand } from './commands/rules.js'
import { simulateCommand } from './commands/simulate.js'
import { statisticsCommand } from './commands/statistics.js'
import { tokenCommand } from './commands/token.js'
import { upCommand } from './commands/up.js'
import { EXIT, reportError } from './output.js'

function createProgram(): Command {
  const program = new Command('tacit')
    .description('Usage statistics that a product team can read and nobody can trace back to a person.')
    .showHelpAfterError('(tacit <verb> --help shows examples)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a check failed, 2 used wrongly, 3 the system could not.\n\nStart with:\n  $ npm start\n',
    )
  for (const command of [
    upCommand(),
    importCommand(),
    simulateCommand(),
    rulesCommand(),
    statisticsCommand(),
    ledgerCommand(),
    tokenCommand(),
    resetCommand(),
    benchCommand(),
  ]) {
    program.addCommand(command)
  }
  return program
}

function exitInsteadOfThrow(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) exitInsteadOfThrow(child)
}

/** Runs one command line. @param args without node and script @returns the exit code */
export async function runCli(args: readonly string[]): Promise<number> {
  const program = createProgram()
  exitInsteadOfThrow(program)
  process.exitCode = EXIT.done
  try {
    await program.parseAsync([...args], { from: 'user' })
    return Number(process.exitCode ?? EXIT.done)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    return reportError(error)
  }
}
