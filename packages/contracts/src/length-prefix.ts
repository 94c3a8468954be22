/**
 * LP(x1..xn): each part with its u32 big-endian byte length before it, so that no two lists of parts have the same
 * bytes. Strings are taken as NFC UTF-8. Source: design.md, decision 2.
 */
export function lengthPrefixed(...parts: readonly (string | Uint8Array)[]): Buffer {
  const bytes = parts.map((part) =>
    typeof part === 'string' ? Buffer.from(part.normalize('NFC'), 'utf8') : part,
  )
  const out = Buffer.allocUnsafe(bytes.reduce((sum, part) => sum + 4 + part.length, 0))
  let at = 0
  for (const part of bytes) {
    at = out.writeUInt32BE(part.length, at)
    out.set(part, at)
    at += part.length
  }
  return out
}
