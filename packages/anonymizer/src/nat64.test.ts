import fc from 'fast-check'
import t from 'tap'
import { compileTrustedProxies } from './client-address.js'
import { compileAddressParser, parseAddress, truncateAddress } from './ip.js'

/** The examples of RFC 6052, 2.4: 192.0.2.33 under 2001:db8::/32 and its fellows. */
const RFC_6052: readonly (readonly [prefix: string, address: string])[] = [
  ['2001:db8::/32', '2001:db8:c000:221::'],
  ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
  ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
  ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
  ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100::'],
  ['2001:db8:122:344::/96', '2001:db8:122:344::192.0.2.33'],
]

t.test('the examples of RFC 6052 give their IPv4 address', async (t) => {
  for (const [prefix, address] of RFC_6052) {
    t.match(
      compileAddressParser([prefix])(address),
      { family: 4, text: '192.0.2.33', carrier: 'nat64' },
      prefix,
    )
    t.match(parseAddress(address), { family: 6 }, 'without the prefix it is an IPv6 address')
  }
})

t.test('of prefixes within one another the longest counts', async (t) => {
  const all = compileAddressParser(RFC_6052.map(([prefix]) => prefix))
  for (const [, address] of RFC_6052.slice(1)) {
    // 2001:db8:122:344::/64 and its /96 share their bits: only the /96 can be meant where both do.
    if (address.startsWith('2001:db8:122:344:c0')) continue
    t.match(all(address), { text: '192.0.2.33' }, address)
  }
  t.match(all('2001:db9::1'), { family: 6 })
})

t.test('no IPv4 address survives the cut to /48, whatever stands in the rest of the address', async (t) => {
  const octets = new Map([
    [32, [4, 5, 6, 7]],
    [40, [5, 6, 7, 9]],
    [48, [6, 7, 9, 10]],
    [56, [7, 9, 10, 11]],
    [64, [9, 10, 11, 12]],
    [96, [12, 13, 14, 15]],
  ])
  fc.assert(
    fc.property(
      fc.constantFrom(...octets.keys()),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      (bits, noise, v4) => {
        const prefix = new Uint8Array(16)
        prefix.set([0x20, 0x01, 0x0d, 0xb8, ...noise.slice(4, bits / 8)])
        prefix[8] = 0
        const address = new Uint8Array(noise)
        address.set(prefix.slice(0, bits / 8))
        for (const [i, at] of (octets.get(bits) ?? []).entries()) address[at] = v4[i] ?? 0
        const text = (bytes: Uint8Array): string =>
          Buffer.from(bytes)
            .toString('hex')
            .replace(/(.{4})(?=.)/g, '$1:')
        const found = compileAddressParser([`${text(prefix)}/${bits}`])(text(address))
        return (
          found?.family === 4 && found.text === v4.join('.') && !truncateAddress(found, 24, 48).includes(':')
        )
      },
    ),
    { seed: 6052 },
  )
  t.pass('held in every run')
})

t.test(
  'a peer and a hop within a prefix are read as their IPv4 address, and never trusted as a proxy',
  async (t) => {
    const read = compileTrustedProxies(['10.0.0.0/8'], compileAddressParser(['2001:db8:64::/96']))
    const client = (peer: string, hop: string) => read(peer, ['X-Forwarded-For', hop])
    t.match(client('10.0.0.1', '2001:db8:64::203.0.113.77'), { text: '203.0.113.77', carrier: 'nat64' })
    t.match(client('2001:db8:64::10.0.0.1', '203.0.113.77'), { text: '10.0.0.1', unroutable: true })
  },
)

t.test('what is no prefix of RFC 6052 refuses to boot, and is not quoted', async (t) => {
  for (const wrong of [
    '',
    '2001:db8::',
    '2001:db8::/33',
    '2001:db8::/128',
    '2001:db8::/032',
    '2001:db8::/32/32',
    '10.0.0.0/32',
    '2001:db8::1/32',
    '2001:db8:0:0:ff00::/96',
    '::ffff:0:0/96',
    '2002:cb00:714d::/48',
    '2001::/32',
    'fe80::%eth0/64',
  ]) {
    t.throws(() => compileAddressParser(['2001:db8:64::/96', wrong]), {
      code: 'ERR_CONFIG_INVALID',
      message: /^NAT64 prefix 2: (?!.*(?:10\.0\.0\.0|2002:|eth0))/,
    })
  }
  t.throws(() => compileAddressParser(Array.from({ length: 65 }, () => '2001:db8::/32')), {
    code: 'ERR_CONFIG_INVALID',
  })
  t.match(compileAddressParser(['64:ff9b:1:2::/96'])('64:ff9b:1:2::203.0.113.77'), { text: '203.0.113.77' })
})

t.test('True-Client-IP, CF-Connecting-IP, X-Real-IP and Forwarded are never read', async (t) => {
  const read = compileTrustedProxies(['10.0.0.0/8'])
  for (const name of ['True-Client-IP', 'CF-Connecting-IP', 'X-Real-IP', 'Forwarded', 'X-Client-IP']) {
    t.match(read('10.0.0.1', [name, '198.51.100.1']), { text: '10.0.0.1' }, name)
    t.match(read('10.0.0.1', [name, '198.51.100.1', 'X-Forwarded-For', '203.0.113.77']), {
      text: '203.0.113.77',
    })
  }
})
