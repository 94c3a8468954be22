import { BlockList, isIPv6 } from 'node:net'
import { DAY, tokenClaims } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { samplePeople, tenantSizes } from './people.js'

const start = Date.UTC(2026, 9, 17)
const population = {
  seed: 1,
  tenants: 40,
  users: 2_000,
  start,
  days: 30,
  origin: 'https://erp.example.in',
  policy: '2026-11-01',
}
const people = samplePeople(population)

const documentation = new BlockList()
documentation.addSubnet('198.18.0.0', 15)
documentation.addSubnet('192.0.2.0', 24)
documentation.addSubnet('198.51.100.0', 24)
documentation.addSubnet('203.0.113.0', 24)
documentation.addSubnet('2001:db8::', 32, 'ipv6')
const isDocumentation = (ip: string) => documentation.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4')

t.test('tenants share out all people, the largest first, nobody empty', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(5_000), (tenants, more) => {
      const sizes = tenantSizes(tenants, tenants + more)
      return (
        sizes.length === tenants &&
        sizes.reduce((sum, size) => sum + size, 0) === tenants + more &&
        sizes.every((size, rank) => size >= 1 && (rank === 0 || size <= (sizes[rank - 1] ?? 0) + 1))
      )
    }),
  )
  t.pass('held in every run')
})

t.test('there is one whale, many small tenants, a few trials and the vendor itself', async (t) => {
  const sizes = tenantSizes(40, 2_000)
  const whale = (sizes[0] ?? 0) / 2_000
  t.ok(whale > 0.25 && whale < 0.45, `the whale holds ${whale}`)
  t.ok(sizes.filter((size) => size < 15).length >= 15)
  const standing = (name: string) =>
    new Set(people.filter(({ claims }) => claims.standing === name).map(({ claims }) => claims.tenant)).size
  t.same([standing('established'), standing('trial'), standing('internal')], [36, 3, 1])
})

t.test('every person has claims as the contract says, and a subject of its own', async (t) => {
  t.equal(people.length, 2_000)
  t.equal(new Set(people.map(({ claims }) => claims.sub)).size, 2_000)
  for (const { claims } of people) {
    if (!tokenClaims.safeParse(claims).success) t.fail('claims are not what the contract says')
  }
})

t.test('most people consent; some deny, object by signal, hold an old policy or are not adult', async (t) => {
  const share = (test: (person: (typeof people)[number]) => boolean) =>
    people.filter(test).length / people.length
  const denied = share(({ claims }) => claims.consent?.analytics === 'denied')
  t.ok(denied > 0.055 && denied < 0.105, `${denied} denied`)
  const signal = (name: string) => share(({ desk }) => desk.headers[name] === '1')
  for (const few of [
    signal('sec-gpc'),
    signal('dnt'),
    share(({ claims }) => claims.consent?.policy !== '2026-11-01'),
    share(({ claims }) => claims.adult === false),
  ]) {
    t.ok(few > 0 && few < 0.03, `${few} is few`)
  }
})

t.test('nobody consents after the first visit, or longer ago than a consent holds', async (t) => {
  for (const { claims, joins } of people) {
    const at = Date.parse(claims.consent?.at ?? '')
    if (!(at <= start + joins * DAY && at > start - 100 * DAY)) t.fail('consent is out of its time')
  }
  t.pass('every consent is in its time')
})

t.test('most people stay; of the new ones a third give up, and never before they came', async (t) => {
  const share = (of: typeof people) => of.filter(({ leaves }) => leaves < 30).length / of.length
  const [fresh, known] = [people.filter(({ joins }) => joins > 0), people.filter(({ joins }) => joins === 0)]
  t.ok(share(known) > 0.03 && share(known) < 0.12, `${share(known)} of the known`)
  t.ok(share(fresh) > 0.15 && share(fresh) < 0.4, `${share(fresh)} of the new`)
  t.ok(people.every(({ joins, leaves }) => leaves > joins + 1))
})

t.test('no address is of a real or private network', async (t) => {
  const addresses = people.flatMap(({ office, home, roaming }) => [office, home, roaming])
  t.ok(addresses.every(isDocumentation))
  t.ok(addresses.some(isIPv6))
  t.notOk(isDocumentation('198.17.255.255') || isDocumentation('10.0.0.1') || isDocumentation('2001:db9::1'))
})
