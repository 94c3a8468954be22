/** The collector's full path against bare servers, interleaved in one run: server on one core, load on the other. */
import { TacitError } from '@tacit/contracts'
import { ERP_RULEBOOK } from '../house/layout.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import type { BenchServerKind } from './server.js'
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
type Kind = Exclude<BenchServerKind, 'kafka'>
const KINDS: readonly Kind[] = ['fastify', 'collector', 'http']

export interface ServerFigures {
  readonly requests_per_second: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly cpu_us_per_request: number
  readonly rss_mb: number
}

export interface CollectorBench {
  /** requests/s of the collector to those of a bare Fastify route, median of the rounds */
  readonly ratio: number
  readonly ratio_node_http: number
  readonly requests_per_second: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly cpu_us_per_request: number
  /** CPU of the collector above a bare Fastify route, µs a request */
  readonly cpu_us_above_fastify: number
  readonly rss_mb: number
  readonly connections: number
  readonly events_per_beacon: number
  readonly bytes_per_request: number
  readonly pinned: boolean
  readonly servers: Readonly<Record<Kind, ServerFigures>>
}

function figuresOf(rounds: readonly Round[]): ServerFigures {
  const of = (read: (round: Round) => number) => median(rounds.map(read))
  return {
    requests_per_second: Math.round(of(({ answers, seconds }) => answers / seconds)),
    p50_ms: round2(of(({ p50Ms }) => p50Ms)),
    p99_ms: round2(of(({ p99Ms }) => p99Ms)),
    cpu_us_per_request: round2(of(({ cpuUsPerRequest }) => cpuUsPerRequest)),
    rss_mb: of(({ rssMb }) => rssMb),
  }
}

/** @param seconds of each round and server @param onRound told before each */
export async function benchCollector(
  seconds: number,
  onRound: (kind: string, round: number) => void,
): Promise<CollectorBench> {
  const rulebook = requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)
  const site = Object.values(rulebook.sites)[0]
  if (site === undefined) throw new TacitError('ERR_RULEBOOK_INVALID')
  const traffic = await benchTraffic(site.id, site.origins[0] ?? '', rulebook.policy.version, site.region)
  const pinned = canPin()
  if (pinned) pinLoad()
  const servers = new Map<Kind, Server>()
  const rounds = new Map<Kind, Round[]>(KINDS.map((kind) => [kind, []]))
  try {
    for (const kind of KINDS) servers.set(kind, await startServer(kind, traffic.jwks, pinned))
    for (const kind of KINDS) await measure(servers.get(kind) as Server, traffic.requests, WARM_UP_S)
    for (let round = 1; round <= ROUNDS; round++) {
      for (const kind of KINDS) {
        onRound(kind, round)
        rounds.get(kind)?.push(await measure(servers.get(kind) as Server, traffic.requests, seconds))
      }
    }
    const { outcomes } = await (servers.get('collector') as Server).usage()
    const dropped = Object.entries(outcomes).filter(([reason]) => reason !== 'accepted')
    if (dropped.length > 0)
      throw new TacitError(
        'ERR_INTERNAL',
        `Events were dropped (${dropped.map(([reason]) => reason).join(', ')}): the figures would mean nothing`,
      )
  } finally {
    for (const { child } of servers.values()) child.disconnect()
    if (pinned) unpinLoad()
  }
  const perRound = (kind: Kind) =>
    median(
      (rounds.get('collector') ?? []).map(
        (ours, i) => ours.answers / ours.seconds / rateOf(rounds.get(kind)?.[i]),
      ),
    )
  const figures = (kind: Kind) => figuresOf(rounds.get(kind) ?? [])
  const ours = figures('collector')
  return {
    ratio: round2(perRound('fastify')),
    ratio_node_http: round2(perRound('http')),
    ...ours,
    cpu_us_above_fastify: round2(ours.cpu_us_per_request - figures('fastify').cpu_us_per_request),
    connections: CONNECTIONS,
    events_per_beacon: 2,
    bytes_per_request: traffic.bytesPerRequest,
    pinned,
    servers: { collector: ours, fastify: figures('fastify'), http: figures('http') },
  }
}

function rateOf(round: Round | undefined): number {
  return round === undefined ? Number.NaN : round.answers / round.seconds
}
