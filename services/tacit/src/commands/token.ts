import { Command, Option } from 'commander'
import { accessTokens, signInLink } from '../house/access.js'
import { dataLayout } from '../house/layout.js'
import { readRunFile } from '../house/run-file.js'
import { print, printJson } from '../output.js'

const DAY_MS = 86_400_000

interface TokenOptions {
  readonly role: 'product' | 'privacy' | 'admin'
  readonly days: string
  readonly data: string
  readonly json?: boolean
}

export function tokenCommand(): Command {
  return new Command('token')
    .description('An access token for the dashboard and its API')
    .addOption(
      new Option('--role <role>', 'what it may read')
        .choices(['product', 'privacy', 'admin'])
        .makeOptionMandatory(),
    )
    .addOption(new Option('--days <n>', 'how long it lives, at most 90').default('30'))
    .option('--data <dir>', 'data directory', '.tacit')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExample:\n  $ npx tacit token --role product\n')
    .action(async (options: TokenOptions) => {
      const layout = dataLayout(options.data)
      const token = await accessTokens(layout).issue(options.role, Number(options.days) * DAY_MS)
      const running = readRunFile(layout)
      const link = running === null ? null : signInLink(running.dashboard, token)
      if (options.json) printJson({ role: options.role, token, link })
      else {
        print(token)
        // Beside the token, so that `$(tacit token …)` is the token alone.
        if (link !== null) process.stderr.write(`Sign in: ${link}\n`)
      }
    })
}
