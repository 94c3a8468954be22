/** Names and values inside SQL. Values go as query parameters wherever ClickHouse takes one. */

/** A quoted identifier. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``
}

/** Identifiers, separated by commas. */
export function identifiers(names: readonly string[]): string {
  return names.map(identifier).join(', ')
}

/** A quoted text, where a parameter is not taken. */
export function text(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

/** `database.table`, quoted. */
export function tableName(database: string, table: string): string {
  return `${identifier(database)}.${identifier(table)}`
}
