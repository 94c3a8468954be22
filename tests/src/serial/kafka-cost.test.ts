/**
 * What brokers cost, as `npx tacit bench distributed` measures it: a collector's CPU an event on them against its embedded
 * log, of two collectors against one, and an aggregator against a plain client insert. In the full suite; the figures are
 * in BENCHMARKS.md.
 */
import { cpus } from 'node:os'
import { brokersSkip, startBrokers } from '@tacit/event-log/testing'
import t from 'tap'
import { tacit } from '../support/tacit.js'

const FULL = process.env['TACIT_TEST_FULL'] === '1'
const CORES_FOR_TWO = 8
/** Of one run; the machine is noisy, and the command itself takes medians of rounds. */
const ATTEMPTS = 3
const BENCH_WITHIN_MS = 15 * 60_000

interface Figures {
  readonly ratio: number
  readonly ratio_two: number
  readonly aggregator_ratio: number
  readonly kafka_events_per_batch: number
  readonly scaling: number | null
}

// The runner has a limit for the file.
t.setTimeout(0)

const skip = FULL ? await brokersSkip() : 'it takes minutes: npm run test:full'

t.test('what brokers cost keeps within its bounds', { skip }, async (t) => {
  const brokers = await startBrokers({ nodes: 1 })
  t.teardown(() => brokers.stop())
  const env = { KAFKA_BROKERS: brokers.brokers.join(','), TACIT_KAFKA_REPLICATION: '1' }
  const runs: Figures[] = []
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { code, stderr, stdout } = await tacit(['bench', 'distributed', '--seconds', '4', '--json'], {
      env,
      limitMs: BENCH_WITHIN_MS,
    })
    if (code !== 0) throw new Error(stderr)
    t.comment(stdout.trim())
    runs.push(JSON.parse(stdout) as Figures)
  }
  const middle = (read: (one: Figures) => number): number =>
    runs.map(read).sort((a, b) => a - b)[Math.floor(ATTEMPTS / 2)] ?? Number.NaN
  t.ok(middle((one) => one.kafka_events_per_batch) >= 100, 'batches hold a hundred events and more')
  t.ok(middle((one) => one.ratio) <= 1.15, 'CPU an event, on brokers to embedded')
  t.ok(middle((one) => one.ratio_two) <= 1.1, 'CPU an event, of two collectors to one')
  t.ok(middle((one) => one.aggregator_ratio) >= 0.8, 'rows a second, to a plain insert')
  const few = cpus().length < CORES_FOR_TWO ? `it needs ${String(CORES_FOR_TWO)} cores` : false
  await t.test('two collectors take nearly twice as much', { skip: few }, async (t) => {
    t.ok(middle((one) => one.scaling ?? 0) >= 1.7)
  })
})
