/** Days of made-up people in the staging table of a real warehouse, and what the real release makes of each. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { computeSite } from '@tacit/aggregator'
import { DAY, epochOf, HOUR, utcDay } from '@tacit/contracts'
import {
  parseRulebook,
  type Rulebook,
  RULEBOOK_FILE,
  type StreamPlan,
  statisticsOf,
  streamPlans,
} from '@tacit/rulebook'
import { shipped } from '@tacit/rulebook/testing'
import { type EmbeddedServer, openWarehouse, startEmbeddedServer, type Warehouse } from '@tacit/warehouse'
import type { Test } from 'tap'
import { query } from '../server-query.js'

const DATABASE = 'attacked'
/** 2026-11-02T00:00:00Z, ms */
const FIRST_DAY = Date.UTC(2026, 10, 2)
const NOON = 12

/** One event of somebody. */
export interface StagedEvent {
  readonly kind: 'page_view' | 'feature'
  readonly standing: 'established' | 'trial' | 'internal' | ''
  readonly tenant: string
  readonly person: string
  /** of a network site */
  readonly network: string
  /** values of the stream's dimensions; absent ones are empty */
  readonly values: Readonly<Record<string, string>>
}

/** Cells by statistic and window, as they would be committed. */
export type Released = Readonly<Record<string, readonly unknown[]>>

export class StagedDays {
  readonly rulebook: Rulebook
  readonly #warehouse: Warehouse
  readonly #house: { readonly server: Pick<EmbeddedServer, 'address'> }
  readonly #plan: StreamPlan
  #days = 0

  private constructor(rulebook: Rulebook, warehouse: Warehouse, server: EmbeddedServer) {
    const plan = streamPlans(rulebook).find(({ stream }) => stream === 'day')
    if (plan === undefined) throw new RangeError('The rulebook counts no days.')
    this.rulebook = rulebook
    this.#warehouse = warehouse
    this.#house = { server }
    this.#plan = plan
  }

  /** A ClickHouse of its own, until the test is over. @param name of a shipped rulebook */
  static async open(t: Test, name: 'erp' | 'website'): Promise<StagedDays> {
    const dir = mkdtempSync(join(tmpdir(), 'tacit-staged-'))
    t.teardown(() => rmSync(dir, { recursive: true, force: true }))
    const { rulebook } = parseRulebook({ file: RULEBOOK_FILE, texts: shipped(name) })
    if (rulebook === null) throw new RangeError(`No rulebook ${name}.`)
    const server = await startEmbeddedServer({ dir })
    const warehouse = openWarehouse(server.address, DATABASE)
    t.teardown(async () => {
      await warehouse.close()
      await server.stop()
    })
    await warehouse.migrate(streamPlans(rulebook))
    await warehouse.takeOver(0)
    return new StagedDays(rulebook, warehouse, server)
  }

  /** Stages the events as one day, and releases it. */
  async release(site: string, events: readonly StagedEvent[]): Promise<Released> {
    const start = FIRST_DAY + this.#days * DAY
    this.#days += 1
    const at = (start + NOON * HOUR) / 1_000
    const lines = events.map(({ kind, network, person, standing, tenant, values }, index) =>
      JSON.stringify({
        received: at,
        epoch: utcDay(start),
        hour: at,
        site,
        kind,
        standing,
        tenant,
        person,
        network,
        eid: `${this.#days}-${index}`,
        ...Object.fromEntries(this.#plan.dimensions.map((dimension) => [dimension, values[dimension] ?? ''])),
        _rulebook: this.rulebook.hash,
      }),
    )
    await query(this.#house, `INSERT INTO ${DATABASE}.staging_day FORMAT JSONEachRow\n${lines.join('\n')}`)
    return this.#compute(site, epochOf('day', start).label)
  }

  async #compute(site: string, epoch: string): Promise<Released> {
    const own = this.rulebook.sites[site]
    if (own === undefined) throw new RangeError(`No site ${site}.`)
    const { statistics, verdict } = await computeSite(this.#warehouse, {
      rulebook: this.rulebook,
      site: own,
      stream: 'day',
      epoch,
      statistics: statisticsOf(this.rulebook, 'day').filter((statistic) => statistic.site === site),
      days: new Map(),
      noiseOf: () => undefined,
    })
    if (!verdict.ok) throw new Error(`The checker refuses the day: ${verdict.findings.join(', ')}`)
    return Object.fromEntries(
      statistics.map(({ cells, statistic, window }) => [`${statistic.id} ${window}`, cells]),
    )
  }
}
