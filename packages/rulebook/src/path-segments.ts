/** What a segment of a path looks like: one answer for the templates that cut it and for the comparison of their rules. */

const UUID_LENGTH = 36
const UUID_DASHES: ReadonlySet<number> = new Set([8, 13, 18, 23])
const MIN_HEXADECIMAL = 8
const MIN_MIXED = 20

/**
 * Whether a segment looks like an id: all digits, a UUID, eight or more hexadecimal digits with at least one digit,
 * twenty or more letters and digits mixed without a separator, or `@` or `%` in it. Source: interface.md, "Import".
 * One pass: counts the kinds of characters, and decides on the counts.
 */
export function looksLikeId(segment: string): boolean {
  const length = segment.length
  let digits = 0
  let hexLetters = 0
  let letters = 0
  let dashes = 0
  for (let at = 0; at < length; at += 1) {
    const code = segment.charCodeAt(at)
    if (code === 0x40 || code === 0x25) return true
    const lower = code | 0x20
    if (code >= 0x30 && code <= 0x39) digits += 1
    else if (lower >= 0x61 && lower <= 0x66) hexLetters += 1
    else if (lower >= 0x67 && lower <= 0x7a) letters += 1
    else if (code === 0x2d && length === UUID_LENGTH && UUID_DASHES.has(at)) dashes += 1
  }
  if (digits + hexLetters === UUID_LENGTH - UUID_DASHES.size && dashes === UUID_DASHES.size) return true
  if (digits === 0) return false
  if (digits === length) return true
  if (digits + hexLetters === length && length >= MIN_HEXADECIMAL) return true
  return digits + hexLetters + letters === length && length >= MIN_MIXED
}
