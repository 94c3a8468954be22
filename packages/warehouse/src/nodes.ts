/**
 * Release, step 2: exact counts, no sketches, in one pass over cleaned rows. Source: design.md, "Disclosure", step 2.
 *
 * The rows of one person lie together, as arrays. Each row gets its number among that person's rows of its node: rows
 * with the number 1 are the people of the node, the highest number is what its largest person has, and both stay right
 * when rows are grouped by tenant, by deeper nodes, or by whatever else. So no set of people is ever kept, and one
 * grouping of the rows by (finest node, tenant) holds the counts of all nodes above. The few rows of that grouping are
 * summed to every node of every depth and tenant, and those to nodes.
 */
import type { Connection } from './connection.js'
import type { CleanRequest, NodeCount, Sum } from './types.js'

export type Identity = CleanRequest['identity']

/** Spill to disk rather than fail where nodes are many. */
export const SPILL = { max_bytes_before_external_group_by: '268435456' }

/** Arrays of equal length, row by row, of one person; nodes are made of some of them, the coarsest first. */
export interface NodeSet {
  readonly levels: readonly string[]
  /** whether the first level is no node of its own, but a part of every node */
  readonly hourly: boolean
  readonly visits: boolean
  readonly seconds: boolean
}

export interface NodeQuery {
  readonly identity: Identity
  /** a SELECT of `tenant` and the arrays, one row a person */
  readonly people: string
  readonly sets: readonly NodeSet[]
  /** array that says which rows begin a visit, where a set counts them */
  readonly visit?: string
  /** array of seconds, where a set sums them; rows then lie in the order of that set's levels */
  readonly seconds?: string
  /** array of networks, on network sites */
  readonly network?: string
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

/** Arrays of a node of a set: its hour where it has one, and its levels down to a depth. */
function nodeOf({ hourly, levels }: NodeSet, depth: number): readonly string[] {
  return levels.slice(0, depth + (hourly ? 1 : 0))
}

function depthOf({ hourly, levels }: NodeSet): number {
  return levels.length - (hourly ? 1 : 0)
}

function depthsOf(set: NodeSet): readonly number[] {
  return Array.from({ length: depthOf(set) }, (_none, at) => at + 1)
}

/** Names for what is computed once however often it is used. */
class Names {
  readonly #prefix: string
  readonly #names = new Map<string, string>()

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  of(expression: string): string {
    let name = this.#names.get(expression)
    if (name === undefined) {
      name = `${this.#prefix}${String(this.#names.size)}`
      this.#names.set(expression, name)
    }
    return name
  }

  entries(): readonly (readonly [expression: string, name: string])[] {
    return [...this.#names]
  }
}

/** What stands at one row: SELECT lists that are built up while sets are gone through. */
class RowNumbers {
  readonly arrays = new Names('n')
  readonly #query: NodeQuery

  constructor(query: NodeQuery) {
    this.#query = query
  }

  /** The row's number among its person's rows of a node. */
  number(node: readonly string[]): string {
    return this.arrays.of(`arrayEnumerateUniq(${node.join(', ')})`)
  }

  /** The same among the person's rows of the node that begin a visit, or that do not. */
  visit(node: readonly string[]): string {
    return this.arrays.of(`arrayEnumerateUniq(${[...node, this.#query.visit ?? ''].join(', ')})`)
  }

