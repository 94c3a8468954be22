/**
 * Unions of sibling nodes over cleaned rows: people are counted anew, each once, in one query per depth.
 *
 * A row's values are looked up from the coarsest level down: at each level, the number of the prefix so far and the
 * row's code give the number of the next prefix, and in the end that of its union. Unions may overlap: a row has one
 * entry for each union that it is in.
 */
import { HOUR_COLUMN } from './codes.js'
import { listParams, listSql, pieces } from './lists.js'
import { type Identity, nodeCount, NO_ROWS, type NodeRow, nodeRows, nodesSql } from './nodes.js'
import {
  measureParams,
  NETWORK_COLUMN,
  NO_CODE,
  partOf,
  peopleSql,
  type Scratch,
  SECONDS_COLUMN,
  VISIT_COLUMN,
} from './scratch.js'
import { inOrderSql, measuredSet } from './trees.js'
import type { NodeCount, TreeRequest, UnionRequest } from './types.js'

/** A path of values, the hour first where there is one, and the number of the union that it belongs to. */
interface Member {
  readonly values: readonly string[]
  readonly hour: number | null
  /** from 1 */
  readonly union: number
}

/** One step of the look-up: from (number of the prefix, code) to a number; 0 is none. */
interface Step {
  readonly keys: bigint[]
  readonly numbers: number[]
}

/** The look-up: steps for every prefix, then one last step for each layer of unions that do not overlap. */
interface Lookup {
  readonly prefixes: readonly Step[]
  readonly layers: readonly Step[]
}

const PREFIX_FACTOR = 2n ** 32n

function keyOf(prefix: number, code: number): bigint {
  return BigInt(prefix) * PREFIX_FACTOR + BigInt(code)
}

/** Codes of a member, the hour first; null where no row has one of its values. */
function codesOf(
  scratch: Pick<Scratch, 'codes'>,
  tree: TreeRequest,
  member: Member,
): readonly number[] | null {
  const hours = tree.hourly === true ? [member.hour ?? NO_CODE] : []
  const codes = member.values.map((value, at) => scratch.codes.codeOf(tree.levels[at] ?? '', value))
  return codes.every((code) => code !== null) ? [...hours, ...codes] : null
}

/** @param depth codes of each member: at least one */
function lookupOf(
  members: readonly (readonly [codes: readonly number[], union: number])[],
  depth: number,
): Lookup {
  const prefixes: Step[] = Array.from({ length: depth - 1 }, () => ({ keys: [], numbers: [] }))
  const layers: Step[] = []
  const known = new Map<string, number>()
  const layersOf = new Map<bigint, number>()
  for (const [codes, union] of members) {
    let prefix = 0
    for (const [at, step] of prefixes.entries()) {
      const key = keyOf(prefix, codes[at] ?? NO_CODE)
      const name = `${String(at)} ${String(key)}`
      const number = known.get(name) ?? known.size + 1
      if (!known.has(name)) {
        known.set(name, number)
        step.keys.push(key)
        step.numbers.push(number)
      }
      prefix = number
    }
    const last = keyOf(prefix, codes[depth - 1] ?? NO_CODE)
    const layer = layersOf.get(last) ?? 0
    layersOf.set(last, layer + 1)
    const step = (layers[layer] ??= { keys: [], numbers: [] })
    step.keys.push(last)
    step.numbers.push(union)
  }
  return { prefixes, layers }
}

/** How many pieces the list of each step has; a step that is not told of has one. */
export interface LookupSize {
  readonly prefixes: readonly number[]
  readonly layers: readonly number[]
}

/** Both lists of a step are cut alike: numbers are shorter than keys. */
function stepPieces({ keys, numbers }: Step): {
  readonly keys: readonly (readonly bigint[])[]
  readonly numbers: readonly (readonly number[])[]
} {
  const cut = pieces(keys)
  let from = 0
  return {
    keys: cut,
    numbers: cut.map(({ length }) => {
      from += length
      return numbers.slice(from - length, from)
    }),
  }
}

function stepSql(name: string, array: string, prefix: string | null, count = 1): string {
  const keys = listSql(`${name}_keys`, 'UInt64', count)
  const numbers = listSql(`${name}_numbers`, 'UInt32', count)
  const found = (key: string): string => `transform(${key}, ${keys}, ${numbers}, toUInt32(0))`
  return prefix === null
    ? `arrayMap(code -> ${found('toUInt64(code)')}, ${array})`
    : `arrayMap((code, prefix) -> ${found('bitOr(bitShiftLeft(toUInt64(prefix), 32), toUInt64(code))')}, ${array}, ${prefix})`
}

/** Entries of rows in each layer's unions, of those that are in one. @param array what to enter for a layer */
function entriesSql(layers: number, array: (layer: number) => string): string {
  const filtered = Array.from(
    { length: layers },
    (_none, at) => `arrayFilter((value, number) -> number != 0, ${array(at)}, u${String(at)})`,
  )
  return filtered.length === 1 ? (filtered[0] ?? '') : `arrayConcat(${filtered.join(', ')})`
}

