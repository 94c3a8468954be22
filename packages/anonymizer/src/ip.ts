/**
 * Addresses: strict parsing, unwrapping of transition formats to the IPv4 address inside, truncation, and the values
 * that a network identity is made of. What is not an address is `null`: the field is dropped, never passed through.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { TacitError } from '@tacit/contracts'
import anonymizeIp from 'ip-anonymize'
import { IDENTITY_BITS } from '@tacit/rulebook'
import { type Nat64Prefix, nat64Value, readNat64Prefixes } from './nat64.js'

/**
 * How an IPv4 address came: as itself, or inside an IPv6 address. `isatap` is the one form that any host can write
 * into its own /64 (the interface identifier is its own choice), so it proves nothing about the IPv4 address.
 */
export type Carrier = 'none' | 'mapped' | 'nat64' | '6to4' | 'teredo' | 'isatap'

export interface Ipv4Address {
  readonly family: 4
  /** dotted decimal, canonical */
  readonly text: string
  /** unsigned 32 bits */
  readonly value: number
  readonly carrier: Carrier
  /** the eight 16-bit groups of the carrying IPv6 address; null where there is none */
  readonly outer: readonly number[] | null
  /** private, shared (CGNAT), link-local, loopback, unspecified, multicast or reserved */
  readonly unroutable: boolean
}

export interface Ipv6Address {
  readonly family: 6
  /** eight groups of 16 bits */
  readonly groups: readonly number[]
  /** unique local, link-local, site-local, loopback, unspecified, IPv4-compatible or multicast */
  readonly unroutable: boolean
}

export type Address = Ipv4Address | Ipv6Address

/** What a truncated address is called when its network says nothing about a place. */
export const UNKNOWN_NETWORK = 'unknown'

