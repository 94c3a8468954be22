/**
 * Lists of values as parameters. ClickHouse takes no parameter of more than 128 KiB, so that a long list is sent as
 * several, which the statement puts together.
 */

/** Below 131,072 (http_max_field_value_size), which holds before any setting of ours. */
const MAX_BYTES = 120_000
/** Quotes and a comma; and in the worst case each byte is escaped. */
const BYTES_BESIDE = 4
const BYTES_PER_BYTE = 2

export type ListValue = string | number | bigint

/** A list cut into pieces that each fit into a parameter: one, where it is short or empty. */
export function pieces<T extends ListValue>(values: readonly T[]): readonly (readonly T[])[] {
  const cut: T[][] = [[]]
  let bytes = 0
  for (const value of values) {
    const own = BYTES_BESIDE + BYTES_PER_BYTE * Buffer.byteLength(String(value))
    if (bytes + own > MAX_BYTES && bytes > 0) {
      cut.push([])
      bytes = 0
    }
    cut.at(-1)?.push(value)
    bytes += own
  }
  return cut
}

function nameOf(name: string, piece: number): string {
  return piece === 0 ? name : `${name}_${String(piece + 1)}`
}

/** The list as SQL. @param type of its elements @param count how many pieces it has */
export function listSql(name: string, type: string, count: number): string {
  const parameters = Array.from(
    { length: count },
    (_none, piece) => `{${nameOf(name, piece)}:Array(${type})}`,
  )
  return count === 1 ? (parameters[0] ?? '') : `arrayConcat(${parameters.join(', ')})`
}

/** Parameters of {@link listSql}. */
export function listParams(name: string, cut: readonly (readonly ListValue[])[]): Record<string, unknown> {
  return Object.fromEntries(cut.map((values, piece) => [nameOf(name, piece), values]))
}
