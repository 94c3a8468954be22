/** For tests: a log and a keeper in memory, which can be held up or broken, and the whole collector on top of them. */
import { randomBytes } from 'node:crypto'
import {
  type Anonymizer,
  compileAnonymizer,
  compileTrustedProxies,
  createUserAgentReader,
  MAX_RAW_AGE_MS,
} from '@tacit/anonymizer'
import { type BatchHeader, type Clock, type OpenedBatch, TacitError } from '@tacit/contracts'
import type { EventLog } from '@tacit/event-log'
import { createKeyring, createLogKeys, type KeeperPort, type KeyScope } from '@tacit/keyring'
import type { Rulebook } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import type { FastifyInstance } from 'fastify'
import type { JWK } from 'jose'
import { GroupCommit } from '../group-commit.js'
import { createCollector } from '../http.js'
import { Intake } from '../intake.js'
import { noPeerLimit, type PeerLimit } from '../peer-limit.js'
import { createTokenVerifier, importTokenKeys, type TokenVerifier } from '../tokens.js'

/** A clock that a test sets. */
export class TestClock implements Clock {
  time: number

  constructor(time: number | string) {
    this.time = typeof time === 'string' ? Date.parse(time) : time
  }

  now(): number {
    return this.time
  }
}

/** Keeps what was appended. `hold` makes appends wait until `release`; `failure` makes them reject. */
export class MemoryLog implements EventLog {
  readonly writer = ''
  readonly appended: { readonly bytes: Buffer; readonly hour: number; readonly at: number }[] = []
  /** appends that were begun, refused ones too */
  begun = 0
  underWay = 0
  mostUnderWay = 0
  failure: Error | null = null
  #gate: Promise<void> | null = null
  #open: () => void = () => {}

  width(): number {
    return 1
  }

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  release(): void {
    this.#gate = null
    this.#open()
  }

  async append(bytes: Uint8Array, hour: number): Promise<void> {
    const at = performance.now()
    this.begun++
    this.underWay++
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay)
    try {
      if (this.#gate !== null) await this.#gate
      if (bytes.length > 4_194_304) throw new RangeError('a record of the log is too large')
      if (this.failure !== null) throw this.failure
      this.appended.push({ bytes: Buffer.from(bytes), hour, at })
    } finally {
      this.underWay--
    }
  }

  parts(): [] {
    return []
  }

  async expire(): Promise<number> {
    return 0
  }

  async close(): Promise<void> {}
}

/** A keeper whose keys live for ever. `failing` and `down` make every call reject, `hanging` makes it wait; `absent` tenants have no key. */
export class MemoryKeeper implements KeeperPort {
  readonly #keys = new Map<string, Buffer>()
  readonly absent = new Set<string>()
  failing = false
  down = false
  hanging: Promise<void> | null = null
  /** calls that `hanging` makes wait */
  waiting = 0
  noLogKeys = false

  async pseudonymKey({ epoch, scope }: { epoch: string; scope: KeyScope }) {
    if (this.hanging !== null) {
      this.waiting++
      await this.hanging
      this.waiting--
    }
    if (this.down) throw new TacitError('ERR_KEEPER_UNAVAILABLE')
    if (this.failing) throw new TacitError('ERR_KEY_STORE')
    if (scope.of === 'tenant' && this.absent.has(scope.tenant)) return { state: 'absent' } as const
    return { state: 'open', key: this.#key(JSON.stringify([epoch, scope])) } as const
  }

  async batchKey(hour: number, producer: string): Promise<Buffer | null> {
    if (this.down) throw new TacitError('ERR_KEEPER_UNAVAILABLE')
    if (this.failing) throw new TacitError('ERR_KEY_STORE')
    return this.noLogKeys ? null : this.#key(`hour ${hour} ${producer}`)
  }

  async destroyLogKey(): Promise<void> {}

  async reconciled(): Promise<void> {}

  async obey(): Promise<void> {}

  async epochs(): Promise<readonly []> {
    return []
  }

  #key(name: string): Buffer {
    const key = this.#keys.get(name) ?? randomBytes(32)
    this.#keys.set(name, key)
    return Buffer.from(key)
  }
}