/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`: longer text is no address, and no regular expression sees it. */
const LONGEST_IPV6 = 45
const LONGEST_IPV4 = 15
const GROUP_BITS = 16
const NO_PREFIXES: readonly Nat64Prefix[] = []

/** Blocks no public client speaks from: IANA special-purpose registry (RFC 6890), without documentation ranges. */
const UNROUTABLE_IPV4: readonly (readonly [base: number, bits: number])[] = [
  [0x00000000, 8], // 0.0.0.0/8 this network
  [0x0a000000, 8], // 10.0.0.0/8 private
  [0x64400000, 10], // 100.64.0.0/10 shared (CGNAT)
  [0x7f000000, 8], // 127.0.0.0/8 loopback
  [0xa9fe0000, 16], // 169.254.0.0/16 link-local
  [0xac100000, 12], // 172.16.0.0/12 private
  [0xc0a80000, 16], // 192.168.0.0/16 private
  [0xe0000000, 3], // 224.0.0.0/4 multicast and 240.0.0.0/4 reserved
]

/** Blocks for examples and documentation (RFC 5737, RFC 3849, RFC 9637): nobody is there, whoever a database names. */
const DOCUMENTATION_IPV4: readonly (readonly [base: number, bits: number])[] = [
  [0xc0000200, 24], // 192.0.2.0/24
  [0xc6336400, 24], // 198.51.100.0/24
  [0xcb007100, 24], // 203.0.113.0/24
]

/** Whether an address stands in examples and documentation only; it has a network, and no country. */
export function isDocumentation(address: Address): boolean {
  if (address.family === 4) {
    return DOCUMENTATION_IPV4.some(([base, bits]) => (address.value ^ base) >>> (32 - bits) === 0)
  }
  const [g0 = 0, g1 = 0] = address.groups
  return (g0 === 0x2001 && g1 === 0xdb8) || (g0 === 0x3fff && g1 >>> 12 === 0)
}

/**
 * Reads one address, strictly: no zone, port, bracket, octal, hexadecimal or shortened IPv4, no white space, no
 * digits but ASCII. An IPv4 address inside an IPv6 address (mapped, NAT64, 6to4, Teredo, ISATAP) is taken out.
 */
export function parseAddress(text: string): Address | null {
  return readAddress(text, NO_PREFIXES)
}

/** Reads one address, as {@link parseAddress} does. */
export type AddressParser = (text: string) => Address | null

/**
 * A parser that also takes the IPv4 address out of NAT64 prefixes of an operator's own, which go before all others.
 * @param prefixes `TACIT_NAT64_PREFIXES`, of RFC 6052: /32, /40, /48, /56, /64 or /96
 * @throws TacitError ERR_CONFIG_INVALID where an entry is none
 */
export function compileAddressParser(prefixes: readonly string[]): AddressParser {
  if (prefixes.length === 0) return parseAddress
  const read = readNat64Prefixes(prefixes, (text) => {
    const groups = strictGroups(text)
    if (groups === null) return null
    const carrier = embeddedIpv4(groups)?.carrier
    return carrier === undefined || carrier === 'nat64' ? groups : null
  })
  return (text) => readAddress(text, read)
}

function strictGroups(text: string): readonly number[] | null {
  if (text.length > LONGEST_IPV6 || !isIPv6(text) || text.includes('%')) return null
  return ipv6Groups(text)
}

function readAddress(text: string, prefixes: readonly Nat64Prefix[]): Address | null {
  if (text.length <= LONGEST_IPV4 && isIPv4(text)) return ipv4(ipv4Value(text), text, 'none', null)
  const groups = strictGroups(text)
  if (groups === null) return null
  const own = nat64Value(groups, prefixes)
  if (own !== null) return ipv4(own, ipv4Text(own), 'nat64', groups)
  const embedded = embeddedIpv4(groups)
  if (embedded !== null) {
    return ipv4(embedded.value, ipv4Text(embedded.value), embedded.carrier, groups)
  }
  return { family: 6, groups, unroutable: isUnroutableIpv6(groups) }
}

/**
 * The network of an address in CIDR form, e.g. `203.0.0.0/16` or `2001:db8::/32`; `unknown` for an unroutable one.
 * @param ipv4Bits 0 to 24, as the linter allows; @param ipv6Bits 0 to 48
 * @throws TacitError ERR_RULEBOOK_INVALID for a finer mask
 */
export function truncateAddress(address: Address, ipv4Bits: number, ipv6Bits: number): string {
  if (!isMask(ipv4Bits, 24) || !isMask(ipv6Bits, 48)) {
    throw new TacitError('ERR_RULEBOOK_INVALID', 'Truncate to at most /24 for IPv4 and /48 for IPv6')
  }
  if (address.unroutable) return UNKNOWN_NETWORK
  // Canonical text only: the library answers wrongly on mixed, zoned and over-long forms.
  const text = address.family === 4 ? address.text : address.groups.map(hexadecimal).join(':')
  const network = anonymizeIp(text, ipv4Bits, ipv6Bits)
  if (network === null) return UNKNOWN_NETWORK
  return `${network}/${address.family === 4 ? ipv4Bits : ipv6Bits}`
}

/**
 * What stands for the client in a network identity: the IPv4 address, or the /64 of an IPv6 address (one LAN;
 * RFC 6177). Unroutable addresses keep their value, so that an intranet's log still counts people.
 */
export function identityAddress(address: Address): string {
  const groups = identityGroups(address)
  const { ipv6 } = IDENTITY_BITS.address
  return groups === null ? (address as Ipv4Address).text : `${prefixText(groups, ipv6 / GROUP_BITS)}/${ipv6}`
}

/** The network that `min_networks` counts: the /24 of an IPv4 address, the /48 of an IPv6 address, in CIDR form. */
export function identityNetwork(address: Address): string {
  const groups = identityGroups(address)
  const bits = IDENTITY_BITS.network
  if (groups !== null) return `${prefixText(groups, bits.ipv6 / GROUP_BITS)}/${bits.ipv6}`
  const { text } = address as Ipv4Address
  return `${text.slice(0, text.lastIndexOf('.'))}.0/${bits.ipv4}`
}

/**
 * The groups an identity is made of; null where it is the IPv4 address. An ISATAP identifier is the host's own
 * choice: taken at its word, one machine could pose as people of any number of networks.
 */
function identityGroups(address: Address): readonly number[] | null {
  if (address.family === 6) return address.groups
  return address.carrier === 'isatap' ? address.outer : null
}

/** Canonical text (RFC 5952) of the first `count` ≤ 4 groups, the rest zero: the trailing run is the longest one. */
function prefixText(groups: readonly number[], count: number): string {
  let kept = count
  while (kept > 0 && groups[kept - 1] === 0) kept -= 1
  return `${groups.slice(0, kept).map(hexadecimal).join(':')}::`
}

function ipv4(value: number, text: string, carrier: Carrier, outer: readonly number[] | null): Ipv4Address {
  return { family: 4, text, value, carrier, outer, unroutable: isUnroutableIpv4(value) }
}

/** @param text checked by `isIPv4` */
function ipv4Value(text: string): number {
  let value = 0
  let octet = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x2e) {
      value = value * 256 + octet
      octet = 0
    } else octet = octet * 10 + code - 0x30
  }
  return value * 256 + octet
}

function ipv4Text(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

/** @param text checked by `isIPv6`, without a zone */
function ipv6Groups(text: string): readonly number[] {
  const [head = '', tail] = expandDotted(text).split('::')
  const left = groupsOf(head)
  if (tail === undefined) return left
  const right = groupsOf(tail)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

/** Writes a dotted tail as its two groups. */
function expandDotted(text: string): string {
  if (!text.includes('.')) return text
  const start = text.lastIndexOf(':') + 1
  const value = ipv4Value(text.slice(start))
  return `${text.slice(0, start)}${hexadecimal(value >>> 16)}:${hexadecimal(value & 0xffff)}`
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function hexadecimal(group: number): string {
  return group.toString(16)
}

function joined(high: number, low: number): number {
  return high * 65_536 + low
}

function embeddedIpv4(groups: readonly number[]): { value: number; carrier: Carrier } | null {
  const [g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0] = groups
  const low = joined(g6, g7)
  // RFC 4291 2.5.5.2: ::ffff:0:0/96
  if ((g0 | g1 | g2 | g3 | g4) === 0 && g5 === 0xffff) return { value: low, carrier: 'mapped' }
  if (g0 === 0x64 && g1 === 0xff9b) {
    // RFC 6052: 64:ff9b::/96
    if ((g2 | g3 | g4 | g5) === 0) return { value: low, carrier: 'nat64' }
    if (g2 === 1) return { value: localNat64(groups), carrier: 'nat64' }
  }
  // RFC 3056: 2002:V4ADDR::/48
  if (g0 === 0x2002) return { value: joined(g1, g2), carrier: '6to4' }
  // RFC 4380: 2001:0::/32, the client's address inverted in the last 32 bits
  if (g0 === 0x2001 && g1 === 0) return { value: ~low >>> 0, carrier: 'teredo' }
  // RFC 5214: interface identifier 0000:5efe or 0200:5efe, then the address
  if ((g4 === 0 || g4 === 0x200) && g5 === 0x5efe) return { value: low, carrier: 'isatap' }
  return null
}

/**
 * The IPv4 address in 64:ff9b:1::/48 (RFC 8215), whose operator picks the prefix length. The suffix after the
 * address is zero (RFC 6052, 2.2), which tells /48, /56, /64 and /96 apart; bits 64 to 71 are zero in all but /96.
 */
function localNat64(groups: readonly number[]): number {
  const [, , , g3 = 0, g4 = 0, g5 = 0, g6 = 0, g7 = 0] = groups
  if (g7 !== 0 || (g6 & 0xff) !== 0 || g4 > 0xff) return joined(g6, g7)
  if (g6 !== 0) return joined(g4 * 256 + (g5 >>> 8), (g5 & 0xff) * 256 + (g6 >>> 8))
  if ((g5 & 0xff) !== 0) return joined((g3 & 0xff) * 256 + g4, g5)
  return joined(g3, g4 * 256 + (g5 >>> 8))
}

function isUnroutableIpv4(value: number): boolean {
  for (const [base, bits] of UNROUTABLE_IPV4) {
    if ((value ^ base) >>> (32 - bits) === 0) return true
  }
  return false
}

function isUnroutableIpv6(groups: readonly number[]): boolean {
  const [g0 = 0, g1 = 0, g2 = 0, g3 = 0, g4 = 0, g5 = 0] = groups
  if ((g0 & 0xfe00) === 0xfc00) return true // fc00::/7 unique local
  if ((g0 & 0xff80) === 0xfe80) return true // fe80::/10 link-local, fec0::/10 site-local
  if ((g0 & 0xff00) === 0xff00) return true // ff00::/8 multicast
  return (g0 | g1 | g2 | g3 | g4 | g5) === 0 // ::/96 unspecified, loopback, IPv4-compatible
}

function isMask(bits: number, most: number): boolean {
  return Number.isInteger(bits) && bits >= 0 && bits <= most
}
