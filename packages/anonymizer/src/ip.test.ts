import { isIPv4 } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { type Address, identityAddress, identityNetwork, parseAddress, truncateAddress } from './ip.js'

/** Parses what the test knows to be an address. */
function address(text: string): Address {
  const parsed = parseAddress(text)
  if (parsed === null) throw new Error('the test takes this for an address')
  return parsed
}

const cut = (text: string) => truncateAddress(address(text), 16, 32)

/** Reference on bits: a big integer, a mask, and nothing of the product's arithmetic. */
function maskedBits(bits: bigint, width: number, kept: number): bigint {
  const shift = BigInt(width - kept)
  return (bits >> shift) << shift
}

function bitsOfIpv4(text: string): bigint {
  return text.split('.').reduce((bits, octet) => bits * 256n + BigInt(octet), 0n)
}

/** Reads `a:b::c` by filling up with zeros. */
function bitsOfIpv6(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0')
  const groups = [...left, ...zeros, ...right]
  return groups.reduce((bits, group) => bits * 65_536n + BigInt(`0x${group}`), 0n)
}

const octet = fc.integer({ min: 0, max: 255 })
const ipv4Text = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'))
const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
const ipv6Groups = fc.tuple(group, group, group, group, group, group, group, group)
const hexadecimal = (groups: readonly number[]) => groups.map((part) => part.toString(16)).join(':')

t.test('an address in any transition format is truncated as the IPv4 address inside it', async (t) => {
  const forms: Record<string, string> = {
    plain: '203.0.113.77',
    'mapped, dotted': '::ffff:203.0.113.77',
    'mapped, hexadecimal': '::ffff:cb00:714d',
    'mapped, in full': '0:0:0:0:0:FFFF:CB00:714D',
    'NAT64, dotted': '64:ff9b::203.0.113.77',
    'NAT64, hexadecimal': '64:ff9b::cb00:714d',
    'local NAT64 /96': '64:ff9b:1::203.0.113.77',
    'local NAT64 /96 of another subnet': '64:ff9b:1:abcd::cb00:714d',
    'local NAT64 /48': '64:ff9b:1:cb00:71:4d00::',
    'local NAT64 /56': '64:ff9b:1:aacb:0:714d::',
    'local NAT64 /64': '64:ff9b:1:abcd:cb:71:4d00:0',
    '6to4': '2002:cb00:714d:1::1',
    '6to4 without a subnet': '2002:cb00:714d::',
    Teredo: '2001:0:4136:e378:8000:63bf:34ff:8eb2',
    ISATAP: '2001:db8:1:2:0:5efe:203.0.113.77',
    'ISATAP, universal bit': '2001:db8:1:2:200:5efe:cb00:714d',
  }
  for (const [form, text] of Object.entries(forms)) {
    const parsed = parseAddress(text)
    // In /56 bits 64 to 71 are zero, so the second octet of this example is, as it is in 203.0.
    t.equal(parsed?.family === 4 ? parsed.text : null, '203.0.113.77', form)
    t.equal(cut(text), '203.0.0.0/16', form)
  }
  t.equal(identityAddress(address('64:ff9b:1:0:aaaa:0:cb00:0')), '203.0.0.0', 'bits 64 to 71 tell /96')
})

t.test('an ordinary IPv6 address keeps its first bits only', async (t) => {
  t.equal(cut('2001:db8:1234:5678:9abc:def0:1234:5678'), '2001:db8::/32')
  t.equal(cut('2A00:1450:4001:0830::200E'), '2a00:1450::/32')
  t.equal(truncateAddress(address('2001:db8:1234:5678::1'), 24, 48), '2001:db8:1234::/48')
  t.equal(
    cut('2001:db8:cb00:714d::'),
    '2001:db8::/32',
    'a network-specific prefix keeps nothing of the address',
  )
})

t.test('an address that no public client has is unknown, whatever carries it', async (t) => {
  const unroutable = [
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '100.127.255.255',
    '169.254.1.1',
    '127.0.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'fc00::1',
    'fdff::1',
    'ff02::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '2002:c0a8:101::1',
    'fe80::5efe:10.0.0.1',
  ]
  for (const text of unroutable) t.equal(cut(text), 'unknown', text)
  const routable = [
    '172.15.0.1',
    '172.32.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '169.253.0.1',
    '192.0.2.1',
    'fbff::1',
  ]
  for (const text of routable) t.not(cut(text), 'unknown', text)
})

t.test('what is not strictly an address is refused', async (t) => {
  const refused = [
    '',
    ' ',
    '203.0.113.77 ',
    ' 203.0.113.77',
    '203.0.113.77\n',
    '203.0.113.77:443',
    '[2001:db8::1]',
    '[2001:db8::1]:443',
    'fe80::1%eth0',
    '2001:db8::1%25eth0',
    '010.0.0.1',
    '203.0.113.077',
    '0x7f.0.0.1',
    '0xcb00714d',
    '3405803853',
    '127.1',
    '256.1.1.1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.-4',
    '٢٠٣.0.113.77',
    '２０３.0.113.77',
    '203。0。113。77',
    '12345::1',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::ffff:203.0.113.777',
    '::ffff:203.0.113',
    '_x',
    'unknown',
    'localhost',
    '-',
    `${'0'.repeat(60)}1::1`,
    `203.0.113.77${'0'.repeat(100_000)}`,
  ]
  for (const text of refused) t.equal(parseAddress(text), null, JSON.stringify(text.slice(0, 50)))
})

