/** `tacit collector`: a collector of its own, before the brokers of a distributed deployment. */
import { Command } from 'commander'
import { jumpText } from '../house/clock-watch.js'
import { openCollectorRole } from '../house/collector-role.js'
import { readEnvironment } from '../house/environment.js'
import { portOf } from '../house/ports.js'
import { stopSignal, unlessStopped } from '../house/stop-signal.js'
import { print, printJson } from '../output.js'

interface CollectorCommandOptions {
  readonly data: string
  readonly rulebook?: string
  readonly port: string
  readonly json?: boolean
}

export function collectorCommand(): Command {
  return new Command('collector')
    .description('Take beacons in, and write sealed batches to the brokers of KAFKA_BROKERS')
    .option('--data <dir>', 'its own data directory: the spool, and its clock', '.tacit')
    .option(
      '--rulebook <file>',
      'the rulebook (default: the one the data directory was made under, else rulebooks/erp)',
    )
    .option('--port <port>', 'what it listens on', '8080')
    .option('--json', 'for machines: one document once it is ready, and nothing else')
    .addHelpText(
      'after',
      '\nExample:\n  $ KAFKA_BROKERS=127.0.0.1:9092 TACIT_KEEPER_URL=https://127.0.0.1:8443 npx tacit collector --data collector-1 --port 8080\n\nFrom nothing to two collectors and two aggregators: docs/distributed.md\n',
    )
    .action(collect)
}

async function collect(options: CollectorCommandOptions): Promise<void> {
  const environment = readEnvironment(process.env)
  const stopped = stopSignal()
  const running = await unlessStopped(
    stopped,
    openCollectorRole(
      { data: options.data, rulebook: options.rulebook, port: portOf(options.port, '--port') },
      environment,
    ),
  )
  try {
    const clock = running.jump === null ? null : jumpText(running.jump, options.data)
    if (options.json === true) printJson({ ready: clock === null, collector: running.origin, clock })
    else {
      print('')
      print('The collector runs.')
      print(`  Beacons    ${running.origin}/v1/beacon`)
      print(`  Ready      ${running.origin}/readyz`)
      if (clock !== null) print(`  ${clock}`)
      print('  Stop       Ctrl-C')
    }
    await stopped
    if (options.json !== true) print('\nStopping: what was taken is durable.')
  } finally {
    await running.close()
  }
}
