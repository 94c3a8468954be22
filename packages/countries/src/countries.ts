/**
 * The country of a network that was cut: the one that most of its addresses are in. Nothing here ever sees an address.
 *
 * Source: geo-whois-asn-country of ip-location-db, made of registries' WHOIS and routing data, in the public domain (CC0).
 * Invariants: read once, when a country is first asked for; answers are remembered by network, of which there are at most
 * 65,536 for IPv4 at /16. Recovery: none is needed; a package without its files refuses to open.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { TacitError } from '@tacit/contracts'
import { type Ranges, readRanges } from './ranges.js'

const PACKAGE = '@ip-location-db/geo-whois-asn-country'
const UNKNOWN = 'ZZ'
const MAX_REMEMBERED = 100_000
const BITS = { 4: 32, 6: 48 } as const

export interface Countries {
  /**
   * ISO 3166-1 alpha-2 of most addresses of a network, or `ZZ` where nobody knows.
   * @param network CIDR form: `203.0.0.0/16`, `2001:db8::/32`, at most /24 and /48
   */
  (network: string): string
}

function folder(): string {
  return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`))
}

function load(family: 4 | 6): Ranges {
  const name = `geo-whois-asn-country-ipv${String(family)}.csv`
  try {
    return readRanges(readFileSync(join(folder(), name)), family)
  } catch (cause) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      `The country database ${PACKAGE} cannot be read; run npm run setup`,
      {
        cause,
      },
    )
  }
}

/** Number of the first range whose end is not before `address`. */
function firstReaching(ranges: Ranges, address: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ranges.last[middle] as number) < address) low = middle + 1
    else high = middle
  }
  return low
}

function plurality(ranges: Ranges, from: number, to: number): string {
  const counts = new Map<number, number>()
  for (let at = firstReaching(ranges, from); at < ranges.length; at++) {
    const first = ranges.first[at] as number
    if (first > to) break
    const size = Math.min(to, ranges.last[at] as number) - Math.max(from, first) + 1
    const country = ranges.country[at] as number
    counts.set(country, (counts.get(country) ?? 0) + size)
  }
  let best = 0
  let most = 0
  // Of equals the first in the alphabet, so that the answer does not hang on an order.
  for (const [country, size] of counts) {
    if (size > most || (size === most && country < best)) {
      best = country
      most = size
    }
  }
  return most === 0 ? UNKNOWN : String.fromCharCode(best >> 8, best & 0xff)
}

/** The start of a network in its family's bits, or null where it is none. */
function parseNetwork(network: string): { family: 4 | 6; start: number; size: number } | null {
  const slash = network.lastIndexOf('/')
  const bits = Number(network.slice(slash + 1))
  const family = network.includes(':') ? 6 : 4
  if (slash < 1 || !Number.isInteger(bits) || bits < 0 || bits > BITS[family]) return null
  const bytes = Buffer.from(`${network.slice(0, slash)},${network.slice(0, slash)},ZZ\n`)
  const { first, length } = readRanges(bytes, family)
  return length === 1 ? { family, start: first[0] as number, size: 2 ** (BITS[family] - bits) } : null
}

/** Opens the database: nothing is read before the first question. */
export function openCountries(): Countries {
  const ranges = new Map<4 | 6, Ranges>()
  const remembered = new Map<string, string>()
  return (network) => {
    const known = remembered.get(network)
    if (known !== undefined) return known
    const parsed = parseNetwork(network)
    if (parsed === null) return UNKNOWN
    const { family, size, start } = parsed
    let own = ranges.get(family)
    if (own === undefined) {
      own = load(family)
      ranges.set(family, own)
    }
    const country = plurality(own, start, start + size - 1)
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    remembered.set(network, country)
    return country
  }
}
