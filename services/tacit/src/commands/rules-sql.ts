/** `rules sql`: the tables and the release queries that a rulebook compiles to, and the roles of who may send which. */
import { isReleased, type Rulebook } from '@tacit/rulebook'
import { compiledSql, rolesSql, sqlText } from '@tacit/warehouse'
import { Command } from 'commander'
import { DATABASE, ERP_RULEBOOK } from '../house/layout.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { print, printJson, UsageError } from '../output.js'

interface Options {
  readonly cluster?: string
  readonly json?: boolean
  readonly roles?: boolean
}

/** Windows that are declared and that this version does not compute. */
function notReleased({
  statistics,
}: Rulebook): readonly { readonly statistic: string; readonly window: string }[] {
  return statistics.flatMap((statistic) =>
    statistic.windows
      .filter((window) => !isReleased(statistic, window))
      .map((window) => ({ statistic: statistic.id, window })),
  )
}

export function rulesSqlCommand(): Command {
  return new Command('sql')
    .description(
      'The SQL that a rulebook compiles to: its tables, and what is asked of them when a window closes',
    )
    .argument('[file]', 'the rulebook', ERP_RULEBOOK)
    .option(
      '--roles',
      'instead: the roles, grants and profiles for a ClickHouse server, whatever the rulebook',
    )
    .option('--cluster <name>', 'with --roles: for this cluster, ON CLUSTER')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit rules sql rulebooks/erp/rulebook.yaml\n  $ npx tacit rules sql --json\n  $ npx tacit rules sql --roles | clickhouse-client\n',
    )
    .action((file: string, { cluster, json, roles }: Options) => {
      if (roles === true) {
        const statements = rolesSql({ database: DATABASE, cluster: cluster ?? null })
        if (json === true) printJson({ statements })
        else print(statements.map((statement) => `${statement};`).join('\n'))
        return
      }
      if (cluster !== undefined) throw new UsageError('--cluster goes with --roles')
      const rulebook = requireRulebook(readRulebook(file), file)
      const statements = compiledSql(rulebook, DATABASE)
      const { hash, name, version } = rulebook
      const later = notReleased(rulebook)
      if (json === true) {
        printJson({ rulebook: name, hash, statements, not_released: later })
        return
      }
      const notes = later.map(({ statistic, window }) => `-- No SQL yet: ${statistic} by ${window}.\n`)
      print(`-- ${name} ${version}, ${hash}\n${notes.join('')}\n${sqlText(statements).trimEnd()}`)
    })
}
