/** CSV of an answer: RFC 4180, with a header line, safe to open in a spreadsheet. */
import type { AnswerRow } from './answer/index.js'

/**
 * Text that a spreadsheet would run as a formula; a quote before it makes it text again.
 * Source: OWASP, "CSV Injection".
 */
const FORMULA = /^[=+\-@\t\r]/

/** @param columns names in order; a row without a column has an empty field there */
export function toCsv(columns: readonly string[], rows: readonly AnswerRow[]): string {
  const lines = rows.map((row) => columns.map((column) => field(row[column] ?? '')).join(','))
  return `${[columns.map(field).join(','), ...lines].join('\r\n')}\r\n`
}

function field(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = FORMULA.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
