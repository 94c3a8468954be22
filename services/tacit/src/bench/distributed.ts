/**
 * What brokers cost: the collector's CPU an event on them against its embedded log, and of two collectors against one,
 * interleaved in one run, under a load that makes batches of a hundred events and more.
 *
 * With eight cores or more two collectors are loaded at once, and their throughput against one's is shown. With fewer they
 * would share a core with each other, with the load and with the brokers, and what was measured would be that: they are
 * loaded in turn, and the CPU of both is counted all the while.
 */
import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { TacitError } from '@tacit/contracts'
import { benchAggregator } from './aggregator.js'
import { openGroup } from './group.js'
import { readEnvironment } from '../house/environment.js'
import { kafkaOptionsOf } from '../house/kafka.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import {
  canPin,
  CONNECTIONS,
  measure,
  median,
  pinLoad,
  type Round,
  round2,
  type Server,
  startServer,
  unpinLoad,
} from './servers.js'
import { benchTraffic } from './traffic.js'

const ROUNDS = 3
const WARM_UP_S = 2
const EVENTS_PER_BEACON = 2
/** Two batches of beacons at once make a hundred events and more. */
const BUSY_CONNECTIONS = 2 * CONNECTIONS
const CORES_FOR_TWO = 8

export interface DistributedBench {
  /** CPU µs an event on brokers to embedded, median of the rounds */
  readonly ratio: number
  /** CPU µs an event of two collectors on brokers to one, median of the rounds */
  readonly ratio_two: number
  readonly embedded_us_per_event: number
  readonly kafka_us_per_event: number
  readonly two_us_per_event: number
  readonly kafka_events_per_batch: number
  readonly kafka_requests_per_second: number
  /** rows/s of an aggregator on brokers to those of a plain client insert of the same rows, median of the rounds */
  readonly aggregator_ratio: number
  readonly aggregator_rows_per_second: number
  /** requests/s of two collectors to one, loaded at once; null with fewer than eight cores */
  readonly scaling: number | null
}

const atOnce = cpus().length >= CORES_FOR_TWO

const loaded = (server: Server, requests: readonly Buffer[], seconds: number): Promise<Round> =>
  measure(server, requests, seconds, BUSY_CONNECTIONS)

interface Used {
  readonly usPerEvent: number
  readonly eventsPerBatch: number
  readonly requestsPerSecond: number
}

/** Loads servers at once where there are cores for that, else in turn, the same time altogether. */
async function use(servers: readonly Server[], requests: readonly Buffer[], seconds: number): Promise<Used> {
  const before = await Promise.all(servers.map((server) => server.usage()))
  const rounds: Round[] = []
  if (atOnce) rounds.push(...(await Promise.all(servers.map((server) => loaded(server, requests, seconds)))))
  else for (const server of servers) rounds.push(await loaded(server, requests, seconds / servers.length))
  const after = await Promise.all(servers.map((server) => server.usage()))
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const events = sum(rounds.map(({ answers }) => answers)) * EVENTS_PER_BEACON
  const batches = sum(after.map((usage, at) => usage.batches - (before[at]?.batches ?? 0)))
  const cpuUs = sum(after.map((usage, at) => usage.cpuUs - (before[at]?.cpuUs ?? 0)))
  return {
    usPerEvent: cpuUs / events,
    eventsPerBatch: events / batches,
    requestsPerSecond: sum(rounds.map(({ answers, seconds: took }) => answers / took)),
  }
}

type Collectors = Omit<DistributedBench, 'aggregator_ratio' | 'aggregator_rows_per_second'>
type OnRound = (kind: string, round: number) => void

/**
 * @param seconds of each round @param rows of each round of the aggregator @param onRound told before each
 * @throws TacitError ERR_CONFIG_INVALID without brokers
 */
export async function benchDistributed(
  seconds: number,
  rows: number,
  onRound: OnRound,
): Promise<DistributedBench> {
  kafkaOptionsOf(readEnvironment(process.env))
  const collectors = await benchCollectors(seconds, onRound)
  const { ratio, rows_per_second } = await benchAggregator(rows, onRound, openGroup)
  return { ...collectors, aggregator_ratio: ratio, aggregator_rows_per_second: rows_per_second }
}

async function benchCollectors(seconds: number, onRound: OnRound): Promise<Collectors> {
  const rulebook = requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)
  const site = Object.values(rulebook.sites)[0]
  if (site === undefined) throw new TacitError('ERR_RULEBOOK_INVALID')
  const traffic = await benchTraffic(site.id, site.origins[0] ?? '', rulebook.policy.version, site.region)
  // With cores enough nobody has to be kept off another's.
  const pinned = !atOnce && canPin()
  if (pinned) pinLoad()
  const prefix = `bench-${randomBytes(4).toString('hex')}`
  const env = { TACIT_KAFKA_TOPIC_PREFIX: prefix }
  const servers: Server[] = []
  try {
    for (const kind of ['collector', 'kafka', 'kafka'] as const)
      servers.push(await startServer(kind, traffic.jwks, pinned, env))
    const [embedded, first, second] = servers as [Server, Server, Server]
    const sets = { embedded: [embedded], kafka: [first], two: [first, second] } as const
    const used: Record<keyof typeof sets, Used[]> = { embedded: [], kafka: [], two: [] }
    for (const server of servers) await loaded(server, traffic.requests, WARM_UP_S)
    for (let round = 1; round <= ROUNDS; round++) {
      for (const [name, set] of Object.entries(sets) as [keyof typeof sets, readonly Server[]][]) {
        onRound(name, round)
        used[name].push(await use(set, traffic.requests, seconds))
      }
    }
    const of = (name: keyof typeof sets, read: (one: Used) => number): number => median(used[name].map(read))
    const ratioOf = (name: keyof typeof sets, to: keyof typeof sets): number =>
      median(used[name].map((one, at) => one.usPerEvent / (used[to][at]?.usPerEvent ?? Number.NaN)))
    return {
      ratio: round2(ratioOf('kafka', 'embedded')),
      ratio_two: round2(ratioOf('two', 'kafka')),
      embedded_us_per_event: round2(of('embedded', ({ usPerEvent }) => usPerEvent)),
      kafka_us_per_event: round2(of('kafka', ({ usPerEvent }) => usPerEvent)),
      two_us_per_event: round2(of('two', ({ usPerEvent }) => usPerEvent)),
      kafka_events_per_batch: Math.round(of('kafka', ({ eventsPerBatch }) => eventsPerBatch)),
      kafka_requests_per_second: Math.round(of('kafka', ({ requestsPerSecond }) => requestsPerSecond)),
      scaling: atOnce
        ? round2(
            of('two', ({ requestsPerSecond }) => requestsPerSecond) /
              of('kafka', ({ requestsPerSecond }) => requestsPerSecond),
          )
        : null,
    }
  } finally {
    for (const { child } of servers) child.disconnect()
    if (pinned) unpinLoad()
  }
}