/** A rulebook's closures. @param notBefore ms: events before are late */
export function compileFor(rulebook: Rulebook, clock: Clock, notBefore?: number): Anonymizer {
  const agents = createUserAgentReader({ maxEntries: 100, maxAgeMs: MAX_RAW_AGE_MS, clock })
  return compileAnonymizer(rulebook, { agents, clock, ...(notBefore === undefined ? {} : { notBefore }) })
}

export interface Opened {
  readonly headers: readonly BatchHeader[]
  readonly batches: readonly OpenedBatch[]
  /** rows of all batches, in order */
  readonly rows: readonly (readonly unknown[])[]
  /** those of the day: one an accepted event */
  readonly days: readonly (readonly unknown[])[]
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
}

/** Opens everything that a log holds. */
export async function openAll(log: MemoryLog, keeper: KeeperPort): Promise<Opened> {
  const keys = createLogKeys(keeper)
  const batches: OpenedBatch[] = []
  for (const { bytes } of log.appended) {
    const batch = await keys.open(bytes)
    if (batch === null) throw new Error('a batch cannot be opened')
    batches.push(batch)
  }
  keys.close()
  const dropped: Record<string, number> = {}
  let received = 0
  let accepted = 0
  for (const counts of batches.flatMap(({ header }) => Object.values(header.counts))) {
    received += counts.received
    accepted += counts.accepted
    for (const [reason, count] of Object.entries(counts.dropped))
      dropped[reason] = (dropped[reason] ?? 0) + count
  }
  const sections = batches.flatMap((batch) => batch.sections)
  const rowsOf = (some: typeof sections) =>
    some
      .flatMap((section) => section.rows.toString('utf8').split('\n').slice(0, -1))
      .map((line) => JSON.parse(line) as unknown[])
  const rows = rowsOf(sections)
  const days = rowsOf(sections.filter(({ section }) => section.stream === 'day'))
  return { headers: batches.map(({ header }) => header), batches, rows, days, received, accepted, dropped }
}

export interface MemoryCollector {
  readonly app: FastifyInstance
  readonly intake: Intake
  readonly commit: GroupCommit
  readonly log: MemoryLog
  readonly keeper: MemoryKeeper
  readonly clock: TestClock
  ledger(): Promise<Opened>
}

export interface MemoryCollectorOptions {
  readonly rulebook?: 'erp' | 'website'
  readonly keys?: readonly JWK[]
  readonly tokens?: TokenVerifier
  readonly ratePerToken?: number
  readonly peerLimit?: PeerLimit
  readonly clock?: TestClock
}

/** A collector of which only disk and time are not real. */
export async function memoryCollector(options: MemoryCollectorOptions = {}): Promise<MemoryCollector> {
  const clock = options.clock ?? new TestClock('2026-11-18T10:20:30Z')
  const log = new MemoryLog()
  const keeper = new MemoryKeeper()
  const rulebook = shippedRulebook(options.rulebook ?? 'erp')
  const commit = new GroupCommit({ log, logKeys: createLogKeys(keeper), clock, rulebook: rulebook.hash })
  const intake = new Intake({
    rulebook,
    anonymizer: compileFor(rulebook, clock),
    keyring: createKeyring(keeper, rulebook.purpose.id, { clock }),
    commit,
    tokens:
      options.tokens ??
      createTokenVerifier(await importTokenKeys({ keys: [...(options.keys ?? [])] }), clock),
    clock,
    ratePerToken: options.ratePerToken ?? 100,
  })
  const app = createCollector({
    intakes: [intake],
    clock,
    clientAddress: compileTrustedProxies([]),
    peerLimit: options.peerLimit ?? noPeerLimit,
    ready: () => commit.ready(),
    sdk: '// sdk',
  })
  return { app, intake, commit, log, keeper, clock, ledger: () => openAll(log, keeper) }
}
