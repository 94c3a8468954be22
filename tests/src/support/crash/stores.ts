/** What the stores of a directory at rest hold. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openHouse, storedRulebook } from '@tacit/cli'
import { auditEntriesOf } from '../audit-entries.js'
import { query } from '../server-query.js'

export interface StoredRow {
  /** the path's only segment */
  readonly marker: string
  readonly site: string
  /** RFC 3339, event time */
  readonly hour: string
  /** pseudonym, with its epoch */
  readonly person: string
}

export interface LedgerRow {
  readonly hour: string
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
}

export interface StoredCell {
  readonly statistic: string
  /** ms */
  readonly windowStart: number
  readonly dims: readonly string[]
  readonly users: number | null
  readonly events: number | null
}

export interface Stored {
  readonly landing: readonly StoredRow[]
  readonly staging: readonly StoredRow[]
  readonly ledger: readonly LedgerRow[]
  readonly cells: readonly StoredCell[]
  /** windows of the day stream by epoch label, with their reconciliation */
  readonly windows: Readonly<
    Record<string, { readonly status: string; readonly reconciled: boolean; readonly accepted: number }>
  >
  /** the consumer stopped between its boundary and its cursor */
  readonly boundaryOpen: boolean
}

type RealmOf<T> = T extends { openRealm(options: never): Promise<infer R> } ? R : never
type House = Awaited<ReturnType<typeof openHouse>>
type Realm = RealmOf<House>

/**
 * Opens a directory at rest and reads everything.
 * @param now ms, where its clock stands: the keeper acts on it
 * @param advance first do what the clock asks for
 */
export async function readStores(dir: string, now = Date.now(), advance = false): Promise<Stored> {
  const house = await openHouse(dir)
  try {
    const layout = house.layout.realm('main')
    const rulebook = storedRulebook(layout.rulebook)
    if (rulebook === null) throw new Error('no rulebook is kept in the directory')
    const realm = await house.openRealm({ layout, rulebook, clock: { now: () => now }, ratePerToken: 1 })
    if (advance) {
      await realm.commit.watermark(now)
      await realm.destroyDue()
      await realm.aggregator.advance(now)
    }
    return {
      landing: await rowsOf(house, layout.database, 'landing_day'),
      staging: await rowsOf(house, layout.database, 'staging_day'),
      ledger: realm.aggregator.ledger(),
      cells: await cellsOf(realm),
      windows: Object.fromEntries(realm.state.windows('day').map(({ epoch, record }) => [epoch, record])),
      boundaryOpen: realm.log.parts('aggregator').some((part) => part.cursor().boundary !== null),
    }
  } finally {
    await house.close()
  }
}

async function rowsOf(house: House, database: string, table: string): Promise<StoredRow[]> {
  const columns = "path, site, toUnixTimestamp(hour), concat(toString(epoch), ' ', person)"
  const lines = await query(house, `SELECT ${columns} FROM ${database}.${table} FORMAT JSONCompactEachRow`)
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [path, site, hour, person] = JSON.parse(line) as [string, string, number, string]
      return { marker: path.slice(1), site, hour: rfc3339(hour * 1000), person }
    })
}

async function cellsOf({ warehouse }: Realm): Promise<StoredCell[]> {
  const cells: StoredCell[] = []
  const released = new Set((await warehouse.releasedWindows()).map(({ statistic }) => statistic))
  for (const statistic of released) {
    const found = await warehouse.queryCells({ statistic, window: 'day' })
    cells.push(
      ...found.map(({ dims, events, users, windowStart }) => ({
        statistic,
        windowStart,
        dims,
        users,
        events,
      })),
    )
  }
  return cells
}

export function rfc3339(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}

/** How often the audit log says that the root of each epoch or hour was made, and how many root files name it. */
export function rootsByLabel(dir: string): Map<string, { opened: number; files: number }> {
  const keys = join(dir, 'main/keys')
  const roots = new Map<string, { opened: number; files: number }>()
  const of = (label: string) => {
    const known = roots.get(label) ?? { opened: 0, files: 0 }
    roots.set(label, known)
    return known
  }
  for (const { action, object } of auditEntriesOf(dir)) {
    if (action === 'key.created' && object.epoch !== null) of(object.epoch).opened++
  }
  for (const name of readdirSync(keys)) {
    const label = /^(.+)\.(?:root|key)$/.exec(name)?.[1]
    if (label !== undefined) of(label.replace('-', ':')).files++
  }
  return roots
}
