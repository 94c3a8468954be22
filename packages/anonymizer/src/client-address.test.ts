import fc from 'fast-check'
import t from 'tap'
import { type ClientAddressReader, compileTrustedProxies } from './client-address.js'
import { identityAddress } from './ip.js'

const read = compileTrustedProxies(['10.0.0.0/8', '2001:db8:ffff::/48', '192.0.2.7'])

/** The client as text; null where the field is dropped. */
function client(reader: ClientAddressReader, peer: string, ...lines: string[]): string | null {
  const found = reader(
    peer,
    lines.flatMap((line) => ['X-Forwarded-For', line]),
  )
  return found === null ? null : identityAddress(found)
}

t.test('without trusted proxies the peer is the client, whatever the header says', async (t) => {
  const none = compileTrustedProxies([])
  t.equal(client(none, '10.0.0.1', '203.0.113.77'), '10.0.0.1')
  t.equal(client(none, '::ffff:203.0.113.9', '198.51.100.1'), '203.0.113.9')
})

t.test('a peer that is not trusted cannot name another address', async (t) => {
  t.equal(client(read, '203.0.113.9', '198.51.100.1'), '203.0.113.9')
  t.equal(client(read, '192.0.2.8', '198.51.100.1'), '192.0.2.8', 'an entry without bits is one address')
})

t.test('behind trusted proxies the rightmost address that is none of them is the client', async (t) => {
  t.equal(client(read, '10.0.0.1', '203.0.113.77'), '203.0.113.77')
  t.equal(client(read, '10.0.0.1', '1.1.1.1, 203.0.113.77'), '203.0.113.77')
  t.equal(client(read, '10.0.0.1', '1.1.1.1 ,\t203.0.113.77 , 10.2.3.4,192.0.2.7'), '203.0.113.77')
  t.equal(client(read, '2001:db8:ffff::1', '2001:db8:1:2::3'), '2001:db8:1:2::/64')
  t.equal(client(read, '::ffff:10.0.0.1', '203.0.113.77'), '203.0.113.77', 'a dual-stack socket')
})

t.test('several header lines count as one list in their order', async (t) => {
  t.equal(client(read, '10.0.0.1', '1.1.1.1', '203.0.113.77, 10.0.0.2', '10.0.0.3'), '203.0.113.77')
  const mixed = ['x-forwarded-FOR', '203.0.113.77', 'Host', 'erp', 'X-FORWARDED-FOR', '10.0.0.3']
  const found = read('10.0.0.1', mixed)
  t.equal(found === null ? null : identityAddress(found), '203.0.113.77')
})

t.test('other headers that name a client are not read', async (t) => {
  const found = read('10.0.0.1', [
    'X-Real-IP',
    '1.1.1.1',
    'True-Client-IP',
    '1.1.1.1',
    'CF-Connecting-IP',
    '1.1.1.1',
  ])
  t.equal(found === null ? null : identityAddress(found), '10.0.0.1')
})

t.test('where every hop is trusted the leftmost is the client', async (t) => {
  t.equal(client(read, '10.0.0.1', '10.0.0.9, 10.0.0.3'), '10.0.0.9')
  t.equal(client(read, '10.0.0.1'), '10.0.0.1')
})

t.test('a hop that is no address drops the field', async (t) => {
  for (const hop of [
    'unknown',
    '_hidden',
    '203.0.113.77:8080',
    '[2001:db8::1]',
    'fe80::1%eth0',
    '',
    ' ',
    '010.0.0.1',
  ]) {
    t.equal(client(read, '10.0.0.1', `203.0.113.77, ${hop}`), null, JSON.stringify(hop))
  }
  t.equal(
    client(read, '10.0.0.1', 'garbage, 203.0.113.77'),
    '203.0.113.77',
    'left of the client nobody looks',
  )
  t.equal(client(read, 'not an address', '203.0.113.77'), null)
})

t.test('a tunnelled address is never taken for one of our proxies', async (t) => {
  t.equal(client(read, '10.0.0.1', '1.1.1.1, 2001:db8:1:2:0:5efe:10.0.0.1'), '2001:db8:1:2::/64')
  t.equal(client(read, '2001:db8:1:2:0:5efe:10.0.0.1', '1.1.1.1'), '2001:db8:1:2::/64')
  t.equal(client(read, '2002:a00:1::1', '1.1.1.1'), '10.0.0.1')
})

t.test('a chain of more than 20 trusted hops drops the field', async (t) => {
  const hops = (count: number) => Array.from({ length: count }, () => '10.0.0.2').join(', ')
  t.equal(client(read, '10.0.0.1', `203.0.113.77, ${hops(19)}`), '203.0.113.77')
  t.equal(client(read, '10.0.0.1', `203.0.113.77, ${hops(20)}`), null)
  t.equal(client(read, '10.0.0.1', ...Array.from({ length: 21 }, () => '10.0.0.2')), null)
})

t.test('whatever a client writes into the header, the address its proxy saw is the answer', async (t) => {
  const octet = fc.integer({ min: 0, max: 255 })
  const seen = fc.tuple(fc.integer({ min: 11, max: 99 }), octet, octet, octet).map((parts) => parts.join('.'))
  const forged = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc
      .array(fc.constantFrom('10.0.0.1', '1.1.1.1', '::1', 'x', ''), { maxLength: 20 })
      .map((hops) => hops.join(',')),
  )
  fc.assert(
    fc.property(forged, seen, fc.boolean(), (lie, truth, onOneLine) => {
      const lines = onOneLine ? [`${lie}, ${truth}`] : [lie, truth]
      return client(read, '10.0.0.1', ...lines) === truth
    }),
  )
  t.pass('held in every run')
})

t.test('a network that trusts everybody, or is none, refuses to boot without quoting it', async (t) => {
  const refused = [
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    '2001:db8::/129',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0/8',
    'true',
    '',
    '::ffff:10.0.0.0/104',
    '::ffff:10.0.0.0/24',
    '2002:a00:1::/32',
    '2002:a00:1::/48',
  ]
  for (const cidr of refused) {
    t.throws(() => compileTrustedProxies(['10.0.0.0/8', cidr]), {
      code: 'ERR_CONFIG_INVALID',
      message: /^Trusted proxy 2:/,
    })
  }
})

t.test('the last bit of a network decides', async (t) => {
  const narrow = compileTrustedProxies(['198.51.100.128/25', '2001:db8:0:8000::/49'])
  t.equal(client(narrow, '198.51.100.128', '203.0.113.77'), '203.0.113.77')
  t.equal(client(narrow, '198.51.100.127', '203.0.113.77'), '198.51.100.127')
  t.equal(client(narrow, '2001:db8:0:ffff::1', '203.0.113.77'), '203.0.113.77')
  t.equal(client(narrow, '2001:db8:0:7fff::1', '203.0.113.77'), '2001:db8:0:7fff::/64')
})
