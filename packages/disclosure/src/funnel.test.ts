import t from 'tap'
import type { TreeNoise } from './cells.js'
import { type FunnelStep, funnelDrafts } from './funnel.js'
import { NETWORK, nodeOf, SIGNED } from './testing/crowds.js'
import type { CountedNode } from './types.js'

function step(
  label: string,
  users: number,
  change: Partial<CountedNode> = {},
  sensitive = false,
): FunnelStep {
  return { label, node: nodeOf([label], users, change), sensitive }
}

const cellsOf = (steps: readonly FunnelStep[], noise?: TreeNoise) =>
  funnelDrafts(steps, NETWORK, noise).map(({ cell }) => cell)

t.test('each step tells floored people, in the order of the steps', async (t) => {
  t.same(cellsOf([step('page:/new', 58), step('event:save', 40), step('event:send', 13)]), [
    { dims: ['page:/new'], users: 50, floor: 10, events: null },
    { dims: ['event:save'], users: 40, floor: 10, events: null },
    { dims: ['event:send'], users: 10, floor: 10, events: null },
  ])
})

t.test('with a step that fails, all after it are unsaid', async (t) => {
  const shown = (...steps: FunnelStep[]) => cellsOf(steps).map(({ dims: [label] }) => label)
  t.same(shown(step('a', 58), step('b', 9), step('c', 5)), ['a'])
  t.same(shown(step('a', 58), step('b', 30, { networks: 4 }), step('c', 20)), ['a'])
  t.same(shown(step('a', 9), step('b', 9)), [])
  const signed = { tenants: 6, largestTenantUsers: 11, largestTenantEvents: 20 }
  const drafts = funnelDrafts([step('a', 40, signed), step('b', 20, signed)], SIGNED)
  t.same(
    drafts.map(({ cell: { dims } }) => dims),
    [['a']],
    'more than half of the second are of one tenant',
  )
})

t.test('that everybody went on to a sensitive step is not said, nor what came after', async (t) => {
  const labels = (users: number, sensitive: boolean) =>
    cellsOf([step('a', 40), step('b', users, {}, sensitive), step('c', 20)]).map(({ dims: [label] }) => label)
  t.same(labels(40, true), ['a'])
  t.same(labels(39, true), ['a', 'b', 'c'])
  t.same(labels(40, false), ['a', 'b', 'c'])
})

t.test('noise never lets more people do a step than did the one before', async (t) => {
  const offsets: Record<string, number> = { a: -12, b: 15, c: 0 }
  const noise: TreeNoise = {
    tau: 10,
    error: { users: 3.2, events: 0 },
    draw: (_hour, [label = '']) => ({ users: offsets[label] ?? 0 }),
  }
  t.same(cellsOf([step('a', 58), step('b', 50), step('c', 25)], noise), [
    { dims: ['a'], users: 40, floor: 10, events: null, users_error: 4 },
    { dims: ['b'], users: 40, floor: 10, events: null, users_error: 4 },
    { dims: ['c'], users: 20, floor: 10, events: null, users_error: 4 },
  ])
  const strict = { ...noise, tau: 50 }
  t.same(cellsOf([step('a', 58), step('b', 50)], strict), [], 'fewer noised people than tau are nowhere')
})
