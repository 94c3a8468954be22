/**
 * Numbers in the place of values, for one release: rows that are numbers are sorted and counted several times faster
 * than rows that are texts. A value's code is its place among all values of its column in byte order, so codes sort as
 * values do; the values themselves stay with the release, which names its nodes by them.
 *
 * A row's codes are packed into one 64-bit word, the first column highest, so that rows sort as their columns do; what
 * does not fit goes into a second word, and so on.
 */
import { TacitError } from '@tacit/contracts'
import type { Connection } from './connection.js'
import { identifier, text } from './sql.js'

/** Values of each column in byte order; a value's code is its index. */
export class Codes {
  readonly #values: ReadonlyMap<string, readonly string[]>
  readonly #codes = new Map<string, ReadonlyMap<string, number>>()

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values
  }

  /** Values of a column, the one of code 0 first. */
  valuesOf(column: string): readonly string[] {
    return this.#values.get(column) ?? []
  }

  /** The code of a value; null where no row has it. */
  codeOf(column: string, value: string): number | null {
    let codes = this.#codes.get(column)
    if (codes === undefined) {
      codes = new Map(this.valuesOf(column).map((known, code) => [known, code]))
      this.#codes.set(column, codes)
    }
    return codes.get(value) ?? null
  }

  /** @throws TacitError ERR_INTERNAL where rows came after the values were read */
  valueOf(column: string, code: number): string {
    const value = this.valuesOf(column)[code]
    if (value === undefined) throw new TacitError('ERR_INTERNAL', 'Rows changed while they were counted.')
    return value
  }
}

/** The statement that lists the values of columns, one column after the other. */
export function valuesSql(table: string, where: string, columns: readonly string[]): string {
  return columns
    .map((column) => {
      // Grouped as it is: a column of few values is grouped by its own dictionary.
      const values = `SELECT ${identifier(column)} AS value FROM ${table} WHERE ${where} GROUP BY value`
      return `SELECT ${text(column)} AS name, arraySort(groupArray(toString(value))) AS list FROM (${values})`
    })
    .join(' UNION ALL ')
}

/** Reads the values of columns from a table that {@link valuesSql} filled. */
export async function readCodes(connection: Connection, table: string): Promise<Codes> {
  const rows = await connection.rows<{ name: string; list: string[] }>(`SELECT name, list FROM ${table}`)
  return new Codes(new Map(rows.map(({ list, name }) => [name, list])))
}

/** Where in a row's words a column's code is. */
interface Place {
  readonly column: string
  readonly word: number
  /** bits below it */
  readonly shift: number
  readonly bits: number
}

/** How codes of columns are packed into words. */
export interface Packing {
  readonly places: readonly Place[]
  readonly words: number
}

const WORD_BITS = 64
/** 0 to 23 */
const HOUR_BITS = 5
export const HOUR_COLUMN = 'hour'

/** Bits for a code, and for one more that says "another value". */
function bitsOf(codes: Codes, column: string): number {
  return column === HOUR_COLUMN ? HOUR_BITS : 32 - Math.clz32(codes.valuesOf(column).length)
}

/** The first column gets the highest bits of the first word. */
export function packingOf(codes: Codes, columns: readonly string[]): Packing {
  let word = 0
  let free = WORD_BITS
  const places = columns.map((column) => {
    const bits = bitsOf(codes, column)
    if (bits > free) {
      word += 1
      free = WORD_BITS
    }
    free -= bits
    return { column, word, shift: free, bits }
  })
  return { places, words: word + 1 }
}

/**
 * Lists of values by name, for {@link codeSql}: out of a table, as no parameter may be as long as a list of values can be.
 * @param table filled by {@link valuesSql}
 */
export function listsSql(table: string, columns: readonly string[]): string {
  const lists = columns.map(
    (column) => `(SELECT list FROM ${table} WHERE name = ${text(column)}) AS ${listOf(column)}`,
  )
  return `WITH ${lists.join(', ')}`
}

function listOf(column: string): string {
  return identifier(`${column}_values`)
}

/** A value's code as SQL, within {@link listsSql}. */
export function codeSql(column: string): string {
  const list = listOf(column)
  return `transform(${identifier(column)}, ${list}, range(length(${list})), length(${list}))`
}

/** Word number `word` of a row of the staging table, within {@link listsSql}. */
export function wordSql({ places }: Packing, word: number): string {
  const own = places.filter((place) => place.word === word)
  const shifted = own.map(({ column }) => {
    const code = column === HOUR_COLUMN ? `toHour(${identifier(HOUR_COLUMN)}, 'UTC')` : codeSql(column)
    return `bitShiftLeft(toUInt64(${code}), {${column}_shift:UInt8})`
  })
  return shifted.length === 0 ? 'toUInt64(0)' : shifted.reduceRight((rest, code) => `bitOr(${code}, ${rest})`)
}

/** The code of a column in a word `w`. */
export function unpackSql(column: string, w: string): string {
  return `bitAnd(bitShiftRight(${w}, {${column}_shift:UInt8}), {${column}_mask:UInt64})`
}

/** Parameters of {@link wordSql} and {@link unpackSql}. */
export function packingParams({ places }: Packing): Record<string, unknown> {
  return Object.fromEntries(
    places.flatMap(({ bits, column, shift }) => [
      [`${column}_shift`, shift],
      [`${column}_mask`, 2 ** bits - 1],
    ]),
  )
}
