/**
 * Release, step 2: exact counts, no sketches, in one pass over cleaned rows. Source: design.md, "Disclosure", step 2.
 *
 * The rows of one person lie together, as arrays. Each row gets its number among that person's rows of its node: rows
 * with the number 1 are the people of the node, and the highest number is what its largest person has. So no set of people
 * is ever kept: rows are grouped by node and tenant, and those few by node. All trees of a kind and all their depths are
 * counted in one query. Where people are read as they lie, each depth is a grouping of its own: groups of few levels stay
 * in the processor's cache. Where they must be put together or in order first, that is done once, and upper nodes are
 * summed out of the finest.
 */
import type { Connection } from './connection.js'
import type { CleanRequest, NodeCount, Sum } from './types.js'

export type Identity = CleanRequest['identity']

/** Spill to disk rather than fail where nodes are many. */
export const SPILL = { max_bytes_before_external_group_by: '268435456' }

/** Nodes to be counted, made of arrays of equal length, row by row, of one person. */
export interface NodeSet {
  /** a SELECT of `tenant` and the arrays, one row a person */
  readonly people: string
  /** whether that SELECT costs much: then it is read once for all depths */
  readonly isDear: boolean
  /** arrays that make the nodes, the coarsest first */
  readonly levels: readonly string[]
  /** whether the first level is no node of its own, but a part of every node */
  readonly hourly: boolean
  /** array that says which rows begin a visit, where they are counted */
  readonly visit?: string
  /** array of seconds, where they are summed; rows then lie in the order of the levels */
  readonly seconds?: string
  /** array of networks, on network sites */
  readonly network?: string
}

export interface NodeQuery {
  readonly identity: Identity
  readonly sets: readonly NodeSet[]
}

/** A row of the answer. */
export interface NodeRow {
  readonly tree: number
  readonly depth: number
  readonly hour: number
  readonly codes: readonly number[]
  readonly users: number
  readonly events: number
  readonly tenants: number
  readonly networks: number
  readonly largestTenantUsers: number
  readonly largestTenantEvents: number
  readonly largestPersonEvents: number
  /** in all, of the largest tenant, of the largest person, and how many people have any */
  readonly visits: readonly [number, number, number, number]
  readonly seconds: readonly [number, number, number, number]
}

/** What is counted where there is no row. */
export const NO_ROWS: NodeRow = {
  tree: 0,
  depth: 0,
  hour: 0,
  codes: [],
  users: 0,
  events: 0,
  tenants: 0,
  networks: 0,
  largestTenantUsers: 0,
  largestTenantEvents: 0,
  largestPersonEvents: 0,
  visits: [0, 0, 0, 0],
  seconds: [0, 0, 0, 0],
}

/** Levels without the hour. */
function depthOf({ hourly, levels }: NodeSet): number {
  return levels.length - (hourly ? 1 : 0)
}

/** Arrays of what stands at each row of a person, for the nodes of one depth, and their sums over rows. */
interface DepthSql {
  readonly arrays: readonly (readonly [sql: string, name: string])[]
  readonly users: string
  readonly person: string
  readonly visits: string
  readonly visitors: string
  readonly seconds: string
  readonly timed: string
}

/** @param name of the numbers; each array ends with `s`, and has its value at a row without it */
function depthSql({ seconds, visit }: NodeSet, node: string, name: string): DepthSql {
  const visits = `${name}_visit`
  const running = `${name}_running`
  // Their rows lie together, so each number 1 begins a run.
  const runs = `arraySplit((second, nth) -> nth = 1, ${seconds ?? ''}, ${name}s)`
  return {
    arrays: [
      [`arrayEnumerateUniq(${node})`, name],
      ...(visit === undefined ? [] : [[`arrayEnumerateUniq(${node}, ${visit})`, visits] as const]),
      ...(seconds === undefined
        ? []
        : [[`arrayFlatten(arrayMap(run -> arrayCumSum(run), ${runs}))`, running] as const]),
    ],
    users: `countIf(${name} = 1)`,
    person: `max(${name})`,
    visits: visit === undefined ? '0' : `maxIf(${visits}, visit)`,
    visitors: visit === undefined ? '0' : `countIf(visit AND ${visits} = 1)`,
    seconds: seconds === undefined ? '0' : `max(${running})`,
    // The first row with any time is the one that has all the time so far.
    timed: seconds === undefined ? '0' : `countIf(second > 0 AND ${running} = second)`,
  }
}

