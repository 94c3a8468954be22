/** For tests: an aggregator on a real log, real state and a real ClickHouse, with a keeper in memory. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditEvent } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import { type LmdbLog, openLmdbLog } from '@tacit/event-log'
import { createLogKeys, type KeeperPort, type LogKeys } from '@tacit/keyring'
import { type Rulebook, streamPlans } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import {
  type ConnectionOptions,
  type EmbeddedServer,
  openWarehouse,
  startEmbeddedServer,
  type Warehouse,
} from '@tacit/warehouse'
import type { Test } from 'tap'
import { Aggregator } from '../aggregator.js'
import type { Evidence } from '../evidence.js'
import { soleMember } from '../membership.js'
import { type Rulebooks, soleRulebook } from '../rulebooks.js'
import { AggregatorState } from '../state.js'
import { MemoryKeeper } from './keeper.js'
import { TestCollector } from './traffic.js'

/** The shipped rulebook of the ERP. @param statistics ids of those to keep; all by default */
export function erpRulebook(...statistics: readonly string[]): Rulebook {
  const rulebook = shippedRulebook('erp')
  if (statistics.length === 0) return rulebook
  return { ...rulebook, statistics: rulebook.statistics.filter(({ id }) => statistics.includes(id)) }
}

/** One ClickHouse server a test file, gone with it. */
export async function testServer(t: Test): Promise<EmbeddedServer> {
  const dir = await mkdtemp(join(tmpdir(), 'tacit-aggregator-'))
  const server = await startEmbeddedServer({ dir })
  t.teardown(async () => {
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  })
  return server
}

/** What stands between the aggregator and its stores: a test puts itself there. */
export interface Doors {
  readonly log: LmdbLog
  readonly state: AggregatorState
  readonly warehouse: Warehouse
  readonly keeper: KeeperPort
}

/** What outlives a process: directories, a database, and the keeper's keys. */
export class TestStores {
  readonly rulebook: Rulebook
  readonly keeper: MemoryKeeper
  readonly alarms: string[] = []
  /** what was put on record, in order */
  readonly evidence: AuditEvent[] = []
  isEvidenceAway = false
  /** puts entries on record */
  record: Evidence['record'] = async (events) => {
    if (this.isEvidenceAway) throw new TacitError('ERR_KEEPER_UNAVAILABLE')
    this.evidence.push(...events)
  }
  /** which rulebooks the aggregator knows; a test may say others */
  rulebooks: Rulebooks
  readonly #dir: string
  readonly #server: Pick<EmbeddedServer, 'address'>
  readonly #database: string
  readonly #connection: ConnectionOptions

  /** @param connection how long requests to ClickHouse may take, and how often they are repeated */
  constructor(
    dir: string,
    server: Pick<EmbeddedServer, 'address'>,
    database: string,
    rulebook: Rulebook,
    connection: ConnectionOptions = {},
  ) {
    this.rulebook = rulebook
    this.rulebooks = soleRulebook(rulebook)
    this.keeper = new MemoryKeeper(rulebook)
    this.#dir = dir
    this.#server = server
    this.#database = database
    this.#connection = connection
  }

  /** Starts a process on them. @param between may replace what the aggregator sees of each store */
  async open(between: (doors: Doors) => Doors = (doors) => doors): Promise<TestProcess> {
    const { alarms, keeper, rulebook, rulebooks } = this
    const log = await openLmdbLog({ dir: join(this.#dir, 'log') })
    const state = AggregatorState.open(join(this.#dir, 'state'))
    const warehouse = openWarehouse(this.#server.address, this.#database, this.#connection)
    await warehouse.migrate(streamPlans(rulebook))
    await warehouse.takeOver(0)
    const doors = between({ log, state, warehouse, keeper })
    const logKeys = createLogKeys(keeper)
    const aggregator = new Aggregator({
      ...doors,
      membership: soleMember(doors.log, doors.state),
      rulebooks,
      logKeys,
      evidence: {
        record: (events) => this.record(events),
        sign: async () => {},
      },
      alarm: (message) => alarms.push(message),
    })
    const collector = new TestCollector(log, createLogKeys(keeper), rulebook)
    return {
      aggregator,
      collector,
      log,
      state,
      warehouse,
      logKeys,
      async advance(now) {
        keeper.now = now
        const dropped = await aggregator.dropDestroyed()
        return { dropped, released: await aggregator.advance(now) }
      },
      async close() {
        logKeys.close()
        await log.close()
        await state.close()
        await warehouse.close()
      },
    }
  }
}

export interface TestProcess {
  readonly aggregator: Aggregator
  readonly collector: TestCollector
  readonly log: LmdbLog
  readonly state: AggregatorState
  readonly warehouse: Warehouse
  readonly logKeys: LogKeys
  /** A round of the live loop: the keeper's clock moves, what lost its key goes, then the rest. @param now ms */
  advance(now: number): Promise<{
    readonly dropped: readonly string[]
    readonly released: Awaited<ReturnType<Aggregator['advance']>>
  }>
  close(): Promise<void>
}
