/**
 * A real collector for tests: HTTP over a real socket, real keys and a real log in a folder of its own. What it
 * appended is read back from the log and opened with the keys, so that the ledger is what is on disk, not what was said.
 */
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
  Intake,
  importTokenKeys,
  noPeerLimit,
  type PeerLimit,
} from '@tacit/collector'
import { type BatchHeader, type Clock, systemClock } from '@tacit/contracts'
import { type LmdbLog, type FilePort, openLmdbLog } from '@tacit/event-log'
import { type Keeper, type KeyFiles, keeperPlaces, openKeeper, openKeeperStores } from '@tacit/keeper'
import { createKeyring, createLogKeys, type KeeperPort, type Keyring, type LogKeys } from '@tacit/keyring'
import type { Rulebook } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import { edSigner, grantedClaims } from './tokens.js'

export interface CollectorSetting {
  /** default `erp` */
  readonly rulebook?: 'erp' | 'website'
  /** pieces of the rulebook's text and what replaces each */
  readonly changes?: readonly (readonly [string, string])[]
  readonly clock?: Clock
  /** parent folder; default the system's, and then the folder is removed at close */
  readonly dir?: string
  /** stands in for the log's file system */
  readonly files?: Partial<FilePort>
  /** bytes of the file system that the log leaves free */
  readonly reserveBytes?: number
  /** stands in for the keeper's directory */
  readonly keyFiles?: KeyFiles
  /** stands between the collector and its keeper */
  readonly wayToKeeper?: (port: KeeperPort) => KeeperPort
  readonly peerLimit?: PeerLimit
  /** CIDRs whose X-Forwarded-For is believed; default none */
  readonly trustedProxies?: readonly string[]
  /** ms that a request has; default the collector's own */
  readonly requestTimeoutMs?: number
  /** events a minute and token; default none that a test would meet */
  readonly ratePerToken?: number
}

/** What is on disk. */
export interface Ledger {
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
  /** rows as they will be inserted, in the order of the log */
  readonly rows: readonly (readonly unknown[])[]
  /** those of the day: one an accepted event */
  readonly days: readonly (readonly unknown[])[]
  readonly headers: readonly BatchHeader[]
}

export interface RunningCollector {
  readonly port: number
  readonly rulebook: Rulebook
  readonly clock: Clock
  readonly log: LmdbLog
  readonly commit: GroupCommit
  readonly keeper: Keeper
  readonly keyring: Keyring
  readonly logKeys: LogKeys
  /** a token that this collector accepts, by default of a person who consented */
  token(changes?: Record<string, unknown>): string
  /** the text of a beacon whose events are all accepted; `changes` replace members of its envelope */
  beacon(events?: readonly Record<string, unknown>[], changes?: Record<string, unknown>): string
  ledger(): Promise<Ledger>
  close(): Promise<void>
}

let events = 0

/** A page view that every rulebook accepts, with an id of its own. */
export function pageView(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { id: `event-${++events}`, name: 'page_view', age: 0, path: '/customers', ...changes }
}

