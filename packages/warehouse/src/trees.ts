/** Trees over cleaned rows: all nodes of all depths, in one query per kind or statistic. */
import { isDeepStrictEqual } from 'node:util'
import { HOUR_COLUMN } from './codes.js'
import { type Identity, nodeCount, nodeRows, type NodeSet, nodesSql } from './nodes.js'
import {
  measureParams,
  NETWORK_COLUMN,
  NO_CODE,
  partOf,
  peopleSql,
  type Scratch,
  SECONDS_COLUMN,
  secondsSql,
  VISIT_COLUMN,
  visitSql,
} from './scratch.js'
import type { NodeCount, TreeRequest } from './types.js'

/** Columns that make the nodes of a tree: the hour, where it has hours, and its levels. */
function columnsOf({ hourly, levels }: TreeRequest): readonly string[] {
  return hourly === true ? [HOUR_COLUMN, ...levels] : levels
}

/** A tree's people and arrays, named `a0`, … by its columns, or `oa0`, … where they are in the order of its nodes. */
function setOf(table: string, identity: Identity, request: TreeRequest): NodeSet {
  const own = columnsOf(request)
  const visits = request.visits === true
  const timed = request.seconds !== undefined
  const columns = [
    ...new Set([
      ...own,
      ...(visits ? [VISIT_COLUMN] : []),
      ...(timed ? [SECONDS_COLUMN] : []),
      ...(identity === 'network' ? [NETWORK_COLUMN] : []),
    ]),
  ]
  const everything = request.kind === undefined && request.statistic === undefined
  const arrayOf = (column: string): string => `a${String(columns.indexOf(column))}`
  const named = (column: string): string => `${timed ? 'o' : ''}${arrayOf(column)}`
  const all = peopleSql(table, columns, everything)
  return measuredSet({
    people: timed ? inOrderSql(all, columns.map(arrayOf), own.map(arrayOf)) : all,
    levels: own.map(named),
    isDear: everything || timed,
    hourly: request.hourly === true,
    ...(visits ? { visit: named(VISIT_COLUMN) } : {}),
    ...(timed ? { seconds: named(SECONDS_COLUMN) } : {}),
    ...(identity === 'network' ? { network: named(NETWORK_COLUMN) } : {}),
  })
}

/** The set with flags and seconds in the place of the codes that they are told by. */
export function measuredSet(set: NodeSet): NodeSet {
  const { people, seconds, visit, ...others } = set
  const flags = visit === undefined ? '' : `, ${visitSql(visit)} AS visits`
  const times = seconds === undefined ? '' : `, ${secondsSql(seconds)} AS seconds`
  return {
    ...others,
    people: flags === '' && times === '' ? people : `SELECT *${flags}${times} FROM (${people})`,
    ...(visit === undefined ? {} : { visit: 'visits' }),
    ...(seconds === undefined ? {} : { seconds: 'seconds' }),
  }
}

/** The query of trees of one kind; `{part:UInt32}` is its parameter, and those of visits and seconds. */
export function treesSql(table: string, identity: Identity, requests: readonly TreeRequest[]): string {
  return nodesSql({ identity, sets: requests.map((request) => setOf(table, identity, request)) })
}

/** Arrays `a…` of each person in the order of some of them, named `oa…`: together, for it is the sorting that costs. */
export function inOrderSql(people: string, arrays: readonly string[], key: readonly string[]): string {
  const by = key.length === 1 ? (key[0] ?? '') : `arrayZip(${key.join(', ')})`
  const sorted = `arraySort((row, key) -> key, arrayZip(${arrays.join(', ')}), ${by}) AS sorted`
  const named = arrays.map((array, at) => `, sorted.${String(at + 1)} AS o${array}`)
  return `SELECT tenant${named.join('')} FROM (SELECT tenant, ${sorted} FROM (${people}))`
}

/** Requests that one query answers: of one part, and with one meaning of `time_spent_s`. */
function together(scratch: Scratch, requests: readonly TreeRequest[]): readonly (readonly TreeRequest[])[] {
  const groups: TreeRequest[][] = []
  const fits = (a: TreeRequest, b: TreeRequest): boolean =>
    partOf(scratch, a) === partOf(scratch, b) &&
    (a.seconds === undefined || b.seconds === undefined || isDeepStrictEqual(a.seconds, b.seconds))
  for (const request of requests) {
    const group = groups.find((others) => others.every((other) => fits(request, other)))
    if (group === undefined) groups.push([request])
    else group.push(request)
  }
  return groups
}

async function countGroup(
  scratch: Scratch,
  requests: readonly TreeRequest[],
): Promise<readonly (readonly NodeCount[])[]> {
  const nodes: NodeCount[][] = requests.map(() => [])
  const asked = requests.filter(({ levels }) => levels.length > 0)
  const [first] = asked
  if (first === undefined) return nodes
  const part = partOf(scratch, first)
  if (part === NO_CODE) return nodes
  const { codes, connection, identity, table } = scratch
  const seconds = asked.find((request) => request.seconds !== undefined)?.seconds
  const params = { ...measureParams(codes, seconds), ...(part === null ? {} : { part }) }
  const rows = await nodeRows(connection, treesSql(table, identity, asked), params)
  for (const row of rows) {
    const request = asked[row.tree]
    if (request === undefined) continue
    const dims = request.levels
      .slice(0, row.depth)
      .map((column, level) => codes.valueOf(column, row.codes[level] ?? NO_CODE))
    const measures = { visits: request.visits === true, seconds: request.seconds !== undefined }
    nodes[requests.indexOf(request)]?.push(
      nodeCount(row, dims, request.hourly === true ? row.hour : null, measures),
    )
  }
  return nodes
}

/** Nodes of each tree, in the order of the requests. */
export async function countTrees(
  scratch: Scratch,
  requests: readonly TreeRequest[],
): Promise<readonly (readonly NodeCount[])[]> {
  const counted = new Map<TreeRequest, readonly NodeCount[]>()
  // One after the other: each takes all the threads it may.
  for (const group of together(scratch, requests)) {
    const nodes = await countGroup(scratch, group)
    for (const [at, request] of group.entries()) counted.set(request, nodes[at] ?? [])
  }
  return requests.map((request) => counted.get(request) ?? [])
}
