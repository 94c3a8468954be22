/**
 * The client's address behind reverse proxies: the rightmost hop that is no proxy of ours. Everything to its left was
 * written by the client, who may write anything.
 */
import { TacitError } from '@tacit/contracts'
import { type Address, type AddressParser, parseAddress } from './ip.js'

/** Hops looked at before giving up: longer chains of trusted proxies do not exist. */
const MAX_HOPS = 20
const HEADER = 'x-forwarded-for'

type Network =
  | { readonly family: 4; readonly value: number; readonly bits: number }
  | { readonly family: 6; readonly groups: readonly number[]; readonly bits: number }

/** @returns null where the peer or a hop is no address: the field is dropped */
export type ClientAddressReader = (peer: string, rawHeaders: readonly string[]) => Address | null

/**
 * Compiles `TACIT_TRUSTED_PROXIES`.
 *
 * The reader takes the socket's peer and the raw header list of `node:http` (name, value, name, value, …), so that
 * several X-Forwarded-For lines count in their order. Without a trusted peer the header is not even read. Where all
 * hops are trusted, the leftmost is the client.
 * @param cidrs e.g. `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`
 * @param parse reads a peer and a hop; by default without NAT64 prefixes of an operator's own
 * @throws TacitError ERR_CONFIG_INVALID where an entry is no network, or trusts everybody (/0)
 */
export function compileTrustedProxies(
  cidrs: readonly string[],
  parse: AddressParser = parseAddress,
): ClientAddressReader {
  const networks = cidrs.map(parseNetwork)
  const isTrusted = (address: Address) => networks.some((network) => contains(network, address))
  return (peer, rawHeaders) => {
    const nearest = parse(peer)
    if (nearest === null || networks.length === 0 || !isTrusted(nearest)) return nearest
    return rightmostUntrusted(nearest, rawHeaders, isTrusted, parse)
  }
}

function rightmostUntrusted(
  peer: Address,
  rawHeaders: readonly string[],
  isTrusted: (address: Address) => boolean,
  parse: AddressParser,
): Address | null {
  let client = peer
  let hops = 0
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    const name = rawHeaders[at] ?? ''
    if (name.length !== HEADER.length || name.toLowerCase() !== HEADER) continue
    const line = rawHeaders[at + 1] ?? ''
    let end = line.length
    while (end >= 0) {
      hops += 1
      if (hops > MAX_HOPS) return null
      const comma = end === 0 ? -1 : line.lastIndexOf(',', end - 1)
      const hop = parse(withoutBlanks(line, comma + 1, end))
      if (hop === null || !isTrusted(hop)) return hop
      client = hop
      end = comma
    }
  }
  return client
}

/** The part of a header between two places, without spaces and tabs around it (RFC 9110, OWS). */
function withoutBlanks(line: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(line.charCodeAt(start))) start += 1
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1
  return line.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function parseNetwork(cidr: string, index: number): Network {
  const slash = cidr.indexOf('/')
  const address = parseAddress(slash < 0 ? cidr : cidr.slice(0, slash))
  if (address === null || (address.family === 4 && address.carrier !== 'none')) throw refusal(index)
  const most = address.family === 4 ? 32 : 128
  const digits = slash < 0 ? String(most) : cidr.slice(slash + 1)
  const bits = /^[1-9]\d{0,2}$/.test(digits) ? Number(digits) : 0
  if (bits < 1 || bits > most) throw refusal(index)
  return address.family === 4
    ? { family: 4, value: address.value, bits }
    : { family: 6, groups: address.groups, bits }
}

function refusal(index: number): TacitError {
  return new TacitError(
    'ERR_CONFIG_INVALID',
    `Trusted proxy ${index + 1}: write an IPv4 or IPv6 network such as 10.0.0.0/8 or 2001:db8::/32; ` +
      'a network of everybody (/0) and IPv4 written inside IPv6 are refused',
  )
}

function contains(network: Network, address: Address): boolean {
  if (address.family === 4) {
    // A tunnelled address is partly its sender's own choice, so it is never taken for one of our proxies.
    const plain = address.carrier === 'none' || address.carrier === 'mapped'
    return plain && network.family === 4 && (address.value ^ network.value) >>> (32 - network.bits) === 0
  }
  if (network.family !== 6) return false
  for (let group = 0, left = network.bits; left > 0; group += 1, left -= 16) {
    const difference = (address.groups[group] ?? 0) ^ (network.groups[group] ?? 0)
    if (difference >>> Math.max(0, 16 - left) !== 0) return false
  }
  return true
}
