/** Made-up rows, and one server a test file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HOUR, utcDay } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import type { Test } from 'tap'
import { type Connection, connect } from '../connection.js'
import { type EmbeddedServer, startEmbeddedServer } from '../embedded/server.js'
import { WarehouseError } from '../failures.js'
import type { DecidedBy } from '../types.js'
import { openWarehouse, type Warehouse } from '../warehouse.js'

export const PLAN: StreamPlan = { stream: 'day', dimensions: ['device', 'path'] }
/** 2026-11-01T00:00:00Z, ms */
export const DAY_START = Date.UTC(2026, 10, 1)
export const EPOCH = 'day:2026-11-01'
export const PRODUCER = '0123456789abcdef'
export const BY: DecidedBy = { rulebook: 'ab'.repeat(32) }

export interface Row {
  readonly producer?: string
  readonly batch?: number
  readonly row?: number
  /** ms */
  readonly received?: number
  /** ms */
  readonly hour?: number
  readonly site?: string
  readonly kind?: string
  readonly standing?: string
  readonly tenant?: string
  readonly person?: string
  readonly network?: string
  readonly eid?: string
  readonly device?: string
  readonly path?: string
}

/** The row as a collector writes it: a JSONCompactEachRow line. */
export function line(row: Row): Buffer {
  const hour = row.hour ?? DAY_START + 9 * HOUR
  const values = [
    row.producer ?? PRODUCER,
    row.batch ?? 0,
    row.row ?? 0,
    (row.received ?? hour) / 1_000,
    utcDay(hour),
    hour / 1_000,
    row.site ?? 'erp',
    row.kind ?? 'page_view',
    row.standing ?? 'established',
    row.tenant ?? 'tenant-1',
    row.person ?? 'person-1',
    row.network ?? '',
    row.eid ?? `e${String(row.batch ?? 0)}-${String(row.row ?? 0)}`,
    row.device ?? 'desktop',
    row.path ?? '/invoices',
  ]
  return Buffer.from(`${JSON.stringify(values)}\n`, 'utf8')
}

/** A server of this test file, gone with it. */
export async function testServer(t: Test): Promise<EmbeddedServer> {
  const dir = await mkdtemp(join(tmpdir(), 'tacit-warehouse-'))
  const server = await startEmbeddedServer({ dir })
  t.teardown(async () => {
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  })
  return server
}

/** The tables of a database of this server, and a way to ask the server itself; closed with the test. */
export async function openTables(
  t: Test,
  server: EmbeddedServer,
  database: string,
): Promise<{ w: Warehouse; sql: Connection }> {
  const w = openWarehouse(server.address, database)
  const sql = connect(server.address, database)
  t.teardown(async () => {
    await w.close()
    await sql.close()
  })
  await w.migrate([PLAN])
  return { w, sql }
}

/** The failure that a request ends with. @throws Error where it does not fail, or with something else */
export async function failureOf(request: Promise<unknown>): Promise<WarehouseError> {
  try {
    await request
  } catch (error) {
    if (error instanceof WarehouseError) return error
    throw error
  }
  throw new Error('it did not fail')
}
