/**
 * An aggregator whose way to ClickHouse can be made bad, and the oracle of every ClickHouse fault: once it is over, each
 * event that was sent is staged once, none that was not, the ledger has all of them, and nobody had to do anything.
 */
import { join } from 'node:path'
import { HOUR } from '@tacit/contracts'
import { DAY_START, EPOCH, erpRulebook, type TestProcess, TestStores } from '@tacit/aggregator/testing'
import type { ServerAddress } from '@tacit/warehouse'
import type { Test } from 'tap'
import { query } from '../server-query.js'
import { FaultProxy } from './fault-proxy.js'

/** Longer than a busy machine takes for anything. */
const REQUEST_MS = 30_000
const NOON = DAY_START + 12 * HOUR
const RECOVERED_WITHIN = 6
const BATCH_ROWS = 4

export interface FaultyOptions {
  /** ms after which a request that hangs is given up */
  readonly requestTimeoutMs?: number
  /** ms before each repetition; none by default, so that a fault meets what it is for */
  readonly retryWaitsMs?: readonly number[]
  /** as of a data directory of its own beside others in the same database */
  readonly log?: string
}

export class FaultyAggregator {
  readonly proxy: FaultProxy
  readonly stores: TestStores
  readonly database: string
  /** ids of all events that were sent */
  readonly sent = new Set<string>()
  /** batches that are not to be staged: their rows' ids */
  readonly setAside = new Set<string>()
  running: TestProcess
  readonly #server: { readonly address: ServerAddress }

  private constructor(
    proxy: FaultProxy,
    stores: TestStores,
    running: TestProcess,
    server: { readonly address: ServerAddress },
    database: string,
  ) {
    this.proxy = proxy
    this.stores = stores
    this.running = running
    this.#server = server
    this.database = database
  }

  /** @param database a name of this test's own */
  static async open(
    t: Test,
    server: { readonly address: ServerAddress },
    database: string,
    { log = 'stores', requestTimeoutMs = REQUEST_MS, retryWaitsMs = [] }: FaultyOptions = {},
  ): Promise<FaultyAggregator> {
    const proxy = await FaultProxy.open(server.address)
    const connection = { requestTimeoutMs, retryWaitsMs }
    const stores = new TestStores(join(t.testdir(), log), proxy, database, erpRulebook('pages'), connection)
    stores.keeper.openEpoch(EPOCH)
    const faulty = new FaultyAggregator(proxy, stores, await stores.open(), server, database)
    t.teardown(async () => {
      await proxy.close()
      await faulty.running.close()
    })
    return faulty
  }

  /** One batch of four page views in the first hour. @returns the ids of its events */
  async send(): Promise<readonly string[]> {
    const ids = Array.from(
      { length: BATCH_ROWS },
      (_none, i) => `${this.database}-${String(this.sent.size + i)}`,
    )
    await this.running.collector.send(DAY_START, ids.map(rowOf))
    for (const id of ids) this.sent.add(id)
    return ids
  }

  /** A batch of one row that ClickHouse cannot take. @param spoil makes it so */
  async sendBroken(
    spoil = (lines: string): string => lines.replace('"2026-11-02"', '"no day"'),
  ): Promise<void> {
    const id = `${this.database}-${String(this.sent.size)}`
    const sealed = await this.running.collector.seal(DAY_START, [rowOf(id, 0)], {}, spoil)
    await this.running.log.append(sealed, DAY_START)
    this.sent.add(id)
    this.setAside.add(id)
  }

  /** A process that starts anew on the same stores. */
  async restart(): Promise<void> {
    await this.running.close()
    this.running = await this.stores.open()
  }

  /** The server itself, past the proxy. @returns the answer's text */
  ask(statement: string): Promise<string> {
    return query({ server: this.#server }, statement)
  }

  /**
   * Staging fails while the fault lasts, and says so in the one way that callers understand: retryable, without a value;
   * what is not staged is known to be waiting.
   */
  async failsHonestly(t: Test): Promise<void> {
    await t.rejects(this.running.aggregator.stage(), { code: 'ERR_WAREHOUSE_QUERY', retryable: true })
    t.equal(this.running.aggregator.oldestUnstagedHour(), DAY_START, 'it knows that something waits')
  }

  /** Ends the fault, and lets rounds go by as the live loop does, until one succeeds. */
  async recovers(t: Test): Promise<void> {
    await this.proxy.heal()
    await this.#rounds(t)
    await this.#meetsObligations(t)
  }

  /** The same with faults that end by themselves: so many of its rounds fail at least. */
  async recoversAfter(t: Test, least: number): Promise<void> {
    t.ok((await this.#rounds(t)) >= least, 'the fault was reached')
    await this.#meetsObligations(t)
  }

  /** The same where events of other days were sent, too. */
  async recoversWith(t: Test, ids: readonly string[]): Promise<void> {
    for (const id of ids) this.sent.add(id)
    await this.#rounds(t)
    await this.#meetsObligations(t, this.sent.size - ids.length)
  }

  /** @returns rounds that failed */
  async #rounds(t: Test): Promise<number> {
    await this.running.collector.watermark(NOON)
    for (let failed = 0; failed < RECOVERED_WITHIN; failed += 1) {
      const isDone = await this.running.advance(NOON).then(
        () => true,
        () => false,
      )
      if (isDone) return failed
    }
    t.fail('it does not recover by itself')
    return RECOVERED_WITHIN
  }

  /** @param inWindow events of the day under test */
  async #meetsObligations(t: Test, inWindow = this.sent.size): Promise<void> {
    const { running } = this
    t.equal(running.aggregator.oldestUnstagedHour() ?? NOON, NOON, 'nothing of that hour waits any more')
    const text = await this.ask(`SELECT eid FROM ${this.database}.staging_day ORDER BY eid FORMAT TSV`)
    const staged = text.split('\n').filter((id) => id !== '')
    const wanted = [...this.sent].filter((id) => !this.setAside.has(id)).sort()
    t.same(staged, wanted, 'each event is staged once, and none that was not sent')
    const accepted = running.aggregator.ledger().reduce((sum, row) => sum + row.accepted, 0)
    t.equal(accepted, this.sent.size, 'the ledger has all of them')
    const window = { accepted: inWindow, quarantined: this.setAside.size, expired: 0 }
    t.match(running.state.window('day', EPOCH), window)
    t.same(await running.warehouse.landingHours('day'), [], 'nothing is left in landing')
    t.equal(this.stores.keeper.settledHours.get(DAY_START), true, 'the hour adds up')
    t.notMatch(this.stores.alarms.join('\n'), /alice/, 'no alarm quotes data')
  }
}

function rowOf(
  id: string,
  at: number,
): { at: number; person: string; tenant: string; eid: string; dims: Record<string, string> } {
  const tenant = `tenant-${String(at % 3)}`
  return {
    at: DAY_START,
    tenant,
    person: `${tenant}-person-${String(at)}`,
    eid: id,
    dims: { path: '/items' },
  }
}
