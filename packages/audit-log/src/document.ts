/** Files as somebody hands them over, who may have sent them through a program that writes text its own way. */

export interface Document {
  /** null where it is no JSON */
  readonly value: unknown
  /** see {@link windowsHint} */
  readonly hint: string
}

/** A document in JSON. */
export function readDocument(bytes: Buffer): Document {
  const hint = windowsHint(bytes)
  try {
    return { value: JSON.parse(bytes.toString('utf8')), hint }
  } catch {
    return { value: null, hint }
  }
}

/**
 * For an error about a file: that a program for Windows wrote it anew, and what to do; empty where nothing shows that.
 * @param bytes the file, or its first line without the line feed
 */
export function windowsHint(bytes: Buffer): string {
  const sign = signOf(bytes)
  if (sign === null) return ''
  return `: ${sign}, as programs for Windows write text; copy it byte by byte, or save it as UTF-8 with LF line ends and no byte order mark`
}

function signOf(bytes: Buffer): string | null {
  const [first, second] = bytes
  if (first === 0 || second === 0 || (first ?? 0) >= 0xfe) return 'it is UTF-16'
  if (first === 0xef && second === 0xbb) return 'it begins with a byte order mark'
  return bytes.at(-1) === 0x0d ? 'its lines end in CR LF' : null
}
