/** The hash that stands on every batch and every released cell. */
import { createHash } from 'node:crypto'

/**
 * SHA-256, in hexadecimal, over the texts of a rulebook and its catalogues as canonical JSON: an object of file name
 * to text, keys in code unit order, no white space (RFC 8785 for this shape).
 */
export function rulebookHash(sources: Readonly<Record<string, string>>): string {
  const names = Object.keys(sources).sort()
  const members = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(sources[name])}`)
  return createHash('sha256')
    .update(`{${members.join(',')}}`, 'utf8')
    .digest('hex')
}