/** People's rows with the number of each layer's union, `u0`, `u1`, …; 0 is none. */
function numberedSql(people: string, arrays: readonly string[], size: LookupSize): string {
  let looked = people
  let prefix: string | null = null
  for (const [at, array] of arrays.slice(0, -1).entries()) {
    const name = `p${String(at)}`
    looked = `SELECT *, ${stepSql(name, array, prefix, size.prefixes[at])} AS ${name} FROM (${looked})`
    prefix = name
  }
  const last = arrays.at(-1) ?? ''
  const numbers = size.layers.map((count, at) => {
    const name = `u${String(at)}`
    return `${stepSql(name, last, prefix, count)} AS ${name}`
  })
  return `SELECT *, ${numbers.join(', ')} FROM (${looked})`
}

/**
 * The query of unions at one depth. Parameters: `{part:UInt32}`, those of visits and seconds, and for each step of the
 * look-up (`p0`, … and `u0`, …) its keys and numbers.
 */
export function unionsSql(
  table: string,
  identity: Identity,
  tree: TreeRequest,
  depth: number,
  size: LookupSize,
): string {
  const own = [...(tree.hourly === true ? [HOUR_COLUMN] : []), ...tree.levels.slice(0, depth)]
  const visits = tree.visits === true
  const timed = tree.seconds !== undefined
  const carried = [
    ...(visits ? [VISIT_COLUMN] : []),
    ...(timed ? [SECONDS_COLUMN] : []),
    ...(identity === 'network' ? [NETWORK_COLUMN] : []),
  ]
  const columns = [...new Set([...own, ...carried])]
  const arrayOf = (column: string): string => `a${String(columns.indexOf(column))}`
  const everything = tree.kind === undefined && tree.statistic === undefined
  const numbered = numberedSql(peopleSql(table, columns, everything), own.map(arrayOf), size)
  const entered = carried.map(
    (column) => `, ${entriesSql(size.layers.length, () => arrayOf(column))} AS e_${column}`,
  )
  const entries = `SELECT tenant, ${entriesSql(size.layers.length, (at) => `u${String(at)}`)} AS e${entered.join('')}
    FROM (${numbered}) WHERE notEmpty(e)`
  const named = (array: string): string => (timed ? `o${array}` : array)
  const arrays = ['e', ...carried.map((column) => `e_${column}`)]
  const set = measuredSet({
    people: timed ? inOrderSql(entries, arrays, ['e']) : entries,
    levels: [named('e')],
    isDear: false,
    hourly: false,
    ...(visits ? { visit: named(`e_${VISIT_COLUMN}`) } : {}),
    ...(timed ? { seconds: named(`e_${SECONDS_COLUMN}`) } : {}),
    ...(identity === 'network' ? { network: named(`e_${NETWORK_COLUMN}`) } : {}),
  })
  return nodesSql({ identity, sets: [set] })
}

/** Counts by the number of the union; those that no row belongs to are absent. */
async function countMembers(
  scratch: Scratch,
  tree: TreeRequest,
  depth: number,
  members: readonly Member[],
): Promise<ReadonlyMap<number, NodeRow>> {
  const { codes, connection, identity, table } = scratch
  const part = partOf(scratch, tree)
  const known = members.flatMap((member) => {
    const own = codesOf(scratch, tree, member)
    return own === null ? [] : [[own, member.union] as const]
  })
  if (part === NO_CODE || known.length === 0) return new Map()
  const { layers, prefixes } = lookupOf(known, depth + (tree.hourly === true ? 1 : 0))
  const params: Record<string, unknown> = {
    ...measureParams(codes, tree.seconds),
    ...(part === null ? {} : { part }),
  }
  const add = (name: string, step: Step): number => {
    const { keys, numbers } = stepPieces(step)
    Object.assign(params, listParams(`${name}_keys`, keys), listParams(`${name}_numbers`, numbers))
    return keys.length
  }
  const size = {
    prefixes: prefixes.map((step, at) => add(`p${String(at)}`, step)),
    layers: layers.map((step, at) => add(`u${String(at)}`, step)),
  }
  const rows = await nodeRows(connection, unionsSql(table, identity, tree, depth, size), params)
  return new Map(rows.map((row) => [row.codes[0] ?? 0, row]))
}

/** Each union, in the order asked. */
export async function countUnions(
  scratch: Scratch,
  tree: TreeRequest,
  unions: readonly UnionRequest[],
): Promise<readonly NodeCount[]> {
  const rows = new Map<number, NodeRow>()
  const measures = { visits: tree.visits === true, seconds: tree.seconds !== undefined }
  for (const depth of new Set(unions.map(({ parent }) => parent.length + 1))) {
    const members = unions.flatMap(({ hour, parent, parts }, at) =>
      parent.length + 1 === depth
        ? [...new Set(parts)].map((part) => ({ values: [...parent, part], hour, union: at + 1 }))
        : [],
    )
    for (const [union, row] of await countMembers(scratch, tree, depth, members)) rows.set(union, row)
  }
  return unions.map(({ hour, parent }, at) => {
    const row = rows.get(at + 1) ?? NO_ROWS
    return nodeCount(row, parent, hour, measures)
  })
}