  /** Seconds of the person's rows of the node so far: their rows lie together, so each number 1 begins a run. */
  seconds(node: readonly string[]): string {
    const first = `(second, nth) -> nth = 1, ${this.#query.seconds ?? ''}, arrayEnumerateUniq(${node.join(', ')})`
    return this.arrays.of(`arrayFlatten(arrayMap(run -> arrayCumSum(run), arraySplit(${first})))`)
  }
}

interface DepthSql {
  readonly users: string
  readonly person: string
  readonly visits: string
  readonly visitors: string
  readonly seconds: string
  readonly timed: string
}

/** Aggregates of one grouping of rows, named so that sets share what they have in common. */
function depthSql(rows: RowNumbers, aggregates: Names, set: NodeSet, depth: number): DepthSql {
  const node = nodeOf(set, depth)
  const number = rows.number(node)
  const visit = set.visits ? rows.visit(node) : null
  const seconds = set.seconds ? rows.seconds(node) : null
  return {
    users: aggregates.of(`countIf(${number} = 1)`),
    person: aggregates.of(`max(${number})`),
    visits: visit === null ? '0' : aggregates.of(`maxIf(${visit}, visit)`),
    visitors: visit === null ? '0' : aggregates.of(`countIf(visit AND ${visit} = 1)`),
    seconds: seconds === null ? '0' : aggregates.of(`max(${seconds})`),
    // The first row with any time is the one that has all the time so far.
    timed: seconds === null ? '0' : aggregates.of(`countIf(second > 0 AND ${seconds} = second)`),
  }
}

const unsigned = (expression: string): string => `toUInt64(${expression})`

/** Everything of a query that depends on its sets. */
function partsOf(query: NodeQuery): {
  readonly rows: RowNumbers
  readonly columns: Names
  readonly aggregates: Names
  readonly groupings: Names
  readonly expanded: readonly string[]
  readonly width: number
} {
  const rows = new RowNumbers(query)
  const columns = new Names('d')
  const aggregates = new Names('m')
  const groupings = new Names('g')
  const width = Math.max(...query.sets.map(depthOf))
  // Columns first: which bit of GROUPING a column has hangs on their order.
  for (const { levels } of query.sets) for (const level of levels) columns.of(level)
  const order = columns.entries().map(([, name]) => name)
  const expanded = query.sets.map((set, at) => {
    const own = new Set(set.levels.map((level) => columns.of(level)))
    groupings.of(['tenant', ...own].join(', '))
    const bits = order.reduce((sum, name) => sum * 2 + (own.has(name) ? 0 : 1), 0)
    const tuples = depthsOf(set).map((depth) => {
      const node = nodeOf(set, depth).map((level) => columns.of(level))
      const hour = set.hourly ? (node[0] ?? '0') : '0'
      const codes = set.hourly ? node.slice(1) : node
      const padded = Array.from({ length: width }, (_none, level) => codes[level] ?? '0')
      const { person, seconds, timed, users, visitors, visits } = depthSql(rows, aggregates, set, depth)
      const sums = [visits, visitors, seconds, timed]
      const values = [String(at), String(depth), hour, ...padded, users, person, ...sums]
      return `(${values.map(unsigned).join(', ')})`
    })
    return `if(node = ${String(bits)}, [${tuples.join(', ')}], [])`
  })
  return { rows, columns, aggregates, groupings, expanded, width }
}

function list(names: readonly string[]): string {
  return names.map((name) => `, ${name}`).join('')
}

/** Rows grouped by tenant and the finest node of each set. */
function finestSql(query: NodeQuery, parts: ReturnType<typeof partsOf>): string {
  const { aggregates, columns, groupings, rows } = parts
  const numbers = rows.arrays.entries()
  const joined = [
    ...columns.entries().map(([array, name]) => `${array} AS ${name}`),
    ...numbers.map(([, name]) => `${name}s AS ${name}`),
    ...(query.visit === undefined ? [] : [`${query.visit} AS visit`]),
    ...(query.seconds === undefined ? [] : [`${query.seconds} AS second`]),
    ...(query.network === undefined ? [] : [`${query.network} AS net`]),
  ]
  const order = columns.entries().map(([, name]) => name)
  const sets = groupings.entries().map(([names]) => names)
  const grouped =
    sets.length === 1 ? (sets[0] ?? '') : `GROUPING SETS (${sets.map((set) => `(${set})`).join(', ')})`
  return `SELECT tenant${list(order)}, ${sets.length === 1 ? '0' : `GROUPING(${order.join(', ')})`} AS node, count() AS te,
      ${query.visit === undefined ? '0' : 'countIf(visit)'} AS tv, ${query.seconds === undefined ? '0' : 'sum(second)'} AS ts
      ${aggregates
        .entries()
        .map(([expression, name]) => `, ${expression} AS ${name}`)
        .join('')}
      ${query.network === undefined ? '' : ', uniqExactStateIf(net, net != 0) AS tn'}
    FROM (SELECT *${numbers.map(([expression, name]) => `, ${expression} AS ${name}s`).join('')} FROM (${query.people}))
    ARRAY JOIN ${joined.join(', ')}
    GROUP BY ${grouped}`
}

/** The query that answers {@link NodeRow}s, for at least one set with at least one level each. */
export function nodesSql(query: NodeQuery): string {
  const parts = partsOf(query)
  const signed = query.identity === 'signed'
  const codes = Array.from({ length: parts.width }, (_none, at) => `c${String(at)}`)
  const keys = ['tree', 'depth', 'hour', ...codes]
  const fields = [...keys, 'u', 'm', 'vm', 'vp', 'sm', 'sp'].map(
    (name, at) => `e.${String(at + 1)} AS ${name}`,
  )
  const networks = query.network !== undefined
  const largest = (name: string): string => (signed ? `max(${name})` : '0')
  return `
    SELECT tree, depth, hour, [${codes.join(', ')}] AS codes, sum(tu) AS users, sum(te) AS events,
      ${signed ? 'count()' : '0'} AS tenants, ${networks ? 'uniqExactMerge(tn)' : '0'} AS networks,
      ${largest('tu')} AS largestTenantUsers, ${largest('te')} AS largestTenantEvents, max(tm) AS largestPersonEvents,
      (sum(tv), ${largest('tv')}, max(tvm), sum(tvp)) AS visits,
      (sum(ts), ${largest('ts')}, max(tsm), sum(tsp)) AS seconds
    FROM (
      SELECT ${keys.join(', ')}, tenant, sum(u) AS tu, sum(t) AS te, max(m) AS tm, sum(v) AS tv, max(vm) AS tvm,
        sum(vp) AS tvp, sum(s) AS ts, max(sm) AS tsm, sum(sp) AS tsp${networks ? ', uniqExactMergeState(n) AS tn' : ''}
      FROM (
        SELECT ${fields.join(', ')}, tenant, te AS t, tv AS v, ts AS s${networks ? ', tn AS n' : ''}
        FROM (
          SELECT tenant, te, tv, ts${networks ? ', tn' : ''}, arrayJoin(arrayConcat(${parts.expanded.join(', ')})) AS e
          FROM (${finestSql(query, parts)})
        )
      ) GROUP BY ${keys.join(', ')}, tenant
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
