/**
 * Release, step 2: exact counts, no sketches, in one pass over cleaned rows. Source: design.md, "Disclosure", step 2.
 *
 * The rows of one person lie together, as arrays. Each row gets its number among that person's rows of its node: rows
 * with the number 1 are the people of the node, the highest number is what its largest person has, and both stay right
 * when rows are grouped by tenant, by deeper nodes, or by whatever else. So no set of people is ever kept, and one
 * grouping of the rows by (tenant, finest node) holds the counts of all nodes above. The few rows of that grouping are
 * summed to every node of every depth and tenant, and those to nodes. Trees of other levels are grouped in the same
 * query beside it: each by what it counts alone, which is faster than one grouping that counts it all.
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

interface DepthSql {
  readonly users: string
  readonly person: string
  readonly visits: string
  readonly visitors: string
  readonly seconds: string
  readonly timed: string
}

/** SELECT lists of one set: what stands at each row, and what is summed over rows. */
class SetSql {
  readonly numbers = new Names('n')
  readonly sums = new Names('m')
  readonly #set: NodeSet

  constructor(set: NodeSet) {
    this.#set = set
  }

  /** Sums of a node at a depth. */
  depth(depth: number): DepthSql {
    const node = nodeOf(this.#set, depth).join(', ')
    const number = this.numbers.of(`arrayEnumerateUniq(${node})`)
    const { seconds, visit: flags } = this.#set
    const visit = flags === undefined ? null : this.numbers.of(`arrayEnumerateUniq(${node}, ${flags})`)
    const second = seconds === undefined ? null : this.numbers.of(runningSql(seconds, node))
    const sum = (expression: string): string => this.sums.of(expression)
    return {
      users: sum(`countIf(${number} = 1)`),
      person: sum(`max(${number})`),
      visits: visit === null ? '0' : sum(`maxIf(${visit}, visit)`),
      visitors: visit === null ? '0' : sum(`countIf(visit AND ${visit} = 1)`),
      seconds: second === null ? '0' : sum(`max(${second})`),
      // The first row with any time is the one that has all the time so far.
      timed: second === null ? '0' : sum(`countIf(second > 0 AND ${second} = second)`),
    }
  }
}

/** Seconds of the person's rows of a node so far: their rows lie together, so each number 1 begins a run. */
function runningSql(seconds: string, node: string): string {
  const first = `(second, nth) -> nth = 1, ${seconds}, arrayEnumerateUniq(${node})`
  return `arrayFlatten(arrayMap(run -> arrayCumSum(run), arraySplit(${first})))`
}

/** Rows grouped by tenant and the finest node of a set, its levels as `d0`, … */
function finestSql(set: NodeSet, { numbers, sums }: SetSql): string {
  const { network, people, seconds, visit } = set
  const levels = set.levels.map((_level, at) => `d${String(at)}`)
  const joined = [
    ...set.levels.map((array, at) => `${array} AS ${levels[at] ?? ''}`),
    ...numbers.entries().map(([, name]) => `${name}s AS ${name}`),
    ...(visit === undefined ? [] : [`${visit} AS visit`]),
    ...(seconds === undefined ? [] : [`${seconds} AS second`]),
    ...(network === undefined ? [] : [`${network} AS net`]),
  ]
  return `SELECT tenant, ${levels.join(', ')}, count() AS te, ${visit === undefined ? '0' : 'countIf(visit)'} AS tv,
      ${seconds === undefined ? '0' : 'sum(second)'} AS ts${selected(sums)}${network === undefined ? '' : ', uniqExactStateIf(net, net != 0) AS tn'}
    FROM (SELECT *${selected(numbers, 's')} FROM (${people}))
    ARRAY JOIN ${joined.join(', ')}
    GROUP BY tenant, ${levels.join(', ')}`
}

function selected(names: Names, suffix = ''): string {
  return names
    .entries()
    .map(([expression, name]) => `, ${expression} AS ${name}${suffix}`)
    .join('')
}

/** Sums over rows that a node and tenant is told by, beside its keys. */
const SUMS = ['tu', 'tm', 'tvm', 'tvp', 'tsm', 'tsp'] as const

/** Every node of a set, of every depth, and tenant. Small types, so that all keys together are one word or two. */
function setSql(set: NodeSet, tree: number, width: number): string {
  const sql = new SetSql(set)
  const levels = set.levels.map((_level, at) => `d${String(at)}`)
  const codes = set.hourly ? levels.slice(1) : levels
  const rows = depthsOf(set).map((depth) => {
    const { person, seconds, timed, users, visitors, visits } = sql.depth(depth)
    const own = Array.from({ length: width }, (_none, at) => (at < depth ? codes[at] : undefined) ?? '0')
    const keys = [
      `toUInt8(${String(tree)})`,
      `toUInt8(${String(depth)})`,
      `toUInt8(${set.hourly ? 'd0' : '0'})`,
    ]
    const sums = [users, person, visits, visitors, seconds, timed].map((value) => `toUInt64(${value})`)
    return [...keys, ...own.map((code) => `toUInt32(${code})`), ...sums]
  })
  const names = [...keysOf(width), ...SUMS]
  const networks = set.network !== undefined
  const finest = finestSql(set, sql)
  const totals = `tenant, te, tv, ts${networks ? ', tn' : ''}`
  const [only, ...deeper] = rows
  if (deeper.length === 0) {
    return `SELECT ${names.map((name, at) => `${only?.[at] ?? ''} AS ${name}`).join(', ')}, ${totals} FROM (${finest})`
  }
  const entries = rows.map((values) => `(${values.join(', ')})`).join(', ')
  const fields = names.map((name, at) => `e.${String(at + 1)} AS ${name}`).join(', ')
  return `SELECT ${[...keysOf(width)].join(', ')}, sum(tu) AS tu, max(tm) AS tm, max(tvm) AS tvm, sum(tvp) AS tvp,
      max(tsm) AS tsm, sum(tsp) AS tsp, tenant, sum(te) AS te, sum(tv) AS tv, sum(ts) AS ts${networks ? ', uniqExactMergeState(tn) AS tn' : ''}
    FROM (SELECT ${fields}, ${totals} FROM (SELECT ${totals}, arrayJoin([${entries}]) AS e FROM (${finest})))
    GROUP BY ${keysOf(width).join(', ')}, tenant`
}

function keysOf(width: number): readonly string[] {
  return ['tree', 'depth', 'hour', ...Array.from({ length: width }, (_none, at) => `c${String(at)}`)]
}

/** The query that answers {@link NodeRow}s, for at least one set with at least one level each. */
export function nodesSql(query: NodeQuery): string {
  const signed = query.identity === 'signed'
  const width = Math.max(...query.sets.map(depthOf))
  const keys = keysOf(width)
  const sets = query.sets.map((set, tree) => setSql(set, tree, width))
  const largest = (name: string): string => (signed ? `max(${name})` : '0')
  return `
    SELECT tree, depth, hour, [${keys.slice(3).join(', ')}] AS codes, sum(tu) AS users, sum(te) AS events,
      ${signed ? 'count()' : '0'} AS tenants, ${signed ? '0' : 'uniqExactMerge(tn)'} AS networks,
      ${largest('tu')} AS largestTenantUsers, ${largest('te')} AS largestTenantEvents, max(tm) AS largestPersonEvents,
      (sum(tv), ${largest('tv')}, max(tvm), sum(tvp)) AS visits,
      (sum(ts), ${largest('ts')}, max(tsm), sum(tsp)) AS seconds
    FROM (${sets.join(' UNION ALL ')})
    GROUP BY ${keys.join(', ')} ORDER BY ${keys.join(', ')}`
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
