import { Command } from 'commander'
import { benchAggregator } from '../bench/aggregator.js'
import { benchCollector } from '../bench/collector.js'
import { print, printJson, table, UsageError } from '../output.js'

interface BenchOptions {
  readonly seconds: string
  readonly rows: string
  readonly json?: boolean
}

export function benchCommand(): Command {
  return new Command('bench')
    .description('Measure side by side with the bare thing, interleaved in one run')
    .argument('[what]', 'collector or aggregator (default: both)')
    .option('--seconds <n>', 'seconds of each round of the collector', '5')
    .option('--rows <n>', 'rows of each round of the aggregator', '200000')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npm run bench\n  $ npx tacit bench collector --seconds 10 --json\n',
    )
    .action(bench)
}

function positive(text: string, name: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new UsageError(`${name} must be a number above 0`)
  return value
}

function say(kind: string, round: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K  round ${round}: ${kind}`)
}

async function bench(what: string | undefined, options: BenchOptions): Promise<void> {
  if (what !== undefined && what !== 'collector' && what !== 'aggregator') {
    throw new UsageError('bench measures `collector` or `aggregator`')
  }
  const seconds = positive(options.seconds, '--seconds')
  const rows = positive(options.rows, '--rows')
  if (what !== 'aggregator') {
    const result = await benchCollector(seconds, say)
    if (options.json) printJson(result)
    else {
      const { servers } = result
      const names = {
        collector: 'Tacit collector, full path',
        fastify: 'bare Fastify route',
        http: 'bare node:http',
      } as const
      print(
        `\n${table(
          ['server (one core)', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs/request', 'memory MB'],
          (['collector', 'fastify', 'http'] as const).map((kind) => [
            names[kind],
            servers[kind].requests_per_second,
            String(servers[kind].p50_ms),
            String(servers[kind].p99_ms),
            String(servers[kind].cpu_us_per_request),
            servers[kind].rss_mb,
          ]),
        )}\n`,
      )
      print(
        `${result.ratio} of bare Fastify, ${result.ratio_node_http} of bare node:http; ${result.cpu_us_above_fastify} µs of CPU a request above Fastify.`,
      )
      if (!result.pinned)
        print('Server and load were not pinned to cores of their own: `taskset` is missing.')
    }
  }
  if (what !== 'collector') {
    const result = await benchAggregator(rows, say)
    if (options.json) printJson(result)
    else
      print(
        `\nAggregator: ${result.rows_per_second.toLocaleString('en-GB')} rows/s from sealed batches to landing; plain client insert ${result.plain_rows_per_second.toLocaleString('en-GB')}; ratio ${result.ratio}.`,
      )
  }
}
