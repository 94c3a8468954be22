import t from 'tap'
import { passes } from './thresholds.js'
import type { CountedNode, Thresholds } from './types.js'

const signed: Thresholds = {
  identity: 'signed',
  minUsers: 10,
  minTenants: 3,
  minNetworks: 5,
  maxShare: 0.5,
  maxPersonShare: 0.25,
}

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
  t.same(passes(node, signed), { block: true, events: true })
})

for (const [rule, change] of [
  ['its people without the largest tenant are fewer than min_users', { users: 19, largestTenantUsers: 10 }],
  ['its tenants without the largest are fewer than min_tenants', { tenants: 3 }],
  ['one tenant has more than max_share of its people', { users: 21, largestTenantUsers: 11 }],
  ['one tenant has more than max_share of its events', { largestTenantEvents: 21 }],
  ['it has fewer than min_users people', { users: 9, largestTenantUsers: 0 }],
] satisfies [string, Partial<CountedNode>][]) {
  t.test(`a group is no block on a signed site when ${rule}`, async (t) => {
    t.same(passes({ ...node, ...change }, signed), { block: false, events: false })
  })
}

t.test('a person with more than max_person_share of the events leaves people only', async (t) => {
  t.same(passes({ ...node, largestPersonEvents: 11 }, signed), { block: true, events: false })
})

t.test('a network site counts networks and knows no tenants', async (t) => {
  const network: Thresholds = { ...signed, identity: 'network' }
  const group = { ...node, users: 10, tenants: 0, networks: 5, largestTenantUsers: 0, largestTenantEvents: 0 }
  t.same(passes(group, network), { block: true, events: true })
  t.same(passes({ ...group, networks: 4 }, network), { block: false, events: false })
  t.same(passes({ ...group, users: 9 }, network), { block: false, events: false })
})

t.test('a share is met exactly, also where its binary fraction is not', async (t) => {
  const exact = { ...node, users: 100, largestTenantUsers: 29, events: 100, largestTenantEvents: 29 }
  // 0.29 * 100 is 28.999999999999996 in binary
  t.ok(passes(exact, { ...signed, maxShare: 0.29 }).block)
  t.notOk(passes({ ...exact, largestTenantUsers: 30 }, { ...signed, maxShare: 0.29 }).block)
})

t.test('a threshold that is no number lets nothing pass', async (t) => {
  t.notOk(passes(node, { ...signed, minUsers: Number.NaN }).block)
  t.notOk(passes(node, { ...signed, maxShare: Number.NaN }).block)
  t.notOk(passes(node, { ...signed, maxPersonShare: Number.NaN }).events)
})
