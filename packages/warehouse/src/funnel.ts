/**
 * Funnels over cleaned rows: per person and step the hours in which it was done, as bits of a number. A step counts in
 * the hours that are not before the earliest hour in which the steps before it can have been done.
 */
import { nodeCount, NO_ROWS, type NodeQuery, type NodeRow, SPILL } from './nodes.js'
import { arrayColumn, NETWORK_COLUMN, NO_CODE, type Scratch } from './scratch.js'
import type { FunnelStepRequest, NodeCount } from './types.js'

const PAGE_KIND = 'page_view'
const COLUMNS = { page: 'path', event: 'event_name' } as const

/** Parameters of step `at`: a value's code, and the kind of page views. */
function conditionsOf(
  { of }: FunnelStepRequest,
  at: number,
): { readonly array: string; readonly is: string; readonly part: string } {
  return {
    array: arrayColumn(COLUMNS[of]),
    is: `code = {step${String(at)}:UInt32}`,
    part: of === 'page' ? 'part = {page:UInt32}' : '1',
  }
}

/** What a person did of each step: `h` its hours as bits, `e` its rows, `n` its networks. */
function stepsOfPeopleSql(
  table: string,
  identity: NodeQuery['identity'],
  steps: readonly FunnelStepRequest[],
): string {
  const own = steps.map((step, at) => {
    const { array, is, part } = conditionsOf(step, at)
    const number = String(at)
    const hours = `arrayMap((hour, code) -> if(${is}, bitShiftLeft(toUInt64(1), hour), 0), ${arrayColumn('hour')}, ${array})`
    const networks = `arrayFilter((net, code) -> ${is} AND net != 0, ${arrayColumn(NETWORK_COLUMN)}, ${array})`
    return [
      `groupBitOr(if(${part}, arrayReduce('groupBitOr', ${hours}), 0)) AS h${number}`,
      `sum(if(${part}, countEqual(${array}, {step${number}:UInt32}), 0)) AS e${number}`,
      ...(identity === 'network' ? [`groupUniqArrayArray(if(${part}, ${networks}, [])) AS n${number}`] : []),
    ]
  })
  const some = steps.map((step, at) => {
    const { array, part } = conditionsOf(step, at)
    return `(${part} AND has(${array}, {step${String(at)}:UInt32}))`
  })
  return `SELECT tenant, ${own.flat().join(', ')} FROM ${table} WHERE ${some.join(' OR ')} GROUP BY tenant, person`
}

/** Bits of the hours in which each step was done in order, `r0`, `r1`, … */
function reachedSql(people: string, steps: number): string {
  let sql = `SELECT *, h0 AS r0 FROM (${people})`
  for (let at = 1; at < steps; at += 1) {
    const before = `r${String(at - 1)}`
    // The lowest bit of none is 0, and so is what is then left.
    const earliest = `bitAnd(${before}, bitNot(${before}) + 1)`
    sql = `SELECT *, if(${before} = 0, 0, bitAnd(h${String(at)}, bitNot(${earliest} - 1))) AS r${String(at)} FROM (${sql})`
  }
  return sql
}

/** The query of a funnel; `{page:UInt32}` and `{step<i>:UInt32}` are its parameters. */
export function funnelSql(
  table: string,
  identity: NodeQuery['identity'],
  steps: readonly FunnelStepRequest[],
): string {
  const signed = identity === 'signed'
  const reached = reachedSql(stepsOfPeopleSql(table, identity, steps), steps.length)
  const entries = steps.map((_step, at) => {
    const number = String(at)
    const values = [`toUInt32(${number})`, `toUInt64(e${number})`, ...(signed ? [] : [`n${number}`])]
    return `if(r${number} = 0, [], [(${values.join(', ')})])`
  })
  const largest = (name: string): string => (signed ? `max(${name})` : '0')
  return `
    SELECT step, sum(tu) AS users, sum(te) AS events, ${signed ? 'count()' : '0'} AS tenants,
      ${signed ? '0' : 'uniqExactMerge(tn)'} AS networks, ${largest('tu')} AS largestTenantUsers,
      ${largest('te')} AS largestTenantEvents, max(tm) AS largestPersonEvents
    FROM (
      SELECT step, tenant, count() AS tu, sum(events) AS te, max(events) AS tm${signed ? '' : ', uniqExactStateArray(nets) AS tn'}
      FROM (
        SELECT tenant, entry.1 AS step, entry.2 AS events${signed ? '' : ', entry.3 AS nets'}
        FROM (SELECT tenant, arrayJoin(arrayConcat(${entries.join(', ')})) AS entry FROM (${reached}))
      ) GROUP BY step, tenant
    ) GROUP BY step ORDER BY step`
}

type StepRow = Omit<NodeRow, 'tree' | 'depth' | 'hour' | 'codes' | 'visits' | 'seconds'> & {
  readonly step: number
}

/** One node a step, in their order. */
export async function countFunnel(
  scratch: Scratch,
  steps: readonly FunnelStepRequest[],
): Promise<readonly NodeCount[]> {
  const { codes, connection, identity, isEmpty, table } = scratch
  const params: Record<string, unknown> = { page: codes.codeOf('kind', PAGE_KIND) ?? NO_CODE }
  for (const [at, { of, value }] of steps.entries()) {
    params[`step${String(at)}`] = codes.codeOf(COLUMNS[of], value) ?? NO_CODE
  }
  const rows =
    isEmpty || steps.length === 0
      ? []
      : await connection.rows<StepRow>(funnelSql(table, identity, steps), params, SPILL)
  const found = new Map(rows.map((row) => [row.step, row]))
  return steps.map(({ of, value }, at) =>
    nodeCount({ ...NO_ROWS, ...found.get(at) }, [`${of}:${value}`], null, { visits: false, seconds: false }),
  )
}
