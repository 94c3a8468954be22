/**
 * Corpus C1: addresses of every class of privacy.md 2.1, as the peer or behind chains of 1 to 20 hops that the client
 * partly made up. Each case knows the network that may leave, by arithmetic of its own on whole numbers.
 * Addresses come from documentation ranges (RFC 5737, 3849, 9637), or from blocks that nobody routes.
 */
import type { CorpusCase } from './corpus.js'
import { goodBody, goodInput, type Random, seeded } from './parts.js'

export interface AddressCase extends CorpusCase {
  readonly class: string
  /** the network that leaves; null where the address is none, and the event is dropped */
  readonly network: string | null
}

/** What the cases' reader must be told. */
export const C1_PROXIES = ['10.0.0.0/8', '2001:db8:ffff::/48']
export const C1_NAT64 = [
  '3fff:64::/32',
  '3fff:65:100::/40',
  '3fff:66:122::/48',
  '3fff:67:122:300::/56',
  '3fff:68:122:344::/64',
  '3fff:69:122:344::/96',
]

interface Drawn {
  readonly text: string
  readonly network: string | null
}

const V4_BITS = 32n
const GROUP = 0xffffn

const dotted = (value: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')

/** Eight groups in full: the same address whatever its zeros. */
const groups = (value: bigint): string =>
  Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & GROUP).toString(16)).join(':')

const network4 = (value: bigint): string => `${dotted((value >> 16n) << 16n)}/16`

function network6(value: bigint): string {
  const [high, low] = [value >> 112n, (value >> 96n) & GROUP]
  return `${high.toString(16)}${low === 0n ? '' : `:${low.toString(16)}`}::/32`
}

const bits = (random: Random, count: bigint): bigint => {
  let value = 0n
  for (let at = 0n; at < count; at += 16n) value = (value << 16n) | BigInt(random.below(65_536))
  return value & ((1n << count) - 1n)
}

const DOCUMENTATION = [0xc0000200n, 0xc6336400n, 0xcb007100n]
const publicV4 = (random: Random): bigint => random.pick(DOCUMENTATION) | BigInt(100 + random.below(156))
const PRIVATE_V4: readonly (readonly [base: bigint, free: bigint])[] = [
  [0x0a000000n, 24n],
  [0x64400000n, 22n],
  [0x7f000000n, 24n],
  [0xa9fe0000n, 16n],
  [0xac100000n, 20n],
  [0xc0a80000n, 16n],
]
const PRIVATE_V6: readonly (readonly [base: bigint, free: bigint])[] = [
  [0xfdn << 120n, 120n],
  [0xfe80n << 112n, 64n],
  [1n, 0n],
]

const carried = (outer: bigint, value: bigint): Drawn => ({ text: groups(outer), network: network4(value) })

/** An address of one NAT64 prefix, written as RFC 6052 draws it: octet 8 is zero and no part of the address. */
function nat64(random: Random, prefix: string): Drawn {
  const [base = '', length = ''] = prefix.split('/')
  const value = publicV4(random)
  const written = base.replace('::', '').split(':')
  let outer = 0n
  for (let at = 0; at < 8; at++) outer = (outer << 16n) | BigInt(`0x${written[at] ?? '0'}`)
  const left = 128n - BigInt(length)
  if (left === V4_BITS) return carried(outer | value, value)
  // The address as if there were no octet 8, then that octet pushed in at bit 64.
  const dense = value << (left - 8n - V4_BITS)
  const below = (1n << 56n) - 1n
  return carried(outer | ((dense >> 56n) << 64n) | (dense & below), value)
}

