import { shippedRulebook } from '@tacit/rulebook/testing'
import fc from 'fast-check'
import t from 'tap'
import { LivePeople } from './live-people.js'

const release = { ...shippedRulebook('erp').release, minNetworks: 5 }
const DAY = '2026-11-02'

interface Person {
  readonly tenant?: string
  readonly person: string
  readonly epoch?: string
  readonly site?: string
  readonly standing?: string
  readonly network?: string
}

function rows(people: readonly Person[]): Buffer {
  const lines = people.map(
    ({ epoch = DAY, network = '', person, site = 'erp', standing = 'established', tenant = '' }, at) =>
      JSON.stringify([
        'p',
        1,
        at,
        0,
        epoch,
        0,
        site,
        'page_view',
        standing,
        tenant,
        person,
        network,
        'e',
        '/é',
        '',
      ]),
  )
  return Buffer.from(`${lines.join('\n')}\n`)
}

/** People of so many in each tenant. */
function crowd(sizes: readonly number[], others: Partial<Person> = {}): Person[] {
  return sizes.flatMap((size, tenant) =>
    Array.from({ length: size }, (_none, at) => ({
      tenant: `t${String(tenant)}`,
      person: `t${String(tenant)}-p${String(at)}`,
      ...others,
    })),
  )
}

const SIGNED = { id: 'erp', identity: 'signed' } as const
const NETWORK = { id: 'web', identity: 'network' } as const

function floored(people: readonly Person[], site: typeof SIGNED | typeof NETWORK = SIGNED): number | null {
  const counted = new LivePeople([SIGNED, NETWORK])
  counted.add(rows(people))
  return counted.floored(site.id, release)
}

t.test('people are floored to the step, and below it there is no number', async (t) => {
  t.match(release, { minUsers: 10, minTenants: 3, minNetworks: 5, maxShare: 0.5 })
  t.equal(floored(crowd([10, 10, 10, 9])), 30)
  t.equal(floored(crowd([10, 10, 10, 10])), 40)
  t.equal(floored([]), null)
  t.equal(floored(crowd([3, 2, 2, 2])), null)
})

t.test('the thresholds of a release hold, also without the largest tenant', async (t) => {
  t.equal(floored(crowd([10, 4, 3, 3])), 20)
  t.equal(floored(crowd([10, 4, 3, 2])), null, 'nine people without the largest tenant')
  t.equal(floored(crowd([10, 6, 5])), null, 'two tenants without the largest')
  t.equal(floored(crowd([21, 10, 5, 5])), null, 'one tenant has more than half')
  t.equal(floored(crowd([20, 10, 5, 5])), 40)
})

t.test('people of trials, of the vendor and of other sites are not counted', async (t) => {
  const people = crowd([10, 10, 10, 9])
  const others = [
    ...crowd([50, 50, 50, 50], { standing: 'trial' }),
    ...crowd([50, 50, 50, 50], { standing: 'internal' }),
    ...crowd([50, 50, 50, 50], { site: 'docs' }),
  ]
  t.equal(floored([...people, ...others.map((one) => ({ ...one, person: `x${one.person}` }))]), 30)
  t.equal(new LivePeople([SIGNED]).floored('web', release), null, 'a site that nobody asked for has none')
})

t.test('a site of networks counts devices of enough networks, whatever tenant they name', async (t) => {
  const devices = (networks: number, count: number): Person[] =>
    Array.from({ length: count }, (_none, at) => ({
      person: `d${String(at)}`,
      site: 'web',
      standing: '',
      network: `n${String(at % networks)}`,
    }))
  t.equal(floored(devices(5, 25), NETWORK), 20)
  t.equal(floored(devices(4, 25), NETWORK), null)
  t.equal(
    floored(
      devices(5, 25).map((one) => ({ ...one, network: '' })),
      NETWORK,
    ),
    null,
  )
})

t.test('a row more of somebody changes nothing', async (t) => {
  const people = crowd([10, 10, 10, 9])
  t.equal(floored([...people, ...people, ...people]), 30)
})

t.test('of two epochs the larger crowd is told, never the sum of both', async (t) => {
  const before = crowd([10, 10, 10, 4], { epoch: '2026-11-01' })
  // the same people, under the pseudonyms of the new day
  const after = crowd([10, 10, 10, 10, 10]).map((one) => ({
    ...one,
    person: `new-${one.person}`,
    tenant: `new-${one.tenant}`,
  }))
  t.equal(floored([...before, ...after]), 50)
  t.equal(floored([...after, ...before]), 50)
  t.equal(floored(before), 30)
})

t.test('what is no row, and more people than are counted, is said', async (t) => {
  t.notOk(new LivePeople([SIGNED]).add(Buffer.from('["p",1]\n')))
  t.notOk(new LivePeople([SIGNED]).add(Buffer.from('{}\n')))
  t.notOk(new LivePeople([SIGNED]).add(Buffer.from('["p"\n')))
  t.ok(new LivePeople([SIGNED], 40).add(rows(crowd([10, 10, 10, 10]))))
  t.notOk(new LivePeople([SIGNED], 39).add(rows(crowd([10, 10, 10, 10]))))
})

t.test('nothing but whole steps comes out, never more than there were', async (t) => {
  const sizes = fc.array(fc.integer({ min: 0, max: 25 }), { maxLength: 8 })
  fc.assert(
    fc.property(sizes, sizes, fc.integer({ min: 10, max: 40 }), (today, yesterday, step) => {
      const counted = new LivePeople([SIGNED])
      counted.add(rows(crowd(today)))
      counted.add(rows(crowd(yesterday, { epoch: '2026-11-01' })))
      const users = counted.floored('erp', { ...release, step })
      const sum = (all: readonly number[]): number => all.reduce((total, size) => total + size, 0)
      return (
        users === null || (users % step === 0 && users > 0 && users <= Math.max(sum(today), sum(yesterday)))
      )
    }),
    { numRuns: 300 },
  )
  t.pass('held in every run')
})
