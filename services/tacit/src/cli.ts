/** `tacit <verb>`: the command line. Each verb is a file in `commands/`. */
import { Command, CommanderError } from 'commander'
import { guardProcess } from './house/process-guard.js'
import { EXIT, reportError } from './output.js'

/** Each verb's file is loaded when it is asked for: all of them together take a second to load. */
const VERBS: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./commands/up.js')).upCommand(),
  import: async () => (await import('./commands/import.js')).importCommand(),
  simulate: async () => (await import('./commands/simulate.js')).simulateCommand(),
  rules: async () => (await import('./commands/rules.js')).rulesCommand(),
  statistics: async () => (await import('./commands/statistics.js')).statisticsCommand(),
  ledger: async () => (await import('./commands/ledger.js')).ledgerCommand(),
  keys: async () => (await import('./commands/keys.js')).keysCommand(),
  audit: async () => (await import('./commands/audit.js')).auditCommand(),
  token: async () => (await import('./commands/token.js')).tokenCommand(),
  collector: async () => (await import('./commands/collector.js')).collectorCommand(),
  aggregator: async () => (await import('./commands/aggregator.js')).aggregatorCommand(),
  dashboard: async () => (await import('./commands/dashboard.js')).dashboardCommand(),
  keeper: async () => (await import('./commands/keeper.js')).keeperCommand(),
  clock: async () => (await import('./commands/clock.js')).clockCommand(),
  reset: async () => (await import('./commands/reset.js')).resetCommand(),
  bench: async () => (await import('./commands/bench.js')).benchCommand(),
}

/** @param verb the first argument: where it is a verb, the others are not loaded */
async function createProgram(verb: string | undefined): Promise<Command> {
  const program = new Command('tacit')
    .description('Usage statistics that a product team can read and nobody can trace back to a person.')
    .showHelpAfterError('(tacit <verb> --help shows examples)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a check failed, 2 used wrongly, 3 the system could not.\n\nStart with:\n  $ npm start\n',
    )
  const isOne = verb !== undefined && Object.hasOwn(VERBS, verb)
  for (const [name, load] of Object.entries(VERBS))
    if (!isOne || name === verb) program.addCommand(await load())
  return program
}

function exitInsteadOfThrow(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) exitInsteadOfThrow(child)
}

/** Runs one command line. @param args without node and script @returns the exit code */
export async function runCli(args: readonly string[]): Promise<number> {
  process.exitCode = EXIT.done
  try {
    guardProcess()
    const program = await createProgram(args[0])
    exitInsteadOfThrow(program)
    await program.parseAsync([...args], { from: 'user' })
    return Number(process.exitCode ?? EXIT.done)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    return reportError(error)
  }
}
