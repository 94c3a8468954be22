/**
 * The database's ranges: lines `first,last,CC` of addresses in rising order, without overlaps. Read as bytes, because
 * 700,000 lines as strings would cost a second and 200 MB.
 */

const COMMA = 0x2c
const LINE_FEED = 0x0a
const DOT = 0x2e
const COLON = 0x3a

/** Ranges of one family: addresses as their leading 32 (IPv4) or 48 bits (IPv6), both ends included. */
export interface Ranges {
  readonly first: Float64Array
  readonly last: Float64Array
  /** two letters as `256 * first + second` */
  readonly country: Uint16Array
  readonly length: number
}

/** @returns the address's 32 bits and where the text ends */
function readIpv4(bytes: Uint8Array, from: number, end: number): number {
  let value = 0
  let octet = 0
  for (let at = from; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === DOT) {
      value = value * 256 + octet
      octet = 0
    } else octet = octet * 10 + byte - 0x30
  }
  return value * 256 + octet
}

/** The first three groups, 48 bits: no rule keeps more. */
function readIpv6(bytes: Uint8Array, from: number, end: number): number {
  let value = 0
  let groups = 0
  let group = 0
  let digits = 0
  for (let at = from; at <= end && groups < 3; at++) {
    const byte = at < end ? (bytes[at] as number) : COLON
    if (byte === COLON) {
      value = value * 65_536 + group
      groups++
      // `::` ends the groups that are written.
      if (digits === 0) break
      group = 0
      digits = 0
    } else {
      group = group * 16 + (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57)
      digits++
    }
  }
  for (; groups < 3; groups++) value *= 65_536
  return value
}

/** Reads a file of ranges. @param bytes of a CSV file @param family of its addresses */
export function readRanges(bytes: Uint8Array, family: 4 | 6): Ranges {
  let lines = 0
  for (const byte of bytes) if (byte === LINE_FEED) lines++
  const first = new Float64Array(lines + 1)
  const last = new Float64Array(lines + 1)
  const country = new Uint16Array(lines + 1)
  const read = family === 4 ? readIpv4 : readIpv6
  let length = 0
  for (let start = 0; start < bytes.length; ) {
    let end = bytes.indexOf(LINE_FEED, start)
    if (end < 0) end = bytes.length
    const one = bytes.indexOf(COMMA, start)
    const two = bytes.indexOf(COMMA, one + 1)
    if (one > start && two > one && two + 2 < end + 1 && two < end) {
      first[length] = read(bytes, start, one)
      last[length] = read(bytes, one + 1, two)
      country[length] = ((bytes[two + 1] as number) << 8) | (bytes[two + 2] as number)
      length++
    }
    start = end + 1
  }
  return { first, last, country, length }
}
