/** Cleaned rows as they lie in a scratch table: one row for each person and kind (or statistic), its rows as arrays of codes. */
import { type Codes, HOUR_COLUMN } from './codes.js'
import type { Connection } from './connection.js'
import type { Identity } from './nodes.js'
import { identifier } from './sql.js'

export interface Scratch {
  readonly connection: Connection
  /** quoted name */
  readonly table: string
  readonly identity: Identity
  readonly codes: Codes
  /** there are no rows, and no table */
  readonly isEmpty: boolean
  /** which column of staging `part` is the code of */
  readonly partColumn: 'kind' | 'statistic'
}

export const NETWORK_COLUMN = 'network'

/** The array of a column of staging. */
export function arrayColumn(column: string): string {
  return identifier(`r.${column}`)
}

/** Its type. @param column `hour`, `network`, or a dimension */
export function arrayType(column: string): string {
  if (column === HOUR_COLUMN) return 'Array(UInt8)'
  return column === NETWORK_COLUMN ? 'Array(UInt128)' : 'Array(UInt32)'
}

/**
 * People and arrays of their rows, named `a0`, `a1`, … in the order of `columns`.
 * @param everything rows of all parts, or of `{part:UInt32}` alone
 */
export function peopleSql(table: string, columns: readonly string[], everything: boolean): string {
  const arrays = columns.map((column, at) => {
    const array = arrayColumn(column)
    return `, ${everything ? `groupArrayArray(${array})` : array} AS a${String(at)}`
  })
  const which = everything ? 'GROUP BY tenant, person' : 'WHERE part = {part:UInt32}'
  return `SELECT tenant${arrays.join('')} FROM ${table} ${which}`
}

/** No code of any value. */
export const NO_CODE = 2 ** 32 - 1

/** The part that a request is about: a code, null for all parts; `NO_CODE` where no row has it. */
export function partOf(
  { codes, isEmpty, partColumn }: Pick<Scratch, 'codes' | 'isEmpty' | 'partColumn'>,
  { kind, statistic }: { readonly kind?: string; readonly statistic?: string },
): number | null {
  if (isEmpty) return NO_CODE
  const part = partColumn === 'kind' ? kind : statistic
  return part === undefined ? null : (codes.codeOf(partColumn, part) ?? NO_CODE)
}

/** Rows that begin a visit, as an array of flags. @param array codes of `visit_start` */
export function visitSql(array: string): string {
  return `arrayMap(code -> code = {visit:UInt32}, ${array})`
}

/** Seconds of rows. @param array codes of `time_spent_s` */
export function secondsSql(array: string): string {
  return `arrayMap(code -> transform(code, {labels:Array(UInt32)}, {seconds:Array(UInt64)}, toUInt64(0)), ${array})`
}

export const VISIT_COLUMN = 'visit_start'
export const SECONDS_COLUMN = 'time_spent_s'

/** Parameters of {@link visitSql} and {@link secondsSql}. */
export function measureParams(
  codes: Codes,
  seconds: Readonly<Record<string, number>> = {},
): Record<string, unknown> {
  const known = Object.entries(seconds).map(([label, value]) => [codes.codeOf(SECONDS_COLUMN, label), value])
  // `transform` takes no empty lists.
  const pairs = [[NO_CODE, 0], ...known.filter(([code]) => code !== null)]
  return {
    visit: codes.codeOf(VISIT_COLUMN, 'true') ?? NO_CODE,
    labels: pairs.map(([code]) => code),
    seconds: pairs.map(([, value]) => value),
  }
}
