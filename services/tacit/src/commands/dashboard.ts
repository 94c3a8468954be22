/** `tacit dashboard`: the dashboard of a distributed deployment. */
import { Command } from 'commander'
import { accessTokens, signInLink } from '../house/access.js'
import { openDashboardRole } from '../house/dashboard-role.js'
import { readEnvironment } from '../house/environment.js'
import { portOf } from '../house/ports.js'
import { stopSignal, unlessStopped } from '../house/stop-signal.js'
import { print, printJson } from '../output.js'

const LINK_LIFE_MS = 30 * 86_400_000

interface DashboardCommandOptions {
  readonly data: string
  readonly rulebook?: string
  readonly port: string
  readonly json?: boolean
}

export function dashboardCommand(): Command {
  return new Command('dashboard')
    .description('Show what was released, and the privacy team’s views, of a distributed deployment')
    .option('--data <dir>', 'its own data directory: the secret of access tokens', '.tacit')
    .option(
      '--rulebook <file>',
      'the rulebook (default: the one the data directory was made under, else rulebooks/erp)',
    )
    .option('--port <port>', 'what it listens on', '8081')
    .option('--json', 'for machines: one document once it is ready, and nothing else')
    .addHelpText(
      'after',
      '\nExample:\n  $ KAFKA_BROKERS=127.0.0.1:9092 CLICKHOUSE_URL=http://127.0.0.1:8123 TACIT_CLICKHOUSE_PASSWORD_FILE=clickhouse.password TACIT_KEEPER_URL=https://127.0.0.1:8443 npx tacit dashboard --data dashboard-1\n\nWhile it runs, `npx tacit statistics --data dashboard-1`, `ledger` and `keys` ask it.\n',
    )
    .action(show)
}

async function show(options: DashboardCommandOptions): Promise<void> {
  const environment = readEnvironment(process.env)
  const stopped = stopSignal()
  const running = await unlessStopped(
    stopped,
    openDashboardRole(
      { data: options.data, rulebook: options.rulebook, port: portOf(options.port, '--port') },
      environment,
    ),
  )
  try {
    // A container's log is read by more people than a terminal, and these links live long.
    if (options.json !== true && !process.stdout.isTTY) {
      print(
        `The dashboard is ready at ${running.origin}. Sign-in: npx tacit token --data ${options.data} --role product`,
      )
      await stopped
      return
    }
    const access = accessTokens(running.layout)
    const product = signInLink(running.origin, await access.issue('product', LINK_LIFE_MS))
    const privacy = signInLink(running.origin, await access.issue('privacy', LINK_LIFE_MS))
    if (options.json === true) printJson({ ready: true, dashboard: running.origin, product, privacy })
    else {
      print('')
      print('The dashboard is ready.')
      print(`  Product team    ${product}`)
      print(`  Privacy team    ${privacy}`)
      print('  Stop            Ctrl-C')
    }
    await stopped
  } finally {
    await running.close()
  }
}
