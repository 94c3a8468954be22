import t from 'tap'
import { NETWORK, SIGNED } from './testing/crowds.js'
import { mayAdd, passes } from './thresholds.js'
import type { CountedNode, Sum, Thresholds } from './types.js'

/** Just inside every threshold of a signed site. */
const node: CountedNode = {
  dims: ['/a'],
  users: 20,
  events: 40,
  tenants: 4,
  networks: 0,
  largestTenantUsers: 10,
  largestTenantEvents: 20,
  largestPersonEvents: 10,
}

t.test('a group that just meets every threshold of a signed site is a block with its events', async (t) => {
  t.ok(passes(node, SIGNED))
  t.ok(mayAdd(node, 'events', SIGNED))
})

for (const [rule, change] of [
  ['its people without the largest tenant are fewer than min_users', { users: 19, largestTenantUsers: 10 }],
  ['its tenants without the largest are fewer than min_tenants', { tenants: 3 }],
  ['one tenant has more than max_share of its people', { users: 21, largestTenantUsers: 11 }],
  ['one tenant has more than max_share of its events', { largestTenantEvents: 21 }],
  ['it has fewer than min_users people', { users: 9, largestTenantUsers: 0 }],
] satisfies [string, Partial<CountedNode>][]) {
  t.test(`a group is no block on a signed site when ${rule}`, async (t) => {
    t.notOk(passes({ ...node, ...change }, SIGNED))
  })
}

t.test('a group of less than a step is no block: nothing could be said of it', async (t) => {
  t.ok(passes(node, { ...SIGNED, step: 20 }))
  t.notOk(passes(node, { ...SIGNED, step: 21 }))
  const group = { ...node, users: 14, networks: 9 }
  t.ok(passes(group, { ...NETWORK, step: 14 }))
  t.notOk(passes(group, { ...NETWORK, step: 15 }))
})

t.test('a person with more than max_person_share of the events leaves people only', async (t) => {
  const dominated = { ...node, largestPersonEvents: 11 }
  t.ok(passes(dominated, SIGNED))
  t.notOk(mayAdd(dominated, 'events', SIGNED))
})

t.test('a network site counts networks and knows no tenants', async (t) => {
  const group = { ...node, users: 10, tenants: 0, networks: 5, largestTenantUsers: 0, largestTenantEvents: 0 }
  t.ok(passes(group, NETWORK))
  t.ok(mayAdd(group, 'events', NETWORK))
  t.notOk(passes({ ...group, networks: 4 }, NETWORK))
  t.notOk(passes({ ...group, users: 9 }, NETWORK))
  t.ok(mayAdd({ ...group, largestTenantEvents: 40 }, 'events', NETWORK), 'nor who has most of what')
})

t.test('visits and seconds add up where enough people have some, and none of them most', async (t) => {
  const sum: Sum = { total: 40, people: 10, largestTenant: 20, largestPerson: 10 }
  for (const measure of ['visits', 'time_s'] as const) {
    const adds = (change: Partial<Sum>) =>
      mayAdd({ ...node, [measure]: { ...sum, ...change } }, measure, SIGNED)
    t.ok(adds({}))
    t.notOk(adds({ people: 9 }), 'nine people have all of it')
    t.notOk(adds({ largestPerson: 11 }), 'one person has more than a quarter')
    t.notOk(adds({ largestTenant: 21 }), 'one tenant has more than half')
    t.notOk(mayAdd(node, measure, SIGNED), 'what was not counted is not said')
    const onNetwork = { ...node, [measure]: { ...sum, largestTenant: 40 } }
    t.ok(mayAdd(onNetwork, measure, NETWORK))
  }
})

t.test('a share is met exactly, also where its binary fraction is not', async (t) => {
  const exact = { ...node, users: 100, largestTenantUsers: 29, events: 100, largestTenantEvents: 29 }
  // 0.29 * 100 is 28.999999999999996 in binary
  t.ok(passes(exact, { ...SIGNED, maxShare: 0.29 }))
  t.notOk(passes({ ...exact, largestTenantUsers: 30 }, { ...SIGNED, maxShare: 0.29 }))
})

t.test('a threshold that is no number lets nothing pass', async (t) => {
  const group = { ...node, networks: 9 }
  for (const limit of ['minUsers', 'step', 'minTenants', 'maxShare'] satisfies (keyof Thresholds)[])
    t.notOk(passes(group, { ...SIGNED, [limit]: Number.NaN }), limit)
  for (const limit of ['step', 'minNetworks'] satisfies (keyof Thresholds)[])
    t.notOk(passes(group, { ...NETWORK, [limit]: Number.NaN }), limit)
  for (const limit of ['minUsers', 'maxPersonShare'] satisfies (keyof Thresholds)[])
    t.notOk(mayAdd(group, 'events', { ...NETWORK, [limit]: Number.NaN }), limit)
})
