/**
 * One server of the collector's benchmark, in a process of its own: `collector` (the full path, on a real log and real
 * keys in a temporary folder), `kafka` (the same on the brokers of KAFKA_BROKERS), `fastify` and `http` (bare: they parse the same JSON and answer 204).
 * Talks to its parent over IPC: says its port, then answers each message with the CPU time and memory it has used.
 */
import { createServer } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  compileAnonymizer,
  compileTrustedProxies,
  createUserAgentReader,
  MAX_RAW_AGE_MS,
} from '@tacit/anonymizer'
import {
  createCollector,
  createTokenVerifier,
  GroupCommit,
  importTokenKeys,
  Intake,
  noPeerLimit,
} from '@tacit/collector'
import { systemClock } from '@tacit/contracts'
import { type EventLog, openLmdbLog } from '@tacit/event-log'
import { keeperPlaces, openKeeper, openKeeperStores } from '@tacit/keeper'
import { createKeyring, createLogKeys } from '@tacit/keyring'
import Fastify from 'fastify'
import type { JWK } from 'jose'
import { DAY } from '@tacit/contracts'
import { ERP_RULEBOOK } from '../house/layout.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { openBrokerLog, untilMarked } from './broker-log.js'

export type BenchServerKind = 'collector' | 'kafka' | 'fastify' | 'http'

export interface BenchUsage {
  /** CPU time of the process so far, all threads, µs */
  readonly cpuUs: number
  readonly rssMb: number
  /** of the ledger, for the collector: events by outcome since its start */
  readonly outcomes: Readonly<Record<string, number>>
  /** batches written so far */
  readonly batches: number
}

interface Running {
  readonly port: number
  outcomes(): Record<string, number>
  batches?(): number
  close(): Promise<void>
}

async function startHttp(): Promise<Running> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      JSON.parse(Buffer.concat(chunks).toString('utf8'))
      response.writeHead(204)
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    outcomes: () => ({}),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

async function startFastify(): Promise<Running> {
  const app = Fastify({ logger: false })
  app.post('/v1/beacon', (_request, reply) => {
    reply.code(204).send()
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: Number(new URL(address).port), outcomes: () => ({}), close: () => app.close() }
}

function openLog(kind: 'collector' | 'kafka', dir: string): Promise<EventLog> {
  return kind === 'collector' ? openLmdbLog({ dir: join(dir, 'log') }) : openBrokerLog(dir)
}

async function startCollector(kind: 'collector' | 'kafka', jwks: { keys: JWK[] }): Promise<Running> {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-bench-'))
  const clock = systemClock
  const rulebook = requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)
  const { destroyKeyAfterMs, latenessMs, streams } = rulebook.epochs
  const keeper = await openKeeper({
    stores: openKeeperStores(keeperPlaces(dir)),
    clock,
    streams,
    latenessMs,
    destroyKeyAfterMs,
    logKeyLifeMs: DAY,
  })
  const log = await openLog(kind, dir)
  let batches = 0
  const counting: EventLog = {
    ...log,
    append(bytes, hour, reach) {
      batches++
      return log.append(bytes, hour, reach)
    },
  }
  const commit = new GroupCommit({
    log: counting,
    logKeys: createLogKeys(keeper.port),
    clock,
    rulebook: rulebook.hash,
  })
  await untilMarked(() => commit.watermark(systemClock.now()))
  const outcomes: Record<string, number> = {}
  const { accepted, dropped } = commit
  commit.accepted = (hour) => {
    outcomes['accepted'] = (outcomes['accepted'] ?? 0) + 1
    accepted.call(commit, hour)
  }
  commit.dropped = (hour, reason) => {
    outcomes[reason] = (outcomes[reason] ?? 0) + 1
    dropped.call(commit, hour, reason)
  }
  const agents = createUserAgentReader({ maxEntries: 20_000, maxAgeMs: MAX_RAW_AGE_MS, clock })
  const intake = new Intake({
    rulebook,
    anonymizer: compileAnonymizer(rulebook, { agents, clock }),
    keyring: createKeyring(keeper.port, rulebook.purpose.id, { clock }),
    commit,
    tokens: createTokenVerifier(await importTokenKeys(jwks), clock),
    clock,
    ratePerToken: Number.MAX_SAFE_INTEGER,
  })
  const app = createCollector({
    intakes: [intake],
    clock,
    clientAddress: compileTrustedProxies([]),
    peerLimit: noPeerLimit,
    ready: () => commit.ready(),
    sdk: '',
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    port: Number(new URL(address).port),
    outcomes: () => outcomes,
    batches: () => batches,
    async close() {
      await app.close()
      await commit.drain()
      await log.close()
      await keeper.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function startKind(kind: string, jwks: { keys: JWK[] }): Promise<Running> {
  switch (kind as BenchServerKind) {
    case 'collector':
    case 'kafka':
      return startCollector(kind as 'collector' | 'kafka', jwks)
    case 'fastify':
      return startFastify()
    case 'http':
      return startHttp()
    default:
      throw new TypeError('unknown kind of benchmark server')
  }
}

process.once('message', async (jwks: { keys: JWK[] }) => {
  const running = await startKind(process.argv[2] ?? '', jwks)
  process.send?.({ port: running.port })
  process.on('message', () => {
    const { system, user } = process.cpuUsage()
    const usage: BenchUsage = {
      cpuUs: user + system,
      rssMb: Math.round(process.memoryUsage.rss() / 1_048_576),
      outcomes: running.outcomes(),
      batches: running.batches?.() ?? 0,
    }
    process.send?.(usage)
  })
  process.on('disconnect', async () => {
    await running.close()
    process.exit(0)
  })
})
