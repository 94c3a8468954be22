/** `tacit aggregator`: one of the aggregators of a distributed deployment. */
import { Command } from 'commander'
import { openAggregatorRole } from '../house/aggregator-role.js'
import { jumpText } from '../house/clock-watch.js'
import { readEnvironment } from '../house/environment.js'
import { portOf } from '../house/ports.js'
import { stopSignal, unlessStopped } from '../house/stop-signal.js'
import { print, printJson } from '../output.js'

interface AggregatorCommandOptions {
  readonly data: string
  readonly rulebook?: string
  readonly healthPort: string
  readonly json?: boolean
}

export function aggregatorCommand(): Command {
  return new Command('aggregator')
    .description(
      'Stage what the brokers of KAFKA_BROKERS hold in ClickHouse, settle and release, with others of its kind',
    )
    .option('--data <dir>', 'its own data directory', '.tacit')
    .option(
      '--rulebook <file>',
      'the rulebook (default: the one the data directory was made under, else rulebooks/erp)',
    )
    .option('--health-port <port>', 'where /healthz and /readyz are', '8082')
    .option('--json', 'for machines: one document once it runs, and nothing else')
    .addHelpText(
      'after',
      '\nExample:\n  $ KAFKA_BROKERS=127.0.0.1:9092 CLICKHOUSE_URL=http://127.0.0.1:8123 TACIT_CLICKHOUSE_PASSWORD_FILE=clickhouse.password TACIT_KEEPER_URL=https://127.0.0.1:8443 npx tacit aggregator --data aggregator-1\n\nAs many as the log has partitions share the work; one of them settles and releases, and another takes over when it ends.\nFrom nothing to two collectors and two aggregators: docs/distributed.md\n',
    )
    .action(aggregate)
}

async function aggregate(options: AggregatorCommandOptions): Promise<void> {
  const environment = readEnvironment(process.env)
  const stopped = stopSignal()
  const running = await unlessStopped(
    stopped,
    openAggregatorRole(
      {
        data: options.data,
        rulebook: options.rulebook,
        healthPort: portOf(options.healthPort, '--health-port'),
      },
      environment,
    ),
  )
  try {
    const clock = running.jump === null ? null : jumpText(running.jump, options.data)
    if (options.json === true) printJson({ ready: clock === null, health: running.health, clock })
    else {
      print('')
      print('The aggregator runs.')
      print(`  Ready      ${running.health}/readyz`)
      if (clock !== null) print(`  ${clock}`)
      print('  Stop       Ctrl-C')
    }
    await stopped
    if (options.json !== true) print('\nStopping: what is not staged is in the log.')
  } finally {
    await running.close()
  }
}