/** Rows of people with what stands at each of them, one after the other: the FROM of a grouping. */
function rowsSql(set: NodeSet, arrays: readonly string[], numbers: DepthSql['arrays']): string {
  const { network, people, seconds, visit } = set
  const joined = [
    ...arrays.map((array, at) => `${array} AS d${String(at)}`),
    ...numbers.map(([, name]) => `${name}s AS ${name}`),
    ...(visit === undefined ? [] : [`${visit} AS visit`]),
    ...(seconds === undefined ? [] : [`${seconds} AS second`]),
    ...(network === undefined ? [] : [`${network} AS net`]),
  ]
  const named = numbers.map(([sql, name]) => `${sql} AS ${name}s`)
  return `(SELECT *, ${named.join(', ')} FROM (${people})) ARRAY JOIN ${joined.join(', ')}`
}

/** Sums that are the same at every depth. */
function totalsSql({ network, seconds, visit }: NodeSet): string {
  return `count() AS te, ${visit === undefined ? '0' : 'countIf(visit)'} AS tv, ${
    seconds === undefined ? '0' : 'sum(second)'
  } AS ts${network === undefined ? '' : ', uniqExactStateIf(net, net != 0) AS tn'}`
}

function keysOf(width: number): readonly string[] {
  return ['tree', 'depth', 'hour', ...Array.from({ length: width }, (_none, at) => `c${String(at)}`)]
}

/** Nodes of one depth, by tenant. The keys are of small types: together they are one or two words. */
function groupedSql(set: NodeSet, tree: number, depth: number, width: number): string {
  const arrays = set.levels.slice(0, depth + (set.hourly ? 1 : 0))
  const names = arrays.map((_array, at) => `d${String(at)}`)
  const codes = set.hourly ? names.slice(1) : names
  const keys = [
    `toUInt8(${String(tree)}) AS tree`,
    `toUInt8(${String(depth)}) AS depth`,
    `toUInt8(${set.hourly ? 'd0' : '0'}) AS hour`,
    ...Array.from({ length: width }, (_none, at) => `toUInt32(${codes[at] ?? '0'}) AS c${String(at)}`),
  ]
  const sql = depthSql(set, arrays.join(', '), 'nth')
  return `
      SELECT ${keys.join(', ')}, tenant, ${sql.users} AS tu, ${sql.person} AS tm, ${sql.visits} AS tvm,
        ${sql.visitors} AS tvp, ${sql.seconds} AS tsm, ${sql.timed} AS tsp, ${totalsSql(set)}
      FROM ${rowsSql(set, arrays, sql.arrays)}
      GROUP BY tenant, ${names.join(', ')}`
}

/**
 * Nodes of every depth, by tenant, out of one grouping by the finest: a row that is the first of its person in a node is
 * that in one of the nodes below alone, so numbers of people add up, too.
 */
