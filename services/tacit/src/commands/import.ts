/**
 * `tacit import`: web-server access logs, or NDJSON of beacons, through the same way as live beacons. The clock is
 * driven by the lines, so epochs open, close and die as they did then.
 */
import { DrivenClock, systemClock } from '@tacit/contracts'
import { Command, Option } from 'commander'
import { counted } from '../counted.js'
import { DrivenRun } from '../house/driven.js'
import { readEnvironment } from '../house/environment.js'
import { openHouse } from '../house/house.js'
import { Importer, type ImportTotals } from '../house/importer.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import { requireFiles, totalBytes } from '../house/lines.js'
import type { ImportFormat } from '../house/log-items.js'
import { readRulebook, requireEffective, requireRulebook, settleRulebook } from '../house/rulebook-files.js'
import { settleRegister } from '../house/rulebook-register.js'
import { print, printJson, progress, table } from '../output.js'

interface ImportOptions {
  readonly format?: ImportFormat
  readonly rulebook?: string
  readonly site?: string
  readonly keepOpen?: boolean
  readonly data: string
  readonly json?: boolean
}

export function importCommand(): Command {
  return new Command('import')
    .description('Play access logs, or NDJSON of beacons, through the same way as live beacons')
    .argument('<files...>', 'log files, .gz too; - for standard input')
    .addOption(
      new Option('--format <format>', 'told from the first lines by default').choices([
        'combined',
        'common',
        'beacons',
      ]),
    )
    .option(
      '--rulebook <file>',
      'the rulebook (default: the one the data directory was made under, else rulebooks/erp)',
    )
    .option('--site <site>', 'the site that the lines belong to (default: the first that needs no consent)')
    .option('--keep-open', 'leave the last windows open for the next file')
    .option('--data <dir>', 'data directory', '.tacit')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit import access.log --rulebook rulebooks/website/rulebook.yaml --data /tmp/site\n  $ zcat access.log.2.gz | npx tacit import - --data /tmp/site\n',
    )
    .action(importFiles)
}

async function importFiles(files: readonly string[], options: ImportOptions): Promise<void> {
  const environment = readEnvironment(process.env)
  await requireFiles(files)
  const file = options.rulebook
  const loaded = file === undefined ? null : readRulebook(file)
  const given = loaded === null ? null : requireRulebook(loaded, file ?? '')
  const house = await openHouse(options.data)
  try {
    const layout = house.layout.realm('main')
    const stored = settleRulebook(layout.rulebook, given, () =>
      requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK),
    )
    const rulebook = settleRegister(layout, stored, systemClock)
    requireEffective(rulebook, systemClock)
    // The first line starts the clock; until then nothing asks for the time.
    const clock = new DrivenClock(0)
    const realm = await house.openRealm({
      layout,
      rulebook,
      clock,
      isDriven: true,
      service: 'import',
      ratePerToken: environment.TACIT_RATE_PER_TOKEN,
    })
    const run = new DrivenRun(realm, clock)
    const importer = new Importer({
      realm,
      run,
      clock,
      trustedProxies: environment.TACIT_TRUSTED_PROXIES,
      nat64Prefixes: environment.TACIT_NAT64_PREFIXES,
      ...(options.site === undefined ? {} : { site: options.site }),
    })
    const bar = progress(totalBytes(files), 'bytes')
    const totals = await importer.play(files, options.format ?? null, (bytes, lines) =>
      bar.update(bytes, counted(lines, 'line')),
    )
    if (options.keepOpen === true) await run.pause()
    else await run.finish()
    bar.stop()
    report(totals, run, options.json === true)
  } finally {
    await house.close()
  }
  if (options.json === true) return
  const warnings = loaded?.findings.length ?? 0
  if (warnings > 0) {
    print(`${counted(warnings, 'warning')} about this rulebook: npx tacit rules check ${file}`)
  }
  print('The source log still identifies people: delete it when it is no longer needed.')
}

function report(totals: ImportTotals, run: DrivenRun, json: boolean): void {
  const released = run.released.map(({ cells, statistic, window, windowStart, withheld }) => ({
    statistic,
    window,
    window_start: `${new Date(windowStart).toISOString().slice(0, 19)}Z`,
    cells,
    withheld,
  }))
  if (json) {
    printJson({ ...totals, released })
    return
  }
  print(
    `received ${totals.received} = accepted ${totals.accepted}${Object.entries(totals.dropped)
      .map(([reason, count]) => ` + ${reason} ${count}`)
      .join('')}`,
  )
  if (released.length === 0) {
    const isOld = totals.received > 0 && totals.dropped['late'] === totals.received
    print(isOld ? 'Nothing new: every line is of a day that was closed before.' : 'Nothing is released yet.')
  } else
    print(
      table(
        ['statistic', 'window', 'window_start', 'cells', 'withheld'],
        released.map((row) => [row.statistic, row.window, row.window_start, row.cells, row.withheld]),
      ),
    )
  const refused = totals.dropped['refused'] ?? 0
  if (refused > 0 && totals.accepted === 0) {
    print(
      'No line passed: nobody asked the people of an access log, so such lines pass only under a site with `lawful_basis: exempt-measurement`, e.g. --rulebook rulebooks/website/rulebook.yaml',
    )
  }
}
