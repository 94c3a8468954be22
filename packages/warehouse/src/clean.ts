/**
 * Release, step 1: cleaned rows of one (epoch, site), in a scratch table that every count of the release reads.
 *
 * Out go rows of tenants that are not established (signed sites), repetitions of an event id, and what one person has
 * beyond the cap of a kind. Which row stays is decided by the keyed event id, then by the row itself: the same staging
 * rows give the same cleaned rows, in whatever order they lie.
 * Source: design.md, "Disclosure", step 1.
 */
import { randomBytes } from 'node:crypto'
import { epochFromLabel, utcDay } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import type { Connection } from './connection.js'
import { countNodes, countPool } from './count.js'
import { CLEAN, dropTable, stagingTable } from './schema.js'
import { epochPartition } from './staging.js'
import { identifier, identifiers, tableName } from './sql.js'
import type { CleanedRows, CleanRequest, CountRequest } from './types.js'

const ESTABLISHED = 'established'

interface Conditions {
  /** rows of the site and epoch */
  readonly staged: string
  /** those of them that may count */
  readonly standing: string
  readonly params: Record<string, unknown>
}

function conditionsOf(request: CleanRequest): Conditions {
  const staged = 'epoch = {day:Date} AND site = {site:String}'
  return {
    staged,
    standing: request.identity === 'signed' ? `${staged} AND standing = '${ESTABLISHED}'` : staged,
    params: {
      day: utcDay(epochFromLabel(request.epoch).start),
      site: request.site,
      cap: request.maxEventsPerPerson,
    },
  }
}

async function fill(
  connection: Connection,
  plan: StreamPlan,
  scratch: string,
  where: Conditions,
): Promise<void> {
  const staging = tableName(connection.database, stagingTable(plan.stream))
  const dimensions = plan.dimensions.map(identifier)
  const kept = ['kind', 'tenant', 'person', 'network', ...dimensions].join(', ')
  const everything = ['tenant', 'person', 'eid', 'kind', 'hour', 'network', ...dimensions].join(', ')
  await connection.command(
    `INSERT INTO ${scratch} (${kept}) SELECT ${kept} FROM (
       SELECT eid, ${kept} FROM ${staging} WHERE ${where.standing}
       ORDER BY ${everything} LIMIT 1 BY tenant, person, eid
     ) ORDER BY tenant, person, kind, eid LIMIT {cap:UInt64} BY tenant, person, kind`,
    { params: where.params },
  )
}

async function sizes(
  connection: Connection,
  plan: StreamPlan,
  where: Conditions,
): Promise<{ readonly staged: number; readonly standing: number; readonly distinct: number }> {
  const staging = tableName(connection.database, stagingTable(plan.stream))
  const [row] = await connection.rows<{ staged: number; standing: number; distinct: number }>(
    `SELECT (SELECT count() FROM ${staging} WHERE ${where.staged}) AS staged,
            (SELECT count() FROM ${staging} WHERE ${where.standing}) AS standing,
            (SELECT count() FROM (SELECT 1 FROM ${staging} WHERE ${where.standing}
                                  GROUP BY tenant, person, eid)) AS distinct`,
    where.params,
    { optimize_aggregation_in_order: 1 },
  )
  return row ?? { staged: 0, standing: 0, distinct: 0 }
}

async function rowsByKind(connection: Connection, scratch: string): Promise<Record<string, number>> {
  const rows = await connection.rows<{ kind: string; rows: number }>(
    `SELECT kind, count() AS rows FROM ${scratch} GROUP BY kind ORDER BY kind`,
  )
  return Object.fromEntries(rows.map(({ kind, rows: count }) => [kind, count]))
}

/**
 * Cleans and caps the rows of a site in an epoch. The caller drops them after the release; those of a killed release
 * go at the next `migrate`, or with their epoch.
 * @throws WarehouseError
 */
export async function clean(
  connection: Connection,
  plan: StreamPlan,
  request: CleanRequest,
): Promise<CleanedRows> {
  const name = `${CLEAN}${plan.stream}_${epochPartition(request.epoch)}_${randomBytes(8).toString('hex')}`
  const scratch = tableName(connection.database, name)
  const where = conditionsOf(request)
  const dimensions = plan.dimensions.map((dimension) => `, ${identifier(dimension)} LowCardinality(String)`)
  await connection.command(
    `CREATE TABLE ${scratch} (kind LowCardinality(String), tenant String, person String, network String${dimensions.join('')})
     ENGINE = MergeTree ORDER BY (${identifiers(['kind', 'tenant', 'person'])})`,
  )
  try {
    const [size] = await Promise.all([sizes(connection, plan, where), fill(connection, plan, scratch, where)])
    const kinds = await rowsByKind(connection, scratch)
    const rows = Object.values(kinds).reduce((sum, count) => sum + count, 0)
    const { identity } = request
    return {
      staged: size.staged,
      removed: size.staged - size.standing,
      deduplicated: size.standing - size.distinct,
      capped: size.distinct - rows,
      rows,
      kinds,
      count: (counted) => countNodes(connection, scratch, identity, counted),
      pool: (counted, passing) => countPool(connection, scratch, identity, counted, passing),
      total: ({ kind }: CountRequest) => (kind === undefined ? rows : (kinds[kind] ?? 0)),
      drop: () => dropTable(connection, name),
    }
  } catch (error) {
    await dropTable(connection, name).catch(() => undefined)
    throw error
  }
}