/** Starts a collector on a port of the system's choice. */
export async function startCollector(setting: CollectorSetting = {}): Promise<RunningCollector> {
  const clock = setting.clock ?? systemClock
  const dir = setting.dir ?? mkdtempSync(join(tmpdir(), 'tacit-collector-'))
  const rulebook = shippedRulebook(setting.rulebook ?? 'erp', ...(setting.changes ?? []))
  const { destroyKeyAfterMs, latenessMs, streams } = rulebook.epochs
  const stores = openKeeperStores(keeperPlaces(dir))
  const keeper = await openKeeper({
    stores: { ...stores, ...(setting.keyFiles === undefined ? {} : { keys: setting.keyFiles }) },
    clock,
    streams,
    latenessMs,
    destroyKeyAfterMs,
  })
  const { files, reserveBytes } = setting
  const log = await openLmdbLog({
    dir: join(dir, 'log'),
    ...(files === undefined ? {} : { files }),
    ...(reserveBytes === undefined ? {} : { reserveBytes }),
  })
  const port = setting.wayToKeeper?.(keeper.port) ?? keeper.port
  const logKeys = createLogKeys(port)
  const keyring = createKeyring(port, rulebook.purpose.id, { clock })
  const commit = new GroupCommit({ log, logKeys, clock, rulebook: rulebook.hash })
  const signer = edSigner('erp-1')
  const agents = createUserAgentReader({ maxEntries: 1_000, maxAgeMs: MAX_RAW_AGE_MS, clock })
  const intake = new Intake({
    rulebook,
    anonymizer: compileAnonymizer(rulebook, { agents, clock }),
    keyring,
    commit,
    tokens: createTokenVerifier(await importTokenKeys({ keys: [signer.jwk] }), clock),
    clock,
    ratePerToken: setting.ratePerToken ?? Number.MAX_SAFE_INTEGER,
  })
  const app = createCollector({
    intakes: [intake],
    clock,
    clientAddress: compileTrustedProxies(setting.trustedProxies ?? []),
    peerLimit: setting.peerLimit ?? noPeerLimit,
    ready: () => commit.ready(),
    sdk: '// sdk',
    ...(setting.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: setting.requestTimeoutMs }),
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const token = (changes?: Record<string, unknown>) => signer.sign(grantedClaims(clock.now(), changes))

  return {
    port: Number(new URL(address).port),
    rulebook,
    clock,
    log,
    commit,
    keeper,
    keyring,
    logKeys,
    token,
    beacon: (list = [pageView()], changes = {}) =>
      JSON.stringify({
        v: 1,
        site: setting.rulebook === 'website' ? 'website' : 'erp',
        ...(setting.rulebook === 'website' ? {} : { token: token() }),
        events: list,
        ...changes,
      }),
    async ledger() {
      const opener = createLogKeys(keeper.port)
      try {
        return await readLedger(log, (bytes) => opener.open(bytes))
      } finally {
        opener.close()
      }
    },
    async close() {
      await app.close()
      await commit.drain().catch(() => {})
      keyring.close()
      logKeys.close()
      await log.close()
      await keeper.close()
      if (setting.dir === undefined) rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function readLedger(
  log: LmdbLog,
  open: (bytes: Buffer) => ReturnType<ReturnType<typeof createLogKeys>['open']>,
): Promise<Ledger> {
  const ledger = {
    received: 0,
    accepted: 0,
    dropped: {} as Record<string, number>,
    rows: [] as (readonly unknown[])[],
    days: [] as (readonly unknown[])[],
    headers: [] as BatchHeader[],
  }
  for (let after = 0; ; ) {
    const { corrupt, last, records } = log.parts('aggregator')[0].read(after, 100, 8_388_608)
    if (corrupt > 0) throw new Error('a record is corrupt')
    if (last === after) return ledger
    after = last
    for (const { bytes } of records) {
      const batch = await open(bytes)
      if (batch === null) throw new Error('a batch cannot be opened')
      ledger.headers.push(batch.header)
      for (const { rows, section } of batch.sections) {
        const parsed = parseRows(rows)
        ledger.rows.push(...parsed)
        if (section.stream === 'day') ledger.days.push(...parsed)
      }
      for (const counts of Object.values(batch.header.counts)) {
        ledger.received += counts.received
        ledger.accepted += counts.accepted
        for (const [reason, count] of Object.entries(counts.dropped)) {
          ledger.dropped[reason] = (ledger.dropped[reason] ?? 0) + count
        }
      }
    }
  }
}

function parseRows(rows: Buffer): (readonly unknown[])[] {
  const lines = rows.toString('utf8').split('\n')
  return lines.slice(0, -1).map((line) => JSON.parse(line) as readonly unknown[])
}