function rolledSql(set: NodeSet, tree: number, width: number): string {
  const names = set.levels.map((_array, at) => `d${String(at)}`)
  const codes = set.hourly ? names.slice(1) : names
  const depths = codes.map((_code, at) => {
    const node = set.levels.slice(0, at + 1 + (set.hourly ? 1 : 0)).join(', ')
    return depthSql(set, node, `n${String(at)}`)
  })
  const each = (sum: (sql: DepthSql) => string): string => `[${depths.map(sum).join(', ')}]`
  const own = Array.from({ length: width }, (_none, at) => {
    const code = codes[at]
    return `${code === undefined ? 'toUInt32(0)' : `if(depth > ${String(at)}, toUInt32(${code}), 0)`} AS c${String(at)}`
  })
  const networks = set.network === undefined ? '' : ', uniqExactMergeState(tn) AS tn'
  return `
      SELECT ${keysOf(width).join(', ')}, tenant, sum(u) AS tu, max(m) AS tm, max(vm) AS tvm, sum(vp) AS tvp,
        max(sm) AS tsm, sum(sp) AS tsp, sum(te) AS te, sum(tv) AS tv, sum(ts) AS ts${networks}
      FROM (
        SELECT toUInt8(${String(tree)}) AS tree, toUInt8(${set.hourly ? 'd0' : '0'}) AS hour, ${own.join(', ')}, depth,
          tenant, te, tv, ts, u, m, vm, vp, sm, sp${set.network === undefined ? '' : ', tn'}
        FROM (
          SELECT tenant, ${names.join(', ')}, ${totalsSql(set)}, ${each(({ users }) => users)} AS us,
            ${each(({ person }) => person)} AS ms, ${each(({ visits }) => visits)} AS vms,
            ${each(({ visitors }) => visitors)} AS vps, ${each(({ seconds }) => seconds)} AS sms,
            ${each(({ timed }) => timed)} AS sps
          FROM ${rowsSql(
            set,
            set.levels,
            depths.flatMap(({ arrays }) => arrays),
          )}
          GROUP BY tenant, ${names.join(', ')}
        )
        ARRAY JOIN [${codes.map((_code, at) => `toUInt8(${String(at + 1)})`).join(', ')}] AS depth, us AS u, ms AS m,
          vms AS vm, vps AS vp, sms AS sm, sps AS sp
      ) GROUP BY ${keysOf(width).join(', ')}, tenant`
}

/** Every node of a set, by tenant. */
function setSql(set: NodeSet, tree: number, width: number): readonly string[] {
  const depth = depthOf(set)
  if (set.isDear && depth > 1) return [rolledSql(set, tree, width)]
  return Array.from({ length: depth }, (_none, at) => groupedSql(set, tree, at + 1, width))
}

/** The query that answers {@link NodeRow}s, for at least one set with at least one level. */
export function nodesSql({ identity, sets }: NodeQuery): string {
  const signed = identity === 'signed'
  const width = Math.max(...sets.map(depthOf))
  const keys = keysOf(width)
  const nodes = sets.flatMap((set, tree) => setSql(set, tree, width))
  const largest = (name: string): string => (signed ? `max(${name})` : '0')
  return `
    SELECT tree, depth, hour, [${keys.slice(3).join(', ')}] AS codes, sum(tu) AS users, sum(te) AS events,
      ${signed ? 'count()' : '0'} AS tenants, ${signed ? '0' : 'uniqExactMerge(tn)'} AS networks,
      ${largest('tu')} AS largestTenantUsers, ${largest('te')} AS largestTenantEvents, max(tm) AS largestPersonEvents,
      (sum(tv), ${largest('tv')}, max(tvm), sum(tvp)) AS visits,
      (sum(ts), ${largest('ts')}, max(tsm), sum(tsp)) AS seconds
    FROM (${nodes.join(' UNION ALL ')}
    ) GROUP BY ${keys.join(', ')} ORDER BY ${keys.join(', ')}`
}

/** Runs a query of {@link nodesSql}. */
export async function nodeRows(
  connection: Connection,
  sql: string,
  params: Record<string, unknown>,
): Promise<readonly NodeRow[]> {
  return connection.rows<NodeRow>(sql, params, SPILL)
}

function sumOf([total, largestTenant, largestPerson, people]: NodeRow['visits']): Sum {
  return { total, people, largestTenant, largestPerson }
}

/** What a row says of its node. */
export function nodeCount(
  row: NodeRow,
  dims: readonly string[],
  hour: number | null,
  measures: { readonly visits: boolean; readonly seconds: boolean },
): NodeCount {
  return {
    dims,
    hour,
    users: row.users,
    events: row.events,
    tenants: row.tenants,
    networks: row.networks,
    largestTenantUsers: row.largestTenantUsers,
    largestTenantEvents: row.largestTenantEvents,
    largestPersonEvents: row.largestPersonEvents,
    ...(measures.visits ? { visits: sumOf(row.visits) } : {}),
    ...(measures.seconds ? { time_s: sumOf(row.seconds) } : {}),
  }
}
