/** What a fleet's stores hold: rows in ClickHouse, and the state that its aggregators share. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { AggregatorState } from '@tacit/aggregator'
import { openJournal } from '@tacit/event-log'
import { rfc3339, type LedgerRow, type StoredRow } from '../crash/stores.js'
import { query } from '../server-query.js'
import type { Fleet } from './fleet.js'

/** Rows that landed twice are one: the settler makes them one. */
const LANDING =
  "SELECT path, site, toUnixTimestamp(hour), person FROM (SELECT DISTINCT _producer, _batch, _row, path, site, hour, concat(toString(epoch), ' ', person) AS person FROM tacit.landing_day)"
const STAGING =
  "SELECT path, site, toUnixTimestamp(hour), concat(toString(epoch), ' ', person) FROM tacit.staging_day"

export interface Holdings {
  readonly landing: readonly StoredRow[]
  readonly staging: readonly StoredRow[]
}

async function rowsOf(fleet: Fleet, statement: string): Promise<StoredRow[]> {
  const lines = await query(fleet, `${statement} FORMAT JSONCompactEachRow`)
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [path, site, hour, person] = JSON.parse(line) as [string, string, number, string]
      return { marker: path.slice(1), site, hour: rfc3339(hour * 1000), person }
    })
}

export async function holdingsOf(fleet: Fleet): Promise<Holdings> {
  return { landing: await rowsOf(fleet, LANDING), staging: await rowsOf(fleet, STAGING) }
}

/** Rows in landing as they are, repetitions too. */
export async function landingRows(fleet: Fleet): Promise<number> {
  return Number(await query(fleet, 'SELECT count() FROM tacit.landing_day'))
}

/** Rows in landing and staging as they are, repetitions too. */
export async function rowCount(fleet: Fleet): Promise<number> {
  const counts = 'SELECT (SELECT count() FROM tacit.landing_day) + (SELECT count() FROM tacit.staging_day)'
  return Number(await query(fleet, counts))
}

export interface SharedView {
  readonly state: AggregatorState
  ledger(): readonly LedgerRow[]
  close(): Promise<void>
}

/** A copy of what the aggregators share, as a dashboard has it. */
export async function openShared(fleet: Fleet, dir: string): Promise<SharedView> {
  const { brokers } = fleet
  const kafka = { ...brokers.access(), prefix: 'tacit', partitions: 6, replication: brokers.nodes.length }
  const { state } = await AggregatorState.share(join(dir, randomBytes(4).toString('hex')), async (apply) => {
    const journal = await openJournal({ kafka, alarm: () => undefined, apply })
    await journal.current
    return journal
  })
  return { state, ledger: () => state.ledger(), close: () => state.close() }
}
