import { Command, Option } from 'commander'
import { TacitError } from '@tacit/contracts'
import type { CatalogueEntry, StatisticAnswer } from '@tacit/dashboard'
import { counted } from '../counted.js'
import { openReader, queryOf, type Reader } from '../house/reader.js'
import { print, table } from '../output.js'

interface StatisticsOptions {
  readonly window?: string
  readonly from?: string
  readonly to?: string
  readonly drill?: string
  readonly site?: string
  readonly format: 'table' | 'json' | 'csv'
  readonly data: string
  readonly json?: boolean
}

function catalogueTable(entries: readonly CatalogueEntry[]): string {
  return table(
    ['id', 'title', 'site', 'windows', 'by', 'measures'],
    entries.map((entry) => [
      entry.id,
      entry.title,
      entry.sample ? `${entry.site} (sample data)` : entry.site,
      entry.windows.join(', '),
      entry.by.join(', '),
      entry.measures.join(', '),
    ]),
  )
}

function answerTable(answer: StatisticAnswer): string {
  const head = Object.keys(answer.rows[0] ?? { window_start: '' })
  const notes = [
    answer.sample ? 'Sample data.' : '',
    answer.withheld.cells === null
      ? ''
      : `${counted(answer.withheld.cells, 'declared value is', 'declared values are')} not published: too few people.`,
  ].filter((note) => note !== '')
  const body =
    answer.rows.length === 0
      ? 'No cell is released in this range.'
      : table(
          head,
          answer.rows.map((row) => head.map((name) => row[name] ?? null)),
        )
  return [body, ...notes].join('\n')
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
    .option('--window <window>', 'hour, day, week or month; the finest that is declared by default')
    .option('--from <date>', 'first UTC day, YYYY-MM-DD')
    .option('--to <date>', 'last UTC day, included')
    .option('--drill <dimension>', 'a declared drill')
    .option('--site <site>', 'a site of the rulebook, e.g. sample')
    .addOption(
      new Option('--format <format>', 'how to print').choices(['table', 'json', 'csv']).default('table'),
    )
    .option('--data <dir>', 'data directory', '.tacit')
    .option('--json', 'the same as --format json')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit statistics\n  $ npx tacit statistics pages --from 2026-11-01 --format csv\n',
    )
    .action(async (id: string | undefined, options: StatisticsOptions) => {
      const { from, site, to, window, drill } = options
      const format = options.json ? 'json' : options.format
      const reader = await openReader(options.data)
      try {
        if (id === undefined) {
          const body = await reader.get('/api/v1/statistics')
          print(format === 'table' ? catalogueTable(JSON.parse(body) as CatalogueEntry[]) : body)
          return
        }
        const query = queryOf({ window, from, to, drill, site, format: format === 'csv' ? 'csv' : undefined })
        const body = await answerOf(reader, id, query)
        print(format === 'table' ? answerTable(JSON.parse(body) as StatisticAnswer) : body.trimEnd())
      } finally {
        await reader.close()
      }
    })
}