const CLASSES: Readonly<Record<string, (random: Random) => Drawn>> = {
  ipv4(random) {
    const value = publicV4(random)
    return { text: dotted(value), network: network4(value) }
  },
  ipv6(random) {
    const value = (0x20010db8n << 96n) | (BigInt(0x9000 + random.below(0x1000)) << 80n) | bits(random, 64n)
    const text = groups(value | (1n << 64n))
    return { text: random.below(2) === 0 ? text : text.toUpperCase(), network: network6(value) }
  },
  'ipv6 of 3fff::/20'(random) {
    const value =
      (0x3fffn << 112n) | (BigInt(0x100 + random.below(0xe00)) << 96n) | (7n << 64n) | bits(random, 62n)
    return { text: groups(value), network: network6(value) }
  },
  mapped(random) {
    const value = publicV4(random)
    if (random.below(2) === 0) return carried((GROUP << 32n) | value, value)
    return { text: `::ffff:${dotted(value)}`, network: network4(value) }
  },
  'NAT64, well known'(random) {
    const value = publicV4(random)
    return { text: `64:ff9b::${dotted(value)}`, network: network4(value) }
  },
  'NAT64, local use'(random) {
    const value = publicV4(random)
    return { text: `64:ff9b:1:abcd::${dotted(value)}`, network: network4(value) }
  },
  'NAT64, own prefix': (random) => nat64(random, random.pick(C1_NAT64)),
  '6to4'(random) {
    const value = publicV4(random)
    return carried((0x2002n << 112n) | (value << 80n) | bits(random, 80n), value)
  },
  teredo(random) {
    const value = publicV4(random)
    const outer = (0x20010000n << 96n) | (bits(random, 64n) << 32n) | (value ^ 0xffffffffn)
    return carried(outer, value)
  },
  isatap(random) {
    const value = publicV4(random)
    const mark = random.pick([0x00005efen, 0x02005efen])
    return carried((0x20010db8n << 96n) | (bits(random, 32n) << 64n) | (mark << 32n) | value, value)
  },
  'not routed, IPv4'(random) {
    const [base, free] = random.pick(PRIVATE_V4.slice(1))
    return { text: dotted(base | bits(random, free)), network: 'unknown' }
  },
  'not routed, IPv4 within IPv6'(random) {
    const [base, free] = random.pick(PRIVATE_V4.slice(1))
    const value = base | bits(random, free)
    const outer = random.pick([(GROUP << 32n) | value, (0x2002n << 112n) | (value << 80n) | 7n])
    return { text: groups(outer), network: 'unknown' }
  },
  'not routed, IPv6'(random) {
    const [base, free] = random.pick(PRIVATE_V6)
    // Past what looks like an ISATAP identifier: one bit of the fifth group is set.
    const value = base | bits(random, free) | (free === 0n ? 0n : 1n << 62n)
    return { text: groups(value), network: 'unknown' }
  },
  'no address'(random) {
    const value = publicV4(random)
    const plain = dotted(value)
    const long = groups((0x20010db8n << 96n) | bits(random, 64n))
    const text = random.pick([
      `${plain}:8080`,
      `[${long}]`,
      `[${long}]:443`,
      `${long}%eth0`,
      `fe80::${(value & GROUP).toString(16)}%1`,
      plain.replace(/^\d+/, (first) => `0${first}`),
      `0x${value.toString(16)}`,
      String(value),
      plain.split('.').slice(1).join('.'),
      plain.replace(/^\d/, (digit) => String.fromCharCode(0xff10 + Number(digit))),
      `_${random.mark()}`,
      `${plain}.5`,
      `${plain}/24`,
      `${long}:1`,
      `for=${plain}`,
      random.mark(),
    ])
    return { text, network: null }
  },
}

/** What a client may write to the left of its own address: addresses of others, and anything. */
const spoofed = (random: Random): string =>
  random.pick([
    dotted(publicV4(random)),
    groups((0x20010db8n << 96n) | bits(random, 64n)),
    '10.0.0.1',
    'unknown',
    `_${random.mark()}`,
    random.mark(),
  ])

const proxy = (random: Random): string =>
  random.below(3) === 0
    ? `2001:db8:ffff::${(1 + random.below(9_999)).toString(16)}`
    : `10.0.0.${1 + random.below(250)}`

/** A chain of `hops` hops as header lines: lies, the client, then proxies of ours. */
function chain(random: Random, client: string, hops: number): { lines: string[]; lies: string[] } {
  const proxies = Array.from({ length: random.below(Math.min(hops, 4)) }, () => proxy(random))
  const lies = Array.from({ length: hops - 1 - proxies.length }, () => spoofed(random))
  const lines: string[][] = [[]]
  for (const hop of [...lies, client, ...proxies]) {
    if (random.below(4) === 0 && lines.at(-1)?.length !== 0) lines.push([])
    lines.at(-1)?.push(hop)
  }
  return { lines: lines.map((line) => line.join(random.pick([',', ', ', ' ,\t']))), lies }
}

/** Names that other edges give a client: nobody may read them. */
const UNREAD = ['True-Client-IP', 'CF-Connecting-IP', 'X-Real-IP', 'Forwarded']
/** Shorter values could occur by chance. */
const MIN_RAW = 11

/** The corpus of a seed: every class in turn, as the peer, behind proxies, and with lies of an untrusted peer. */
export function addressCases(count: number, seed: number, now: string): readonly AddressCase[] {
  const random = seeded(seed)
  const classes = Object.entries(CLASSES)
  return Array.from({ length: count }, (_, at) => {
    const [name, draw] = classes[at % classes.length] as (typeof classes)[number]
    const { network, text } = draw(random)
    const way = Math.floor(at / classes.length) % 3
    const hops = 1 + ((Math.floor(at / classes.length / 3) + at) % 20)
    const { lies, lines } = way === 0 ? { lies: [], lines: [] } : chain(random, text, hops)
    const isBehind = way === 1
    // An untrusted peer is the client itself, whatever it forwards.
    const ip = isBehind ? proxy(random) : text
    const unread = random.pick(UNREAD)
    const liar = dotted(publicV4(random))
    const good = goodInput(now)
    const raw = [text, liar, ...lies].filter((value) => value.length >= MIN_RAW)
    return {
      class: name,
      name: `${String(at)}: ${name}, ${['the peer', `behind ${String(hops)} hops`, 'an untrusted peer that forwards'][way]}`,
      network,
      raw,
      input: {
        ip,
        headers: {
          ...good.headers,
          origin: 'https://www.example.in',
          [unread]: unread === 'Forwarded' ? `for=${liar}` : liar,
          ...(lines.length === 0 ? {} : { 'X-Forwarded-For': lines }),
        },
        body: goodBody(undefined, { site: 'website' }),
      },
    }
  })
}