t.test('arbitrary text either is an address or is refused, and never throws', async (t) => {
  const noise = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[0-9a-fx:.%[\]]{0,50}$/))
  fc.assert(
    fc.property(noise, (text) => {
      const parsed = parseAddress(text)
      return parsed === null || /^[0-9a-f:./]+$/.test(identityAddress(parsed))
    }),
  )
  t.pass('held in every run')
})

t.test('a truncated IPv4 address is the masked bits and nothing more, for every mask', async (t) => {
  fc.assert(
    fc.property(ipv4Text, fc.integer({ min: 0, max: 24 }), (text, bits) => {
      const parsed = address(text)
      if (parsed.unroutable) return truncateAddress(parsed, bits, 32) === 'unknown'
      const [network = '', length] = truncateAddress(parsed, bits, 32).split('/')
      return (
        length === String(bits) &&
        isIPv4(network) &&
        bitsOfIpv4(network) === maskedBits(bitsOfIpv4(text), 32, bits)
      )
    }),
    { numRuns: 2_000 },
  )
  t.pass('held in every run')
})

t.test('a truncated IPv6 address is the masked bits and nothing more, for every mask', async (t) => {
  fc.assert(
    fc.property(ipv6Groups, fc.integer({ min: 0, max: 48 }), (groups, bits) => {
      const text = hexadecimal(groups)
      const parsed = address(text)
      if (parsed.unroutable) return truncateAddress(parsed, 16, bits) === 'unknown'
      if (parsed.family === 4) return truncateAddress(parsed, 16, bits).endsWith('.0.0/16')
      const [network = '', length] = truncateAddress(parsed, 16, bits).split('/')
      return length === String(bits) && bitsOfIpv6(network) === maskedBits(bitsOfIpv6(text), 128, bits)
    }),
    { numRuns: 2_000 },
  )
  t.pass('held in every run')
})

t.test('two addresses of one network are truncated to the same text', async (t) => {
  fc.assert(
    fc.property(octet, octet, octet, octet, octet, octet, (a, b, c, d, e, f) => {
      return cut(`${a}.${b}.${c}.${d}`) === cut(`${a}.${b}.${e}.${f}`)
    }),
  )
  t.pass('held in every run')
})

t.test('a mask finer than the linter allows is refused', async (t) => {
  const parsed = address('203.0.113.77')
  for (const [ipv4, ipv6] of [
    [25, 32],
    [32, 32],
    [16, 49],
    [16, 128],
    [-1, 32],
    [1.5, 32],
    [Number.NaN, 32],
  ] as const) {
    t.throws(() => truncateAddress(parsed, ipv4, ipv6), { code: 'ERR_RULEBOOK_INVALID' })
  }
})

t.test('an identity is the IPv4 address or the /64, and its network the /24 or the /48', async (t) => {
  const cases: readonly (readonly [text: string, identity: string, network: string])[] = [
    ['203.0.113.77', '203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.77', '203.0.113.0/24'],
    ['2002:cb00:714d::1', '203.0.113.77', '203.0.113.0/24'],
    ['10.1.2.3', '10.1.2.3', '10.1.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
    ['2001:db8:0:0:3::', '2001:db8::/64', '2001:db8::/48'],
    ['2001:db8:0:1::5', '2001:db8:0:1::/64', '2001:db8::/48'],
    ['fd00:1:2:3::4', 'fd00:1:2:3::/64', 'fd00:1:2::/48'],
    ['::1', '::/64', '::/48'],
  ]
  for (const [text, identity, network] of cases) {
    t.equal(identityAddress(address(text)), identity, text)
    t.equal(identityNetwork(address(text)), network, text)
  }
})

t.test('an interface identifier of the ISATAP form does not make one machine into many people', async (t) => {
  const one = address('2001:db8:1:2:0:5efe:203.0.113.77')
  const other = address('2001:db8:1:2:0:5efe:198.51.100.9')
  t.equal(identityAddress(one), '2001:db8:1:2::/64')
  t.equal(identityAddress(other), identityAddress(one))
  t.equal(identityNetwork(other), '2001:db8:1::/48')
})

t.test('an identity and its network are the masked bits in canonical text', async (t) => {
  fc.assert(
    fc.property(ipv6Groups, (groups) => {
      const parsed = address(hexadecimal(groups))
      if (parsed.family === 4) return true
      const bits = bitsOfIpv6(hexadecimal(groups))
      const [identity = ''] = identityAddress(parsed).split('/')
      const [network = ''] = identityNetwork(parsed).split('/')
      const canonical = new URL(`http://[${identity}]/`).hostname
      return (
        bitsOfIpv6(identity) === maskedBits(bits, 128, 64) &&
        bitsOfIpv6(network) === maskedBits(bits, 128, 48) &&
        canonical === `[${identity}]`
      )
    }),
    { numRuns: 1_000 },
  )
  t.pass('held in every run')
})
