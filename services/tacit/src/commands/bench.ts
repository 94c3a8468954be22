import { Command } from 'commander'
import { benchAggregator } from '../bench/aggregator.js'
import { benchBatches } from '../bench/batches.js'
import { benchCollector } from '../bench/collector.js'
import { benchDistributed } from '../bench/distributed.js'
import { benchRelease } from '../bench/release.js'
import { benchTransform } from '../bench/transform.js'
import { benchUtility, UTILITY_KS, UTILITY_PEOPLE, type UtilityBench } from '../bench/utility.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import { print, printJson, table, UsageError } from '../output.js'

interface BenchOptions {
  readonly seconds: string
  readonly rows?: string
  readonly people?: string
  readonly seed: string
  readonly rulebook: string
  readonly json?: boolean
}

type Say = (what: string) => void

export function benchCommand(): Command {
  return new Command('bench')
    .description('Measure side by side with the bare thing, interleaved in one run')
    .argument(
      '[what]',
      `${Object.keys(BENCHES).join(', ')} (default: all but utility, which takes minutes, and distributed and batches, which need KAFKA_BROKERS)`,
    )
    .option('--seconds <n>', 'seconds of each round of a collector', '5')
    .option(
      '--rows <n>',
      'rows of each round of the aggregator (200000; 300000 on brokers), or of the day that is released (1000000)',
    )
    .option(
      '--people <n>',
      'active people of one vendor, for utility (default: 20, 200, 2000 and 20000, each)',
    )
    .option('--seed <n>', 'seed of the traffic, for utility', '1')
    .option('--rulebook <file>', 'the rulebook whose transforms are measured', ERP_RULEBOOK)
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npm run bench\n  $ npx tacit bench collector --seconds 10 --json\n  $ npx tacit bench transform\n  $ npx tacit bench release --rows 10000000 --json\n  $ npx tacit bench utility --people 200\n  $ KAFKA_BROKERS=127.0.0.1:9092 TACIT_KAFKA_REPLICATION=1 npx tacit bench distributed\n  $ KAFKA_BROKERS=127.0.0.1:9092 TACIT_KAFKA_REPLICATION=1 npx tacit bench batches --seconds 2\n',
    )
    .action(bench)
}

function positive(text: string, name: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new UsageError(`${name} must be a number above 0`)
  return value
}

function wholeNumber(text: string, name: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`${name} must be a whole number above 0`)
  return Number(text)
}

