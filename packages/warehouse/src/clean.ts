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

/** rows of the site and epoch */
const STAGED = 'epoch = {day:Date} AND site = {site:String}'

/** Those of them that may count. */
function standingOf(identity: CleanRequest['identity']): string {
  return identity === 'signed' ? `${STAGED} AND standing = '${ESTABLISHED}'` : STAGED
}

function paramsOf(request: CleanRequest): Record<string, unknown> {
  return {
    day: utcDay(epochFromLabel(request.epoch).start),
    site: request.site,
    cap: request.maxEventsPerPerson,
  }
}

/**
 * The statements that make and fill a scratch table; `{day:Date}`, `{site:String}` and `{cap:UInt64}` are parameters.
 * @param scratch the table's quoted name
 */
export function cleanSql(
  database: string,
  plan: StreamPlan,
  identity: CleanRequest['identity'],
  scratch: string,
): { readonly create: string; readonly fill: string } {
  const staging = tableName(database, stagingTable(plan.stream))
  const dimensions = plan.dimensions.map(identifier)
  const columns = dimensions.map((dimension) => `, ${dimension} LowCardinality(String)`).join('')
  const kept = ['kind', 'tenant', 'person', 'network', ...dimensions].join(', ')
  const everything = ['tenant', 'person', 'eid', 'kind', 'hour', 'network', ...dimensions].join(', ')
  return {
    create: `CREATE TABLE ${scratch} (kind LowCardinality(String), tenant String, person String, network String${columns})
     ENGINE = MergeTree ORDER BY (${identifiers(['kind', 'tenant', 'person'])})`,
    fill: `INSERT INTO ${scratch} (${kept}) SELECT ${kept} FROM (
       SELECT eid, ${kept} FROM ${staging} WHERE ${standingOf(identity)}
       ORDER BY ${everything} LIMIT 1 BY tenant, person, eid
     ) ORDER BY tenant, person, kind, eid LIMIT {cap:UInt64} BY tenant, person, kind`,
  }
}

async function sizes(
  connection: Connection,
  plan: StreamPlan,
  request: CleanRequest,
): Promise<{ readonly staged: number; readonly standing: number; readonly distinct: number }> {
  const staging = tableName(connection.database, stagingTable(plan.stream))
  const standing = standingOf(request.identity)
  const [row] = await connection.rows<{ staged: number; standing: number; distinct: number }>(
    `SELECT (SELECT count() FROM ${staging} WHERE ${STAGED}) AS staged,
            (SELECT count() FROM ${staging} WHERE ${standing}) AS standing,
            (SELECT count() FROM (SELECT 1 FROM ${staging} WHERE ${standing}
                                  GROUP BY tenant, person, eid)) AS distinct`,
    paramsOf(request),
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
  const { identity } = request
  const { create, fill } = cleanSql(connection.database, plan, identity, scratch)
  await connection.command(create)
  try {
    const [size] = await Promise.all([
      sizes(connection, plan, request),
      connection.command(fill, { params: paramsOf(request) }),
    ])
    const kinds = await rowsByKind(connection, scratch)
    const rows = Object.values(kinds).reduce((sum, count) => sum + count, 0)
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
