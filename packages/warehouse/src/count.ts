/**
 * Release, step 2: exact counts over cleaned rows, no sketches. Three nested groupings, each linear in its input:
 * people of a node and tenant, tenants of a node, nodes. Source: design.md, "Disclosure", step 2.
 */
import { TupleParam } from '@clickhouse/client'
import type { Connection } from './connection.js'
import { identifier } from './sql.js'
import type { CleanRequest, CountRequest, NodeCount } from './types.js'

type Identity = CleanRequest['identity']

/** What a pool's dimensions read; the published name of it belongs to disclosure. */
const POOLED = '(other)'
/** Spill to disk rather than fail where people are many. */
const SPILL = { max_bytes_before_external_group_by: '268435456' }

/** Names of our own inside the query: a dimension may be called like one of its columns. */
function aliases(by: readonly string[]): readonly string[] {
  return by.map((_name, at) => `d${String(at)}`)
}

/**
 * @param nodes columns that make a node, as aliases `d0…`; none for one node of all rows
 * @param source SELECT list of those columns, each ending with a comma
 * @param where a WHERE clause, or nothing
 */
function nodeQuery(
  scratch: string,
  identity: Identity,
  nodes: readonly string[],
  source: string,
  where: string,
): string {
  const group = (names: readonly string[]): string =>
    names.length === 0 ? '' : `GROUP BY ${names.join(', ')}`
  const list = nodes.map((name) => `${name}, `).join('')
  const signed = identity === 'signed'
  // A person of a network site has one network; counting does not rely on it.
  const networks = signed
    ? ['', '', '0']
    : [
        ', groupUniqArray(network) AS pn',
        ', groupUniqArrayArray(pn) AS tn',
        "length(arrayFilter(n -> n != '', groupUniqArrayArray(tn)))",
      ]
  const dims =
    nodes.length === 0 ? 'emptyArrayString()' : `[${nodes.map((name) => `toString(${name})`).join(', ')}]`
  return `
    SELECT ${dims} AS dims, sum(tu) AS users, sum(te) AS events, ${signed ? 'count()' : '0'} AS tenants,
           ${networks[2] ?? ''} AS networks, ${signed ? 'max(tu)' : '0'} AS largestTenantUsers,
           ${signed ? 'max(te)' : '0'} AS largestTenantEvents, max(tm) AS largestPersonEvents
    FROM (
      SELECT ${list}tenant, count() AS tu, sum(pe) AS te, max(pe) AS tm${networks[1] ?? ''}
      FROM (
        SELECT ${source}tenant, person, count() AS pe${networks[0] ?? ''}
        FROM ${scratch} ${where} ${group([...nodes, 'tenant', 'person'])}
      ) ${group([...nodes, 'tenant'])}
    ) ${group(nodes)} HAVING events > 0 ${nodes.length === 0 ? '' : `ORDER BY ${nodes.join(', ')}`}`
}

function kindCondition(kind: string | undefined): string {
  return kind === undefined ? '' : 'kind = {kind:String}'
}

function whereOf(conditions: readonly string[]): string {
  const stated = conditions.filter((condition) => condition !== '')
  return stated.length === 0 ? '' : `WHERE ${stated.join(' AND ')}`
}

function kindParams(kind: string | undefined): Record<string, unknown> {
  return kind === undefined ? {} : { kind }
}

/** The query of {@link countNodes}; `{kind:String}` is its parameter where a kind is asked for. */
export function nodesSql(scratch: string, identity: Identity, { by, kind }: CountRequest): string {
  const nodes = aliases(by)
  const source = by.map((name, at) => `${identifier(name)} AS d${String(at)}, `).join('')
  return nodeQuery(scratch, identity, nodes, source, whereOf([kindCondition(kind)]))
}

/** The query of {@link countPool}, for at least one dimension; `passing` is the tuples to leave out. */
export function poolSql(scratch: string, identity: Identity, { by, kind }: CountRequest): string {
  const tuple = by.length === 1 ? 'String' : `Tuple(${by.map(() => 'String').join(', ')})`
  const others = `(${by.map(identifier).join(', ')}) NOT IN {passing:Array(${tuple})}`
  return nodeQuery(scratch, identity, [], '', whereOf([kindCondition(kind), others]))
}

/** One node per tuple of `by` that occurs. */
export async function countNodes(
  connection: Connection,
  scratch: string,
  identity: Identity,
  request: CountRequest,
): Promise<readonly NodeCount[]> {
  const query = nodesSql(scratch, identity, request)
  return connection.rows<NodeCount>(query, kindParams(request.kind), SPILL)
}

/** All rows whose tuple is not in `passing`, as one node; null where there is none. */
export async function countPool(
  connection: Connection,
  scratch: string,
  identity: Identity,
  request: CountRequest,
  passing: readonly (readonly string[])[],
): Promise<NodeCount | null> {
  const { by } = request
  // Without dimensions there is one tuple: nothing is left beside it.
  if (by.length === 0 && passing.length > 0) return null
  const params = kindParams(request.kind)
  if (passing.length > 0) {
    params['passing'] =
      by.length === 1 ? passing.map((dims) => dims[0]) : passing.map((dims) => new TupleParam(dims))
  }
  const query =
    passing.length > 0
      ? poolSql(scratch, identity, request)
      : nodesSql(scratch, identity, { ...request, by: [] })
  const [node] = await connection.rows<NodeCount>(query, params, SPILL)
  return node === undefined ? null : { ...node, dims: by.map(() => POOLED) }
}