function say(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K  ${what}`)
}

async function transform({ json, rulebook }: BenchOptions, tell: Say): Promise<void> {
  const result = benchTransform(requireRulebook(readRulebook(rulebook), rulebook), tell)
  if (json) return printJson(result)
  const steps = Object.entries(result.steps)
  print(
    `\n${table(
      ['step (warm, on its own)', 'CPU µs/event'],
      steps.map(([name, us]) => [name, us.toFixed(2)]),
    )}\n`,
  )
  print(
    `Decide + transform: ${result.warm_us} µs of CPU an event at ${Math.round(result.hit_share * 100)} % cache hits, ${result.cold_us} µs where no cache knows anything.`,
  )
}

async function collector({ json, seconds }: BenchOptions, tell: Say): Promise<void> {
  const result = await benchCollector(positive(seconds, '--seconds'), (kind, round) =>
    tell(`round ${round}: ${kind}`),
  )
  if (json) return printJson(result)
  const { servers } = result
  const names = {
    collector: 'Tacit collector, full path',
    fastify: 'bare Fastify route',
    http: 'bare node:http',
  } as const
  const rows = (['collector', 'fastify', 'http'] as const).map((kind) => [
    names[kind],
    servers[kind].requests_per_second,
    String(servers[kind].p50_ms),
    String(servers[kind].p99_ms),
    String(servers[kind].cpu_us_per_request),
    servers[kind].rss_mb,
  ])
  const heads = ['server (one core)', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'memory MB']
  print(`\n${table(heads, rows)}\n`)
  print(
    `${result.ratio} of bare Fastify, ${result.ratio_node_http} of bare node:http; ${result.cpu_us_above_fastify} µs of CPU a request above Fastify.`,
  )
  if (!result.pinned) print('Server and load were not pinned to cores of their own: `taskset` is missing.')
}

async function aggregator({ json, rows = '200000' }: BenchOptions, tell: Say): Promise<void> {
  const result = await benchAggregator(positive(rows, '--rows'), (kind, round) =>
    tell(`round ${round}: ${kind}`),
  )
  if (json) return printJson(result)
  const shown = (count: number): string => count.toLocaleString('en-GB')
  print(
    `\nAggregator: ${shown(result.rows_per_second)} rows/s from sealed batches to landing; plain client insert ${shown(result.plain_rows_per_second)}; ratio ${result.ratio}.`,
  )
}

/** On brokers an insert's worth for each of six parts. */
async function distributed(
  { json, rows: count = '300000', seconds }: BenchOptions,
  tell: Say,
): Promise<void> {
  const result = await benchDistributed(
    positive(seconds, '--seconds'),
    positive(count, '--rows'),
    (kind, round) => tell(`round ${round}: ${kind}`),
  )
  if (json) return printJson(result)
  const rows = [
    ['embedded log', String(result.embedded_us_per_event)],
    ['brokers', String(result.kafka_us_per_event)],
    ['brokers, two collectors', String(result.two_us_per_event)],
  ]
  print(`\n${table(['collector', 'CPU µs/event'], rows)}\n`)
  print(
    `On brokers ${result.ratio} of embedded at ${result.kafka_events_per_batch} events a batch; two collectors ${result.ratio_two} of one.`,
  )
  print(
    `Aggregator on brokers: ${result.aggregator_rows_per_second.toLocaleString('en-GB')} rows/s to landing, ${result.aggregator_ratio} of a plain client insert of the same rows.`,
  )
  print(
    result.scaling === null
      ? 'Whether two take twice as much is not shown: that needs eight cores.'
      : `Two take ${result.scaling} times as many requests a second.`,
  )
}

async function batches({ json, seconds }: BenchOptions, tell: Say): Promise<void> {
  const costs = await benchBatches(positive(seconds, '--seconds'), tell)
  if (json) return printJson(costs)
  const heads = ['partitions', 'events a batch', 'CPU µs/event', 'append ms, median', 'events/s']
  const rows = costs.map((cost) => [
    String(cost.partitions),
    String(cost.events_per_batch),
    String(cost.cpu_us_per_event),
    String(cost.append_ms),
    cost.events_per_second.toLocaleString('en-GB'),
  ])
  print(`\n${table(heads, rows)}\n`)
}

async function release({ json, rows = '1000000' }: BenchOptions, tell: Say): Promise<void> {
  const result = await benchRelease(positive(rows, '--rows'), tell)
  if (json) return printJson(result)
  const kinds = Object.entries(result.kinds).map(([kind, { bare_seconds, ratio, seconds }]) => [
    kind === '*' ? 'all kinds' : kind,
    seconds.toFixed(2),
    bare_seconds.toFixed(2),
    ratio.toFixed(2),
  ])
  const heads = ['rows of', 'release query s', 'bare GROUP BY s', 'ratio']
  print(`\n${table(heads, kinds)}\n`)
  const peak = result.peak_mb === null ? '' : `; ClickHouse had ${String(result.peak_mb)} MB at most`
  print(
    `Release of ${result.rows.toLocaleString('en-GB')} rows of one day: ${result.seconds.toFixed(1)} s (cleaning ${result.clean_seconds.toFixed(1)}, counting ${result.count_seconds.toFixed(1)}, cut ${result.cut_seconds.toFixed(2)}, checker ${result.checker_seconds.toFixed(2)}, insert ${result.insert_seconds.toFixed(2)})${peak}.`,
  )
}

const percent = (share: number | null): string => (share === null ? '–' : `${String(share)} %`)

function utilityTable({ rows }: UtilityBench, ks: readonly number[]): string {
  const keys = [
    ...new Set(rows.map(({ level, statistic, window }) => JSON.stringify([statistic, level, window]))),
  ]
  const heads = ks.flatMap((k) => [`k = ${String(k)}: groups`, 'people', 'events'])
  const lines = keys.map((key) => {
    const [statistic, level, window] = JSON.parse(key) as [string, string, string]
    const of = rows.filter((row) => JSON.stringify([row.statistic, row.level, row.window]) === key)
    const shares = ks.flatMap((k) => {
      const row = of.find((one) => one.k === k)
      return [row?.groups_shown ?? null, row?.people_shown ?? null, row?.events_shown ?? null].map(percent)
    })
    return [statistic, level, of[0]?.shipped === true ? window : `${window} *`, ...shares]
  })
  return table(['statistic', 'by', 'window', ...heads], lines)
}

async function utility({ json, people, seed }: BenchOptions, tell: Say): Promise<void> {
  const sizes = people === undefined ? UTILITY_PEOPLE : [wholeNumber(people, '--people')]
  const results: UtilityBench[] = []
  for (const size of sizes) {
    const options = { people: size, seed: wholeNumber(seed, '--seed'), ks: UTILITY_KS }
    const result = await benchUtility(options, (day) =>
      tell(`${String(size)} people: day ${String(day)} of 8`),
    )
    results.push(result)
    if (json) continue
    const shown = (count: number): string => count.toLocaleString('en-GB')
    print(
      `\n${shown(result.people_a_day)} people of ${shown(result.tenants)} tenants on a working day, ${shown(result.events_a_week)} events a week:\n\n${utilityTable(result, UTILITY_KS)}`,
    )
  }
  if (json) return printJson(results)
  print(
    '\nVisible by name, weighted by size. * not declared by the shipped rulebook. Advice: BENCHMARKS.md, "What stays visible".',
  )
}

/** What needs more than this machine has by itself, or says nothing of speed, is measured where it is asked for. */
const ON_REQUEST = new Set(['distributed', 'batches', 'utility'])

const BENCHES: Readonly<Record<string, (options: BenchOptions, tell: Say) => Promise<void>>> = {
  collector,
  aggregator,
  transform,
  release,
  distributed,
  batches,
  utility,
}

async function bench(what: string | undefined, options: BenchOptions): Promise<void> {
  if (what !== undefined && !Object.hasOwn(BENCHES, what)) {
    throw new UsageError(`bench measures ${Object.keys(BENCHES).join(', ')}`)
  }
  for (const [name, run] of Object.entries(BENCHES)) {
    if (what === name || (what === undefined && !ON_REQUEST.has(name))) await run(options, say)
  }
}
