/** LZ4 block format, decoding only. Source: lz4_Block_format.md of the LZ4 project. */

const MIN_MATCH = 4

/** A length that goes on in further bytes while they are 255. */
function longLength(input: Buffer, at: number, nibble: number): { length: number; at: number } {
  let length = nibble
  if (nibble < 15) return { length, at }
  for (let next = 255; next === 255; at++) {
    next = input[at] ?? 0
    length += next
  }
  return { length, at }
}

/** @param size bytes of the decoded block @throws RangeError where the input is no block of that size */
export function decodeLz4Block(input: Buffer, size: number): Buffer {
  const output = Buffer.alloc(size)
  let written = 0
  let at = 0
  while (at < input.length) {
    const token = input[at++] ?? 0
    const literals = longLength(input, at, token >>> 4)
    at = literals.at
    if (at + literals.length > input.length || written + literals.length > size) throw damaged()
    input.copy(output, written, at, at + literals.length)
    written += literals.length
    at += literals.length
    // The last sequence is literals only.
    if (at === input.length) break
    if (at + 2 > input.length) throw damaged()
    const offset = input.readUInt16LE(at)
    const match = longLength(input, at + 2, token & 15)
    at = match.at
    const end = written + match.length + MIN_MATCH
    if (offset === 0 || offset > written || end > size) throw damaged()
    // Byte by byte: a match may overlap what it writes.
    for (; written < end; written++) output[written] = output[written - offset] as number
  }
  if (written !== size) throw damaged()
  return output
}

const damaged = (): RangeError => new RangeError('not an LZ4 block of this size')
