import { Command, Option } from 'commander'
import { TacitError } from '@tacit/contracts'
import type { CatalogueEntry, StatisticAnswer } from '@tacit/dashboard'
import { openReader, queryOf, type Reader } from '../house/reader.js'
import { print, UsageError } from '../output.js'
import { answerTable, catalogueTable } from './statistics-table.js'

interface StatisticsOptions {
  readonly window?: string
  readonly from?: string
  readonly to?: string
  readonly drill?: string
  readonly compare?: string
  readonly top?: string
  readonly limit?: string
  readonly timezone?: string
  readonly site?: string
  readonly format: 'table' | 'json' | 'csv'
  readonly data: string
  readonly json?: boolean
}

/** What there is, where one that was asked for is not: names of the rulebook, nothing that was typed. */
async function unknownStatistic(reader: Reader, id: string): Promise<TacitError> {
  const entries = JSON.parse(await reader.get('/api/v1/statistics')) as readonly CatalogueEntry[]
  const names = (list: readonly string[]): string => [...new Set(list)].join(', ')
  const ofId = entries.filter((entry) => entry.id === id)
  const [known] = ofId
  const there =
    known !== undefined
      ? `${known.id} is a statistic of --site ${names(ofId.map(({ site }) => site))}`
      : entries.length > 0
        ? `there are ${names(entries.map((entry) => entry.id))}`
        : 'this data directory has none yet, as nothing ever ran on it'
  return new TacitError('ERR_STATISTIC_UNKNOWN', `There is no such statistic: ${there}`)
}

/** @throws TacitError ERR_STATISTIC_UNKNOWN that names those there are */
async function answerOf(reader: Reader, id: string, query: string): Promise<string> {
  try {
    return await reader.get(`/api/v1/statistics/${encodeURIComponent(id)}${query}`)
  } catch (error) {
    if (error instanceof TacitError && error.code === 'ERR_STATISTIC_UNKNOWN')
      throw await unknownStatistic(reader, id)
    throw error
  }
}

export function statisticsCommand(): Command {
  return new Command('statistics')
    .description('The catalogue of statistics, or the released cells of one')
    .argument('[id]', 'a statistic of the catalogue')
    .option('--window <window>', '5m, hour, day, week or month; the finest that is declared by default')
    .option('--from <date>', 'first UTC day, YYYY-MM-DD')
    .option('--to <date>', 'last UTC day, included')
    .option('--drill <dimension>', 'a declared drill: rows of that level alone')
    .addOption(
      new Option('--compare <window>', 'the numbers of the window before beside each').choices(['previous']),
    )
    .option('--top <n>', 'of each window only the n largest, and its (other); nothing tells of the rest')
    .option('--limit <n>', 'rows at most (default: 10000)')
    .option('--timezone <name>', 'an IANA zone, e.g. Asia/Kolkata: adds the local time; windows stay UTC')
    .option('--site <site>', 'a site of the rulebook, e.g. sample')
    .addOption(
      new Option('--format <format>', 'how to print').choices(['table', 'json', 'csv']).default('table'),
    )
    .option('--data <dir>', 'data directory', '.tacit')
    .option('--json', 'the same as --format json')
    .addHelpText(
      'after',
      [
        '',
        'People are rounded down, and values of too few people are in (other) or published nowhere; every format prints the',
        'same rows. A funnel has step and conversion, a histogram bucket, share and percentiles, a retention cohort and week.',
        '',
        'Examples:',
        '  $ npx tacit statistics',
        '  $ npx tacit statistics pages --from 2026-11-01 --format csv',
        '  $ npx tacit statistics pages --window day --drill device --top 10',
        '  $ npx tacit statistics features --window week --compare previous',
        '',
      ].join('\n'),
    )
    .action(async (id: string | undefined, options: StatisticsOptions) => {
      const { compare, drill, from, limit, site, timezone, to, top, window } = options
      const format = options.json ? 'json' : options.format
      if (id === undefined && format === 'csv')
        throw new UsageError('--format csv needs a statistic, e.g. pages')
      const reader = await openReader(options.data)
      try {
        if (id === undefined) {
          const body = await reader.get('/api/v1/statistics')
          print(format === 'table' ? catalogueTable(JSON.parse(body) as CatalogueEntry[]) : body)
          return
        }
        const query = queryOf({
          window,
          from,
          to,
          drill,
          compare,
          top,
          limit,
          timezone,
          site,
          format: format === 'csv' ? 'csv' : undefined,
        })
        const body = await answerOf(reader, id, query)
        print(format === 'table' ? answerTable(JSON.parse(body) as StatisticAnswer) : body.trimEnd())
      } finally {
        await reader.close()
      }
    })
}
