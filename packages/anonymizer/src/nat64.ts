/**
 * NAT64 with prefixes of an operator's own (RFC 6052, 2.2): where the IPv4 address stands for each of the six prefix
 * lengths. Cut as IPv6 addresses they would keep the IPv4 address, or half of it (privacy.md 2.1).
 */
import { TacitError } from '@tacit/contracts'

export interface Nat64Prefix {
  /** eight groups of 16 bits, zero behind the prefix */
  readonly groups: readonly number[]
  readonly bits: number
}

/** Lengths that RFC 6052 allows, and the octets of the address that hold the IPv4 address; octet 8 (`u`) is none. */
const OCTETS: ReadonlyMap<number, readonly number[]> = new Map([
  [32, [4, 5, 6, 7]],
  [40, [5, 6, 7, 9]],
  [48, [6, 7, 9, 10]],
  [56, [7, 9, 10, 11]],
  [64, [9, 10, 11, 12]],
  [96, [12, 13, 14, 15]],
])
const MAX_PREFIXES = 64

function octet(groups: readonly number[], at: number): number {
  const group = groups[at >>> 1] ?? 0
  return at % 2 === 0 ? group >>> 8 : group & 0xff
}

function refusal(index: number, why: string): TacitError {
  return new TacitError('ERR_CONFIG_INVALID', `NAT64 prefix ${index + 1}: ${why}`)
}

/**
 * Reads prefixes such as `2001:db8:64::/96`; the longest comes first, so that one within another counts.
 * @param groupsOf the groups of an IPv6 address; null for what is none, or already means an IPv4 address
 * @throws TacitError ERR_CONFIG_INVALID naming the place in the list, never the value
 */
export function readNat64Prefixes(
  cidrs: readonly string[],
  groupsOf: (text: string) => readonly number[] | null,
): readonly Nat64Prefix[] {
  if (cidrs.length > MAX_PREFIXES) {
    throw new TacitError('ERR_CONFIG_INVALID', `Name at most ${MAX_PREFIXES} NAT64 prefixes`)
  }
  const prefixes = cidrs.map((cidr, index): Nat64Prefix => {
    const [address = '', length = '', ...more] = cidr.split('/')
    const groups = groupsOf(address)
    const bits = /^[1-9]\d$/.test(length) ? Number(length) : 0
    if (groups === null || more.length > 0 || !OCTETS.has(bits)) {
      throw refusal(
        index,
        'write an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits such as 2001:db8:64::/96 (RFC 6052); mapped, 6to4 and Teredo addresses are read without one',
      )
    }
    for (let at = bits / 8; at < 16; at += 1) {
      if (octet(groups, at) !== 0)
        throw refusal(index, 'the address has bits behind its prefix; write them as zero')
    }
    if (octet(groups, 8) !== 0) throw refusal(index, 'bits 64 to 71 of a prefix must be zero (RFC 6052, 2.2)')
    return { groups, bits }
  })
  return prefixes.sort((a, b) => b.bits - a.bits)
}

function isWithin(groups: readonly number[], prefix: Nat64Prefix): boolean {
  for (let at = 0; at < prefix.bits / 8; at += 1) {
    if (octet(groups, at) !== octet(prefix.groups, at)) return false
  }
  return true
}

/**
 * The IPv4 address (unsigned 32 bits) of an address within one of the prefixes; null outside them. Octet `u` and the
 * suffix are not looked at: an address that is written wrongly must not keep its IPv4 address for that.
 */
export function nat64Value(groups: readonly number[], prefixes: readonly Nat64Prefix[]): number | null {
  for (const prefix of prefixes) {
    if (!isWithin(groups, prefix)) continue
    const octets = OCTETS.get(prefix.bits) ?? []
    return octets.reduce((value, at) => value * 256 + octet(groups, at), 0)
  }
  return null
}
